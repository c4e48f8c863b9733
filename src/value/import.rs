//! Reads a file of many secrets. Every name and value is checked before anything is sent, and all problems are reported
//! together; no report holds a value, and of a JSON file only the names.

use super::dotenv::{Parser, Problem};
use super::source::{ENCODE, Io, limit_hint, read_stdin};
use crate::error::Error;
use crate::file;
use crate::json::{self, ParseError};
use crate::request::{FileOrStdin, ImportFormat};
use crate::secret::{SecretBytes, SecretName, VALUE};
use crate::text;

/// The longest file in bytes: [`MAX_SECRETS`] of more than 8,000 bytes each, of which a certificate with its chain takes
/// about half. It bounds the memory, of which a file takes about twice its size.
pub const MAX_FILE: usize = 8 * 1024 * 1024;

/// The most names in a file. Each is a request, so that more take minutes; people keep a few dozen in one file.
pub const MAX_SECRETS: usize = 1000;

/// How many problems are described; the rest are counted.
const MAX_PROBLEMS: usize = 20;

/// One secret of a file.
pub struct Entry {
    pub name: SecretName,
    /// Not empty.
    pub value: SecretBytes,
}

/// What a file holds, in its order.
pub struct ImportFile {
    pub entries: Vec<Entry>,
    /// The names without a value, which `--skip-empty` leaves out.
    pub empty: Vec<SecretName>,
}

/// Reads the file and checks every name and value.
///
/// # Errors
/// [`ErrorKind::Unreadable`] for the file; [`ErrorKind::InvalidData`] with all problems of what it holds.
pub fn read_import(
    file: &FileOrStdin,
    format: ImportFormat,
    skip_empty: bool,
    io: &mut Io<'_>,
) -> Result<ImportFile, Error> {
    let (subject, label, mut bytes) = read(file, io)?;
    if bytes.len() > MAX_FILE {
        let message = format!("{subject} is longer than {MAX_FILE} bytes");
        return Err(Error::invalid_data(message).hint("is this the right file? if so, split it"));
    }
    let bytes = bytes.expose_mut();
    if let Err(error) = str::from_utf8(bytes) {
        let offset = error.valid_up_to();
        let message = format!("{subject} is not UTF-8 at byte offset {offset}");
        return Err(Error::invalid_data(message).hint(ENCODE));
    }
    let start = match bytes.starts_with("\u{feff}".as_bytes()) {
        true => '\u{feff}'.len_utf8(),
        false => 0,
    };
    let text = bytes.get_mut(start..).unwrap_or_default();
    let looks_like_json = text.trim_ascii_start().starts_with(b"{");
    let mut checks = Checks {
        label: &label,
        skip_empty,
        import: ImportFile {
            entries: Vec::new(),
            empty: Vec::new(),
        },
        names: Vec::new(),
        problems: Vec::new(),
        count: 0,
    };
    match format {
        ImportFormat::Env => checks.env(str::from_utf8(text).unwrap_or_default()),
        ImportFormat::Json => checks.json(text),
    }
    let hint = match (format, looks_like_json) {
        (ImportFormat::Env, true) => Some("a JSON file is imported with --format json"),
        (ImportFormat::Json, false) => {
            Some("lines of NAME=VALUE are imported without --format json")
        }
        _ => None,
    };
    checks.result(&subject, hint)
}

/// The subject of a message, the first word of a line about a problem, and the content.
fn read(file: &FileOrStdin, io: &mut Io<'_>) -> Result<(String, String, SecretBytes), Error> {
    match file {
        FileOrStdin::Stdin if io.stdin_is_terminal => {
            Err(Error::unreadable("cannot read standard input")
                .cause("it is a terminal, which would show what is typed"))
        }
        FileOrStdin::Stdin => {
            let name = "standard input";
            let bytes = read_stdin(io.stdin, MAX_FILE)?;
            Ok((name.to_owned(), name.to_owned(), bytes))
        }
        FileOrStdin::Path(path) => {
            let label = text::safe(&path.to_string_lossy()).into_owned();
            let subject = ["'", &label, "'"].concat();
            match file::read_secret(path, MAX_FILE, io.timeout) {
                Ok(bytes) => Ok((subject, label, bytes)),
                Err(error) => {
                    let message = ["cannot read the file ", &subject].concat();
                    Err(Error::unreadable(message).system_cause(&error))
                }
            }
        }
    }
}

/// What was read so far.
struct Checks<'a> {
    /// The file, as the first word of a line about a problem.
    label: &'a str,
    skip_empty: bool,
    import: ImportFile,
    /// Every name with its line, if that is known, sorted by name.
    names: Vec<(&'a str, Option<usize>)>,
    /// The first [`MAX_PROBLEMS`].
    problems: Vec<String>,
    count: usize,
}

