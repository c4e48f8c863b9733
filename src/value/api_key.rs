//! Reads the API key from where the command line or the environment says it is.

use super::source::{Io, drop_final_newline, read_file, read_stdin};
use super::validate::{self, Fault};
use crate::env::Environment;
use crate::error::Error;
use crate::file;
use crate::request::{FileOrStdin, KeySource};
use crate::secret::{ApiKey, MAX_API_KEY, SecretBytes};

/// The most that is read of a key file: the longest key and its newline, CR and LF.
const READ_LIMIT: usize = MAX_API_KEY + 2;

const LOOKS: &str = "an API key is one word of printable ASCII that starts with wk-";

const KEY_FILE: &str = "name a file that holds the key with --api-key-file or WARP_API_KEY_FILE";

const HOW_TO_GIVE: &str = "set WARP_API_KEY, or name a file that holds the key with --api-key-file";

/// Reads the key.
///
/// # Errors
/// [`ErrorKind::Credentials`] if there is none or it is empty, [`ErrorKind::Config`] if it cannot be a key,
/// [`ErrorKind::Unreadable`] for its file, [`ErrorKind::Usage`] if it would have to be typed in plain sight.
pub fn api_key(source: KeySource, io: &mut Io<'_>) -> Result<ApiKey, Error> {
    match source {
        KeySource::Absent => Err(absent(io.env)),
        KeySource::Text { origin, key } => parse(origin, key),
        KeySource::File {
            origin,
            path: FileOrStdin::Stdin,
        } => {
            if io.stdin_is_terminal {
                return Err(Error::usage(format!(
                    "{origin} names standard input, which is a terminal"
                ))
                .hint("pipe the key in, or name a file: typed here it would be shown"));
            }
            let text = read_stdin(io.stdin, READ_LIMIT)?;
            parse(&format!("standard input of {origin}"), text)
        }
        KeySource::File {
            origin,
            path: FileOrStdin::Path(path),
        } => {
            let text = read_file(&path, origin, READ_LIMIT, io.timeout)?;
            parse(&file::subject(&path, origin), text)
        }
    }
}

/// A CI system sets the variable to nothing for a secret that it does not have or may not show.
fn absent(env: &Environment) -> Error {
    let empty = ["WARP_API_KEY", "WARP_API_KEY_FILE"]
        .into_iter()
        .find(|name| env.raw(name).is_some());
    match empty {
        Some(name) => {
            Error::credentials(format!("no API key: the variable {name} is set to nothing"))
                .hint("in CI: does this job have access to the secret?")
        }
        None => Error::credentials("no API key").hint(HOW_TO_GIVE),
    }
}

fn parse(subject: &str, mut text: SecretBytes) -> Result<ApiKey, Error> {
    drop_final_newline(text.expose_mut());
    if text.is_empty() {
        return Err(Error::credentials(format!("{subject} is empty")).hint(HOW_TO_GIVE));
    }
    let bytes = text.expose();
    let too_long = || Fault {
        what: format!("is longer than {MAX_API_KEY} bytes"),
        hint: LOOKS,
    };
    mistaken(bytes)
        .and_then(|()| validate::pasted(bytes))
        .and_then(|()| {
            validate::word(bytes).map_err(|fault| Fault {
                hint: LOOKS,
                ..fault
            })
        })
        .and_then(|()| ApiKey::parse(&text, subject).ok_or_else(too_long))
        .map_err(|fault| Error::config(format!("{subject} {}", fault.what)).hint(fault.hint))
}

