//! Runs the program on a pseudo-terminal: sends keys, and waits for what it shows.

use super::run::{binary, code};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::Pid;
use pty_process::blocking;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long the program may take to show an expected text, or to end.
const DEADLINE: Duration = Duration::from_secs(20);

/// How often a child is asked whether it is done.
const POLL_MILLISECONDS: u16 = 10;

/// The modes that a shell expects: echo, line editing, and signals from Ctrl-C.
const CANONICAL: LocalFlags = LocalFlags::ECHO
    .union(LocalFlags::ICANON)
    .union(LocalFlags::ISIG);

/// A session at a terminal.
pub struct Session {
    /// `None` once it is closed.
    master: Option<blocking::Pty>,
    child: Child,
    transcript: Vec<u8>,
    /// How much of the transcript was expected already.
    expected: usize,
}

impl Session {
    /// Starts the program with this environment and no other, all three streams on the terminal.
    #[must_use]
    pub fn start(arguments: &[&str], variables: &[(String, String)]) -> Self {
        Self::run(command(arguments, variables), None)
    }

    /// The same on a terminal of this many columns.
    #[must_use]
    pub fn sized(columns: u16, arguments: &[&str], variables: &[(String, String)]) -> Self {
        Self::run(command(arguments, variables), Some(columns))
    }

    /// The same with standard output and standard error in files.
    #[must_use]
    pub fn redirected(
        arguments: &[&str],
        variables: &[(String, String)],
        stdout: File,
        stderr: File,
    ) -> Self {
        let command = command(arguments, variables);
        Self::run(command.stdout(stdout).stderr(stderr), None)
    }

    /// The same as [`Session::start`], by a command to which the program's path and arguments are appended.
    #[must_use]
    pub fn started_by(
        starter: &[&str],
        arguments: &[&str],
        variables: &[(String, String)],
    ) -> Self {
        let program = binary();
        let program = program.to_str().expect("a path that is text");
        let words = [&starter[1..], &[program], arguments].concat();
        Self::run(command_of(starter[0], &words, variables), None)
    }

    /// Another program than the one under test: a shell.
    #[must_use]
    pub fn other(program: &str, arguments: &[&str], variables: &[(String, String)]) -> Self {
        Self::run(command_of(program, arguments, variables), None)
    }

    fn run(command: blocking::Command, columns: Option<u16>) -> Self {
        let (master, far_end) = blocking::open().expect("a pseudo-terminal");
        if let Some(columns) = columns {
            let size = pty_process::Size::new(24, columns);
            master.resize(size).expect("a size");
        }
        let child = command.spawn(far_end).expect("the program starts");
        Self {
            master: Some(master),
            child,
            transcript: Vec::new(),
            expected: 0,
        }
    }

    /// Waits until the terminal shows this text, after the text that was expected before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let rest = &self.transcript[self.expected..];
            let found = rest
                .windows(text.len())
                .position(|part| part == text.as_bytes());
            if let Some(at) = found {
                self.expected += at + text.len();
                return;
            }
            let open = self.read();
            assert!(
                open && Instant::now() < deadline,
                "{text:?} did not come after {:?}",
                self.transcript()
            );
        }
    }

    /// Sends keys.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.master
            .as_mut()
            .expect("a terminal")
            .write_all(bytes.as_ref())
            .expect("the terminal takes keys");
    }

    /// Whether the terminal has the modes that a shell expects.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.flags().contains(CANONICAL)
    }

    /// Sets the modes that a shell sets when a program under it stops.
    pub fn make_canonical(&self) {
        let master = self.master.as_ref().expect("a terminal");
        let mut modes = tcgetattr(master).expect("its modes");
        modes.local_flags.insert(CANONICAL);
        tcsetattr(master, SetArg::TCSANOW, &modes).expect("modes of its own");
    }

    /// Whether the terminal shows what is typed.
    #[must_use]
    pub fn echoes(&self) -> bool {
        self.flags().contains(LocalFlags::ECHO)
    }

    fn flags(&self) -> LocalFlags {
        let master = self.master.as_ref().expect("a terminal");
        tcgetattr(master).expect("its modes").local_flags
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("the program runs");
    }

    /// Sends a signal by its number, which need not have a name.
    pub fn signal_number(&self, number: i32) {
        let kill = format!("kill -{number} {}", self.id());
        let sent = Command::new("/bin/sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success(), "the program runs");
    }

    /// Waits for the end, and returns the exit code as a shell reports it.
    #[track_caller]
    pub fn end(&mut self) -> i32 {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.read();
            if let Some(status) = self.child.try_wait().expect("a child") {
                // Its last output may not have been read yet.
                while self.read() && Instant::now() < deadline {}
                return code(status);
            }
            assert!(
                Instant::now() < deadline,
                "the program did not end after {:?}",
                self.transcript()
            );
        }
    }

    /// Closes the terminal, and returns the exit code.
    #[track_caller]
    pub fn hang_up(mut self) -> i32 {
        self.master = None;
        self.end()
    }

    /// All output of the terminal so far.
    #[must_use]
    pub fn transcript(&self) -> String {
        String::from_utf8_lossy(&self.transcript).into_owned()
    }

    /// Reads the output that is available. Returns whether more may come.
    fn read(&mut self) -> bool {
        let Some(master) = &mut self.master else {
            std::thread::sleep(Duration::from_millis(POLL_MILLISECONDS.into()));
            return false;
        };
        let mut watched = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
        match poll(&mut watched, PollTimeout::from(POLL_MILLISECONDS)) {
            Ok(0) => return !self.is_over(),
            Ok(_) => {}
            Err(_) => return true,
        }
        let mut bytes = [0; 4096];
        // EIO: the far end is closed.
        match master.read(&mut bytes) {
            Ok(count @ 1..) => {
                self.transcript.extend_from_slice(&bytes[..count]);
                true
            }
            _ => false,
        }
    }

    fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that failed must not leave the program waiting for keys.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str], variables: &[(String, String)]) -> blocking::Command {
    command_of(binary(), arguments, variables)
}

fn command_of(
    program: impl AsRef<OsStr>,
    arguments: &[&str],
    variables: &[(String, String)],
) -> blocking::Command {
    blocking::Command::new(program)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .args(arguments)
}
