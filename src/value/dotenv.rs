//! The grammar of environment files (`.env`): `NAME=VALUE` lines, as far as shells and dotenv libraries read them alike.
//! What they read differently is a problem, with a remedy.

use crate::text::is_invisible;

/// The ASCII characters of a value without quotes, beside letters and digits. `&`, `|`, `(` and `)` are among them because
/// a shell that does not take them for text assigns nothing.
const PLAIN: &str = "!%&()*+,-./:=?@[]^_{|}~";

/// A name and its value.
pub(super) struct Assignment<'a> {
    pub(super) name: &'a str,
    /// Of the name.
    pub(super) place: Place,
    /// May be empty.
    pub(super) value: Result<&'a str, Problem>,
}

/// Both count from 1, columns in characters.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Something that is refused. Never holds text of the file.
pub(super) struct Problem {
    pub(super) place: Place,
    /// The reason, a semicolon and the remedy.
    pub(super) text: String,
}

/// The assignments and problems of a text, in order. After a problem the rest of its line, or of its quoted value, is
/// skipped, so that it is reported once.
pub(super) struct Parser<'a> {
    rest: &'a str,
    /// Of the first character of `rest`.
    place: Place,
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Assignment<'a>, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            self.skip_blanks();
            let line = self.line();
            let item = if line.is_empty() {
                None
            } else if line.starts_with('#') {
                self.comment().err().map(Err)
            } else {
                Some(self.assignment())
            };
            self.skip_line();
            if item.is_some() {
                return item;
            }
        }
        None
    }
}

