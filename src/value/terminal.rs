//! Asks at the process's terminal: its modes and its signals while a question is open, and what is drawn.
//!
//! The terminal then delivers every key as bytes and echoes nothing, and the signals that would end or stop the process
//! are read as data beside the keys; so there is one loop that sees everything, and one guard that puts everything back.
//! A read with echo off that a signal handler interrupts could not do so without `unsafe`. What cannot be helped is
//! SIGKILL, a fault of the processor, and the three signals that musl keeps for itself.

use super::Terminal;
use super::line_editor::{CTRL_C, LineEditor, Step};
use super::process::{self, Modes, Watch};
use crate::error::{Error, ErrorKind, describe};
use crate::secret::{Field, MAX_VALUE, SecretBytes};
use crate::text;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use nix::sys::termios::{
    self, FlushArg, InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios,
};
use nix::unistd;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::MutexGuard;

/// How long the bytes of one key may be apart, in milliseconds: after that, ESC was the Esc key.
const KEY_PAUSE: u16 = 50;
/// How long a paste may pause, in milliseconds, before what follows the answer counts as over. A terminal at the other
/// end of a network sends one in pieces.
const PASTE_PAUSE: u16 = 100;
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
    /// From [`Terminal::prepare`] to the first question.
    silence: Option<Silence>,
    /// From the first question on.
    raw: Option<RawMode>,
    /// More was typed than a visible question asked for.
    surplus: bool,
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
    /// Asks only if standard input is a terminal.
    pub fn new(stdin_is_terminal: bool) -> Self {
        Self {
            stdin_is_terminal,
            permitted: true,
            silence: None,
            raw: None,
            surplus: false,
        }
    }

    fn raw(&mut self) -> Result<&mut RawMode, Error> {
        match &mut self.raw {
            Some(raw) => Ok(raw),
            empty @ None => {
                let silence = match self.silence.take() {
                    Some(silence) => silence,
                    None => Silence::start()?,
                };
                Ok(empty.insert(RawMode::start(silence)?))
            }
        }
    }

    /// Shows a question and reads its answer to Enter. Whether more lines came with it, which are thrown away.
    fn answer(
        &mut self,
        question: &Question<'_>,
        limit: usize,
    ) -> Result<(LineEditor, bool), Error> {
        let raw = self.raw()?;
        let mut line = LineEditor::new(limit, question.hidden);
        // What was typed before the question was shown is no answer to it.
        raw.flush();
        raw.draw(&question.open());
        let read = raw.read_line(&mut line, question);
        // The rest of a paste is not for the shell, either. A signal does not wait for it.
        let rest = if matches!(&read, Err(error) if matches!(error.kind, ErrorKind::Terminated(_)))
        {
            raw.flush();
            Ok(false)
        } else {
            raw.drain()
        };
        let result = read.and(rest);
        if result.is_err() {
            raw.draw(&question.cancelled());
        }
        result.map(|more| (line, more))
    }

    /// Asks until the answer is one of the two.
    fn yes_or_no(&mut self, question: &str, help: &str) -> Result<bool, Error> {
        let asked = format!("{question} (y/N)");
        let open = Question {
            text: &asked,
            help: Some(help),
            hidden: false,
        };
        loop {
            let (line, more) = self.answer(&open, MAX_CONFIRMATION)?;
            let yes = match line.text().trim_ascii().to_ascii_lowercase().as_slice() {
                b"y" | b"yes" if !more => true,
                b"" | b"n" | b"no" if !more => false,
                _ => {
                    let raw = self.raw()?;
                    raw.draw(&open.answered(&shown(&line)));
                    raw.draw("# Invalid answer, try typing 'y' for yes or 'n' for no\n");
                    continue;
                }
            };
            let closed = Question {
                text: question,
                help: None,
                hidden: false,
            };
            let answer = if yes { "Yes" } else { "No" };
            self.raw()?.draw(&closed.answered(answer));
            return Ok(yes);
        }
    }
}

impl Terminal for ProcessTerminal {
    fn permit(&mut self, permitted: bool) {
        self.permitted = permitted;
    }

    fn available(&self) -> bool {
        self.stdin_is_terminal && self.permitted
    }

    fn prepare(&mut self) {
        if self.available() && self.silence.is_none() && self.raw.is_none() && in_foreground() {
            // What is wrong with the terminal, the question says.
            self.silence = Silence::start().ok();
        }
    }

    fn announce(&mut self, line: &str) -> Result<(), Error> {
        let line = text::safe(line);
        self.raw()?.draw(&[&line, "\n"].concat());
        Ok(())
    }

