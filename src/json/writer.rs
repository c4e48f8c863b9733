//! Writes JSON (RFC 8259) in the order of the calls.

use super::needs_escape;
use crate::text::{is_invisible, is_plain};

/// A destination whose writes return no error; one that can fail keeps its first error until the end.
pub trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Writes one compact document: members in the order of the calls, with the commas and quotes they need.
///
/// `object(|w| { w.key("a").null(); w.key("b").array(|w| w.boolean(true)) })` writes `{"a":null,"b":[true]}`.
pub struct Writer<'a> {
    out: &'a mut dyn Sink,
    /// A value was written on this level, so that the next one needs a comma.
    comma: bool,
}

impl<'a> Writer<'a> {
    pub fn new(out: &'a mut dyn Sink) -> Self {
        Self { out, comma: false }
    }

    pub fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.open(b"{");
        members(self);
        self.close(b"}");
    }

    pub fn array(&mut self, items: impl FnOnce(&mut Self)) {
        self.open(b"[");
        items(self);
        self.close(b"]");
    }

    /// Starts a member; its value is the next call. The key is written as it is.
    pub fn key(&mut self, key: &'static str) -> &mut Self {
        self.verbatim(key, b"\":");
        self.comma = false;
        self
    }

    /// A string that needs no escapes, as a literal.
    pub fn literal(&mut self, text: &str) {
        self.verbatim(text, b"\"");
    }

    pub fn string(&mut self, text: &str) {
        self.string_bytes(text.as_bytes());
    }

    /// A string as bytes, which must be UTF-8; they are not checked.
    pub fn string_bytes(&mut self, bytes: &[u8]) {
        self.begin_string();
        self.escape(bytes);
        self.out.put(b"\"");
    }

    /// A string that is also safe to print on a terminal: invisible characters are written as `\uXXXX`.
    pub fn printable(&mut self, text: &str) {
        if is_plain(text) {
            return self.string(text);
        }
        self.begin_string();
        let mut rest = text;
        while let Some(at) = rest.find(|c| is_invisible(c) && c >= ' ') {
            let (before, after) = rest.split_at_checked(at).unwrap_or_default();
            self.escape(before.as_bytes());
            let mut characters = after.chars();
            for unit in characters
                .next()
                .unwrap_or_default()
                .encode_utf16(&mut [0; 2])
            {
                self.out.put(b"\\u");
                for byte in unit.to_be_bytes() {
                    self.out.put(&hex(byte));
                }
            }
            rest = characters.as_str();
        }
        self.escape(rest.as_bytes());
        self.out.put(b"\"");
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

    fn verbatim(&mut self, text: &str, end: &[u8]) {
        debug_assert!(!text.bytes().any(needs_escape), "{text} needs escapes");
        self.begin_string();
        self.out.put(text.as_bytes());
        self.out.put(end);
    }

    fn begin_string(&mut self) {
        self.out.put(if self.comma { b",\"" } else { b"\"" });
        self.comma = true;
    }

    fn word(&mut self, word: &[u8]) {
        self.separate();
        self.out.put(word);
    }

    fn open(&mut self, bracket: &[u8]) {
        self.separate();
        self.out.put(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: &[u8]) {
        self.out.put(bracket);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.put(b",");
        }
        self.comma = true;
    }

    /// Writes the text between the quotes: the escapes of RFC 8259 section 7 that are required, the short forms where
    /// there are any, lower-case hex elsewhere.
    fn escape(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(plain) = rest.iter().position(|&byte| needs_escape(byte)) {
            let (before, after) = rest.split_at_checked(plain).unwrap_or_default();
            self.out.put(before);
            let Some((&byte, after)) = after.split_first() else {
                return;
            };
            match byte {
                b'"' | b'\\' => self.out.put(&[b'\\', byte]),
                b'\n' => self.out.put(b"\\n"),
                b'\r' => self.out.put(b"\\r"),
                b'\t' => self.out.put(b"\\t"),
                0x08 => self.out.put(b"\\b"),
                0x0c => self.out.put(b"\\f"),
                _ => {
                    self.out.put(b"\\u00");
                    self.out.put(&hex(byte));
                }
            }
            rest = after;
        }
        self.out.put(rest);
    }
}

/// The length of an escaped string without its quotes. A buffer of this size is never reallocated, which would leave a
/// copy of a secret behind.
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

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    [byte >> 4, byte & 0xf].map(|nibble| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'))
}
