//! Owns JSON (RFC 8259): a gated reader over tinyjson, which only this file names, and an ordered writer.
//! Must not know GraphQL, types of secret or formats of output.
//!
//! The gate walks the document once, cuts it into tokens and hands what has to be decoded, a string with an escape
//! or a number, to tinyjson as a document of its own. So a long list costs a token of twelve bytes a value beside its
//! text, not a table of strings for each row. What the gate keeps from the parser:
//! - it recurses, so that deep nesting overflows the stack and aborts the process: it never sees an array or an
//!   object, and the gate refuses more than [`MAX_DEPTH`];
//! - it keeps the last of duplicate keys, so that two readers of one reply can disagree: refused;
//! - it skips white space between the digits of `\uXXXX`: refused;
//! - its errors quote the text: only their position is passed on;
//! - it keeps numbers as `f64`, losing digits above 2^53: a [`Node`] has no way to read one;
//! - it writes objects in random order: its writer is not used.

use crate::text::is_invisible;
use std::collections::HashSet;
use std::fmt;
use tinyjson::{JsonParseError, JsonValue};

/// The longest document in bytes. A list of 100,000 secrets takes about 30 MB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The deepest nesting of arrays and objects; a reply of the service has about eight levels.
pub const MAX_DEPTH: usize = 64;

/// The most values in a document, keys not counted. A list of 100,000 secrets has about 1.1 million.
pub const MAX_VALUES: usize = 2_000_000;

/// So many keys of an object are compared each with each, which takes no memory; with more, they take a table.
const FEW_MEMBERS: usize = 16;

/// A document that passed the gate.
pub struct Document {
    text: String,
    /// In the order of the text: a container before what it holds, a key before its value.
    tokens: Vec<Token>,
    /// Strings that are not in the text as they are.
    decoded: Vec<String>,
}

/// One value, or the key of a member. 32 bits are enough for a place in [`MAX_BYTES`] bytes.
#[derive(Clone, Copy)]
enum Token {
    Null,
    Boolean(bool),
    Number,
    /// The bytes of the text from one offset up to another.
    Plain(u32, u32),
    /// One of the decoded strings.
    Decoded(u32),
    Array(Extent),
    Object(Extent),
}

/// What a container holds.
#[derive(Clone, Copy)]
struct Extent {
    /// Items or members.
    count: u32,
    /// The first token behind it.
    next: u32,
}

/// Why bytes are no document. Never holds any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More than [`MAX_BYTES`].
    TooLarge,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
    /// More than [`MAX_VALUES`] values.
    TooMany,
    /// An object has a key twice.
    Duplicate,
    /// A number beyond the range of a double.
    Number,
    /// Not UTF-8 from this byte on, counted from 0.
    NotUtf8 { offset: usize },
    /// Not JSON from about here on; line and column count from 1, the column in characters.
    Syntax { line: usize, column: usize },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "longer than {MAX_BYTES} bytes"),
            Self::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
            Self::TooMany => write!(f, "more than {MAX_VALUES} values"),
            Self::Duplicate => f.write_str("an object has the same key twice"),
            Self::Number => f.write_str("a number is out of range"),
            Self::NotUtf8 { offset } => write!(f, "not UTF-8 at byte {offset}"),
            Self::Syntax { line, column } => {
                write!(f, "not JSON at line {line}, column {column}")
            }
        }
    }
}

/// Reads one document: one value with nothing but white space around it.
///
/// # Errors
/// [`Refusal`], for whatever RFC 8259 does not allow and for the limits above.
pub fn parse(bytes: Vec<u8>) -> Result<Document, Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|error| Refusal::NotUtf8 {
        offset: error.utf8_error().valid_up_to(),
    })?;
    let mut gate = Gate {
        at: 0,
        values: 0,
        open: Vec::with_capacity(MAX_DEPTH),
        document: Document {
            text,
            tokens: Vec::new(),
            decoded: Vec::new(),
        },
    };
    gate.document()?;
    Ok(gate.document)
}