impl<'a> Parser<'a> {
    /// `text` is without a byte order mark.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            place: Place { line: 1, column: 1 },
        }
    }

    fn comment(&mut self) -> Result<(), Problem> {
        let Some(at) = self.line().find(['\r', '\0']) else {
            return Ok(());
        };
        self.take(at);
        Err(match self.rest.starts_with('\0') {
            true => self.problem(NUL),
            false => self.problem(LONE_CR),
        })
    }

    fn assignment(&mut self) -> Result<Assignment<'a>, Problem> {
        let is_exported = self.line().starts_with("export ");
        if is_exported {
            self.take("export ".len());
            self.skip_blanks();
        }
        let place = self.place;
        let line = self.line();
        let is_other = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let length = match line.bytes().next() {
            Some(b'0'..=b'9') => 0,
            _ => line.find(is_other).unwrap_or(line.len()),
        };
        let name = self.take(length);
        if name.is_empty() || !self.rest.starts_with('=') {
            let problem = self.bad_name(line, place);
            if let Some(at) = self.line().find('=') {
                self.take(at + 1);
                self.skip_value();
            }
            return Err(problem);
        }
        self.take(1);
        let value = self.value(is_exported);
        Ok(Assignment { name, place, value })
    }

    fn bad_name(&self, line: &str, start: Place) -> Problem {
        if !line.as_bytes().contains(&b'=') {
            let text = "a line without '='; write NAME=VALUE, put a value of several lines in single quotes, and start a comment with '#'";
            return Problem {
                place: start,
                text: text.to_owned(),
            };
        }
        self.problem(if self.rest.starts_with('=') {
            "no name before '='; write NAME=VALUE"
        } else if self.rest.starts_with(is_blank) {
            "a blank before '='; write NAME=VALUE without blanks"
        } else {
            "a name has only ASCII letters, digits and underscores, and starts with no digit; rename it, or import it from JSON"
        })
    }

    fn value(&mut self, is_exported: bool) -> Result<&'a str, Problem> {
        let line = self.line();
        if line.starts_with(['\'', '"']) {
            return self.quoted();
        }
        if line.starts_with(is_blank) {
            let problem = self.problem(
                "a blank after '='; remove it, or put the value in quotes if it belongs to it",
            );
            self.skip_value();
            return Err(problem);
        }
        let mut previous = ':';
        let is_expanded = is_exported && has_brace_expansion(line);
        let found = line.char_indices().find(|(_, c)| {
            let is_refused = match c {
                // After a colon, or at the start, a shell puts a home directory.
                '~' => previous == ':',
                // What precedes it is a command of its own, which assigns.
                '&' | '|' => previous == *c,
                '{' => is_expanded,
                c if c.is_ascii() => {
                    !c.is_ascii_alphanumeric() && !PLAIN.chars().any(|plain| plain == *c)
                }
                // JavaScript trims any white space.
                c => c.is_whitespace() || is_invisible(*c),
            };
            previous = *c;
            is_refused
        });
        let Some((at, character)) = found else {
            return Ok(self.take(line.len()));
        };
        self.take(at);
        Err(self.unquoted(line, character))
    }

    /// The problem of a value without quotes, `line`, at this character of it.
    fn unquoted(&self, line: &str, character: char) -> Problem {
        let rest = self.line().trim_start_matches(is_blank);
        let what = match character {
            ' ' | '\t' if rest.is_empty() => {
                return self.problem(
                    "a blank at the end; remove it, or put the value in quotes if it belongs to it",
                );
            }
            ' ' | '\t' if rest.starts_with('#') => return self.problem(COMMENT),
            '\r' => return self.problem(LONE_CR),
            '\0' => return self.problem(NUL),
            ' ' | '\t' => "a blank",
            '\'' => "a single quote",
            '"' => "a double quote",
            '&' => "'&&'",
            '|' => "'||'",
            c if c.is_ascii_graphic() => &["'", c.encode_utf8(&mut [0; 4]), "'"].concat(),
            _ => "a special character",
        };
        let comment = line.as_bytes().windows(2).position(|pair| pair == b" #");
        let value = line.get(..comment.unwrap_or(line.len()));
        let value = value.unwrap_or_default();
        self.problem(&[what, " in a value without quotes; ", quotes_for(value)].concat())
    }

    fn quoted(&mut self) -> Result<&'a str, Problem> {
        let opening = self.place;
        let line = self.line();
        let quote = match self.take(1) {
            "'" => '\'',
            _ => '"',
        };
        let text = self.rest;
        let mut problem = None;
        let is_special = |c: char| c == quote || matches!(c, '\r' | '\0' | '\\' | '$' | '`');
        while let Some(at) = self.rest.find(is_special) {
            self.take(at);
            if self.rest.starts_with(quote) {
                let length = text.len() - self.rest.len();
                let content = text.get(..length).unwrap_or_default();
                self.take(1);
                if let Some((place, what)) = problem {
                    let text = [what, inside_remedy(what, content)].concat();
                    return Err(Problem { place, text });
                }
                self.end_of_quoted(line)?;
                return Ok(content);
            }
            let place = self.place;
            let what = inside(quote, self.rest);
            problem = problem.or(what.map(|what| (place, what)));
            self.take(1);
            // A quote that is escaped closes nothing.
            if what == Some(BACKSLASH) && self.rest.starts_with(['"', '\\']) {
                self.take(1);
            }
        }
        self.take(self.rest.len());
        let what = "a quote that is not closed; close it, or if it belongs to the value, ";
        Err(Problem {
            place: opening,
            text: [what, quotes_for(line)].concat(),
        })
    }

    /// Checks what follows a closing quote; `line` is where the value starts, with its opening quote.
    fn end_of_quoted(&self, line: &str) -> Result<(), Problem> {
        let rest = self.line();
        let text = rest.trim_start_matches(is_blank);
        Err(if rest.is_empty() {
            return Ok(());
        } else if text.is_empty() {
            self.problem("a blank after the closing quote; remove it")
        } else if text.starts_with('\r') {
            self.problem(LONE_CR)
        } else if text.starts_with('#') {
            self.problem(COMMENT)
        } else {
            let what = "text after the closing quote; write one NAME=VALUE a line, or if the quote belongs to the value, ";
            self.problem(&[what, quotes_for(line)].concat())
        })
    }

    /// Moves past a value after a problem before it, because a quoted one may span lines.
    fn skip_value(&mut self) {
        self.skip_blanks();
        if self.rest.starts_with(['\'', '"']) {
            let _ = self.quoted();
        }
    }

    fn problem(&self, text: &str) -> Problem {
        Problem {
            place: self.place,
            text: text.to_owned(),
        }
    }

    /// The rest of this line, without its end.
    fn line(&self) -> &'a str {
        match self.rest.split_once('\n') {
            Some((line, _)) => line.strip_suffix('\r').unwrap_or(line),
            None => self.rest,
        }
    }

    fn skip_line(&mut self) {
        let end = self.rest.find('\n');
        self.take(end.map_or(self.rest.len(), |end| end + 1));
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest.find(|c| !is_blank(c));
        self.take(blanks.unwrap_or(self.rest.len()));
    }

    /// Moves past the next bytes and returns them.
    fn take(&mut self, length: usize) -> &'a str {
        let split = self.rest.split_at_checked(length);
        let (taken, rest) = split.unwrap_or((self.rest, ""));
        for byte in taken.bytes() {
            if byte == b'\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else if byte & 0xc0 != 0x80 {
                self.place.column += 1;
            }
        }
        self.rest = rest;
        taken
    }
}

