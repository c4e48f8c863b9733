//! Owns sources: where the bytes of a field come from, and reading them up to a limit.
//! Must not know kinds, forms or prompts: what it checks holds for every value there is.

use crate::command::{Input, Source};
use crate::env::Environment;
use crate::error::{Error, Words};
use crate::secret::{FieldId, MAX_VARIABLE, SecretBytes};
use crate::text;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// What sources read from.
pub struct Io<'a> {
    /// [`standard_input`] in the program: a reader that buffers would keep a copy of the value.
    pub stdin: &'a mut dyn Read,
    pub stdin_is_terminal: bool,
    pub env: &'a Environment,
}

/// The longest value in bytes: what is left of a variable for a name of one byte, `=` and NUL.
pub const MAX_VALUE: usize = MAX_VARIABLE - 3;

/// The longest password of a registry in bytes. It reaches a run in a file, so that no variable has to hold it; the
/// largest known, a service account's key file, is below 3 KiB.
pub(super) const MAX_PASSWORD: usize = 1024 * 1024;

/// The longest value of a field in bytes, as far as its kind does not say more.
fn limit(id: FieldId) -> usize {
    match id {
        FieldId::Password => MAX_PASSWORD,
        _ => MAX_VALUE,
    }
}

/// The most that is read of a field: its final newline, CR and LF, may be dropped later.
fn read_limit(id: FieldId) -> usize {
    limit(id) + 2
}

const ENCODE: &str = "store binary data as text, for example encoded with base64";

/// The first size of a read buffer: most values fit, and wiping it costs next to nothing.
const FIRST_READ: usize = 1024;

/// Standard input without a buffer of its own, so that what it delivers is nowhere but in the caller's buffer.
///
/// # Errors
/// File descriptor 0 is closed.
pub fn standard_input() -> std::io::Result<impl Read> {
    std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(|descriptor| Waiting(File::from(descriptor)))
}

/// Standard input is shared with whoever started this process, who may have made it non-blocking for themselves.
struct Waiting(File);

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut watched = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
                    match poll(&mut watched, PollTimeout::NONE) {
                        Ok(_) | Err(Errno::EINTR) => {}
                        Err(_) => return Err(error),
                    }
                }
                result => return result,
            }
        }
    }
}

