//! Owns the process's terminal while it is asked something: mode, signals, and what is drawn.
//! Must not know which questions there are, nor what a good answer is.
//!
//! While a question is open the terminal delivers every key as bytes and echoes nothing, and the signals that would
//! end or stop the process are read as data beside the keys; so there is one loop that sees everything, and one guard
//! that puts everything back. A read with echo off that a signal handler interrupts could not do so without `unsafe`.

use super::Terminal;
use super::line::{Line, Step};
use super::source::MAX_VALUE;
use crate::error::{Error, Words};
use crate::secret::{Field, SecretBytes};
use crate::text;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::SignalFd;
use nix::sys::termios::{
    self, FlushArg, InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios,
};
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;

/// How long the bytes of one key may be apart, in milliseconds: after that, ESC was the Esc key.
const KEY_PAUSE: u16 = 50;
/// How long a paste may pause, in milliseconds, before what follows the answer counts as over.
const PASTE_PAUSE: u16 = 30;
/// The most that is thrown away after an answer, in bytes: more than the longest value, and less than for ever.
const MAX_DRAINED: usize = 4 * MAX_VALUE;
/// How long to wait, in milliseconds, for the signal that a vanished terminal sends along.
const HANG_UP_PAUSE: u16 = 100;
/// The longest answer to a yes or no question, in bytes.
const MAX_CONFIRMATION: usize = 64;

/// What hidden answers look like afterwards, whatever their length.
const STARS: &str = "********";

/// The terminal that standard input is, asked through standard error or `/dev/tty`.
pub struct ProcessTerminal {
    stdin_is_terminal: bool,
    permitted: bool,
    held: Option<Held>,
    /// A hidden question was asked since the terminal was taken.
    hidden: bool,
    /// The last answer ended with CR: LF right after it belongs to the same key or paste.
    after_return: bool,
}

/// What came first.
enum Event {
    Byte(u8),
    /// Nothing, for as long as was given.
    Pause,
    /// The process was continued after a stop.
    Continued,
}

impl ProcessTerminal {
    #[must_use]
    pub fn new(stdin_is_terminal: bool) -> Self {
        Self {
            stdin_is_terminal,
            permitted: true,
            held: None,
            hidden: false,
            after_return: false,
        }
    }

    fn hold(&mut self) -> Result<&mut Held, Error> {
        match &mut self.held {
            Some(held) => Ok(held),
            empty @ None => Ok(empty.insert(Held::take()?)),
        }
    }

    /// Shows a question and reads its answer to Enter.
    fn answer(&mut self, question: &Question<'_>, limit: usize) -> Result<Line, Error> {
        let mut after_return = self.after_return;
        let held = self.hold()?;
        let mut line = Line::new(limit, question.hidden);
        held.draw(&question.open());
        let end = loop {
            match held.step(&mut line, question, &mut after_return) {
                Ok(Step::Done) => break Ok(()),
                Ok(Step::Cancelled) => break Err(Error::Cancelled),
                Ok(Step::Typed) if !question.hidden => {
                    held.draw(&text::safe(line.last().unwrap_or_default()));
                }
                Ok(Step::Erased) if !question.hidden => held.draw(&question.again(&line)),
                Ok(Step::Quiet | Step::Typed | Step::Erased) => {}
                Err(error) => break Err(error),
            }
        };
        if end.is_err() {
            held.draw(&question.cancelled());
        }
        self.after_return = after_return;
        end.map(|()| line)
    }

    /// Throws away what was typed after the last answer. Whether it was more than line ends.
    fn drain(held: &mut Held) -> Result<bool, Error> {
        let mut more = false;
        for _ in 0..MAX_DRAINED {
            match held.next(PollTimeout::from(PASTE_PAUSE))? {
                Event::Byte(b'\r' | b'\n') => {}
                Event::Byte(_) => more = true,
                Event::Continued => {}
                Event::Pause => break,
            }
        }
        let _ = termios::tcflush(&held.input, FlushArg::TCIFLUSH);
        Ok(more)
    }
}

impl Terminal for ProcessTerminal {
    fn permit(&mut self, permitted: bool) {
        self.permitted = permitted;
    }

    fn available(&self) -> bool {
        self.stdin_is_terminal && self.permitted
    }

    fn ask(&mut self, field: &Field) -> Result<SecretBytes, Error> {
        self.hidden |= field.hidden;
        let question = Question {
            text: field.prompt,
            help: field.help,
            hidden: field.hidden,
        };
        let line = self.answer(&question, MAX_VALUE)?;
        let shown = if field.hidden {
            question.answered(STARS)
        } else {
            question.answered(&shown(&line))
        };
        self.hold()?.draw(&shown);
        Ok(line.into_text())
    }