/// What stands in the place of the key and is none: it would be sent, and some of it is secret too.
fn mistaken(text: &[u8]) -> Result<(), Fault> {
    let bare = text.strip_prefix(b"wk-").unwrap_or(text);
    let is_path = [&b"/"[..], b"./", b"../", b"~/"]
        .iter()
        .any(|start| text.starts_with(start));
    let (what, hint) = match text {
        _ if is_path => ("is a path, not a key", KEY_FILE),
        [b's', b'k', b'-', ..] => ("starts with sk-, as keys of other services do", LOOKS),
        [b'$', ..] => (
            "is the name of a variable, not its value",
            "give it where a shell or the CI system puts in the value",
        ),
        [b'<', .., b'>'] | [b'[', .., b']'] => ("is a placeholder, not a key", LOOKS),
        _ if !bare.is_empty() && bare.iter().all(|byte| *byte == b'*') => {
            ("is masked: it is asterisks only", LOOKS)
        }
        _ => return Ok(()),
    };
    Err(Fault::new(what, hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::time::Duration;

    fn run(source: KeySource, mut stdin: &[u8], terminal: bool) -> Result<String, (u8, String)> {
        let env = Environment::new(|_| None);
        let mut io = Io {
            stdin: &mut stdin,
            stdin_is_terminal: terminal,
            env: &env,
            timeout: Duration::from_secs(60),
        };
        match api_key(source, &mut io) {
            Ok(key) => Ok(String::from_utf8(key.expose().to_vec()).unwrap()),
            Err(error) => Err((error.code(), error.message.to_owned())),
        }
    }

    fn text(key: &[u8]) -> Result<String, (u8, String)> {
        let key = SecretBytes::new(key.to_vec());
        let origin = "WARP_API_KEY";
        run(KeySource::Text { origin, key }, b"", false)
    }

    fn refused<T>(code: u8, message: &str) -> Result<T, (u8, String)> {
        Err((code, message.to_owned()))
    }

    #[test]
    fn keys_as_text() {
        assert_eq!(run(KeySource::Absent, b"", false), refused(4, "no API key"));
        assert_eq!(text(b"wk-1.a"), Ok("wk-1.a".to_owned()));
        assert_eq!(text(b"1.a"), Ok("wk-1.a".to_owned()));
        assert_eq!(text(b"wk-1.a\r\n"), Ok("wk-1.a".to_owned()));
        for (key, code, message) in [
            (&b""[..], 4, "WARP_API_KEY is empty"),
            (
                b"wk-1\n\n",
                78,
                "WARP_API_KEY holds a line break at byte offset 4",
            ),
            (b"wk 1", 78, "WARP_API_KEY holds a space at byte offset 2"),
            (b"\"wk-1\"", 78, "WARP_API_KEY is in quotes"),
            (
                b"Bearer wk-1",
                78,
                "WARP_API_KEY starts with the word Bearer",
            ),
            (
                b"WARP_API_KEY=wk-1",
                78,
                "WARP_API_KEY is an assignment, not a key",
            ),
            (
                b"wk-\xff",
                78,
                "WARP_API_KEY holds a character that is not ASCII at byte offset 3",
            ),
            (&[b'a'; 4097], 78, "WARP_API_KEY is longer than 4096 bytes"),
        ] {
            assert_eq!(text(key), refused(code, message));
        }
        assert!(text(&[b'a'; 4096]).is_ok());
    }

    fn stdin(bytes: &[u8], terminal: bool) -> Result<String, (u8, String)> {
        let source = KeySource::File {
            origin: "--api-key-file",
            path: FileOrStdin::Stdin,
        };
        run(source, bytes, terminal)
    }

    #[test]
    fn keys_from_standard_input_and_files() {
        for bytes in [&b"wk-1"[..], b"wk-1\n", b"wk-1\r\n"] {
            assert_eq!(stdin(bytes, false), Ok("wk-1".to_owned()));
        }
        let mut longest = vec![b'a'; 4096];
        longest.extend_from_slice(b"\r\n");
        assert!(stdin(&longest, false).is_ok());
        let subject = "standard input of --api-key-file";
        for (bytes, code, what) in [
            (&b""[..], 4, "is empty"),
            (b"\n", 4, "is empty"),
            (b"wk-1\n\n", 78, "holds a line break at byte offset 4"),
            (&[b'a'; 9000], 78, "is longer than 4096 bytes"),
        ] {
            assert_eq!(
                stdin(bytes, false),
                refused(code, &format!("{subject} {what}"))
            );
        }
        assert_eq!(
            stdin(b"wk-1\n", true),
            refused(
                2,
                "--api-key-file names standard input, which is a terminal"
            )
        );
        for (path, code, message) in [
            (
                "/nonexistent",
                66,
                "cannot read the file '/nonexistent' of --api-key-file",
            ),
            (
                "/dev/null",
                4,
                "the file '/dev/null' of --api-key-file is empty",
            ),
        ] {
            let source = KeySource::File {
                origin: "--api-key-file",
                path: FileOrStdin::Path(PathBuf::from(path)),
            };
            assert_eq!(run(source, b"", false), refused(code, message));
        }
    }
}
