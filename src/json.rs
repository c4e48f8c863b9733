//! Owns JSON (RFC 8259): a gated reader over tinyjson, which only this file names, and an ordered writer.
//! Must not know GraphQL, types of secret or formats of output.
//!
//! The parser behind the gate is small and trusting. What the gate is for:
//! - it recurses, so that deep nesting overflows the stack and aborts the process: [`MAX_DEPTH`];
//! - every value costs about 32 bytes however short its text is, every object a table: [`MAX_VALUES`];
//! - it keeps the last of duplicate keys, so that two readers of one reply can disagree: refused;
//! - it skips white space between the digits of `\uXXXX`: refused;
//! - its errors quote the text, a whole subtree where a key is no string: the gate wants a string there, and only the
//!   position of an error is passed on;
//! - it keeps numbers as `f64`, losing digits above 2^53: a [`Node`] has no way to read one;
//! - it writes objects in random order: its writer is not used.

use crate::text::safe;
use std::borrow::Cow;
use std::fmt;
use tinyjson::{JsonParser, JsonValue};

/// The longest document in bytes. A list of 100,000 secrets takes about 30 MB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The deepest nesting of arrays and objects; a reply of the service has about eight levels. At most 64: the gate
/// keeps one bit a level.
pub const MAX_DEPTH: u32 = 64;

/// The most values in a document, keys not counted. A list of 100,000 secrets has about 1.1 million.
pub const MAX_VALUES: usize = 2_000_000;

/// A document that passed the gate and the parser.
pub struct Document(JsonValue);

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
    /// Not JSON, from about here; line and column count from 1, the column in characters.
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
pub fn parse(bytes: &[u8]) -> Result<Document, Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Refusal::NotUtf8 {
        offset: error.valid_up_to(),
    })?;
    let members = gate(text)?;
    let root = JsonParser::new(text.chars())
        .parse()
        .map_err(|error| Refusal::Syntax {
            line: error.line(),
            column: error.column().max(1),
        })?;
    // Every colon outside a string was one member, so a difference is a member that another replaced.
    if count_members(&root)? != members {
        return Err(Refusal::Duplicate);
    }
    Ok(Document(root))
}

/// What the gate remembers of the nesting.
struct Nesting {
    depth: u32,
    /// One bit a level, the innermost lowest: whether it is an object.
    objects: u64,
    /// The next token must be a string or the end of an object.
    key: bool,
}

impl Nesting {
    fn open(&mut self, object: bool) -> Result<(), Refusal> {
        if self.depth >= MAX_DEPTH {
            return Err(Refusal::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u64::from(object);
        self.key = object;
        Ok(())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
        self.key = false;
    }
}

/// Bounds what the parser will build, and answers how many members (colons outside strings) it must find.
fn gate(text: &str) -> Result<usize, Refusal> {
    let mut nesting = Nesting {
        depth: 0,
        objects: 0,
        key: false,
    };
    let mut members = 0_usize;
    // Commas and openings: at least the number of values less one.
    let mut values = 1_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((offset, byte)) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'"' => {
                nesting.key = false;
                skip_string(text, &mut bytes)?;
            }
            b'}' | b']' => nesting.close(),
            _ if nesting.key => return Err(syntax(text, offset)),
            b':' => members += 1,
            b'{' | b'[' => {
                values += 1;
                nesting.open(byte == b'{')?;
            }
            b',' => {
                values += 1;
                nesting.key = nesting.objects & 1 == 1;
            }
            _ => {}
        }
        if values > MAX_VALUES {
            return Err(Refusal::TooMany);
        }
    }
    Ok(members)
}