/// A document while it is read.
struct Gate {
    /// The offset of the next byte.
    at: usize,
    values: usize,
    /// The tokens of the containers that are not closed yet, the innermost last.
    open: Vec<usize>,
    document: Document,
}

/// What a value leaves to be read.
enum Rest {
    /// The first item or member of the container that it opened.
    Inside,
    /// What follows it.
    Behind,
}

impl Gate {
    fn document(&mut self) -> Result<(), Refusal> {
        loop {
            if let Rest::Inside = self.value()? {
                continue;
            }
            // Closes what the value was the last part of.
            loop {
                let Some(&container) = self.open.last() else {
                    self.skip_space();
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(self.syntax(self.at)),
                    };
                };
                if self.another(container)? {
                    break;
                }
            }
        }
    }

    /// Reads a value, of a container that is not empty only its opening and its first key.
    fn value(&mut self) -> Result<Rest, Refusal> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Refusal::TooMany);
        }
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'{') => return self.open(true),
            Some(b'[') => return self.open(false),
            Some(b'n') => self.word("null", Token::Null)?,
            Some(b't') => self.word("true", Token::Boolean(true))?,
            Some(b'f') => self.word("false", Token::Boolean(false))?,
            _ => self.number()?,
        }
        Ok(Rest::Behind)
    }

    fn open(&mut self, object: bool) -> Result<Rest, Refusal> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Refusal::TooDeep);
        }
        let extent = Extent { count: 0, next: 0 };
        let (token, end) = if object {
            (Token::Object(extent), b'}')
        } else {
            (Token::Array(extent), b']')
        };
        self.open.push(self.document.tokens.len());
        self.document.tokens.push(token);
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(end) {
            self.at += 1;
            self.close()?;
            return Ok(Rest::Behind);
        }
        self.begin(object)?;
        Ok(Rest::Inside)
    }

    /// Reads what stands between two values of a container, or its end. Whether there is another value.
    fn another(&mut self, container: usize) -> Result<bool, Refusal> {
        let object = matches!(self.document.tokens.get(container), Some(Token::Object(_)));
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                self.begin(object)?;
                Ok(true)
            }
            Some(b'}') if object => self.end(),
            Some(b']') if !object => self.end(),
            _ => Err(self.syntax(self.at)),
        }
    }

    fn end(&mut self) -> Result<bool, Refusal> {
        self.at += 1;
        self.close()?;
        Ok(false)
    }

    /// Counts an item or a member, and reads the key that a member begins with.
    fn begin(&mut self, object: bool) -> Result<(), Refusal> {
        if let Some(&container) = self.open.last()
            && let Some(Token::Array(extent) | Token::Object(extent)) =
                self.document.tokens.get_mut(container)
        {
            extent.count += 1;
        }
        if !object {
            return Ok(());
        }
        if self.peek() != Some(b'"') {
            return Err(self.syntax(self.at));
        }
        self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.syntax(self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// Completes the innermost container.
    fn close(&mut self) -> Result<(), Refusal> {
        let behind = short(self.document.tokens.len());
        let Some(container) = self.open.pop() else {
            return Ok(());
        };
        match self.document.tokens.get_mut(container) {
            Some(Token::Array(extent)) => extent.next = behind,
            Some(Token::Object(extent)) => {
                extent.next = behind;
                if self.document.has_duplicate(container) {
                    return Err(Refusal::Duplicate);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, word: &str, token: Token) -> Result<(), Refusal> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.syntax(self.at));
        }
        self.at += word.len();
        self.document.tokens.push(token);
        Ok(())
    }

    /// Reads a number: what looks like one, judged by the parser.
    fn number(&mut self) -> Result<(), Refusal> {
        let end = self
            .rest()
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let length = end.unwrap_or(self.rest().len());
        if length == 0 {
            return Err(self.syntax(self.at));
        }
        let start = self.at;
        self.at += length;
        match self.decode(start)? {
            JsonValue::Number(number) if number.is_finite() => {
                self.document.tokens.push(Token::Number);
                Ok(())
            }
            _ => Err(Refusal::Number),
        }
    }

    /// Reads a string from its opening quote on.
    fn string(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        let mut plain = true;
        self.at += 1;
        loop {
            let length = self.rest().iter().position(|&byte| needs_escape(byte));
            self.at += length.unwrap_or(self.rest().len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(self.syntax(self.at)),
            }
            plain = false;
        }
        self.at += 1;
        let token = if plain {
            Token::Plain(short(start + 1), short(self.at - 1))
        } else if let JsonValue::String(text) = self.decode(start)? {
            self.document.decoded.push(text);
            Token::Decoded(short(self.document.decoded.len() - 1))
        } else {
            return Err(self.syntax(start));
        };
        self.document.tokens.push(token);
        Ok(())
    }

    /// Moves past a backslash and what it escapes.
    fn escape(&mut self) -> Result<(), Refusal> {
        self.at += 1;
        let escaped = self.peek();
        self.at += usize::from(escaped.is_some_and(|byte| byte.is_ascii()));
        if escaped == Some(b'u') {
            for _ in 0..4 {
                if !self.peek().is_some_and(|digit| digit.is_ascii_hexdigit()) {
                    return Err(self.syntax(self.at));
                }
                self.at += 1;
            }
        }
        Ok(())
    }

    /// Hands what was read since `start` to the parser.
    fn decode(&self, start: usize) -> Result<JsonValue, Refusal> {
        let piece = self.document.text.get(start..self.at).unwrap_or_default();
        piece.parse().map_err(|error: JsonParseError| {
            // A piece has no line end, and the parser counts the characters that it has read.
            let read = error.column().saturating_sub(1);
            let offset = piece.char_indices().nth(read).map_or(0, |(at, _)| at);
            self.syntax(start + offset)
        })
    }

    fn rest(&self) -> &[u8] {
        self.document
            .text
            .as_bytes()
            .get(self.at..)
            .unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.document.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The position of a byte, for people.
    fn syntax(&self, offset: usize) -> Refusal {
        let mut line = 1;
        let mut column = 1;
        for byte in self.document.text.bytes().take(offset) {
            if byte == b'\n' {
                line += 1;
                column = 1;
            } else if byte & 0xc0 != 0x80 {
                column += 1;
            }
        }
        Refusal::Syntax { line, column }
    }
}

/// A place in the text or among the tokens. [`MAX_BYTES`] fits, and no document has more tokens than bytes.
fn short(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The inverse of [`short`], on a machine of 32 bits or more.
fn long(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

impl Document {
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.node(0)
    }

    fn node(&self, index: usize) -> Node<'_> {
        Node {
            document: self,
            index,
            token: self.tokens.get(index).copied().unwrap_or(Token::Null),
        }
    }

    fn has_duplicate(&self, object: usize) -> bool {
        let keys = self.node(object).values().filter_map(Node::key);
        let mut few = [""; FEW_MEMBERS];
        let mut all = HashSet::new();
        for (index, key) in keys.enumerate() {
            let twice = match few.get_mut(index) {
                Some(place) => {
                    *place = key;
                    few.iter().take(index).any(|known| *known == key)
                }
                None => {
                    if all.is_empty() {
                        all.extend(few);
                    }
                    !all.insert(key)
                }
            };
            if twice {
                return true;
            }
        }
        false
    }
}

/// One value of a document. A question that does not fit its type is answered with `None`.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    document: &'a Document,
    index: usize,
    token: Token,
}

impl<'a> Node<'a> {
    /// The member of an object.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        let Token::Object(extent) = self.token else {
            return None;
        };
        let mut at = self.index + 1;
        for _ in 0..extent.count {
            let value = self.document.node(at + 1);
            if self.document.node(at).is(key) {
                return Some(value);
            }
            at = value.next();
        }
        None
    }

    /// Whether it is this very string.
    fn is(self, text: &str) -> bool {
        match self.token {
            // Most keys differ in length already.
            Token::Plain(start, end) if long(end - start) != text.len() => false,
            _ => self.text() == Some(text),
        }
    }

    /// The first token behind it.
    fn next(self) -> usize {
        match self.token {
            Token::Array(extent) | Token::Object(extent) => long(extent.next),
            _ => self.index + 1,
        }
    }

    /// A string, unescaped.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self.token {
            Token::Plain(start, end) => self.document.text.get(long(start)..long(end)),
            Token::Decoded(index) => self.document.decoded.get(long(index)).map(String::as_str),
            _ => None,
        }
    }

    /// The items of an array, in order.
    #[must_use]
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Node<'a>> + use<'a>> {
        matches!(self.token, Token::Array(_)).then(|| self.values())
    }

    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        match self.token {
            Token::Boolean(boolean) => Some(boolean),
            _ => None,
        }
    }

    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.token, Token::Null)
    }

    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(self.token, Token::Object(_))
    }

    /// The values that a container holds.
    fn values(self) -> Values<'a> {
        let (left, keys) = match self.token {
            Token::Array(extent) => (long(extent.count), 0),
            Token::Object(extent) => (long(extent.count), 1),
            _ => (0, 0),
        };
        Values {
            document: self.document,
            at: self.index + 1,
            left,
            keys,
        }
    }

    /// The key of a member's value.
    fn key(self) -> Option<&'a str> {
        self.document.node(self.index.checked_sub(1)?).text()
    }
}

