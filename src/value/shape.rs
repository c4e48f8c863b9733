//! Owns what a field may look like, form by form.
//! Must not know where the bytes came from, nor put any of them into a message.

use crate::secret::Form;

/// What is wrong, to be read after the name of the source: offsets and general words, never content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) hint: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(what: &str, hint: &'static str) -> Self {
        Self {
            what: what.to_owned(),
            hint: Some(hint),
        }
    }
}

/// Far above the longest region there is (`ap-southeast-2`, 14 bytes), far below a key given in its place.
const MAX_REGION: usize = 32;
/// The longest name of a host (RFC 1035 section 2.3.4, without the root's dot).
const MAX_HOST_NAME: usize = 253;
/// The longest label of one (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;
/// The length that RFC 9110 section 4.1 asks everyone to support; servers refuse longer ones.
const MAX_URL: usize = 8000;

/// Checks a field that is neither empty nor over-long; a single final newline is gone already.
pub(super) fn check(form: Form, bytes: &[u8]) -> Result<(), Fault> {
    match form {
        Form::Raw => Ok(()),
        Form::Word => word(bytes),
        Form::Key => key(bytes),
        Form::Region => word(bytes).and_then(|()| region(bytes)),
        Form::Host => word(bytes).and_then(|()| host(bytes)),
        Form::BaseUrl => word(bytes).and_then(|()| base_url(bytes)),
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
        hint: Some(hint),
    })
}

/// What people paste into a key's place comes first: its own name says more than the odd byte in it.
fn key(bytes: &[u8]) -> Result<(), Fault> {
    if bytes.starts_with(b"-----BEGIN") {
        return Err(Fault::new(
            "is a PEM block, not a key",
            "a certificate or a private key is stored as a raw value",
        ));
    }
    if starts_with_word(bytes, b"bearer") {
        return Err(Fault::new(
            "starts with the word Bearer",
            "give the key alone, without the header's first word",
        ));
    }
    if matches!(bytes.first(), Some(b'"' | b'\'' | b'`')) {
        return Err(Fault::new("is in quotes", "give the key without quotes"));
    }
    if is_assignment(bytes) {
        return Err(Fault::new(
            "is an assignment, not a key",
            "give only what stands after the equals sign",
        ));
    }
    word(bytes)
}

/// Whether `bytes` is `word` in any case, and a blank after it.
fn starts_with_word(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .split_at_checked(word.len())
        .is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(word) && matches!(rest.first(), Some(b' ' | b'\t'))
        })
}

/// Whether it is a line of a shell or of an environment file. Base64 ends in `=` or `==`: that is none.
fn is_assignment(bytes: &[u8]) -> bool {
    let bytes = match bytes.strip_prefix(b"export ") {
        Some(rest) => rest,
        None => bytes,
    };
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

/// Words of lower-case letters and a number, joined by dashes: `us-east-1`, `us-gov-west-1`.
fn region(bytes: &[u8]) -> Result<(), Fault> {
    let is_word = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_lowercase);
    let parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'-').collect();
    let good = match parts.as_slice() {
        [area, middle @ .., number] => {
            area.len() >= 2
                && is_word(area)
                && !middle.is_empty()
                && middle.iter().all(is_word)
                && matches!(number.len(), 1 | 2)
                && number.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    if good && bytes.len() <= MAX_REGION {
        return Ok(());
    }
    Err(Fault::new(
        "is not an AWS region",
        "a region is written like us-east-1",
    ))
}

fn host(bytes: &[u8]) -> Result<(), Fault> {
    const HINT: &str = "give the host alone, such as ghcr.io or localhost:5000";
    let has = |byte: u8| bytes.contains(&byte);
    if bytes.windows(3).any(|three| three == b"://") {
        return Err(Fault::new("has a scheme", HINT));
    }
    if has(b'/') || has(b'?') || has(b'#') {
        return Err(Fault::new("has a path", HINT));
    }
    if has(b'@') {
        return Err(Fault::new("has a user name", HINT));
    }
    if is_authority(bytes) {
        return Ok(());
    }
    Err(Fault::new("is not a host", HINT))
}

fn base_url(bytes: &[u8]) -> Result<(), Fault> {
    const HINT: &str = "a base URL is written like https://us.api.openai.com/v1";
    const SCHEME: &[u8] = b"https://";
    let rest = match bytes.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
        _ => return Err(Fault::new("is not an https URL", HINT)),
    };
    if bytes.len() > MAX_URL {
        return Err(Fault::new("is too long for a URL", HINT));
    }
    if rest.contains(&b'#') {
        return Err(Fault::new("has a fragment", HINT));
    }
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains(&b'@') {
        return Err(Fault::new(
            "has a user name or a password",
            "the key is stored as the key, not in the URL",
        ));
    }
    // RFC 3986 appendix A: no part of a URI holds these.
    let is_foreign = |byte: &u8| b"\"<>\\^`{|}".contains(byte);
    if !is_authority(authority) || path.iter().any(is_foreign) {
        return Err(Fault::new("is not a URL", HINT));
    }
    Ok(())
}

/// `host` or `host:port` (RFC 3986 section 3.2): a name, an IPv4 address, or an IPv6 address in brackets.
fn is_authority(bytes: &[u8]) -> bool {
    let after_host = match bytes.strip_prefix(b"[") {
        Some(rest) => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else {
                return false;
            };
            let (address, after) = rest.split_at(end);
            let is_address = std::str::from_utf8(address)
                .is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
            if !is_address {
                return false;
            }
            after.get(1..).unwrap_or_default()
        }
        None => {
            let end = bytes
                .iter()
                .position(|byte| *byte == b':')
                .unwrap_or(bytes.len());
            let (name, after) = bytes.split_at(end);
            if !is_host_name(name) {
                return false;
            }
            after
        }
    };
    match after_host.split_first() {
        None => true,
        Some((b':', port)) => is_port(port),
        Some(_) => false,
    }
}