    fn ask(&mut self, field: &Field) -> Result<SecretBytes, Error> {
        let question = Question {
            text: field.prompt,
            help: field.prompt_help,
            hidden: field.hidden,
        };
        let (line, more) = self.answer(&question, MAX_VALUE)?;
        if more && field.hidden {
            self.raw()?.draw(&question.cancelled());
            return Err(several_lines(field));
        }
        self.surplus |= more;
        let shown = if field.hidden {
            question.answered(STARS)
        } else {
            question.answered(&shown(&line))
        };
        self.raw()?.draw(&shown);
        Ok(line.into_text())
    }

    fn say(&mut self, line: &str) {
        if let Some(raw) = &mut self.raw {
            raw.draw(&format!("# {}\n", text::safe(line)));
        }
    }

    fn release(&mut self) -> bool {
        self.raw = None;
        self.silence = None;
        std::mem::take(&mut self.surplus)
    }

    fn confirm(&mut self, question: &str, help: &str) -> Result<bool, Error> {
        let result = self.yes_or_no(&text::safe(question), help);
        // Whatever came of it, the terminal goes back.
        self.release();
        result
    }
}

/// What is shown of a line that may be: as text, and nothing that moves the cursor.
fn shown(line: &LineEditor) -> String {
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

    fn again(&self, line: &LineEditor) -> String {
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

/// Echo is off, and signals are read; dropping it puts both back. Keys still come in lines, and Ctrl-C is a signal.
struct Silence {
    before: Termios,
    /// The signals that were blocked before.
    mask: SigSet,
}

impl Silence {
    fn start() -> Result<Self, Error> {
        let before = termios::tcgetattr(io::stdin())
            .map_err(|errno| no_terminal("standard input cannot be used", errno.desc()))?;
        let mut silent = before.clone();
        silent
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ECHONL);
        let mut watch = process::lock();
        // The signals first: none may come between a silent terminal and the guard that restores it.
        let mask = process::block_signals(&mut watch)
            .map_err(|error| no_terminal("signals cannot be watched", &describe(&error)))?;
        let set = termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &silent);
        watch.modes = Some(Modes {
            before: before.clone(),
            silent,
        });
        drop(watch);
        let silence = Self { before, mask };
        match set {
            Ok(()) => Ok(silence),
            Err(errno) => Err(no_terminal("echo cannot be turned off", errno.desc())),
        }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let mut watch = process::lock();
        let _ = termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
        watch.modes = None;
        drop(watch);
        let _ = self.mask.thread_set_mask();
    }
}

/// A terminal that delivers keys as they come, and the signals beside them.
struct RawMode {
    output: File,
    modes: Termios,
    signals: SignalFd,
    // Dropped in this order: the silence takes the lock to end.
    _watch: MutexGuard<'static, Watch>,
    _silence: Silence,
}