/// Moves past a string whose opening quote has been read. An unfinished one is left to the parser.
fn skip_string(text: &str, bytes: &mut impl Iterator<Item = (usize, u8)>) -> Result<(), Refusal> {
    while let Some((_, byte)) = bytes.next() {
        match byte {
            b'"' => return Ok(()),
            b'\\' => {
                if let Some((_, b'u')) = bytes.next() {
                    for (offset, digit) in bytes.by_ref().take(4) {
                        if !digit.is_ascii_hexdigit() {
                            return Err(syntax(text, offset));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The position of a byte, for people.
fn syntax(text: &str, offset: usize) -> Refusal {
    let before = text.bytes().take(offset);
    let mut line = 1;
    let mut column = 1;
    for byte in before {
        if byte == b'\n' {
            line += 1;
            column = 1;
        } else if byte & 0xc0 != 0x80 {
            column += 1;
        }
    }
    Refusal::Syntax { line, column }
}

/// Counts the members of all objects. The recursion is as deep as the document, which the gate bounded.
fn count_members(value: &JsonValue) -> Result<usize, Refusal> {
    let mut members = 0;
    match value {
        JsonValue::Array(items) => {
            for item in items {
                members += count_members(item)?;
            }
        }
        JsonValue::Object(object) => {
            members += object.len();
            for item in object.values() {
                members += count_members(item)?;
            }
        }
        JsonValue::Number(number) if !number.is_finite() => return Err(Refusal::Number),
        _ => {}
    }
    Ok(members)
}

impl Document {
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node(&self.0)
    }
}

/// One value of a document. A question that does not fit its type is answered with `None`.
#[derive(Clone, Copy)]
pub struct Node<'a>(&'a JsonValue);

impl<'a> Node<'a> {
    /// The member of an object.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        match self.0 {
            JsonValue::Object(object) => object.get(key).map(Node),
            _ => None,
        }
    }

    /// A string, unescaped.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self.0 {
            JsonValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items of an array, in order.
    #[must_use]
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Node<'a>> + use<'a>> {
        match self.0 {
            JsonValue::Array(items) => Some(items.iter().map(Node)),
            _ => None,
        }
    }

    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        match self.0 {
            JsonValue::Boolean(boolean) => Some(*boolean),
            _ => None,
        }
    }

    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.0, JsonValue::Null)
    }

    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(self.0, JsonValue::Object(_))
    }
}

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

    /// A string that is also safe to look at: what [`safe`] would replace is written as `\uXXXX`, so that a reader
    /// gets the text as it is and a terminal is left alone.
    pub fn printable(&mut self, text: &str) {
        if let Cow::Borrowed(text) = safe(text) {
            return self.string(text);
        }
        self.separate();
        self.out.push(b'"');
        for character in text.chars() {
            let (mut utf8, mut utf16) = ([0; 4], [0; 2]);
            let one = character.encode_utf8(&mut utf8);
            if character.is_ascii() && character != '\u{7f}'
                || matches!(safe(one), Cow::Borrowed(_))
            {
                escape(one.as_bytes(), self.out);
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
        parse(text).err()
    }

    fn at(line: usize, column: usize) -> Option<Refusal> {
        Some(Refusal::Syntax { line, column })
    }

    #[test]
    fn reads_every_type() {
        let document =
            parse(br#" {"t":"a\u00e9\ud83d\ude00\n/","n":null,"b":true,"l":[1,"x",[]],"o":{}} "#)
                .ok()
                .unwrap();
        let root = document.root();
        assert!(root.is_object());
        assert_eq!(root.get("t").unwrap().text(), Some("aé😀\n/"));
        assert!(root.get("n").unwrap().is_null());
        assert_eq!(root.get("b").unwrap().boolean(), Some(true));
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
            (b" \n ", at(2, 1)),
            (b"{} x", at(1, 4)),
            (b"\xef\xbb\xbf{}", at(1, 1)),
            (b"[1,]", at(1, 3)),
            (b"{\"a\":1,}", at(1, 7)),
            (b"{\"a\" 1}", at(1, 6)),
            (b"{[1]:1}", at(1, 2)),
            (b"{\n  1:1}", at(2, 3)),
            (b"{\"\xc3\xa4\":1,[]:1}", at(1, 8)),
            (b"[", at(1, 1)),
            (b"]", at(1, 1)),
            (b"\"a", at(1, 2)),
            (b"\"\n\"", at(2, 1)),
            (b"\"\\x\"", at(1, 3)),
            (b"\"\\u00 41\"", at(1, 6)),
            (b"\"\\u12", at(1, 5)),
            (b"\"\\ud800\"", at(1, 8)),
            (b"\"\\udc00\\ud800\"", at(1, 14)),
            (b"01", at(1, 2)),
            (b"1.", at(1, 2)),
            (b"+1", at(1, 1)),
            (b"tru", at(1, 3)),
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
        let document = parse(text.as_bytes()).ok().unwrap();
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
            let document = parse(expected.as_bytes()).ok().unwrap();
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
            assert_eq!(parse(&out).ok().unwrap().root().text(), Some(text));
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
