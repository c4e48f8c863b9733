//! Standard input and standard output without a buffer, and without the standard library's silence about descriptors
//! that cannot be read or written: it takes EBADF for the end of the input, or for a successful write.
//!
//! Both are shared with the parent process, which may have made them non-blocking.

use crate::message::{NOTE_AFTER, Notes};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// Standard input. Its bytes are stored in the caller's buffer only.
pub struct StandardInput {
    notes: Notes,
    began: Option<Instant>,
}

impl StandardInput {
    /// One note is written if there is nothing to read when [`NOTE_AFTER`] has passed since the first read.
    pub fn new(notes: Notes) -> Self {
        Self { notes, began: None }
    }

    /// Waits until there is something to read, or a person has been told.
    fn tell_when_slow(&mut self, stdin: BorrowedFd<'_>) {
        if !self.notes.are_on() {
            return;
        }
        let began = *self.began.get_or_insert_with(Instant::now);
        loop {
            let left = NOTE_AFTER.saturating_sub(began.elapsed());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            match poll(&mut [PollFd::new(stdin, PollFlags::POLLIN)], timeout) {
                Err(Errno::EINTR) => {}
                Ok(0) => {
                    self.notes.say("still reading standard input");
                    self.notes = Notes::OFF;
                    return;
                }
                Ok(_) | Err(_) => return,
            }
        }
    }
}

impl Read for StandardInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stdin = io::stdin();
        self.tell_when_slow(stdin.as_fd());
        loop {
            match unistd::read(stdin.as_fd(), buffer) {
                Err(Errno::EAGAIN) => wait(stdin.as_fd(), PollFlags::POLLIN)?,
                result => return Ok(result?),
            }
        }
    }
}

/// Columns of the terminal that standard output is, if it knows them.
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// Standard output. From now on a file that may not grow (RLIMIT_FSIZE) is an error of the write, not the end of the
/// process.
pub fn standard_output() -> impl Write {
    // Without the mask the program still works; only that error ends it.
    let _ = SigSet::from(Signal::SIGXFSZ).thread_block();
    StandardOutput
}

struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stdout = io::stdout();
        loop {
            match unistd::write(stdout.as_fd(), bytes) {
                Err(Errno::EAGAIN) => wait(stdout.as_fd(), PollFlags::POLLOUT)?,
                result => return Ok(result?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wait(descriptor: BorrowedFd<'_>, events: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(descriptor, events)], PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
