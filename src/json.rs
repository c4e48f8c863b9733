//! JSON (RFC 8259): a parser that decodes a document in place, and an ordered writer.
//!
//! A parsed document is the caller's text, changed in place, without a tree beside it. One pass checks the grammar and
//! the limits, refuses an object with a duplicate key, and replaces each string by its decoded form, which is never
//! longer: the closing quote becomes `END`, a byte that never occurs in UTF-8, and the bytes left over become white
//! space. After that no string holds an escape, and a [`Node`] finds members and items by scanning.
//!
//! tinyjson decodes the escapes, each passed to it as a document of its own. It gets no whole string, because a string
//! can be secret and its buffers are not wiped; no array and no object, because it recurses without a limit and keeps the
//! last of duplicate keys; and no number, because no number is read. Its errors quote the text, so they are not used.

mod writer;

pub use writer::{Sink, Writer, escaped_len};

use crate::text::has_duplicates;
use std::fmt;
use std::ops::Range;
use tinyjson::JsonValue;

/// The longest document in bytes. A list of 100,000 secrets takes about 30 MB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The deepest nesting of arrays and objects; a reply of the service has about eight levels.
pub const MAX_DEPTH: usize = 64;

/// The most values in a document, keys not counted. A list of 100,000 secrets has about 1.1 million.
pub const MAX_VALUES: usize = 2_000_000;

/// So many keys of an object are compared each with each, which takes no memory.
const FEW_KEYS: usize = 8;

/// Follows the last byte of a decoded string. It never occurs in UTF-8.
const END: u8 = 0xff;

/// Why a text was refused. Never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// More than [`MAX_BYTES`].
    TooLarge,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
    /// More than [`MAX_VALUES`] values.
    TooMany,
    /// An object has a key twice.
    Duplicate,
    /// Not UTF-8 from this byte on, counted from 0.
    NotUtf8 { offset: usize },
    /// Not JSON from about here on; line and column count from 1, the column in characters.
    Syntax { line: usize, column: usize },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "longer than {MAX_BYTES} bytes"),
            Self::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
            Self::TooMany => write!(f, "more than {MAX_VALUES} values"),
            Self::Duplicate => f.write_str("an object has the same key twice"),
            Self::NotUtf8 { offset } => write!(f, "not UTF-8 at byte {offset}"),
            Self::Syntax { line, column } => {
                write!(f, "not JSON at line {line}, column {column}")
            }
        }
    }
}

/// Parses one document: one value with nothing but white space around it. Each string that is a value is decoded and
/// then passed to `redact`, which may overwrite it with other UTF-8. After an error the text is useless.
///
/// # Errors
/// [`ParseError`], for whatever RFC 8259 does not allow and for the limits above.
pub fn parse<'a>(text: &'a mut [u8], redact: &dyn Fn(&mut [u8])) -> Result<Node<'a>, ParseError> {
    parse_with(text, redact, false)
}

/// The same for a caller that looks for duplicate keys itself.
///
/// # Errors
/// As [`parse`], but never [`ParseError::Duplicate`].
pub fn parse_with_duplicates(text: &mut [u8]) -> Result<Node<'_>, ParseError> {
    parse_with(text, &|_| {}, true)
}

fn parse_with<'a>(
    text: &'a mut [u8],
    redact: &dyn Fn(&mut [u8]),
    duplicates: bool,
) -> Result<Node<'a>, ParseError> {
    if text.len() > MAX_BYTES {
        return Err(ParseError::TooLarge);
    }
    if let Err(error) = str::from_utf8(text) {
        return Err(ParseError::NotUtf8 {
            offset: error.valid_up_to(),
        });
    }
    let mut parser = Parser {
        text,
        at: 0,
        values: 0,
        open: Vec::with_capacity(MAX_DEPTH),
        keys: Vec::new(),
        duplicates,
        counted: Position {
            offset: 0,
            line: 1,
            column: 1,
        },
        redact,
    };
    parser.document()?;
    Ok(Node(parser.text.trim_ascii_start()))
}