/// The values of one container.
#[derive(Clone)]
struct Values<'a> {
    document: &'a Document,
    /// The next token.
    at: usize,
    /// How many values there are still.
    left: usize,
    /// How many tokens stand before a value: its key.
    keys: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.left = self.left.checked_sub(1)?;
        let node = self.document.node(self.at + self.keys);
        self.at = node.next();
        Some(node)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Values<'_> {}

/// Appends one compact document to a buffer, members in the order of the calls, commas and quotes by itself.
///
/// ```
/// let mut out = Vec::new();
/// oz::json::Writer::new(&mut out).object(|w| {
///     w.key("name").string("N");
///     w.key("tags").array(|w| {
///         w.null();
///         w.boolean(true);
///     });
/// });
/// assert_eq!(out, br#"{"name":"N","tags":[null,true]}"#);
/// ```
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// A value was written on this level, so that the next one needs a comma.
    comma: bool,
}

impl<'a> Writer<'a> {
    #[must_use]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    pub fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.open(b'{');
        members(self);
        self.close(b'}');
    }

    pub fn array(&mut self, items: impl FnOnce(&mut Self)) {
        self.open(b'[');
        items(self);
        self.close(b']');
    }

    /// Starts a member; its value is the next call.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.string(key);
        self.out.push(b':');
        self.comma = false;
        self
    }

    pub fn string(&mut self, text: &str) {
        self.string_bytes(text.as_bytes());
    }

    /// A string whose bytes are known to be UTF-8; what is not would be copied as it is.
    pub fn string_bytes(&mut self, bytes: &[u8]) {
        self.separate();
        self.out.push(b'"');
        escape(bytes, self.out);
        self.out.push(b'"');
    }

    /// A string that is also safe to look at: a character that can't be seen is written as `\uXXXX`, so that a reader
    /// gets the text as it is and a terminal is left alone.
    pub fn printable(&mut self, text: &str) {
        if !text.chars().any(is_invisible) {
            return self.string(text);
        }
        self.separate();
        self.out.push(b'"');
        for character in text.chars() {
            let (mut utf8, mut utf16) = ([0; 4], [0; 2]);
            if !is_invisible(character) || character < ' ' {
                escape(character.encode_utf8(&mut utf8).as_bytes(), self.out);
            } else {
                for unit in character.encode_utf16(&mut utf16) {
                    self.out.extend_from_slice(b"\\u");
                    for byte in unit.to_be_bytes() {
                        hex(byte, self.out);
                    }
                }
            }
        }
        self.out.push(b'"');
    }

    pub fn null(&mut self) {
        self.word(b"null");
    }

    pub fn boolean(&mut self, boolean: bool) {
        self.word(if boolean { b"true" } else { b"false" });
    }

    pub fn number(&mut self, number: u64) {
        self.word(number.to_string().as_bytes());
    }

    fn word(&mut self, word: &[u8]) {
        self.separate();
        self.out.extend_from_slice(word);
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }
}

