//! What a field may look like, by its syntax. No message holds any of what was checked.

use crate::secret::{Field, KINDS, Syntax};
use crate::url::{Url, authority};

/// What is wrong, to be read after the name of the source: offsets and general words, never content.
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) hint: &'static str,
}

impl Fault {
    pub(super) fn new(what: &str, hint: &'static str) -> Self {
        Self {
            what: what.to_owned(),
            hint,
        }
    }
}

/// The longest region in bytes: far above the longest there is (`us-west-2-lax-1`), and far below a key given in its
/// place.
const MAX_REGION: usize = 32;

/// Checks a field that is neither empty nor over-long; a single final newline is gone already.
pub(super) fn check(syntax: Syntax, bytes: &[u8]) -> Result<(), Fault> {
    match syntax {
        Syntax::Raw | Syntax::Text => Ok(()),
        Syntax::Word => word(bytes),
        // The name of what was pasted says more than the odd byte in it.
        Syntax::Key => pasted(bytes).and_then(|()| word(bytes)),
        Syntax::Region => word(bytes).and_then(|()| region(bytes)),
        Syntax::Host => word(bytes).and_then(|()| host(bytes)),
        Syntax::BaseUrl => word(bytes).and_then(|()| base_url(bytes)),
    }
}

/// One word of printable ASCII.
pub(super) fn word(bytes: &[u8]) -> Result<(), Fault> {
    let Some(offset) = bytes.iter().position(|byte| !byte.is_ascii_graphic()) else {
        return Ok(());
    };
    let (what, hint) = match bytes.get(offset) {
        Some(b' ') => ("a space", "give it alone, without blanks"),
        Some(b'\n' | b'\r') => ("a line break", "give it alone, on one line"),
        Some(byte) if byte.is_ascii() => ("a control character", "give it as plain text"),
        _ => (
            "a character that is not ASCII",
            "copy it again from where it was issued",
        ),
    };
    Err(Fault {
        what: format!("holds {what} at byte offset {offset}"),
        hint,
    })
}

/// What people paste into a key's place by mistake.
pub(super) fn pasted(bytes: &[u8]) -> Result<(), Fault> {
    let (what, hint) = match bytes.split_at_checked(6) {
        _ if bytes.starts_with(b"-----BEGIN") => (
            "is a PEM block, not a key",
            "a certificate or a private key is stored as a raw value",
        ),
        Some((word, [b' ' | b'\t', ..])) if word.eq_ignore_ascii_case(b"bearer") => (
            "starts with the word Bearer",
            "give the key alone, without the header's first word",
        ),
        _ if matches!(bytes, [b'"' | b'\'' | b'`', ..]) => {
            ("is in quotes", "give the key without quotes")
        }
        _ if is_assignment(bytes) => (
            "is an assignment, not a key",
            "give only what stands after the equals sign",
        ),
        _ => return Ok(()),
    };
    Err(Fault::new(what, hint))
}

/// Whether it is a line of a shell or of an environment file. Base64 ends in `=` or `==`: that is none.
fn is_assignment(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"export ").unwrap_or(bytes);
    let Some(equals) = bytes.iter().position(|byte| *byte == b'=') else {
        return false;
    };
    let (name, rest) = bytes.split_at(equals);
    name.first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && matches!(rest.get(1), Some(byte) if *byte != b'=' && !byte.is_ascii_whitespace())
}

/// `us-east-1`, `us-west-2-lax-1`, `global`: which ones there are is the service's to say.
fn region(bytes: &[u8]) -> Result<(), Fault> {
    let is_part = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if bytes.len() <= MAX_REGION
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(is_part)
    {
        return Ok(());
    }
    Err(Fault::new(
        "is not an AWS region",
        "a region is written like us-east-1",
    ))
}

fn host(bytes: &[u8]) -> Result<(), Fault> {
    let has = |byte: u8| bytes.contains(&byte);
    let what = if bytes.windows(3).any(|three| three == b"://") {
        "has a scheme"
    } else if has(b'/') || has(b'?') || has(b'#') {
        "has a path"
    } else if has(b'@') {
        "has a user name"
    } else if str::from_utf8(bytes).ok().and_then(authority).is_none() {
        "is not a host"
    } else {
        return Ok(());
    };
    let hint = "give the host alone, such as ghcr.io or localhost:5000";
    Err(Fault::new(what, hint))
}