/// The state of [`parse`].
struct Parser<'a, 'b> {
    text: &'a mut [u8],
    /// The offset of the next byte.
    at: usize,
    values: usize,
    /// The containers that are not closed yet, the innermost last.
    open: Vec<Container>,
    /// Where the keys of the open objects start and end, without their quotes. 32 bits are enough for [`MAX_BYTES`].
    keys: Vec<(u32, u32)>,
    /// An object may have a key twice.
    duplicates: bool,
    /// The position of an error is counted from here, because the text before it may have been replaced.
    counted: Position,
    redact: &'b dyn Fn(&mut [u8]),
}

#[derive(Clone, Copy)]
enum Container {
    Array,
    /// With the number of keys that belong to the objects around it.
    Object {
        outer_keys: usize,
    },
}

#[derive(Clone, Copy)]
struct Position {
    offset: usize,
    line: usize,
    column: usize,
}

impl Parser<'_, '_> {
    fn document(&mut self) -> Result<(), ParseError> {
        loop {
            while self.value()? {}
            if !self.next_value()? {
                break;
            }
        }
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.syntax(self.at)),
        }
    }

    /// Reads a value, but no more of a container than its opening bracket and its first key: `true` if a value inside
    /// it comes next.
    fn value(&mut self) -> Result<bool, ParseError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(ParseError::TooMany);
        }
        self.skip_space();
        match self.peek() {
            Some(b'"') => {
                let string = self.string()?;
                (self.redact)(self.text.get_mut(string).unwrap_or_default());
            }
            Some(b'{') => {
                let outer_keys = self.keys.len();
                return self.open(Container::Object { outer_keys }, b'}');
            }
            Some(b'[') => return self.open(Container::Array, b']'),
            Some(b'n') => self.word(b"null")?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            _ => self.number()?,
        }
        Ok(false)
    }

    fn open(&mut self, container: Container, end: u8) -> Result<bool, ParseError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ParseError::TooDeep);
        }
        self.open.push(container);
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(end) {
            return Ok(false);
        }
        self.key()?;
        Ok(true)
    }

    /// Moves to the next value, out of every container that ends before it. `false` at the end of the document.
    fn next_value(&mut self) -> Result<bool, ParseError> {
        while let Some(&container) = self.open.last() {
            self.skip_space();
            match (self.peek(), container) {
                (Some(b','), _) => {
                    self.at += 1;
                    self.key()?;
                    return Ok(true);
                }
                (Some(b'}'), Container::Object { outer_keys }) => self.close_object(outer_keys)?,
                (Some(b']'), Container::Array) => {}
                _ => return Err(self.syntax(self.at)),
            }
            self.at += 1;
            self.open.pop();
        }
        Ok(false)
    }

    /// Reads the key of a member, if the innermost container is an object.
    fn key(&mut self) -> Result<(), ParseError> {
        if !matches!(self.open.last(), Some(Container::Object { .. })) {
            return Ok(());
        }
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.syntax(self.at));
        }
        let key = self.string()?;
        let bound = |at| u32::try_from(at).map_err(|_| ParseError::TooLarge);
        self.keys.push((bound(key.start)?, bound(key.end)?));
        self.skip_space();
        if !self.skip(|byte| byte == b':') {
            return Err(self.syntax(self.at));
        }
        Ok(())
    }

    /// Refuses an object with a duplicate key, and drops its keys.
    fn close_object(&mut self, outer_keys: usize) -> Result<(), ParseError> {
        if self.duplicates {
            return Ok(());
        }
        let keys = self.keys.get(outer_keys..).unwrap_or_default();
        let index = |at| usize::try_from(at).unwrap_or(usize::MAX);
        let key = |&(start, end)| self.text.get(index(start)..index(end));
        let is_twice = if keys.len() <= FEW_KEYS {
            let same = |(at, one)| keys.iter().skip(at + 1).any(|other| key(one) == key(other));
            keys.iter().enumerate().any(same)
        } else {
            has_duplicates(keys.iter().filter_map(key).collect())
        };
        if is_twice {
            return Err(ParseError::Duplicate);
        }
        self.keys.truncate(outer_keys);
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), ParseError> {
        if !self.rest().starts_with(word) {
            return Err(self.syntax(self.at));
        }
        self.at += word.len();
        Ok(())
    }

    /// `-? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?` (RFC 8259 section 6).
    fn number(&mut self) -> Result<(), ParseError> {
        self.skip(|byte| byte == b'-');
        if !self.skip(|byte| byte == b'0') {
            self.digits()?;
        }
        if self.skip(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.skip(|byte| matches!(byte, b'e' | b'E')) {
            self.skip(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        if !self.skip(is_digit) {
            return Err(self.syntax(self.at));
        }
        while self.skip(is_digit) {}
        Ok(())
    }

    /// Reads a string and decodes it; returns the range of its bytes.
    fn string(&mut self) -> Result<Range<usize>, ParseError> {
        let start = self.at + 1;
        let mut is_escaped = false;
        self.at = start;
        loop {
            let plain = self.rest().iter().position(|&byte| needs_escape(byte));
            self.at += plain.unwrap_or(self.rest().len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(self.syntax(self.at)),
            }
            is_escaped = true;
        }
        let mut end = self.at;
        self.at += 1;
        if is_escaped {
            end = self.decode(start, end)?;
        }
        if let Some(quote) = self.text.get_mut(end) {
            *quote = END;
        }
        Ok(start..end)
    }

    /// Moves past a backslash and what it escapes.
    fn escape(&mut self) -> Result<(), ParseError> {
        self.at += 1;
        if self.skip(|byte| byte == b'u') {
            for _ in 0..4 {
                if !self.skip(|byte| byte.is_ascii_hexdigit()) {
                    return Err(self.syntax(self.at));
                }
            }
        } else {
            self.skip(|byte| byte.is_ascii());
        }
        Ok(())
    }

    /// Replaces the string from `start` to `end`, where its closing quote is, by its decoded form and white space;
    /// returns the end of the decoded form.
    fn decode(&mut self, start: usize, end: usize) -> Result<usize, ParseError> {
        let (mut from, mut to) = (start, start);
        loop {
            let rest = self.text.get(from..end).unwrap_or_default();
            let plain = rest.iter().position(|&byte| byte == b'\\');
            let plain = plain.unwrap_or(rest.len());
            // Whatever is overwritten next has to be counted first.
            self.counted = self.position(from + plain);
            self.text.copy_within(from..from + plain, to);
            from += plain;
            to += plain;
            if from >= end {
                break;
            }
            let escape = first_escape(self.text.get(from..end).unwrap_or_default());
            let Ok(JsonValue::String(decoded)) = ["\"", escape, "\""].concat().parse() else {
                return Err(self.syntax(from + 1));
            };
            from += escape.len();
            self.counted = self.position(from);
            for byte in decoded.bytes() {
                if let Some(place) = self.text.get_mut(to) {
                    *place = byte;
                }
                to += 1;
            }
        }
        self.counted = self.position(self.at);
        let space = self.text.get_mut(to..self.at).unwrap_or_default();
        space.fill(b' ');
        Ok(to)
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Moves past the next byte, if it is such a one.
    fn skip(&mut self, is_such: impl Fn(u8) -> bool) -> bool {
        let found = self.peek().is_some_and(is_such);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {}
    }

    fn syntax(&self, offset: usize) -> ParseError {
        let Position { line, column, .. } = self.position(offset);
        ParseError::Syntax { line, column }
    }

    fn position(&self, offset: usize) -> Position {
        let mut position = self.counted;
        for byte in self.text.get(position.offset..offset).unwrap_or_default() {
            if *byte == b'\n' {
                position.line += 1;
                position.column = 1;
            } else if byte & 0xc0 != 0x80 {
                position.column += 1;
            }
        }
        position.offset = offset;
        position
    }
}

/// The escape that the text starts with, and the other half of its surrogate pair.
fn first_escape(text: &[u8]) -> &str {
    let length = match text {
        [
            b'\\',
            b'u',
            b'd' | b'D',
            b'8' | b'9' | b'a' | b'b' | b'A' | b'B',
            _,
            _,
            b'\\',
            b'u',
            ..,
        ] => 12,
        [b'\\', b'u', ..] => 6,
        _ => 2,
    };
    let escape = text.get(..length).unwrap_or_default();
    // What follows a backslash may be half a character. A backslash alone is no escape, and so is refused.
    str::from_utf8(escape).unwrap_or("\\")
}

/// One value of a document: the text from its first byte on. Methods for another type than the value has return
/// `None`.
#[derive(Clone, Copy)]
pub struct Node<'a>(&'a [u8]);

impl<'a> Node<'a> {
    /// The member of an object.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        let mut members = self.parts(b'{')?;
        members
            .find(|(known, _)| *known == key.as_bytes())
            .map(|(_, value)| value)
    }

    /// The members with these keys, in one pass over the object.
    pub fn get_each<const N: usize>(self, keys: [&str; N]) -> [Option<Node<'a>>; N] {
        let mut found = [None; N];
        for (known, value) in self.parts(b'{').into_iter().flatten() {
            if let Some(at) = keys.iter().position(|key| key.as_bytes() == known)
                && let Some(slot) = found.get_mut(at)
            {
                *slot = Some(value);
            }
        }
        found
    }

    pub fn text(self) -> Option<&'a str> {
        let (_, rest) = self.0.split_first().filter(|(first, _)| **first == b'"')?;
        str::from_utf8(split_string(rest).0).ok()
    }

    /// The items of an array, in order.
    pub fn items(self) -> Option<impl Iterator<Item = Node<'a>> + use<'a>> {
        Some(self.parts(b'[')?.map(|(_, item)| item))
    }

    /// The members of an object, in order.
    pub fn members(self) -> Option<impl Iterator<Item = (&'a str, Node<'a>)> + use<'a>> {
        let members = self.parts(b'{')?;
        Some(members.map(|(key, value)| (str::from_utf8(key).unwrap_or_default(), value)))
    }

    /// The type of the value, with its article.
    pub fn kind(self) -> &'static str {
        match self.0.first() {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'n') => "null",
            Some(b't' | b'f') => "a boolean",
            _ => "a number",
        }
    }

    pub fn is_null(self) -> bool {
        self.0.first() == Some(&b'n')
    }

    pub fn is_object(self) -> bool {
        self.0.first() == Some(&b'{')
    }

    fn parts(self, bracket: u8) -> Option<Parts<'a>> {
        (self.0.first() == Some(&bracket)).then_some(Parts {
            rest: self.0,
            has_keys: bracket == b'{',
            is_inside: false,
        })
    }
}

