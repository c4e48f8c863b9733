//! Reports what happens to each of several secrets: each one as it happens, and a count at the end.

use super::{Streams, machine, push_failure, sentence};
use crate::error::{Applied, Error, ErrorKind};
use crate::json::Writer;
use crate::message::{self, push_line};
use crate::outcome::{Reported, WriteOutcome};
use crate::request::Format;
use crate::secret::{Owner, SecretName};
use crate::text::safe;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a secret can count as: the JSON key, and the word in the line at the end.
const COUNTS: [(&str, &str); 12] = [
    ("created", "created"),
    ("updated", "updated"),
    ("deleted", "deleted"),
    ("unchanged", "unchanged"),
    ("absent", "not found"),
    ("declined", "not confirmed"),
    ("would_create", "would be created"),
    ("would_update", "would be updated"),
    ("would_delete", "would be deleted"),
    ("failed", "failed"),
    ("unknown", "unknown"),
    ("not_sent", "not sent"),
];

/// To the first column of the terminal, and nothing to the right.
const CLEAR_LINE: &[u8] = b"\r\x1b[K";

/// How often, and how long apart, a signal waits for a report that is being written before the process ends without.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The report of one run.
pub struct Report<'r, 's> {
    /// Shared with the thread that acts on signals.
    state: Arc<Mutex<State>>,
    streams: &'r mut Streams<'s>,
    /// The first error of standard output.
    written: io::Result<()>,
}

/// What was reported so far.
struct State {
    format: Format,
    owner: Owner,
    total: usize,
    counts: [usize; COUNTS.len()],
    /// The elements of `results` in the document of `json`.
    results: Vec<u8>,
    /// The secret whose request is on its way, if it may be carried out.
    current: Option<String>,
    first_failure: Option<ErrorKind>,
    /// Whether any secret was changed.
    applied: Applied,
    colour: bool,
    shows_progress: bool,
}

/// What goes to standard output and to standard error.
#[derive(Default)]
struct Lines {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl<'r, 's> Report<'r, 's> {
    /// A report on `total` secrets of one owner.
    pub fn new(streams: &'r mut Streams<'s>, total: usize, owner: Owner) -> Self {
        let format = streams.format;
        let state = State {
            format,
            owner,
            total,
            counts: [0; COUNTS.len()],
            results: Vec::new(),
            current: None,
            first_failure: None,
            applied: Applied::No,
            colour: streams.colour,
            shows_progress: streams.shows_progress,
        };
        let mut report = Self {
            state: Arc::new(Mutex::new(state)),
            streams,
            written: Ok(()),
        };
        report.print(|_, _| {});
        report
    }

    /// What goes to standard output and to standard error if a signal ends the process before [`Report::finish`].
    pub fn on_signal(&self) -> impl FnOnce(u8) -> [Vec<u8>; 2] + Send + 'static {
        let state = Arc::clone(&self.state);
        move |signal| {
            for _ in 0..LOCK_ATTEMPTS {
                if let Ok(mut state) = state.try_lock() {
                    let lines = state.interrupted(signal);
                    return [lines.stdout, lines.stderr];
                }
                std::thread::sleep(LOCK_PAUSE);
            }
            [Vec::new(), Vec::new()]
        }
    }

    /// A note on the whole run, for people.
    pub fn note(&mut self, note: &str) {
        self.print(|state, lines| {
            if !state.format.is_machine() {
                push_line(message::NOTE, state.colour, note, &mut lines.stderr);
            }
        });
    }

    /// The next secret's request is about to be sent.
    pub fn begin(&self, name: &SecretName) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.current = Some(name.as_str().to_owned());
    }

    /// What happened to a secret.
    pub fn add(&mut self, name: &SecretName, result: &Result<WriteOutcome, Error>) {
        self.print(|state, lines| {
            state.current = None;
            match result {
                Ok(write) => state.done(write, lines),
                Err(error) => {
                    state.failed(name.as_str(), error, error.kind.applied(), lines);
                }
            }
        });
    }

    /// Prints the count.
    pub fn finish(mut self) -> Reported {
        let mut failure = None;
        let mut applied = Applied::No;
        self.print(|state, lines| {
            state.summary(lines);
            state.shows_progress = false;
            failure = state.first_failure;
            applied = state.applied;
        });
        let flushed = self.streams.stdout.flush();
        Reported {
            written: self.written.and(flushed),
            failure,
            applied,
        }
    }

    /// Writes what `change` adds to the report. The lock is held until it is written, so that a signal neither repeats
    /// nor loses a line.
    fn print(&mut self, change: impl FnOnce(&mut State, &mut Lines)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Lines::default();
        if state.shows_progress {
            let _ = self.streams.stderr.write_all(CLEAR_LINE);
        }
        change(&mut state, &mut lines);
        if self.written.is_ok() {
            self.written = self.streams.stdout.write_all(&lines.stdout);
        }
        if state.shows_progress {
            let done: usize = state.counts.iter().sum();
            // A note that is written meanwhile begins in the first column, and covers it.
            lines
                .stderr
                .extend_from_slice(format!("{done}/{}\r", state.total).as_bytes());
        }
        // Standard error may be closed.
        let _ = self.streams.stderr.write_all(&lines.stderr);
    }
}