/// How many bytes a string takes between its quotes: a buffer of the right size never moves, and leaves no copy of a
/// secret behind.
#[must_use]
pub fn escaped_len(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .map(|byte| match byte {
            b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r' => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

/// Appends the text between the quotes: the escapes of RFC 8259 section 7 that are required, the short forms where
/// there are any, lower-case hex elsewhere.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(plain) = rest.iter().position(|&byte| needs_escape(byte)) {
        let (before, after) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((&byte, after)) = after.split_first() else {
            return;
        };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => {
                out.extend_from_slice(b"\\u00");
                hex(byte, out);
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

fn hex(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    for nibble in [byte >> 4, byte & 0xf] {
        out.extend(DIGITS.get(usize::from(nibble)));
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &[u8]) -> Option<Refusal> {
        parse(text.to_vec()).err()
    }

    fn at(line: usize, column: usize) -> Option<Refusal> {
        Some(Refusal::Syntax { line, column })
    }

    #[test]
    fn reads_every_type() {
        let document = parse(
            br#" {"t":"a\u00e9\ud83d\ude00\n/","n":null,"b":true,"f":false,"l":[1,"x",[]],"o":{}} "#.to_vec(),
        )
        .ok()
        .unwrap();
        let root = document.root();
        assert!(root.is_object());
        assert_eq!(root.get("t").unwrap().text(), Some("aé😀\n/"));
        assert!(root.get("n").unwrap().is_null());
        assert_eq!(root.get("b").unwrap().boolean(), Some(true));
        assert_eq!(root.get("f").unwrap().boolean(), Some(false));
        let items = root.get("l").unwrap().items().unwrap();
        assert_eq!(items.len(), 3);
        let texts: Vec<_> = items.map(Node::text).collect();
        assert_eq!(texts, [None, Some("x"), None]);
        assert!(root.get("o").unwrap().is_object());
        assert!(root.get("absent").is_none());
        let text = root.get("t").unwrap();
        assert!(text.get("t").is_none() && text.items().is_none() && text.boolean().is_none());
        assert!(!text.is_null() && !text.is_object() && root.text().is_none());
    }

    #[test]
    fn refuses_what_is_not_json() {
        for (text, expected) in [
            (&b""[..], at(1, 1)),
            (b" \n ", at(2, 2)),
            (b"{} x", at(1, 4)),
            (b"\xef\xbb\xbf{}", at(1, 1)),
            (b"[1,]", at(1, 4)),
            (b"{\"a\":1,}", at(1, 8)),
            (b"{\"a\" 1}", at(1, 6)),
            (b"{[1]:1}", at(1, 2)),
            (b"{\n  1:1}", at(2, 3)),
            (b"{\"\xc3\xa4\":1,[]:1}", at(1, 8)),
            (b"[", at(1, 2)),
            (b"{\"a\":1]", at(1, 7)),
            (b"[1}", at(1, 3)),
            (b"fals", at(1, 1)),
            (b"]", at(1, 1)),
            (b"\"a", at(1, 3)),
            (b"\"\n\"", at(1, 2)),
            (b"\"\\x\"", at(1, 3)),
            (b"\"\\u00 41\"", at(1, 6)),
            (b"\"\\u12", at(1, 6)),
            (b"\"\\ud800\"", at(1, 8)),
            (b"\"\\udc00\\ud800\"", at(1, 14)),
            (b"01", at(1, 2)),
            (b"1.", at(1, 2)),
            (b"+1", at(1, 1)),
            (b"tru", at(1, 1)),
            (b"[1,\n\"\xc3\xa4\\x\"]", at(2, 4)),
            (b"'a'", at(1, 1)),
            (b"\"a\xff\"", Some(Refusal::NotUtf8 { offset: 2 })),
            (b"1e999", Some(Refusal::Number)),
            (b"[-1e999]", Some(Refusal::Number)),
            (b"1e-999", None),
            (b"12345678901234567890", None),
        ] {
            assert_eq!(
                refusal(text),
                expected,
                "{:?}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn refuses_a_key_twice_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"x":{"b":[],"b":[]}}]"#,
        ] {
            assert_eq!(refusal(text.as_bytes()), Some(Refusal::Duplicate), "{text}");
        }
        let wide = |last: usize| {
            let members: Vec<_> = (0..=FEW_MEMBERS).map(|n| format!(r#""{n}":[]"#)).collect();
            format!(r#"{{{},"{last}":1}}"#, members.join(","))
        };
        assert_eq!(refusal(wide(7).as_bytes()), Some(Refusal::Duplicate));
        assert_eq!(refusal(wide(FEW_MEMBERS + 1).as_bytes()), None);
        for text in [r#"[{"a":1},{"a":1}]"#, r#"{"a":":","b:":"{"}"#] {
            assert_eq!(refusal(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(refusal(nested(64).as_bytes()), None);
        assert_eq!(refusal(nested(65).as_bytes()), Some(Refusal::TooDeep));
        assert_eq!(refusal(nested(100_000).as_bytes()), Some(Refusal::TooDeep));
        let objects = "{\"a\":".repeat(100_000);
        assert_eq!(refusal(objects.as_bytes()), Some(Refusal::TooDeep));
        let mixed = "{\"a\":[".repeat(32) + &"]}".repeat(32);
        assert_eq!(refusal(mixed.as_bytes()), None);
        let wide = format!("[{}{{}}]", "[[{\"a\":1}]],".repeat(1000));
        assert_eq!(refusal(wide.as_bytes()), None);
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        // The array itself is one of them.
        let list = |items: usize| format!("[{}1]", "1,".repeat(items - 1));
        assert_eq!(refusal(list(MAX_VALUES - 1).as_bytes()), None);
        assert_eq!(refusal(list(MAX_VALUES).as_bytes()), Some(Refusal::TooMany));
    }

    #[test]
    fn the_size_is_bounded() {
        let mut text = vec![b' '; MAX_BYTES];
        text[0] = b'1';
        assert_eq!(refusal(&text), None);
        text.push(b' ');
        assert_eq!(refusal(&text), Some(Refusal::TooLarge));
    }

    #[test]
    fn refusals_have_words() {
        for (refusal, words) in [
            (Refusal::TooLarge, "longer than 67108864 bytes"),
            (Refusal::TooDeep, "nested deeper than 64 levels"),
            (Refusal::TooMany, "more than 2000000 values"),
            (Refusal::Duplicate, "an object has the same key twice"),
            (Refusal::Number, "a number is out of range"),
            (Refusal::NotUtf8 { offset: 7 }, "not UTF-8 at byte 7"),
            (
                Refusal::Syntax { line: 2, column: 3 },
                "not JSON at line 2, column 3",
            ),
        ] {
            assert_eq!(refusal.to_string(), words);
        }
    }

    #[test]
    fn agrees_with_another_parser() {
        for text in [
            "0",
            "-0",
            "-",
            "- 1",
            "1 2",
            "1e5",
            "1E+5",
            "1e",
            ".5",
            "-.5",
            "1.5e-3",
            "00",
            "-01",
            "[]",
            "[ ]",
            "[1 2]",
            "[,]",
            "{}",
            "{ }",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1 \"b\":2}",
            "{\"a\"::1}",
            "nul",
            "nulll",
            "null",
            "True",
            "\"\\/\"",
            "\"\\'\"",
            "\"\t\"",
            "\"\u{7f}\"",
            "\"\\u00e9\"",
            "\"\\u00E9\"",
            "\"\\uD83D\\uDE00\"",
            "\"\\uD83Dx\"",
            "\u{c}1",
            "\u{a0}1",
            "1\u{0}",
            "[[]",
            "[]]",
            "{]",
            "[}",
            "\"a\"\"b\"",
            "{\"a\":1}}",
            "}{",
            "[\"\\",
            "[1}",
            "{\"a\":[}]",
            ",",
            ":",
            "NaN",
            "1_0",
            "0x1",
        ] {
            let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(refusal(text.as_bytes()).is_none(), theirs, "{text:?}");
        }
    }

    #[test]
    fn a_long_list_is_read() {
        let row = r#"{"name":"A_SECRET_NAME","description":"what it is for, in a sentence or two","owner":{"type":"User","uid":"abcdefghijklmnop"},"type":"RAW_VALUE","createdAt":"2026-01-02T03:04:05.123456Z","updatedAt":"2026-01-02T03:04:05.123456Z","pad":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#;
        let text = format!("[{}{row}]", format!("{row},").repeat(99_999));
        let document = parse(text.into_bytes()).ok().unwrap();
        assert_eq!(document.root().items().unwrap().len(), 100_000);
    }

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        Writer::new(&mut out).string(text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_another_writer_does() {
        let mut texts: Vec<String> = (0..=0x2100_u32)
            .filter_map(char::from_u32)
            .flat_map(|c| [format!("{c}"), format!("a{c}b{c}{c}\"")])
            .collect();
        texts.extend(["", "\\\\", "😀\u{10ffff}", "a/b", "\n\n\n", "plain"].map(str::to_owned));
        for text in texts {
            let expected = serde_json::to_string(&text).unwrap();
            assert_eq!(written(&text), expected);
            assert_eq!(escaped_len(text.as_bytes()) + 2, expected.len(), "{text:?}");
            let document = parse(expected.into_bytes()).ok().unwrap();
            assert_eq!(document.root().text(), Some(text.as_str()));
        }
    }

    #[test]
    fn printable_strings_hide_nothing_and_move_nothing() {
        for (text, expected) in [
            ("plain ü 🔑", "\"plain ü 🔑\""),
            ("\u{9b}2J\u{1b}[m\n\"ü", r#""\u009b2J\u001b[m\n\"ü""#),
            ("\u{7f}\u{202e}\u{feff}", r#""\u007f\u202e\ufeff""#),
            ("\u{e0041}x", r#""\udb40\udc41x""#),
        ] {
            let mut out = Vec::new();
            Writer::new(&mut out).printable(text);
            assert_eq!(String::from_utf8_lossy(&out), expected);
            assert_eq!(parse(out).ok().unwrap().root().text(), Some(text));
        }
    }

    #[test]
    fn documents_are_compact_and_ordered() {
        let mut out = b"before".to_vec();
        Writer::new(&mut out).object(|w| {
            w.key("z").string("1");
            w.key("a\"").object(|_| {});
            w.key("n").array(|w| {
                w.null();
                w.boolean(true);
                w.boolean(false);
                w.array(|_| {});
                w.number(u64::MAX);
                w.object(|w| w.key("k").string_bytes("é".as_bytes()));
                w.number(0);
            });
            w.key("end").null();
        });
        let expected = r#"before{"z":"1","a\"":{},"n":[null,true,false,[],18446744073709551615,{"k":"é"},0],"end":null}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