/// The values of a container, each with its key; an item of an array has an empty one.
struct Parts<'a> {
    /// The text from the opening bracket on, and later from the value that was last.
    rest: &'a [u8],
    has_keys: bool,
    is_inside: bool,
}

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a [u8], Node<'a>);

    fn next(&mut self) -> Option<(&'a [u8], Node<'a>)> {
        if self.is_inside {
            self.rest = behind(self.rest);
        }
        self.is_inside = true;
        let is_end = |text: &[u8]| matches!(text.first(), None | Some(b']' | b'}'));
        if is_end(self.rest) {
            return None;
        }
        self.rest = past_mark(self.rest);
        if is_end(self.rest) {
            return None;
        }
        let mut key: &[u8] = b"";
        if self.has_keys {
            let rest;
            (key, rest) = split_string(self.rest.get(1..).unwrap_or_default());
            self.rest = past_mark(rest.trim_ascii_start());
        }
        Some((key, Node(self.rest)))
    }
}

/// What follows a bracket, a comma or a colon, without white space.
fn past_mark(text: &[u8]) -> &[u8] {
    text.get(1..).unwrap_or_default().trim_ascii_start()
}

/// What follows a value: the comma behind it, the bracket that closes its container, or nothing.
fn behind(value: &[u8]) -> &[u8] {
    let mut depth = 0_usize;
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => {
                let (_, after) = split_string(after);
                after
            }
            b',' | b']' | b'}' if depth == 0 => break,
            b']' | b'}' => {
                depth -= 1;
                after
            }
            b'[' | b'{' => {
                depth += 1;
                after
            }
            _ => after,
        };
    }
    rest
}

/// A decoded string from its first byte on, and what follows its [`END`].
fn split_string(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == END);
    let (string, rest) = text
        .split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or_default();
    (string, rest.get(1..).unwrap_or_default())
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests;
