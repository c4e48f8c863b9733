//! Where the bytes of a field come from, and reading them up to a limit.

use crate::env::Environment;
use crate::error::Error;
use crate::file;
use crate::secret::{Field, MAX_VARIABLE, SecretBytes};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What sources read from.
pub struct Io<'a> {
    /// [`StandardInput`](crate::stdio::StandardInput) in the program: a reader that buffers would keep a copy of the
    /// value.
    pub stdin: &'a mut dyn Read,
    pub stdin_is_terminal: bool,
    pub env: &'a Environment,
    /// For each file that is a pipe: `--timeout`.
    pub timeout: Duration,
}

/// The most that is read of a field: its final newline, CR and LF, may be dropped later.
fn read_limit(field: &Field) -> usize {
    field.limit.of_any() + 2
}

pub(super) const ENCODE: &str = "store binary data as text, for example encoded with base64";

/// The name of a source in messages.
pub(super) enum Origin {
    Argument(&'static str),
    Stdin(&'static Field),
    File { flag: &'static str, path: PathBuf },
    Variable(&'static str),
    Prompt,
}

impl Origin {
    /// The subject of a sentence.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Argument(flag) => (*flag).to_owned(),
            Self::Stdin(field) => match field.file.filter(|_| !field.is_value()) {
                Some(file) => format!("standard input, read for {},", file.flag),
                None => "standard input".to_owned(),
            },
            Self::File { flag, path } => file::subject(path, flag),
            Self::Variable(name) => format!("the variable {name}"),
            Self::Prompt => "the answer".to_owned(),
        }
    }

    /// What may have gone wrong when it holds nothing.
    fn empty_hint(&self) -> &'static str {
        match self {
            Self::Stdin(_) => {
                "an empty value is never stored; did the command before the pipe fail?"
            }
            Self::Argument(_) => "an empty value is never stored; leave the option out instead",
            Self::File { .. } | Self::Variable(_) | Self::Prompt => {
                "an empty value is never stored"
            }
        }
    }

    fn is_empty(&self) -> Error {
        Error::invalid_data(format!("{} is empty", self.subject())).hint(self.empty_hint())
    }
}

/// The bytes of one field, and where they come from.
pub(super) struct RawField {
    pub(super) field: &'static Field,
    pub(super) origin: Origin,
    pub(super) bytes: SecretBytes,
    /// A final newline was dropped already, as asked.
    pub(super) trimmed: bool,
}

impl RawField {
    pub(super) fn new(field: &'static Field, origin: Origin, bytes: SecretBytes) -> Self {
        Self {
            field,
            origin,
            bytes,
            trimmed: false,
        }
    }

    pub(super) fn from_file(
        field: &'static Field,
        path: &Path,
        io: &Io<'_>,
    ) -> Result<Self, Error> {
        let flag = field.file.map_or(field.flag, |file| file.flag);
        let bytes = read_file(path, flag, read_limit(field), io.timeout)?;
        let path = path.to_owned();
        Ok(Self::new(field, Origin::File { flag, path }, bytes))
    }

    /// Reads standard input to its end.
    pub(super) fn from_stdin(field: &'static Field, stdin: &mut dyn Read) -> Result<Self, Error> {
        let bytes = read_stdin(stdin, read_limit(field))?;
        Ok(Self::new(field, Origin::Stdin(field), bytes))
    }

    /// Takes the first variable of the field that is set to something.
    pub(super) fn from_environment(field: &'static Field, env: &Environment) -> Option<Self> {
        field.variables.iter().find_map(|name| {
            let bytes = SecretBytes::new(env.filled(name)?.into_vec());
            Some(Self::new(field, Origin::Variable(name), bytes))
        })
    }

    /// Drops exactly one final newline, LF or CRLF; a second call drops nothing. An error if the newline was all there is.
    pub(super) fn trim_newline(&mut self) -> Result<(), Error> {
        if self.trimmed || self.bytes.is_empty() {
            return Ok(());
        }
        self.trimmed = true;
        drop_final_newline(self.bytes.expose_mut());
        if self.bytes.is_empty() {
            let message = format!("{} is only a newline", self.origin.subject());
            return Err(Error::invalid_data(message).hint(self.origin.empty_hint()));
        }
        Ok(())
    }

    /// What holds for every value: it is not empty, not too long for any name, and text that a variable can carry.
    pub(super) fn check(&self) -> Result<(), Error> {
        let bytes = self.bytes.expose();
        if bytes.is_empty() {
            return Err(self.origin.is_empty());
        }
        if bytes.len() > read_limit(self.field) {
            return Err(too_long(&self.origin, self.field.limit.of_any()));
        }
        if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
            let message = format!(
                "{} holds a NUL byte at byte offset {offset}",
                self.origin.subject()
            );
            return Err(Error::invalid_data(message).hint(ENCODE));
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let message = format!(
                "{} is not UTF-8 at byte offset {}",
                self.origin.subject(),
                error.valid_up_to()
            );
            return Err(Error::invalid_data(message).hint(ENCODE));
        }
        Ok(())
    }
}

/// A value of more than `limit` bytes.
pub(super) fn too_long(origin: &Origin, limit: usize) -> Error {
    Error::invalid_data(format!("{} is longer than {limit} bytes", origin.subject()))
        .hint(limit_hint(limit))
}

/// Why a field has this limit.
pub(super) fn limit_hint(limit: usize) -> String {
    if limit > MAX_VARIABLE {
        return "is this the right file?".to_owned();
    }
    format!(
        "a run receives secrets as environment variables, and Linux allows {MAX_VARIABLE} bytes for one, its name included"
    )
}

/// Drops one LF or CRLF at the end.
pub(super) fn drop_final_newline(bytes: &mut Vec<u8>) {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
}

