//! Every kind holds its fields to their shapes, and a refusal holds nothing of what was refused.

use crate::env::Environment;
use crate::error::{Error, ErrorKind};
use crate::json;
use crate::request::{FieldSources, FileOrStdin, Source};
use crate::secret::{Field, KINDS, MAX_VALUE, SecretBytes, SecretName, Syntax};
use crate::value::{Io, Terminal, read};

/// Nobody to ask.
struct Nobody;

impl Terminal for Nobody {
    fn permit(&mut self, _: bool) {}
    fn available(&self) -> bool {
        false
    }
    fn ask(&mut self, _: &crate::secret::Field) -> Result<SecretBytes, Error> {
        panic!("asked");
    }
    fn announce(&mut self, _: &str) -> Result<(), Error> {
        panic!("announced");
    }
    fn say(&mut self, _: &str) {}
    fn prepare(&mut self) {}
    fn release(&mut self) -> bool {
        false
    }
    fn confirm(&mut self, _: &str, _: &str) -> Result<bool, Error> {
        Ok(false)
    }
}

// The first byte: the kind, the field that the rest is for, and where it comes from.
pub fn run(data: &[u8]) {
    let Some((&how, bytes)) = data.split_first() else {
        return;
    };
    let kind = &KINDS[usize::from(how) % 6];
    let fields = kind.fields;
    let tested = &fields[usize::from(how / 6) % fields.len()];
    let trim_newline = how & 128 != 0;
    let piped = tested.file.is_some() && how & 64 != 0;
    let mut given = Vec::new();
    for field in fields {
        let source = if field != tested {
            Source::Argument(SecretBytes::new(good(field.syntax).to_vec()))
        } else if piped {
            Source::File(FileOrStdin::Stdin)
        } else {
            Source::Argument(SecretBytes::new(bytes.to_vec()))
        };
        given.push((field, source));
    }
    let env = Environment::new(|_| None);
    let mut stdin = bytes;
    let mut io = Io {
        stdin: &mut stdin,
        stdin_is_terminal: false,
        env: &env,
        timeout: std::time::Duration::ZERO,
    };
    let name = SecretName::parse("N").unwrap();
    let sources = FieldSources {
        given,
        from_env: false,
        trim_newline,
        ask: false,
    };
    let result = read(sources, Some(kind), &mut io)
        .and_then(|draft| draft.fit(kind, &name, false))
        .and_then(|fitted| fitted.complete("", &mut Nobody));
    match result {
        Ok(fields) => {
            let payload = fields.payload();
            let mut payload = payload.expose().to_vec();
            let Ok(root) = json::parse(&mut payload, &|_| {}) else {
                panic!("a payload that is not JSON");
            };
            let value = root
                .get(tested.key)
                .expect("the field")
                .text()
                .expect("text")
                .to_owned();
            accepted(tested, value.as_bytes(), bytes, trim_newline);
        }
        Err(error) => refused(&error),
    }
}

fn good(syntax: Syntax) -> &'static [u8] {
    match syntax {
        Syntax::Raw | Syntax::Text | Syntax::Key | Syntax::Word => b"k",
        Syntax::Region => b"us-east-1",
        Syntax::BaseUrl => b"https://a.example/v1",
        Syntax::Host => b"ghcr.io",
    }
}

fn accepted(field: &Field, value: &[u8], bytes: &[u8], trim_newline: bool) {
    assert!(!value.is_empty() && !value.contains(&0));
    assert!(value.len() <= MAX_VALUE || field.syntax == Syntax::Text);
    let trimmed = bytes
        .strip_suffix(b"\n")
        .map(|rest| rest.strip_suffix(b"\r").unwrap_or(rest));
    if field.syntax == Syntax::Raw && !(trim_newline && field.is_value()) {
        assert_eq!(value, bytes);
    } else {
        assert_eq!(value, trimmed.unwrap_or(bytes));
    }
    if !matches!(field.syntax, Syntax::Raw | Syntax::Text) {
        assert!(value.iter().all(u8::is_ascii_graphic));
    }
    let text = std::str::from_utf8(value).unwrap();
    match field.syntax {
        Syntax::BaseUrl => {
            let lower = text.to_ascii_lowercase();
            assert!(lower.starts_with("https://") || lower.starts_with("http://"));
        }
        Syntax::Key => assert!(!text.starts_with(['"', '\'']) && !text.starts_with("-----BEGIN")),
        Syntax::Region => {
            assert!(text.len() <= 32 && !text.contains(|c: char| c.is_ascii_uppercase()))
        }
        Syntax::Host => assert!(!text.contains(['/', '@', '?', '#'])),
        Syntax::Raw | Syntax::Text | Syntax::Word => {}
    }
}

/// A message is words of our own, options and numbers.
fn refused(error: &Error) {
    assert_eq!(error.kind, ErrorKind::InvalidData, "{}", error.message);
    assert!(error.causes.is_empty() && error.hint.is_some());
    let known = [
        "is empty",
        "is not UTF-8 at byte offset #",
        "holds a NUL byte at byte offset #",
        "is longer than # bytes",
        "holds a space at byte offset #",
        "holds a line break at byte offset #",
        "holds a control character at byte offset #",
        "holds a character that is not ASCII at byte offset #",
        "is a PEM block, not a key",
        "starts with the word Bearer",
        "is in quotes",
        "is an assignment, not a key",
        "is not an AWS region",
        "has a scheme",
        "has a path",
        "has a user name",
        "is not a host",
        "has no scheme",
        "has a scheme other than https",
        "has a fragment",
        "has a user name or password",
        "has no host",
        "has a malformed host or port",
        "has a path with characters that must be percent-encoded",
        "is only a newline",
        "is http:// to another machine: the key would travel in the clear",
    ];
    let mut shape = String::new();
    for character in error.message.chars() {
        if !character.is_ascii_digit() {
            shape.push(character);
        } else if !shape.ends_with('#') {
            shape.push('#');
        }
    }
    let shape = shape.replace("UTF-#", "UTF-8");
    assert!(
        known
            .iter()
            .any(|known| shape.ends_with(&format!(" {known}"))),
        "{shape}"
    );
    let subject = shape.len()
        - known
            .iter()
            .filter(|k| shape.ends_with(*k))
            .map(|k| k.len())
            .max()
            .unwrap();
    assert!(subject < 60, "{shape}");
}
