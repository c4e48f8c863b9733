//! What every layer shares: secret bytes, the API key, names and owners of secrets, and their types.

mod kinds;

pub use kinds::{FIELDS, Field, KINDS, Kind, MAX_VALUE, RAW, Rows, Syntax, VALUE, same};

use crate::error::Error;
use std::hint::black_box;
use zeroize::Zeroizing;

/// Bytes that must not be seen: a value, a field of a typed secret, the API key.
///
/// Wiped when dropped, without `Debug`, `Display` or `Deref`: [`SecretBytes::expose`] is the only way in, so that
/// every disclosure can be found by searching for that word.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes ownership, so that no copy stays behind with the caller.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// An empty buffer that does not move until it holds more than `capacity` bytes: a buffer that grows leaves its
    /// old content behind in freed memory.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The buffer itself, for the code that fills or trims it.
    pub fn expose_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The longest API key accepted, in bytes; the service's are well under 100, and a file given by mistake is larger.
pub const MAX_API_KEY: usize = 4096;

/// The fewest bytes by which a key is told from ordinary text when its prefix is missing.
const MIN_BARE_KEY: usize = 8;

/// The bearer key: visible ASCII, so that it can be a header value, and with the service's `wk-` prefix.
pub struct ApiKey {
    key: SecretBytes,
    origin: String,
    /// The length of the prefix where a quotation may lack it, or 0: what follows can be too short to be recognised.
    optional: usize,
    /// For [`matched`]: the key without that prefix is looked for.
    fallbacks: Vec<usize>,
}

impl ApiKey {
    /// What every key begins with.
    const PREFIX: &'static [u8] = b"wk-";

    /// Reads a key as the user keeps it; the prefix is added where it lacks, as the official client does. `origin`
    /// names its source. `None` when it is empty, longer than [`MAX_API_KEY`] bytes, or holds anything but visible
    /// ASCII.
    pub fn parse(text: &SecretBytes, origin: &str) -> Option<Self> {
        let bytes = text.expose();
        if bytes.is_empty() || bytes.len() > MAX_API_KEY || !bytes.iter().all(u8::is_ascii_graphic)
        {
            return None;
        }
        let bare = bytes.strip_prefix(Self::PREFIX).unwrap_or(bytes);
        let mut key = SecretBytes::with_capacity(Self::PREFIX.len() + bare.len());
        key.expose_mut().extend_from_slice(Self::PREFIX);
        key.expose_mut().extend_from_slice(bare);
        let (optional, needle) = if bare.len() < MIN_BARE_KEY {
            (0, key.expose())
        } else {
            (Self::PREFIX.len(), bare)
        };
        let mut fallbacks = vec![0];
        let mut longest = 0;
        for byte in needle.iter().skip(1) {
            longest = matched(needle, &fallbacks, longest, *byte);
            fallbacks.push(longest);
        }
        Some(Self {
            key,
            origin: origin.to_owned(),
            optional,
            fallbacks,
        })
    }

    /// The bytes for the `Authorization` header.
    pub fn expose(&self) -> &[u8] {
        self.key.expose()
    }

    /// Where it comes from: a variable, an option, or a file and what named it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Overwrites the key wherever a text holds it, in upper or lower case, with or without its prefix: errors quote
    /// requests, and what they say is shown and logged. Takes time linear in the text, whatever key and text are.
    pub fn redact(&self, text: &mut [u8]) {
        let key = self.expose();
        let (prefix, needle) = key.split_at_checked(self.optional).unwrap_or((b"", key));
        let Some(first) = needle.first().filter(|_| text.len() >= needle.len()) else {
            return;
        };
        let mut length = 0;
        for end in 1..=text.len() {
            let byte = text.get(end - 1).copied().unwrap_or_default();
            // Most bytes begin nothing.
            if length == 0 && !first.eq_ignore_ascii_case(&byte) {
                continue;
            }
            length = matched(needle, &self.fallbacks, length, byte);
            if length < needle.len() {
                continue;
            }
            let start = end - length;
            let before = start.checked_sub(prefix.len()).filter(|before| {
                let before = text.get(*before..start).unwrap_or_default();
                before.eq_ignore_ascii_case(prefix)
            });
            let quoted = text.get_mut(before.unwrap_or(start)..end);
            quoted.unwrap_or_default().fill(b'*');
        }
    }

