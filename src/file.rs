//! Reads a file that an option or a variable names: at most one byte past a limit and, where it is not a regular file,
//! within a time.

use crate::error::Error;
use crate::secret::SecretBytes;
use crate::text;
use crate::time::seconds;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The first size of a buffer where the size of the source is not known: most values fit, and wiping it costs next to
/// nothing.
const FIRST_READ: usize = 1024;

/// Reads a file to its end, or one byte past `limit`, so that the caller can tell that it is longer.
///
/// A pipe may be slow, as in `--ca-file <(command)`, or never be written to: it is waited for until `timeout`
/// has passed.
///
/// # Errors
/// That of the system; [`ErrorKind::TimedOut`] for a pipe or device that did not end in time; a terminal, which would
/// show what is typed.
#[cfg_attr(feature = "minreq", allow(dead_code))]
pub fn read(path: &Path, limit: usize, timeout: Duration) -> io::Result<Vec<u8>> {
    let file = Named::open(path, timeout)?;
    let most = limit.saturating_add(1);
    // One byte more than there should be, to see the end without growing.
    let mut bytes = Vec::with_capacity(file.size.saturating_add(1).min(most));
    file.take(u64::try_from(most).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same into a buffer that is wiped, for what may be secret: wiping a large file takes longer than reading it.
///
/// # Errors
/// As [`read`].
pub fn read_secret(path: &Path, limit: usize, timeout: Duration) -> io::Result<SecretBytes> {
    let mut file = Named::open(path, timeout)?;
    let size = file.size;
    read_sized(&mut file, size, limit)
}

/// Reads to the end, or one byte past `limit`.
///
/// # Errors
/// Those of the reader; one that was interrupted is asked again.
pub fn read_to_limit(reader: &mut dyn Read, limit: usize) -> io::Result<SecretBytes> {
    read_sized(reader, 0, limit)
}

/// The same for a source that is expected to hold `size` bytes; 0 where that is not known. Growing means a new buffer
/// and a wiped old one.
fn read_sized(reader: &mut dyn Read, size: usize, limit: usize) -> io::Result<SecretBytes> {
    let most = limit.saturating_add(1);
    // One more byte than there should be, to see the end without growing.
    let first = if size == 0 {
        FIRST_READ
    } else {
        size.saturating_add(1)
    };
    let mut held = grown(&SecretBytes::with_capacity(0), first.min(most));
    let mut filled = 0;
    loop {
        if filled == held.len() {
            if filled >= most {
                break;
            }
            held = grown(&held, held.len().saturating_mul(2).min(most));
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

/// The subject of a sentence about a file; `source` is the option or the variable that names it.
pub fn subject(path: &Path, source: &str) -> String {
    let path = path.to_string_lossy();
    ["the file '", &text::safe(&path), "' of ", source].concat()
}

/// A file that cannot be read.
pub fn unreadable(path: &Path, source: &str, error: &io::Error) -> Error {
    Error::unreadable(["cannot read ", &subject(path, source)].concat()).system_cause(error)
}

/// A file that was named, opened without blocking.
struct Named {
    file: File,
    /// In bytes, as the system says: 0 for a pipe.
    size: usize,
    /// How long to wait for what is not a regular file, and since when.
    patience: Option<(Instant, Duration)>,
    /// Something was read from it.
    started: bool,
}

impl Named {
    fn open(path: &Path, timeout: Duration) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            // Without it, opening a FIFO waits for a writer.
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(path)?;
        let metadata = file.metadata()?;
        let is_regular = metadata.is_file();
        if !is_regular && file.is_terminal() {
            return Err(io::Error::other(
                "it is a terminal, which would show what is typed",
            ));
        }
        Ok(Self {
            file,
            size: usize::try_from(metadata.len()).unwrap_or(usize::MAX),
            patience: (!is_regular).then(|| (Instant::now(), timeout)),
            started: false,
        })
    }

    /// Waits until there is something to read. A FIFO that is not open for writing yet reads as one at its end,
    /// and so must not be read before that.
    fn wait(&self) -> io::Result<()> {
        let Some((opened, timeout)) = self.patience else {
            return Ok(());
        };
        loop {
            let left = timeout.saturating_sub(opened.elapsed());
            if left.is_zero() {
                let what = if self.started {
                    "it did not end within"
                } else {
                    "nothing was written to it within"
                };
                return Err(io::Error::new(
                    ErrorKind::TimedOut,
                    format!("{what} {}", seconds(timeout)),
                ));
            }
            let mut watched = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            // Whole milliseconds, not cut to 0, which would not wait.
            let left = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
            match poll(&mut watched, left) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl Read for Named {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.wait()?;
            match self.file.read(buffer) {
                // Another process read it first.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => {
                    self.started = true;
                    return result;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for limit in [0, 1, 2, 1023, 1024, 5000] {
            for (total, length) in [
                (0, 0),
                (limit, limit),
                (limit + 1, limit + 1),
                (limit + 2, limit + 1),
                (1 << 20, limit + 1),
            ] {
                for piece in [1, 7, 4096] {
                    let mut pieces = Pieces::new(total, piece);
                    let bytes = read_to_limit(&mut pieces, limit).unwrap();
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
    fn a_wrong_size_changes_nothing() {
        for size in [0, 1, 9, 10, 11, usize::MAX] {
            let mut pieces = Pieces::new(10, 3);
            let bytes = read_sized(&mut pieces, size, 100).unwrap();
            assert_eq!(bytes.len(), 10, "{size}");
        }
    }
}