    fn say(&mut self, line: &str) {
        if let Some(held) = &mut self.held {
            held.draw(&format!("# {}\n", text::safe(line)));
        }
    }

    fn release(&mut self) -> Result<bool, Error> {
        let hidden = std::mem::take(&mut self.hidden);
        self.after_return = false;
        match self.held.take() {
            Some(mut held) if hidden => Self::drain(&mut held),
            _ => Ok(false),
        }
    }

    fn confirm(&mut self, question: &str, help: &str) -> Result<bool, Error> {
        let question = text::safe(question);
        let asked = format!("{question} (y/N)");
        let open = Question {
            text: &asked,
            help: Some(help),
            hidden: false,
        };
        let result = loop {
            let line = match self.answer(&open, MAX_CONFIRMATION) {
                Ok(line) => line,
                Err(error) => break Err(error),
            };
            let yes = match line.text().trim_ascii().to_ascii_lowercase().as_slice() {
                b"y" | b"yes" => true,
                b"" | b"n" | b"no" => false,
                _ => {
                    let held = self.hold()?;
                    held.draw(&open.answered(&shown(&line)));
                    held.draw("# Invalid answer, try typing 'y' for yes or 'n' for no\n");
                    continue;
                }
            };
            let closed = Question {
                text: &question,
                help: None,
                hidden: false,
            };
            self.hold()?
                .draw(&closed.answered(if yes { "Yes" } else { "No" }));
            break Ok(yes);
        };
        self.after_return = false;
        self.held = None;
        result
    }
}

/// What is shown of a line that may be: as text, and nothing that moves the cursor.
fn shown(line: &Line) -> String {
    text::safe(&String::from_utf8_lossy(line.text())).into_owned()
}

/// One question as it is drawn: `? text answer`, and after Enter `> text answer`.
struct Question<'a> {
    text: &'a str,
    help: Option<&'a str>,
    hidden: bool,
}

/// To the first column, and nothing to the right.
const CLEAR_LINE: &str = "\r\x1b[K";
/// To the first column, and nothing to the right or below.
const CLEAR_BELOW: &str = "\r\x1b[J";
const UP: &str = "\x1b[A";

impl Question<'_> {
    /// The help goes below the question, where it does not part the two.
    fn open(&self) -> String {
        match self.help {
            Some(help) => format!("\n[{help}]{UP}\r? {} ", self.text),
            None => format!("? {} ", self.text),
        }
    }

    fn again(&self, line: &Line) -> String {
        format!("{CLEAR_LINE}? {} {}", self.text, shown(line))
    }

    fn answered(&self, answer: &str) -> String {
        let end = if answer.is_empty() { "" } else { " " };
        format!("{CLEAR_BELOW}> {}{end}{answer}\n", self.text)
    }

    fn cancelled(&self) -> String {
        format!("{CLEAR_BELOW}? {} <canceled>\n", self.text)
    }
}

/// A terminal in our hands; dropping it puts mode and signals back as they were.
struct Held {
    input: File,
    output: File,
    before: Termios,
    asking: Termios,
    mask: SigSet,
    signals: SignalFd,
}

impl Held {
    fn take() -> Result<Self, Error> {
        let input = std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map(File::from)
            .map_err(|error| no_terminal("standard input cannot be used", &error.to_string()))?;
        let output = output()?;
        let before = termios::tcgetattr(&input)
            .map_err(|errno| no_terminal("standard input cannot be used", errno.desc()))?;
        let asking = asking(&before);
        let caught = caught();
        let signals = SignalFd::new(&caught)
            .map_err(|errno| no_terminal("signals cannot be watched", errno.desc()))?;
        // The signals first: none may come between a silent terminal and the guard that restores it.
        let mask = caught
            .thread_swap_mask(SigmaskHow::SIG_BLOCK)
            .map_err(|errno| no_terminal("signals cannot be held", errno.desc()))?;
        let held = Self {
            input,
            output,
            before,
            asking,
            mask,
            signals,
        };
        termios::tcsetattr(&held.input, SetArg::TCSANOW, &held.asking)
            .map_err(|errno| no_terminal("echo cannot be turned off", errno.desc()))?;
        Ok(held)
    }

    /// Draws at once. A terminal that cannot show anything is found out by the next read.
    fn draw(&mut self, text: &str) {
        let _ = self.output.write_all(text.as_bytes());
    }