/// The name of a source in messages.
pub(super) enum Origin {
    Argument(&'static str),
    Stdin(FieldId),
    File {
        flag: &'static str,
        /// Safe to print.
        path: String,
    },
    Variable(&'static str),
    Prompt,
}

impl Origin {
    /// The subject of a sentence.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Argument(flag) => (*flag).to_owned(),
            Self::Stdin(FieldId::Value) => "standard input".to_owned(),
            Self::Stdin(id) => match id.file_flag() {
                Some(flag) => format!("standard input, read for {flag},"),
                None => "standard input".to_owned(),
            },
            Self::File { flag, path } => format!("the file '{path}' of {flag}"),
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

    pub(super) fn is_empty(&self) -> Error {
        Error::Data(Words::new(format!("{} is empty", self.subject())).hint(self.empty_hint()))
    }
}

/// The bytes of one field, and where they come from.
pub(super) struct Given {
    pub(super) id: FieldId,
    pub(super) origin: Origin,
    pub(super) bytes: SecretBytes,
    /// A final newline was dropped already, as asked.
    pub(super) trimmed: bool,
}

impl Given {
    /// Reads what the command line names.
    pub(super) fn read(id: FieldId, source: Source, stdin: &mut dyn Read) -> Result<Self, Error> {
        let (origin, bytes) = match source {
            Source::Argument(bytes) => (Origin::Argument(id.flag()), bytes),
            Source::File(Input::Stdin) => return Self::from_stdin(id, stdin),
            Source::File(Input::Path(path)) => {
                let flag = id.file_flag().unwrap_or(id.flag());
                let bytes = read_file(&path, flag, read_limit(id))?;
                let path = safe_path(&path);
                (Origin::File { flag, path }, bytes)
            }
        };
        Ok(Self {
            id,
            origin,
            bytes,
            trimmed: false,
        })
    }

    /// Reads standard input to its end.
    pub(super) fn from_stdin(id: FieldId, stdin: &mut dyn Read) -> Result<Self, Error> {
        Ok(Self {
            id,
            origin: Origin::Stdin(id),
            bytes: read_stdin(stdin, read_limit(id))?,
            trimmed: false,
        })
    }

    /// Takes the first variable of the field that is set to something.
    pub(super) fn from_environment(id: FieldId, env: &Environment) -> Option<Self> {
        id.environment().iter().find_map(|name| {
            let value: OsString = env.filled(name)?;
            Some(Self {
                id,
                origin: Origin::Variable(name),
                bytes: SecretBytes::new(value.into_vec()),
                trimmed: false,
            })
        })
    }

    /// Drops exactly one final newline, LF or CRLF; a second call drops nothing.
    pub(super) fn trim_newline(&mut self) {
        if self.trimmed {
            return;
        }
        self.trimmed = true;
        drop_final_newline(self.bytes.expose_mut());
    }

    /// What holds for every value: it is not empty, not too long for any name, and text that a variable can carry.
    pub(super) fn check(&self) -> Result<(), Error> {
        let bytes = self.bytes.expose();
        if bytes.is_empty() {
            return Err(self.origin.is_empty());
        }
        if bytes.len() > read_limit(self.id) {
            return Err(too_long(&self.origin, limit(self.id)));
        }
        if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
            let message = format!(
                "{} holds a NUL byte at byte offset {offset}",
                self.origin.subject()
            );
            return Err(Error::Data(Words::new(message).hint(ENCODE)));
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let message = format!(
                "{} is not UTF-8 at byte offset {}",
                self.origin.subject(),
                error.valid_up_to()
            );
            return Err(Error::Data(Words::new(message).hint(ENCODE)));
        }
        Ok(())
    }
}

/// A value of more than `limit` bytes.
pub(super) fn too_long(origin: &Origin, limit: usize) -> Error {
    Error::Data(
        Words::new(format!(
            "{} is longer than {limit} bytes",
            origin.subject()
        ))
        .hint(if limit > MAX_VARIABLE {
            "is this the right file?".to_owned()
        } else {
            format!(
                "a run receives secrets as environment variables, and Linux allows {MAX_VARIABLE} bytes for one, its name included"
            )
        }),
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

pub(super) fn safe_path(path: &Path) -> String {
    text::safe(&path.to_string_lossy()).into_owned()
}

/// Reads a file that an option names, at most one byte past `limit`.
pub(super) fn read_file(
    path: &Path,
    flag: &'static str,
    limit: usize,
) -> Result<SecretBytes, Error> {
    File::open(path)
        .and_then(|mut file| read_limited(&mut file, limit))
        .map_err(|error| {
            let message = format!("cannot read the file '{}' of {flag}", safe_path(path));
            Error::Unreadable(Words::new(message).cause(&error.to_string()))
        })
}

/// Reads standard input, at most one byte past `limit`.
pub(super) fn read_stdin(stdin: &mut dyn Read, limit: usize) -> Result<SecretBytes, Error> {
    read_limited(stdin, limit).map_err(|error| {
        Error::Unreadable(Words::new("cannot read standard input").cause(&error.to_string()))
    })
}

/// Reads to the end, or one byte past `limit`. Growing means a new buffer and a wiped old one.
fn read_limited(reader: &mut dyn Read, limit: usize) -> std::io::Result<SecretBytes> {
    let most = limit.saturating_add(1);
    let mut held = SecretBytes::with_capacity(0);
    let mut filled = 0;
    loop {
        if filled == held.len() {
            if filled >= most {
                break;
            }
            held = grown(
                &held,
                held.len()
                    .saturating_mul(2)
                    .clamp(1, most)
                    .max(FIRST_READ.min(most)),
            );
        }
        let free = held.expose_mut().get_mut(filled..).unwrap_or_default();
        match reader.read(free) {
            Ok(0) => break,
            Ok(count) => filled += count.min(free.len()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    held.expose_mut().truncate(filled);
    Ok(held)
}

fn grown(held: &SecretBytes, size: usize) -> SecretBytes {
    let mut larger = SecretBytes::with_capacity(size);
    larger.expose_mut().extend_from_slice(held.expose());
    larger.expose_mut().resize(size, 0);
    larger
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Delivers `total` bytes in pieces of `piece`, interrupted before each, and counts what was taken.
    struct Pieces {
        total: usize,
        piece: usize,
        taken: usize,
        interrupted: bool,
    }

    impl Pieces {
        fn new(total: usize, piece: usize) -> Self {
            Self {
                total,
                piece,
                taken: 0,
                interrupted: false,
            }
        }
    }

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(ErrorKind::Interrupted.into());
            }
            let count = self.piece.min(buffer.len()).min(self.total - self.taken);
            for (offset, byte) in buffer.iter_mut().take(count).enumerate() {
                *byte = u8::try_from((self.taken + offset) % 251).unwrap();
            }
            self.taken += count;
            Ok(count)
        }
    }

    #[test]
    fn reading_stops_one_byte_past_the_limit() {
        for limit in [0, 1, 2, FIRST_READ - 1, FIRST_READ, 5000] {
            for (total, length) in [
                (0, 0),
                (limit, limit),
                (limit + 1, limit + 1),
                (limit + 2, limit + 1),
                (1 << 20, limit + 1),
            ] {
                for piece in [1, 7, 4096] {
                    let mut pieces = Pieces::new(total, piece);
                    let bytes = read_limited(&mut pieces, limit).unwrap();
                    assert_eq!(bytes.len(), length.min(total), "{limit} {total} {piece}");
                    assert_eq!(pieces.taken, bytes.len());
                    assert!(
                        bytes
                            .expose()
                            .iter()
                            .enumerate()
                            .all(|(offset, byte)| usize::from(*byte) == offset % 251)
                    );
                }
            }
        }
    }

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
            Error::Unreadable(Words::new("cannot read standard input").cause("broken\\u{1b}"))
        );
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        for (path, cause) in [
            (
                "/nonexistent/\x07",
                "No such file or directory (os error 2)",
            ),
            ("/", "Is a directory (os error 21)"),
        ] {
            let Err(error) = read_file(Path::new(path), "--password-file", 9) else {
                panic!("read {path:?}");
            };
            assert_eq!(
                error,
                Error::Unreadable(
                    Words::new(format!(
                        "cannot read the file '{}' of --password-file",
                        path.replace('\x07', "\\u{7}")
                    ))
                    .cause(cause)
                )
            );
        }
    }

    #[test]
    fn endless_files_end() {
        let bytes = read_file(Path::new("/dev/zero"), "--value-file", 5000)
            .unwrap_or_else(|_| panic!("zero"));
        assert_eq!(bytes.len(), 5001);
        let bytes = read_file(Path::new("/dev/null"), "--value-file", 5000)
            .unwrap_or_else(|_| panic!("null"));
        assert!(bytes.is_empty());
    }

    fn given(bytes: &[u8]) -> Given {
        Given {
            id: FieldId::Value,
            origin: Origin::Stdin(FieldId::Value),
            bytes: SecretBytes::new(bytes.to_vec()),
            trimmed: false,
        }
    }

    #[test]
    fn what_no_value_may_be() {
        let longest = vec![b'a'; MAX_VALUE + 2];
        let longer = vec![b'a'; MAX_VALUE + 3];
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
            assert_eq!(error.as_ref().map(Error::message), message);
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
            given.trim_newline();
            assert_eq!(given.bytes.expose(), expected.as_bytes(), "{text:?}");
            given.trim_newline();
            assert_eq!(given.bytes.expose(), expected.as_bytes(), "{text:?} twice");
        }
    }

    #[test]
    fn sources_have_names() {
        for (origin, subject) in [
            (Origin::Argument("--region"), "--region"),
            (Origin::Stdin(FieldId::Value), "standard input"),
            (
                Origin::Stdin(FieldId::Password),
                "standard input, read for --password-file,",
            ),
            (
                Origin::File {
                    flag: "--value-file",
                    path: "k".to_owned(),
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
        let region = Given::from_environment(FieldId::Region, &env).unwrap();
        assert_eq!(region.bytes.expose(), b"eu-west-1");
        assert_eq!(region.origin.subject(), "the variable AWS_DEFAULT_REGION");
        assert!(Given::from_environment(FieldId::SessionToken, &env).is_none());
        assert!(Given::from_environment(FieldId::Value, &env).is_none());
    }
}