/// Reads a file that an option names, at most one byte past `limit`.
pub(super) fn read_file(
    path: &Path,
    flag: &str,
    limit: usize,
    timeout: Duration,
) -> Result<SecretBytes, Error> {
    file::read_secret(path, limit, timeout).map_err(|error| file::unreadable(path, flag, &error))
}

/// Reads standard input, at most one byte past `limit`.
pub(super) fn read_stdin(stdin: &mut dyn Read, limit: usize) -> Result<SecretBytes, Error> {
    file::read_to_limit(stdin, limit)
        .map_err(|error| Error::unreadable("cannot read standard input").system_cause(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{FIELDS, VALUE};
    use std::ffi::OsString;
    use std::io;

    #[test]
    fn a_reader_that_fails_is_unreadable() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken\x1b"))
            }
        }
        let Err(error) = read_stdin(&mut Broken, 1) else {
            panic!("read from a broken reader");
        };
        assert_eq!(
            error,
            Error::unreadable("cannot read standard input").cause("broken\\u{1b}")
        );
    }

    const TIMEOUT: Duration = Duration::from_secs(60);

    #[test]
    fn files_that_cannot_be_read_are_named() {
        for (path, cause) in [
            ("/nonexistent/\x07", "No such file or directory"),
            ("/", "Is a directory"),
        ] {
            let Err(error) = read_file(Path::new(path), "--password-file", 9, TIMEOUT) else {
                panic!("read {path:?}");
            };
            assert_eq!(
                error,
                Error::unreadable(format!(
                    "cannot read the file '{}' of --password-file",
                    path.replace('\x07', "\\u{7}")
                ))
                .cause(cause)
            );
        }
    }

    #[test]
    fn endless_files_end() {
        let bytes = read_file(Path::new("/dev/zero"), "--value-file", 5000, TIMEOUT)
            .unwrap_or_else(|_| panic!("zero"));
        assert_eq!(bytes.len(), 5001);
        let bytes = read_file(Path::new("/dev/null"), "--value-file", 5000, TIMEOUT)
            .unwrap_or_else(|_| panic!("null"));
        assert!(bytes.is_empty());
    }

    fn field(flag: &str) -> &'static Field {
        FIELDS.iter().find(|field| field.flag == flag).unwrap()
    }

    fn given(bytes: &[u8]) -> RawField {
        let bytes = SecretBytes::new(bytes.to_vec());
        RawField::new(&VALUE, Origin::Stdin(&VALUE), bytes)
    }

    #[test]
    fn what_no_value_may_be() {
        let longest = vec![b'a'; 131_071];
        let longer = vec![b'a'; 131_072];
        for (bytes, message) in [
            (&b""[..], Some("standard input is empty")),
            (b"\n", None),
            (b"a", None),
            ("ä\u{fffd}🔑\t\x01".as_bytes(), None),
            (
                b"ab\0c",
                Some("standard input holds a NUL byte at byte offset 2"),
            ),
            (
                b"\xc3\xa4\xff",
                Some("standard input is not UTF-8 at byte offset 2"),
            ),
            (
                b"a\xc3",
                Some("standard input is not UTF-8 at byte offset 1"),
            ),
            (
                b"\xed\xa0\x80",
                Some("standard input is not UTF-8 at byte offset 0"),
            ),
            (&longest, None),
            (&longer, Some("standard input is longer than 131069 bytes")),
        ] {
            let error = given(bytes).check().err();
            assert_eq!(error.as_ref().map(|error| error.message.as_str()), message);
            assert!(error.is_none_or(|error| error.code() == 65));
        }
    }

    #[test]
    fn exactly_one_final_newline_is_dropped() {
        for (text, expected) in [
            ("", ""),
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a\r\n\r\n", "a\r\n"),
            ("a\r", "a\r"),
            ("a\n\r", "a\n\r"),
            ("\n", ""),
            ("\r\n", ""),
        ] {
            let mut given = given(text.as_bytes());
            let is_left = given.trim_newline().is_ok();
            assert_eq!(is_left, text.is_empty() || !expected.is_empty(), "{text:?}");
            assert_eq!(given.bytes.expose(), expected.as_bytes(), "{text:?}");
            assert!(given.trim_newline().is_ok());
            assert_eq!(given.bytes.expose(), expected.as_bytes(), "{text:?} twice");
        }
    }

    #[test]
    fn sources_have_names() {
        for (origin, subject) in [
            (Origin::Argument("--region"), "--region"),
            (Origin::Stdin(&VALUE), "standard input"),
            (
                Origin::Stdin(field("--password")),
                "standard input, read for --password-file,",
            ),
            (
                Origin::File {
                    flag: "--value-file",
                    path: PathBuf::from("k"),
                },
                "the file 'k' of --value-file",
            ),
            (Origin::Variable("AWS_REGION"), "the variable AWS_REGION"),
            (Origin::Prompt, "the answer"),
        ] {
            assert_eq!(origin.subject(), subject);
        }
    }

    #[test]
    fn the_first_filled_variable_counts() {
        let env = Environment::new(|name| match name {
            "AWS_REGION" => Some(OsString::new()),
            "AWS_DEFAULT_REGION" => Some(OsString::from("eu-west-1")),
            _ => None,
        });
        let region = RawField::from_environment(field("--region"), &env).unwrap();
        assert_eq!(region.bytes.expose(), b"eu-west-1");
        assert_eq!(region.origin.subject(), "the variable AWS_DEFAULT_REGION");
        assert!(RawField::from_environment(field("--session-token"), &env).is_none());
        assert!(RawField::from_environment(&VALUE, &env).is_none());
    }
}