const NUL: &str = "a NUL, which no environment variable can hold; store binary data as text, for example encoded with base64";
const LONE_CR: &str = "a carriage return that ends no line; end lines with LF or CRLF";
const COMMENT: &str = "a comment after a value; put it on a line of its own";
const CRLF: &str = "a line end with a carriage return inside quotes; ";
const BACKSLASH: &str = "a backslash in double quotes; ";

/// What is wrong with the character that `rest` starts with, inside of quotes.
fn inside(quote: char, rest: &str) -> Option<&'static str> {
    let mut characters = rest.chars();
    match (characters.next()?, characters.next()) {
        ('\r', Some('\n')) => Some(CRLF),
        ('\r', _) => Some(LONE_CR),
        ('\0', _) => Some(NUL),
        ('\\', _) if quote == '"' => Some(BACKSLASH),
        ('$', _) if quote == '"' => Some("'$' in double quotes; "),
        ('`', _) if quote == '"' => Some("'`' in double quotes; "),
        // Half of the libraries take it for an escape, and read on past the quote.
        ('\\', Some('\'')) => Some("a backslash before the closing quote; "),
        _ => None,
    }
}

fn inside_remedy(what: &str, content: &str) -> &'static str {
    match what {
        NUL | LONE_CR => "",
        CRLF => "save the file with LF line ends",
        BACKSLASH if !content.as_bytes().contains(&b'\'') => {
            "put the value in single quotes, where each escape is written as what it stands for"
        }
        _ => quotes_for(content),
    }
}

/// How a value can be written.
fn quotes_for(value: &str) -> &'static str {
    let has_any = |characters: &[char]| value.contains(characters);
    if !has_any(&['\'', '\r', '\0']) && !value.ends_with('\\') {
        "put the value in single quotes"
    } else if !has_any(&['"', '\\', '$', '`', '\r', '\0']) {
        "put the value in double quotes"
    } else {
        "no quotes fit this value: create it with 'oz secret create NAME -f FILE', or import it from JSON"
    }
}

/// Whether bash may expand braces: in the argument of `export`, but not in a plain assignment.
fn has_brace_expansion(value: &str) -> bool {
    let inner = value
        .split_once('{')
        .and_then(|(_, rest)| rest.rsplit_once('}'));
    inner.is_some_and(|(inner, _)| {
        let inner = inner.as_bytes();
        inner.contains(&b',') || inner.windows(2).any(|pair| pair == b"..")
    })
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

#[cfg(test)]
mod tests;
