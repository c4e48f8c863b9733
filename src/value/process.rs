//! What the process does about itself: it leaves no core dump, and it ends on signals where their default would not end
//! it, or would leave a terminal that shows nothing of what is typed.

use crate::stdio::standard_output;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{self, SetArg, Termios};
use nix::sys::{prctl, resource};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes away the two ways in which memory reaches a disk or another process of the same user: core dumps, and
/// `ptrace` with `/proc/PID/mem`. Called before a key or a value is read.
///
/// A kernel or a sandbox that refuses is no reason not to run, so failures are passed over.
pub fn harden() {
    let _ = resource::setrlimit(resource::Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
}

/// Has signals end the process where it is PID 1. The kernel drops signals to that one unless it handles them, so a
/// container without an init could not be stopped. Costs nothing elsewhere.
///
/// Where a thread cannot be started, the run goes on without.
pub fn end_on_signals_as_pid_1() {
    if std::process::id() == 1 {
        let _ = block_signals(&mut lock());
    }
}

/// What the thread that acts on signals has to know. While a question is open, the prompt reads them itself, and holds
/// the lock so that the thread does not take them.
pub(super) struct Watch {
    /// `Some` while the terminal's modes are changed.
    pub(super) modes: Option<Modes>,
    is_running: bool,
    /// What is printed before a signal ends the process.
    report: Option<Box<dyn FnOnce(u8) -> Lines + Send>>,
}

/// What goes to standard output and to standard error.
type Lines = [Vec<u8>; 2];

/// While it lives, a signal that ends the process is reported first.
pub struct SignalReport {
    /// The signals that were blocked before.
    mask: SigSet,
}

impl SignalReport {
    /// `None` where a thread cannot be started: then signals end the process without a report.
    pub fn start(report: impl FnOnce(u8) -> Lines + Send + 'static) -> Option<Self> {
        let mut watch = lock();
        let mask = block_signals(&mut watch).ok()?;
        watch.report = Some(Box::new(report));
        Some(Self { mask })
    }
}

impl Drop for SignalReport {
    fn drop(&mut self) {
        lock().report = None;
        let _ = self.mask.thread_set_mask();
    }
}

pub(super) struct Modes {
    /// What the terminal has to be set to before the process ends.
    pub(super) before: Termios,
    /// What it has to be set to when the process goes on after a stop.
    pub(super) silent: Termios,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch {
    modes: None,
    is_running: false,
    report: None,
});

pub(super) fn lock() -> MutexGuard<'static, Watch> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blocks the signals of [`caught`] in this thread, starts the one that acts on them, and returns the mask from before.
/// Once that is set again, this thread takes signals as ever, and the other one finds none.
///
/// # Errors
/// A thread cannot be started, or a descriptor cannot be had.
pub(super) fn block_signals(watch: &mut Watch) -> io::Result<SigSet> {
    let mask = caught().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    if !watch.is_running {
        let started = signals().map_err(io::Error::from).and_then(|signals| {
            std::thread::Builder::new()
                .stack_size(WATCH_STACK)
                .spawn(move || act(&signals))
        });
        if let Err(error) = started {
            let _ = mask.thread_set_mask();
            return Err(error);
        }
        watch.is_running = true;
    }
    Ok(mask)
}

/// The stack of the thread that acts on signals, in bytes: it sets a mode and exits.
const WATCH_STACK: usize = 64 * 1024;

/// The signals whose default ends or stops the process, as far as they can be caught, and SIGCONT. SIGPIPE and SIGXFSZ
/// are errors of a write, SIGTTIN and SIGTTOU stop a process that is not in the foreground.
fn caught() -> SigSet {
    let mut set = SigSet::all();
    for signal in [
        Signal::SIGCHLD,
        Signal::SIGURG,
        Signal::SIGWINCH,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
        Signal::SIGPIPE,
        Signal::SIGXFSZ,
    ] {
        set.remove(signal);
    }
    set
}

/// A descriptor to read [`caught`] from while they are blocked.
pub(super) fn signals() -> nix::Result<SignalFd> {
    SignalFd::with_flags(&caught(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

/// The number of the next signal. It need not be one of [`Signal`]: real-time signals end a process, too.
pub(super) fn next_signal(signals: &SignalFd) -> Option<u8> {
    let info = signals.read_signal().ok().flatten()?;
    u8::try_from(info.ssi_signo).ok()
}

/// Whether a number is that of `signal`.
pub(super) fn is(number: u8, signal: Signal) -> bool {
    i32::from(number) == signal as i32
}

/// Ends the process on a signal, once the terminal is as it was.
fn act(signals: &SignalFd) {
    loop {
        let mut watched = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut watched, PollTimeout::NONE);
        let mut watch = lock();
        let Some(number) = next_signal(signals) else {
            continue;
        };
        if is_pause(number) {
            if watch.modes.is_none() && is(number, Signal::SIGTSTP) {
                let _ = raise(Signal::SIGSTOP);
            }
            // The shell may have set its own modes meanwhile.
            set_modes(watch.modes.as_ref().map(|modes| &modes.silent));
        } else {
            set_modes(watch.modes.as_ref().map(|modes| &modes.before));
            if let Some(report) = watch.report.take() {
                let [stdout, stderr] = report(number);
                let _ = standard_output().write_all(&stdout);
                let _ = io::stderr().write_all(&stderr);
            }
            end(number);
        }
    }
}

/// Whether the process is to be stopped, which it is not, or goes on after a stop. A SIGTSTP that comes right after a
/// SIGCONT is all that is left of the two: each discards the other (signal(7)).
pub(super) fn is_pause(number: u8) -> bool {
    is(number, Signal::SIGCONT) || is(number, Signal::SIGTSTP)
}

fn set_modes(modes: Option<&Termios>) {
    if let Some(modes) = modes {
        let _ = termios::tcsetattr(io::stdin(), SetArg::TCSANOW, modes);
    }
}

/// Ends as the signal would have: a shell stops a script whose command died of SIGINT, not one that exits with 130.
/// PID 1 does not die of a signal, and what is not one of [`Signal`] cannot be raised.
fn end(number: u8) -> ! {
    if let Ok(signal) = Signal::try_from(i32::from(number)) {
        let _ = SigSet::from(signal).thread_unblock();
        let _ = raise(signal);
    }
    std::process::exit(128 + i32::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardened_processes_leave_no_dump() {
        harden();
        assert_eq!(
            resource::getrlimit(resource::Resource::RLIMIT_CORE),
            Ok((0, 0))
        );
        assert_eq!(prctl::get_dumpable(), Ok(false));
    }
}