/// Letters, digits and dashes, dash neither first nor last (RFC 1123 section 2.1).
fn is_host_name(name: &[u8]) -> bool {
    name.len() <= MAX_HOST_NAME
        && name.split(|byte| *byte == b'.').all(|label| {
            (1..=MAX_LABEL).contains(&label.len())
                && label.first() != Some(&b'-')
                && label.last() != Some(&b'-')
                && label
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        })
}

fn is_port(port: &[u8]) -> bool {
    port.len() <= 5
        && port.iter().all(u8::is_ascii_digit)
        && std::str::from_utf8(port)
            .is_ok_and(|text| text.parse::<u16>().is_ok_and(|number| number > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(form: Form, text: &str) -> String {
        match check(form, text.as_bytes()) {
            Ok(()) => String::new(),
            Err(fault) => {
                assert!(fault.hint.is_some(), "{text:?} is refused without advice");
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
            assert_eq!(what(Form::Key, text), expected, "{text:?}");
        }
    }

    #[test]
    fn words_may_be_what_keys_may_not() {
        for text in ["\"a\"", "A=b", "-----BEGIN", "AWS", "p@ss/w0rd"] {
            assert_eq!(what(Form::Word, text), "", "{text:?}");
        }
        assert_eq!(what(Form::Word, "a b"), "holds a space at byte offset 1");
    }

    #[test]
    fn raw_values_are_not_looked_at() {
        assert_eq!(what(Form::Raw, "-----BEGIN \"x\" = \n\n\u{1f511}"), "");
    }

    #[test]
    fn regions() {
        for text in [
            "us-east-1",
            "us-gov-west-1",
            "ap-southeast-2",
            "eusc-de-east-1",
            "us-isob-east-1",
            "xx-north-12",
        ] {
            assert_eq!(what(Form::Region, text), "", "{text:?}");
        }
        for text in [
            "us-east",
            "useast1",
            "us-1",
            "u-east-1",
            "US-EAST-1",
            "us-east-1a",
            "us-east-123",
            "us--1",
            "us-east-",
            "-us-east-1",
            "us_east_1",
            "us-east1-1",
            "-",
            "aa-bbbbbbbbbbbbbbbbbbbbbbbbbbbb-11",
        ] {
            assert_eq!(what(Form::Region, text), "is not an AWS region", "{text:?}");
        }
        // 32 bytes, the longest.
        assert_eq!(what(Form::Region, "aa-bbbbbbbbbbbbbbbbbbbbbbbbbbb-1"), "");
    }

    #[test]
    fn hosts() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), 253);
        for text in [
            "ghcr.io",
            "localhost",
            "localhost:5000",
            "10.0.0.1:65535",
            "123.dkr.ecr.us-east-1.amazonaws.com",
            "[::1]",
            "[::1]:5000",
            "REGISTRY.example",
            &longest,
        ] {
            assert_eq!(what(Form::Host, text), "", "{text:?}");
        }
        for (text, expected) in [
            ("https://ghcr.io", "has a scheme"),
            ("ghcr.io/owner", "has a path"),
            ("ghcr.io/", "has a path"),
            ("ghcr.io?x", "has a path"),
            ("me@ghcr.io", "has a user name"),
            ("ghcr io", "holds a space at byte offset 4"),
            ("ghcr..io", "is not a host"),
            (".io", "is not a host"),
            ("ghcr.io.", "is not a host"),
            ("-a.io", "is not a host"),
            ("a-.io", "is not a host"),
            ("a_b.io", "is not a host"),
            ("a:", "is not a host"),
            ("a:0", "is not a host"),
            ("a:65536", "is not a host"),
            ("a:000001", "is not a host"),
            ("a:+1", "is not a host"),
            ("a:1:2", "is not a host"),
            (":5000", "is not a host"),
            ("::1", "is not a host"),
            ("[::1", "is not a host"),
            ("[::1]x", "is not a host"),
            ("[x]", "is not a host"),
            ("[]", "is not a host"),
            (&format!("{longest}a"), "is not a host"),
            (&"a".repeat(64), "is not a host"),
        ] {
            assert_eq!(what(Form::Host, text), expected, "{text:?}");
        }
    }

    #[test]
    fn base_urls() {
        for text in [
            "https://us.api.openai.com/v1",
            "https://host",
            "HTTPS://host:8443",
            "https://[::1]:1/x",
            "https://host/v1?a=b",
            "https://host?a=b@c",
            &format!("https://h/{}", "a".repeat(MAX_URL - 10)),
        ] {
            assert_eq!(what(Form::BaseUrl, text), "", "{text:?}");
        }
        for (text, expected) in [
            ("http://host", "is not an https URL"),
            ("host", "is not an https URL"),
            ("https:/host", "is not an https URL"),
            ("https://", "is not a URL"),
            ("https:///v1", "is not a URL"),
            ("https://a:b@host/v1", "has a user name or a password"),
            ("https://host/v1#x", "has a fragment"),
            ("https://host/{x}", "is not a URL"),
            ("https://ho_st/", "is not a URL"),
            ("https://host:x/", "is not a URL"),
            ("https://host /", "holds a space at byte offset 12"),
            (
                &format!("https://h/{}", "a".repeat(MAX_URL - 9)),
                "is too long for a URL",
            ),
        ] {
            assert_eq!(what(Form::BaseUrl, text), expected, "{text:?}");
        }
    }
}