impl State {
    fn count(&mut self, key: &str) {
        let counts = self.counts.iter_mut().zip(COUNTS);
        for (count, (known, _)) in counts {
            *count += usize::from(known == key);
        }
    }

    fn done(&mut self, write: &WriteOutcome, lines: &mut Lines) {
        self.count(machine::word(write.action));
        if write.action.applied() {
            self.applied = Applied::Yes;
        }
        if self.format.is_machine() {
            return self.item(lines, |w| machine::write_members(write, w));
        }
        for note in &write.notes {
            push_line(message::NOTE, self.colour, note, &mut lines.stderr);
        }
        lines.stdout.extend_from_slice(sentence(write).as_bytes());
        lines.stdout.push(b'\n');
    }

    fn failed(&mut self, name: &str, error: &Error, applied: Applied, lines: &mut Lines) {
        let action = match applied {
            Applied::Unknown => "unknown",
            _ => "failed",
        };
        self.count(action);
        self.first_failure.get_or_insert(error.kind);
        if self.format.is_machine() {
            let owner = self.owner.clone();
            return self.item(lines, |w| {
                machine::failure_members(name, &owner, action, error, applied, w);
            });
        }
        let mut named = error.clone();
        named.message = format!("'{}': {}", safe(name), error.message);
        push_failure(&named, self.colour, &mut lines.stderr);
    }

    /// Writes one secret as an object: a line of `ndjson`, or a part of the document of `json`.
    fn item(&mut self, lines: &mut Lines, members: impl FnOnce(&mut Writer<'_>)) {
        if self.format == Format::Ndjson {
            Writer::new(&mut lines.stdout).object(members);
            lines.stdout.push(b'\n');
            return;
        }
        if !self.results.is_empty() {
            self.results.push(b',');
        }
        Writer::new(&mut self.results).object(members);
    }

    fn interrupted(&mut self, signal: u8) -> Lines {
        let mut lines = Lines::default();
        if std::mem::take(&mut self.shows_progress) {
            lines.stderr.extend_from_slice(CLEAR_LINE);
        }
        let interrupted = match signal {
            2 => Error::cancelled(),
            number => Error::terminated(number),
        };
        let message = interrupted.message.clone();
        match self.current.take() {
            Some(name) => {
                let mut error = interrupted.hint("`oz secret list` shows what is stored");
                error.message = [&message, " while it was sent; the outcome is unknown"].concat();
                self.failed(&name, &error, Applied::Unknown, &mut lines);
            }
            None if !self.format.is_machine() => {
                push_failure(&interrupted, self.colour, &mut lines.stderr);
            }
            None => {}
        }
        self.summary(&mut lines);
        lines
    }

    /// The count, and in the format `json` the document.
    fn summary(&mut self, lines: &mut Lines) {
        let done: usize = self.counts.iter().sum();
        if let Some(last) = self.counts.last_mut() {
            *last = self.total.saturating_sub(done);
        }
        let counts = COUNTS.iter().zip(self.counts);
        match self.format {
            Format::Json => {
                lines.stdout.extend_from_slice(b"{\"results\":[");
                lines.stdout.append(&mut self.results);
                lines.stdout.extend_from_slice(b"],\"counts\":");
                Writer::new(&mut lines.stdout).object(|w| {
                    for ((key, _), count) in counts {
                        w.key(key).number(u64::try_from(count).unwrap_or(u64::MAX));
                    }
                });
                lines.stdout.extend_from_slice(b"}\n");
            }
            Format::Ndjson => {}
            Format::Pretty | Format::Text => {
                let words: Vec<String> = counts
                    .filter(|(_, count)| *count > 0)
                    .map(|((_, word), count)| format!("{count} {word}"))
                    .collect();
                lines.stderr.extend_from_slice(words.join(", ").as_bytes());
                lines.stderr.push(b'\n');
            }
        }
    }
}
