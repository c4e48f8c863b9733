//! Standard input and standard output without a buffer, and without the standard library's silence about descriptors
//! that cannot be read or written: it takes EBADF for the end of the input, or for a successful write.
//!
//! Both are shared with whoever started this process, who may have made them non-blocking for themselves.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// Standard input. What it delivers is nowhere but in the caller's buffer.
pub struct StandardInput;

impl Read for StandardInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stdin = io::stdin();
        loop {
            match unistd::read(stdin.as_fd(), buffer) {
                Err(Errno::EAGAIN) => wait(stdin.as_fd(), PollFlags::POLLIN)?,
                result => return Ok(result?),
            }
        }
    }
}

/// Standard output. From now on a file that may not grow (RLIMIT_FSIZE) is an error of the write, not the end of the
/// process.
pub fn standard_output() -> impl Write {
    // A mask that cannot be set is no reason not to run.
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