    /// Feeds the line with what comes next.
    fn step(
        &mut self,
        line: &mut Line,
        question: &Question<'_>,
        after_return: &mut bool,
    ) -> Result<Step, Error> {
        let pause = if line.awaits_rest() {
            PollTimeout::from(KEY_PAUSE)
        } else {
            PollTimeout::NONE
        };
        match self.next(pause)? {
            Event::Pause => Ok(line.pause()),
            Event::Continued => {
                self.draw(CLEAR_BELOW);
                self.draw(&question.open());
                if !question.hidden {
                    self.draw(&shown(line));
                }
                Ok(Step::Quiet)
            }
            Event::Byte(byte) => {
                let was_return = std::mem::take(after_return);
                if was_return && byte == b'\n' {
                    return Ok(Step::Quiet);
                }
                let step = line.feed(byte);
                *after_return = step == Step::Done && byte == b'\r';
                Ok(step)
            }
        }
    }

    /// Waits for a key or a signal.
    fn next(&mut self, pause: PollTimeout) -> Result<Event, Error> {
        loop {
            let mut watched = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.input.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut watched, pause) {
                Ok(0) => return Ok(Event::Pause),
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(_) => return Err(Error::Cancelled),
            }
            let [signals, input] = &watched;
            if signals.any().unwrap_or(false) {
                if let Some(event) = self.signal()? {
                    return Ok(event);
                }
                continue;
            }
            if !input.any().unwrap_or(false) {
                continue;
            }
            let mut byte = [0];
            match self.input.read(&mut byte) {
                Ok(1..) => return Ok(Event::Byte(byte[0])),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return Err(self.gone()),
            }
        }
    }

    fn signal(&mut self) -> Result<Option<Event>, Error> {
        let Ok(Some(info)) = self.signals.read_signal() else {
            return Ok(None);
        };
        let number = i32::try_from(info.ssi_signo).unwrap_or_default();
        match Signal::try_from(number) {
            Ok(Signal::SIGINT | Signal::SIGQUIT) => Err(Error::Cancelled),
            Ok(Signal::SIGTERM | Signal::SIGHUP) => Err(Error::Terminated),
            Ok(Signal::SIGCONT) => {
                // The shell may have set its own mode meanwhile.
                let _ = termios::tcsetattr(&self.input, SetArg::TCSANOW, &self.asking);
                Ok(Some(Event::Continued))
            }
            // SIGTSTP: a question is no place to stop in.
            _ => Ok(None),
        }
    }

    /// The terminal is no more; the signal that says so may be a moment behind.
    fn gone(&mut self) -> Error {
        let mut watched = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if matches!(poll(&mut watched, HANG_UP_PAUSE), Ok(1..))
            && let Err(error) = self.signal()
        {
            return error;
        }
        Error::Cancelled
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Not flushed: what was typed ahead of a visible question belongs to whoever reads next.
        let _ = termios::tcsetattr(&self.input, SetArg::TCSANOW, &self.before);
        let _ = self.mask.thread_set_mask();
    }
}

/// Keys as they come, one at a time, unechoed, Ctrl-C and Ctrl-Z among them; output still ends lines with CR LF.
fn asking(before: &Termios) -> Termios {
    let mut asking = before.clone();
    asking.local_flags.remove(
        LocalFlags::ICANON
            | LocalFlags::ECHO
            | LocalFlags::ECHONL
            | LocalFlags::ISIG
            | LocalFlags::IEXTEN,
    );
    asking.input_flags.remove(
        InputFlags::ICRNL
            | InputFlags::INLCR
            | InputFlags::IGNCR
            | InputFlags::ISTRIP
            | InputFlags::IXON,
    );
    for (index, value) in [
        (SpecialCharacterIndices::VMIN, 1),
        (SpecialCharacterIndices::VTIME, 0),
    ] {
        // An enumeration's own number, never cut.
        if let Some(slot) = asking.control_chars.get_mut(index as usize) {
            *slot = value;
        }
    }
    asking
}

/// The signals that are read as data while a question is open.
fn caught() -> SigSet {
    [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGTSTP,
        Signal::SIGCONT,
    ]
    .into_iter()
    .collect()
}

/// Where questions are drawn: standard output carries results, and standard error may go to a file.
fn output() -> Result<File, Error> {
    let stderr = std::io::stderr();
    let opened = if stderr.is_terminal() {
        stderr.as_fd().try_clone_to_owned().map(File::from)
    } else {
        OpenOptions::new().write(true).open("/dev/tty")
    };
    opened.map_err(|error| {
        no_terminal(
            "standard error is no terminal, and /dev/tty cannot be opened",
            &error.to_string(),
        )
    })
}

fn no_terminal(message: &str, cause: &str) -> Error {
    Error::Usage(
        Words::new(format!("cannot ask on the terminal: {message}"))
            .cause(cause)
            .hint("give every value as an option, from a file or on standard input"),
    )
}