impl RawMode {
    fn start(silence: Silence) -> Result<Self, Error> {
        let raw = Self {
            output: output()?,
            modes: raw_modes(&silence.before),
            signals: process::signals()
                .map_err(|errno| no_terminal("signals cannot be watched", errno.desc()))?,
            _watch: process::lock(),
            _silence: silence,
        };
        termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &raw.modes)
            .map_err(|errno| no_terminal("echo cannot be turned off", errno.desc()))?;
        Ok(raw)
    }

    /// Draws at once. A terminal that cannot show anything is found out by the next read.
    fn draw(&mut self, text: &str) {
        let _ = self.output.write_all(text.as_bytes());
    }

    /// Throws away what was typed and not read.
    fn flush(&self) {
        let _ = termios::tcflush(io::stdin(), FlushArg::TCIFLUSH);
    }

    /// Feeds the line to Enter.
    fn read_line(&mut self, line: &mut LineEditor, question: &Question<'_>) -> Result<(), Error> {
        loop {
            let pause = if line.awaits_rest() {
                PollTimeout::from(KEY_PAUSE)
            } else {
                PollTimeout::NONE
            };
            let step = match self.next(pause)? {
                Event::Pause => line.pause(),
                Event::Byte(byte) => line.feed(byte),
                Event::Continued => {
                    self.draw(CLEAR_BELOW);
                    self.draw(&question.open());
                    if !question.hidden {
                        self.draw(&shown(line));
                    }
                    Step::Quiet
                }
            };
            match step {
                Step::Done => return Ok(()),
                Step::Cancelled => return Err(Error::cancelled()),
                Step::Typed if !question.hidden => {
                    self.draw(&text::safe(line.last().unwrap_or_default()));
                }
                Step::Erased if !question.hidden => self.draw(&question.again(line)),
                Step::Quiet | Step::Typed | Step::Erased => {}
            }
        }
    }

    /// Throws away what comes with an answer: the LF of a CR LF, and the lines of a paste. Whether it was more than line
    /// ends.
    fn drain(&mut self) -> Result<bool, Error> {
        let mut more = false;
        let mut cancelled = false;
        for _ in 0..MAX_DRAINED {
            match self.next(PollTimeout::from(PASTE_PAUSE))? {
                Event::Byte(b'\r' | b'\n') | Event::Continued => {}
                Event::Byte(CTRL_C) => cancelled = true,
                Event::Byte(_) => more = true,
                Event::Pause => break,
            }
        }
        self.flush();
        if cancelled {
            return Err(Error::cancelled());
        }
        Ok(more)
    }

    /// Waits for a key or a signal.
    fn next(&mut self, pause: PollTimeout) -> Result<Event, Error> {
        let stdin = io::stdin();
        loop {
            let mut watched = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut watched, pause) {
                Ok(0) => return Ok(Event::Pause),
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(_) => return Err(Error::cancelled()),
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
            match unistd::read(stdin.as_fd(), &mut byte) {
                Ok(1..) => return Ok(Event::Byte(byte[0])),
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Ok(0) | Err(_) => return Err(self.gone()),
            }
        }
    }

    fn signal(&mut self) -> Result<Option<Event>, Error> {
        let Some(number) = process::next_signal(&self.signals) else {
            return Ok(None);
        };
        if process::is_pause(number) {
            // The shell may have set its own modes meanwhile. A question is no place to stop in.
            let _ = termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &self.modes);
            let is_continued = process::is(number, Signal::SIGCONT);
            return Ok(is_continued.then_some(Event::Continued));
        }
        Err(if process::is(number, Signal::SIGINT) {
            Error::cancelled()
        } else {
            Error::terminated(number)
        })
    }

    /// The terminal is no more; the signal that says so may be a moment behind.
    fn gone(&mut self) -> Error {
        let mut watched = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if matches!(poll(&mut watched, HANG_UP_PAUSE), Ok(1..))
            && let Err(error) = self.signal()
        {
            return error;
        }
        Error::cancelled()
    }
}

/// Whether setting modes changes the terminal of this job, and not that of another while this one is stopped.
fn in_foreground() -> bool {
    let group = unistd::tcgetpgrp(io::stdin());
    // An error: it is not the controlling terminal, and there are no jobs.
    group.map_or(true, |group| group == unistd::getpgrp())
}

/// Keys as they come, one at a time, unechoed, Ctrl-C and Ctrl-Z among them; output still ends lines with CR LF.
fn raw_modes(before: &Termios) -> Termios {
    let mut raw = before.clone();
    raw.local_flags.remove(
        LocalFlags::ICANON
            | LocalFlags::ECHO
            | LocalFlags::ECHONL
            | LocalFlags::ISIG
            | LocalFlags::IEXTEN,
    );
    raw.input_flags.remove(
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
        if let Some(slot) = raw.control_chars.get_mut(index as usize) {
            *slot = value;
        }
    }
    raw
}

/// Where questions are drawn: standard output carries results, and standard error may go to a file.
fn output() -> Result<File, Error> {
    let stderr = io::stderr();
    let opened = if stderr.is_terminal() {
        stderr.as_fd().try_clone_to_owned().map(File::from)
    } else {
        OpenOptions::new().write(true).open("/dev/tty")
    };
    opened.map_err(|error| {
        no_terminal(
            "standard error is no terminal, and /dev/tty cannot be opened",
            &describe(&error),
        )
    })
}

fn no_terminal(message: &str, cause: &str) -> Error {
    Error::usage(format!("cannot ask on the terminal: {message}"))
        .cause(cause)
        .hint("give every value as an option, from a file or on standard input")
}

/// Several lines at a hidden prompt: to store the first would be to store a part of a key.
fn several_lines(field: &Field) -> Error {
    let error = Error::invalid_data("more than one line was pasted, and nothing was stored");
    let Some(file) = field.file else { return error };
    let flag = match file.short {
        Some(short) => format!("-{short}"),
        None => file.flag.to_owned(),
    };
    error.hint(format!(
        "a value of several lines is given with {flag} FILE, or {flag} - for standard input"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Too short to be measured on a busy machine, and too large to be reached by typing: a change has to be meant.
    #[test]
    fn pauses_and_limits() {
        assert_eq!([KEY_PAUSE, PASTE_PAUSE, HANG_UP_PAUSE], [50, 100, 100]);
        assert_eq!((MAX_DRAINED, MAX_CONFIRMATION), (524_276, 64));
    }
}