impl<'a> Checks<'a> {
    fn env(&mut self, text: &'a str) {
        for item in Parser::new(text) {
            match item {
                Err(problem) => self.problem_at(&problem),
                Ok(assignment) => {
                    let place = assignment.place;
                    let shown = format!(":{}:{}", place.line, place.column);
                    if !self.is_new(assignment.name, Some(place.line), &shown) {
                        continue;
                    }
                    if self.names.len() > MAX_SECRETS {
                        return self.too_many(&shown);
                    }
                    match assignment.value {
                        Ok(value) => self.add(assignment.name, value, &shown),
                        Err(problem) => self.problem_at(&problem),
                    }
                }
            }
        }
    }

    fn json(&mut self, text: &'a mut [u8]) {
        let root = match json::parse_with_duplicates(text) {
            Ok(root) => root,
            Err(ParseError::Syntax { line, column }) => {
                let shown = format!(":{line}:{column}");
                return self.problem(&shown, "not JSON from about here on");
            }
            Err(error) => return self.problem("", &error.to_string()),
        };
        let Some(members) = root.members() else {
            let text = [root.kind(), r#"; write an object, {"NAME": "value"}"#].concat();
            return self.problem("", &text);
        };
        for (name, value) in members {
            let shown = path(name);
            if !self.is_new(name, None, &shown) {
                continue;
            }
            if self.names.len() > MAX_SECRETS {
                return self.too_many(&shown);
            }
            match value.text() {
                Some(value) => self.add(name, value, &shown),
                None => {
                    let text = [value.kind(), "; write it as a string"].concat();
                    self.problem(&shown, &text);
                }
            }
        }
    }

    /// Whether a name is there for the first time.
    fn is_new(&mut self, name: &'a str, line: Option<usize>, shown: &str) -> bool {
        match self.names.binary_search_by(|(known, _)| (*known).cmp(name)) {
            Err(at) => {
                self.names.insert(at, (name, line));
                true
            }
            Ok(at) => {
                let text = match self.names.get(at) {
                    Some((_, Some(line))) => {
                        &format!("the name of line {line} again; keep one of them")
                    }
                    _ => "a name twice; keep one of them",
                };
                self.problem(shown, text);
                false
            }
        }
    }

    /// Checks a name and its value as `create` does, and keeps them.
    fn add(&mut self, name: &str, value: &str, shown: &str) {
        let name = match SecretName::parse(name) {
            Ok(name) => name,
            Err(error) => return self.problem(shown, &[&error.message, "; rename it"].concat()),
        };
        let limit = VALUE.limit.of(&name);
        if value.is_empty() {
            match self.skip_empty {
                true => self.import.empty.push(name),
                false => self.problem(
                    shown,
                    "an empty value; fill it in, or leave it out with --skip-empty",
                ),
            }
        } else if value.len() > limit {
            let text = format!("longer than {limit} bytes; {}", limit_hint(limit));
            self.problem(shown, &text);
        } else if value.as_bytes().contains(&0) {
            self.problem(shown, &["a NUL; ", ENCODE].concat());
        } else {
            // All of it is allocated at once: a buffer that grows leaves copies behind.
            let mut bytes = SecretBytes::with_capacity(value.len());
            bytes.expose_mut().extend_from_slice(value.as_bytes());
            self.import.entries.push(Entry { name, value: bytes });
        }
    }

    fn too_many(&mut self, shown: &str) {
        let text = format!("more than {MAX_SECRETS} secrets; split the file");
        self.problem(shown, &text);
    }

    fn problem_at(&mut self, problem: &Problem) {
        let shown = format!(":{}:{}", problem.place.line, problem.place.column);
        self.problem(&shown, &problem.text);
    }

    fn problem(&mut self, shown: &str, text: &str) {
        self.count += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push([self.label, shown, ": ", text].concat());
        }
    }

    fn result(mut self, subject: &str, hint: Option<&str>) -> Result<ImportFile, Error> {
        if self.count == 0 && !self.names.is_empty() {
            return Ok(self.import);
        }
        let mut error = Error::invalid_data(match self.count {
            0 => format!("{subject} holds no secrets"),
            1 => format!("{subject} has a problem, so nothing was imported"),
            count => format!("{subject} has {count} problems, so nothing was imported"),
        });
        if self.count > MAX_PROBLEMS {
            let more = self.count - MAX_PROBLEMS;
            self.problems.push(format!("and {more} more"));
        }
        error.causes = self.problems;
        error.hint = hint.map(str::to_owned);
        Err(error)
    }
}

/// A member of the root object, in the notation of jq.
fn path(name: &str) -> String {
    let name = text::excerpt(name);
    if SecretName::parse(&name).is_ok_and(|name| name.is_shell_variable()) {
        return [": .", &name].concat();
    }
    [": .[\"", &name, "\"]"].concat()
}

#[cfg(test)]
mod tests;