fn base_url(bytes: &[u8]) -> Result<(), Fault> {
    let hint = "a base URL is written like https://us.api.openai.com/v1";
    let url = Url::parse(str::from_utf8(bytes).unwrap_or_default());
    let url = url.map_err(|what| Fault::new(what, hint))?;
    if !url.is_private() {
        return Err(Fault::new(
            "is http:// to another machine: the key would travel in the clear",
            "use https://; http:// is allowed to localhost, 127.0.0.0/8 and [::1] only",
        ));
    }
    Ok(())
}

/// What a person may want to know of a value that is stored all the same; never a part of it.
pub(super) fn note(field: &Field, bytes: &[u8]) -> Option<String> {
    if field.syntax == Syntax::Raw {
        let text = bytes.trim_ascii_end();
        let is_missing = text == b"null" || text == b"undefined";
        return is_missing
            .then(|| "the value is what `jq` prints for a field that is missing".to_owned());
    }
    if field.prefix.is_empty() {
        return None;
    }
    let (mut own, mut found) = ("", ("", ""));
    for kind in KINDS {
        let prefix = kind.fields.first().map_or("", |first| first.prefix);
        if prefix == field.prefix {
            own = kind.label;
        }
        // The longest says whose key it is: some begin with that of another.
        if prefix.len() > found.0.len() && bytes.starts_with(prefix.as_bytes()) {
            found = (prefix, kind.label);
        }
    }
    Some(match found {
        (prefix, _) if prefix == field.prefix => return None,
        ("", _) => {
            let text = ["keys of type ", own, " start with ", field.prefix];
            text.concat() + ", and this one does not"
        }
        (_, other) => ["the key looks like one of type ", other, ", not ", own].concat(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Kind;

    fn what(syntax: Syntax, text: &str) -> String {
        match check(syntax, text.as_bytes()) {
            Ok(()) => String::new(),
            Err(fault) => {
                assert!(!fault.hint.is_empty(), "{text:?} is refused without advice");
                fault.what
            }
        }
    }

    #[test]
    fn keys() {
        for (text, expected) in [
            ("sk-ant-api03-abc_DEF-123", ""),
            ("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""),
            ("YWJjZA==", ""),
            ("YWJjZGU=", ""),
            ("IQoJb3JpZ2luX2VjE/+//AAAA=", ""),
            ("a-b=c", ""),
            ("1A=c", ""),
            ("=c", ""),
            (
                "-----BEGIN PRIVATE KEY-----\nMII",
                "is a PEM block, not a key",
            ),
            ("Bearer sk-1", "starts with the word Bearer"),
            ("bearer\tsk-1", "starts with the word Bearer"),
            ("bearer", ""),
            ("\"sk-1\"", "is in quotes"),
            ("'sk-1'", "is in quotes"),
            ("`sk-1`", "is in quotes"),
            ("KEY=sk-1", "is an assignment, not a key"),
            ("_k1=sk-1", "is an assignment, not a key"),
            ("export KEY=sk-1", "is an assignment, not a key"),
            ("KEY=a\nOTHER=b", "is an assignment, not a key"),
            ("sk 1", "holds a space at byte offset 2"),
            (" sk", "holds a space at byte offset 0"),
            ("sk\n", "holds a line break at byte offset 2"),
            ("sk\r1", "holds a line break at byte offset 2"),
            ("sk\t1", "holds a control character at byte offset 2"),
            ("sk\x7f", "holds a control character at byte offset 2"),
            (
                "sk\u{a0}1",
                "holds a character that is not ASCII at byte offset 2",
            ),
            (
                "\u{feff}sk",
                "holds a character that is not ASCII at byte offset 0",
            ),
        ] {
            assert_eq!(what(Syntax::Key, text), expected, "{text:?}");
        }
    }

    #[test]
    fn notes() {
        let note = |wire: &str, text: &str| {
            let field = &Kind::from_wire(wire).unwrap().fields[0];
            note(field, text.as_bytes()).unwrap_or_default()
        };
        let missing = "the value is what `jq` prints for a field that is missing";
        for (text, expected) in [
            ("null", missing),
            ("null\n", missing),
            ("undefined", missing),
            ("NULL", ""),
            ("nullable", ""),
            (" null", ""),
            ("", ""),
            ("sk-ant-1", ""),
        ] {
            assert_eq!(note("RAW_VALUE", text), expected, "{text:?}");
        }
        for (wire, text, expected) in [
            ("ANTHROPIC_API_KEY", "sk-ant-1", ""),
            (
                "ANTHROPIC_API_KEY",
                "hello",
                "keys of type Anthropic API Key start with sk-ant-, and this one does not",
            ),
            (
                "ANTHROPIC_API_KEY",
                "sk-proj-1",
                "the key looks like one of type OpenAI API Key, not Anthropic API Key",
            ),
            ("OPENAI_API_KEY", "sk-1", ""),
            ("OPENAI_API_KEY", "sk-proj-1", ""),
            (
                "OPENAI_API_KEY",
                "sk-ant-1",
                "the key looks like one of type Anthropic API Key, not OpenAI API Key",
            ),
            (
                "OPENAI_API_KEY",
                "hello",
                "keys of type OpenAI API Key start with sk-, and this one does not",
            ),
            ("ANTHROPIC_BEDROCK_API_KEY", "hello", ""),
            ("DOCKER_REGISTRY", "hello", ""),
        ] {
            assert_eq!(note(wire, text), expected, "{wire} {text:?}");
        }
    }

    #[test]
    fn words_may_be_what_keys_may_not() {
        for text in ["\"a\"", "A=b", "-----BEGIN", "AWS", "p@ss/w0rd"] {
            assert_eq!(what(Syntax::Word, text), "", "{text:?}");
        }
        assert_eq!(what(Syntax::Word, "a b"), "holds a space at byte offset 1");
    }

    #[test]
    fn raw_values_are_not_looked_at() {
        assert_eq!(what(Syntax::Raw, "-----BEGIN \"x\" = \n\n\u{1f511}"), "");
    }

    #[test]
    fn regions() {
        for text in [
            "us-east-1",
            "us-west-2-lax-1",
            "eusc-de-east-1",
            "global",
            &"a".repeat(32),
        ] {
            assert_eq!(what(Syntax::Region, text), "", "{text:?}");
        }
        for text in [
            "US-EAST-1",
            "us_east_1",
            "us.east",
            "-us-east-1",
            "1-us",
            &"a".repeat(33),
        ] {
            assert_eq!(
                what(Syntax::Region, text),
                "is not an AWS region",
                "{text:?}"
            );
        }
    }

    #[test]
    fn hosts() {
        for text in [
            "ghcr.io",
            "localhost:5000",
            "registry_1.local:5000",
            "10.0.0.1:65535",
            "123.dkr.ecr.us-east-1.amazonaws.com",
            "[::1]:5000",
            "REGISTRY.example",
        ] {
            assert_eq!(what(Syntax::Host, text), "", "{text:?}");
        }
        for (text, expected) in [
            ("https://ghcr.io", "has a scheme"),
            ("ghcr.io/owner", "has a path"),
            ("ghcr.io/", "has a path"),
            ("ghcr.io?x", "has a path"),
            ("me@ghcr.io", "has a user name"),
            ("ghcr io", "holds a space at byte offset 4"),
            ("ghcr..io", "is not a host"),
            ("a:0", "is not a host"),
            ("a:1:2", "is not a host"),
            (":5000", "is not a host"),
            ("::1", "is not a host"),
            ("[::1]x", "is not a host"),
        ] {
            assert_eq!(what(Syntax::Host, text), expected, "{text:?}");
        }
    }

    #[test]
    fn base_urls() {
        for text in [
            "https://us.api.openai.com/v1",
            "HTTPS://host:8443",
            "https://[::1]:1/x",
            "https://host/v1?a=b",
            "https://ho_st?a=b@c",
            "http://localhost:4000/v1",
            "http://127.0.0.1",
            "http://[::1]:1",
        ] {
            assert_eq!(what(Syntax::BaseUrl, text), "", "{text:?}");
        }
        let travels = "is http:// to another machine: the key would travel in the clear";
        for (text, expected) in [
            ("http://host", travels),
            ("http://localhost.example/v1", travels),
            ("host", "has no scheme"),
            ("ftp://host", "has a scheme other than https"),
            ("https:///v1", "has no host"),
            ("https://a:b@host/v1", "has a user name or password"),
            ("https://host/v1#x", "has a fragment"),
            (
                "https://host/{x}",
                "has a path with characters that must be percent-encoded",
            ),
            ("https://host:x/", "has a malformed host or port"),
            ("https://host /", "holds a space at byte offset 12"),
        ] {
            assert_eq!(what(Syntax::BaseUrl, text), expected, "{text:?}");
        }
    }
}