    /// As [`ApiKey::redact`].
    pub fn redacted(&self, text: String) -> String {
        let mut bytes = text.into_bytes();
        self.redact(&mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Overwrites what functions that returned left on the stack: copies of values, keys and seeds. The deepest of them,
/// those of ML-KEM, take 31 kB.
#[inline(never)]
pub fn overwrite_stack() {
    black_box(&mut [0_u8; 32 * 1024]);
}

/// How many bytes of a needle's start a text ends with, in any case, after one more byte, when `length` of them are
/// known to match before it: the search of Knuth, Morris and Pratt. `fallbacks` holds, for each start of the needle, the
/// length of the longest shorter start that it ends with.
fn matched(needle: &[u8], fallbacks: &[usize], length: usize, byte: u8) -> usize {
    let mut length = length;
    loop {
        if needle
            .get(length)
            .is_some_and(|next| next.eq_ignore_ascii_case(&byte))
        {
            return length + 1;
        }
        let Some(last) = length.checked_sub(1) else {
            return 0;
        };
        length = fallbacks.get(last).copied().unwrap_or(0);
    }
}

/// What Linux allows one `NAME=value` string of an environment to take, its final NUL included: `MAX_ARG_STRLEN`,
/// 32 pages. The service hands secrets to runs as environment variables, so nothing longer can ever arrive.
pub const MAX_VARIABLE: usize = 131_072;

/// The longest name in bytes: `NAME=` and NUL and at least one byte of value.
pub const MAX_NAME: usize = MAX_VARIABLE - 3;

/// The name of a secret, sent as given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName(String);

/// For a text that is empty: usually, a variable of the shell is not set.
pub const EMPTY_VALUE_HINT: &str = "is a variable in the script unset?";

impl SecretName {
    /// # Errors
    /// [`ErrorKind::InvalidData`] for what no environment variable can be called: a name that is empty, longer than
    /// [`MAX_NAME`] bytes, or holds `=`, NUL or another control character.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let plain = "use letters, digits and underscores";
        let (what, hint) = match text.chars().find(|c| *c == '=' || c.is_control()) {
            _ if text.is_empty() => ("can't be empty", EMPTY_VALUE_HINT),
            _ if text.len() > MAX_NAME => (
                "is longer than an environment variable can be",
                "use a shorter name",
            ),
            None => return Ok(Self(text.to_owned())),
            Some('=') => (
                "can't hold '='",
                "a value does not follow the name: give it on standard input, with -f FILE or at the prompt",
            ),
            Some('\0') => ("can't hold a NUL", plain),
            Some(_) => (
                "can't hold a line break or another control character",
                plain,
            ),
        };
        Err(Error::invalid_data(format!("the name of a secret {what}")).hint(hint))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a shell can name it: `[A-Za-z_][A-Za-z0-9_]*` (POSIX.1, "Name").
    pub fn is_shell_variable(&self) -> bool {
        let mut bytes = self.0.bytes();
        bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
    }
}

/// The type of a stored secret: one this client can build, or the server's word for one it cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredType {
    Known(&'static Kind),
    Other(String),
}

impl StoredType {
    /// Reads the GraphQL spelling; a word this client does not know is kept.
    pub fn from_wire(text: &str) -> Self {
        match Kind::from_wire(text) {
            Some(kind) => Self::Known(kind),
            None => Self::Other(text.to_owned()),
        }
    }

    pub fn wire(&self) -> &str {
        match self {
            Self::Known(kind) => kind.wire,
            Self::Other(text) => text,
        }
    }

    pub fn label(&self) -> &str {
        match self {
            Self::Known(kind) => kind.label,
            Self::Other(text) if text == "DOTENVX" => "dotenvx",
            Self::Other(text) => text,
        }
    }
}

/// Who holds a secret (schema: `Space`, `Owner`). Personal sorts before team.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Personal,
    /// The team's uid, an opaque text.
    Team(String),
    /// A kind of owner this client does not know, as the server spells it: listed, never written to.
    Other(String),
}

impl Owner {
    /// The word for people and for JSON.
    pub fn scope(&self) -> &str {
        match self {
            Self::Personal => "Personal",
            Self::Team(_) => "Team",
            Self::Other(text) => text,
        }
    }

    pub fn team(&self) -> Option<&str> {
        match self {
            Self::Personal | Self::Other(_) => None,
            Self::Team(uid) => Some(uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_environment_names() {
        let control = "can't hold a line break or another control character";
        for (text, what) in [
            ("", "can't be empty"),
            ("A=B", "can't hold '='"),
            ("A\0", "can't hold a NUL"),
            ("A\n", control),
            ("A\u{7f}", control),
            ("A\u{85}", control),
            (
                &"a".repeat(131_070),
                "is longer than an environment variable can be",
            ),
        ] {
            let error = SecretName::parse(text).unwrap_err();
            assert_eq!(error.message, format!("the name of a secret {what}"));
        }
        assert!(SecretName::parse(&"a".repeat(131_069)).is_ok());
    }

    fn key(text: &str) -> ApiKey {
        ApiKey::parse(&SecretBytes::new(text.into()), "here").unwrap()
    }

    #[test]
    fn a_key_is_overwritten_wherever_a_text_holds_it() {
        let periodic = "a".repeat(4096);
        for (given, text, expected) in [
            ("wk-1", "", ""),
            ("wk-1", "wk-", "wk-"),
            ("wk-1", "wk-1", "****"),
            ("1", "wk-1", "****"),
            ("wk-1", "bad key 'wk-1'", "bad key '****'"),
            ("wk-1", "wk-1wk-1 wwk-1", "******** w****"),
            ("wk-1", "wk-2 wk 1", "wk-2 wk 1"),
            ("wk-1234567", "wk-1234567 1234567", "********** 1234567"),
            (
                "wk-12345678",
                "wk-12345678 12345678",
                "*********** ********",
            ),
            ("wk-12345678", "wk12345678-", "wk********-"),
            ("wk-12345678", "12345678wk-12345678", "*******************"),
            ("wk-12345678", "wk-1234567", "wk-1234567"),
            ("12345678", "wk-12345678", "***********"),
            (
                "wk-AbCdEfGh",
                "WK-ABCDEFGH abcdefgh",
                "*********** ********",
            ),
            ("wk-abababab", "wk-ababababab", "*************"),
            ("wk-ababaabab", "abaababaabab", "aba*********"),
            ("wk-aabaaabaa", "aabaabaaabaa", "aab*********"),
            (&periodic, &format!("wk-{periodic}a"), &"*".repeat(4100)),
            (&periodic, &"a".repeat(4095), &"a".repeat(4095)),
        ] {
            assert_eq!(
                key(given).redacted(text.to_owned()),
                expected,
                "{given} {text}"
            );
        }
    }

    #[test]
    fn shell_variables() {
        for (text, yes) in [
            ("A", true),
            ("_a1", true),
            ("1A", false),
            ("a-b", false),
            ("ä", false),
            ("a b", false),
        ] {
            assert_eq!(
                SecretName::parse(text).unwrap().is_shell_variable(),
                yes,
                "{text}"
            );
        }
    }

    #[test]
    fn kinds_round_trip() {
        for kind in KINDS {
            assert_eq!(StoredType::from_wire(kind.wire), StoredType::Known(kind));
            assert!(kind.fields.iter().any(|field| field.required));
        }
        assert_eq!(StoredType::from_wire("DOTENVX").label(), "dotenvx");
        assert_eq!(StoredType::from_wire("NEW_TYPE").label(), "NEW_TYPE");
    }
}
