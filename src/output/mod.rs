//! What is printed of an outcome or a failure, in each format.

mod machine;
pub mod report;
mod table;
mod time;

use crate::error::Error;
use crate::json::Sink;
use crate::outcome::{Action, Outcome, SecretInfo, Timestamp, WriteOutcome};
use crate::request::Format;
use crate::secret::{Owner, StoredType};
use crate::text::safe;
use std::io;

/// The streams of a run, and how it prints to them.
pub struct Streams<'a> {
    pub stdout: &'a mut dyn io::Write,
    pub stderr: &'a mut dyn io::Write,
    pub stderr_is_terminal: bool,
    pub format: Format,
}

/// How to show an outcome.
pub struct View {
    pub format: Format,
    /// The times of a table are relative to it.
    pub now: Timestamp,
    /// Columns of the terminal, when standard output is one.
    pub width: Option<usize>,
}

/// A buffer in front of a writer, so that a long list is never in memory as a whole.
struct Buffered<'a> {
    out: &'a mut dyn io::Write,
    buffer: Vec<u8>,
    /// After an error nothing more is written.
    result: io::Result<()>,
}

impl Buffered<'_> {
    /// In bytes: as many as a pipe holds.
    const SIZE: usize = 64 * 1024;

    fn write_out(&mut self) {
        if self.result.is_ok() {
            self.result = self.out.write_all(&self.buffer);
        }
        self.buffer.clear();
    }

    fn finish(mut self) -> io::Result<()> {
        self.write_out();
        self.result.and_then(|()| self.out.flush())
    }
}

impl Sink for Buffered<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > Self::SIZE {
            self.write_out();
        }
        self.buffer.extend_from_slice(bytes);
    }
}

/// Writes what a run did to standard output, and notes on it to standard error, which may be closed.
///
/// # Errors
/// Those of standard output.
pub fn outcome(
    outcome: &Outcome,
    view: &View,
    stdout: &mut dyn io::Write,
    stderr: &mut dyn io::Write,
) -> io::Result<()> {
    let mut out = Buffered {
        out: stdout,
        buffer: Vec::new(),
        result: Ok(()),
    };
    let mut notes = Vec::new();
    match outcome {
        Outcome::Write(write) => match view.format {
            Format::Pretty | Format::Text => {
                for note in &write.notes {
                    push_line("note: ", note, &mut notes);
                }
                out.put(sentence(write).as_bytes());
                out.put(b"\n");
            }
            Format::Json | Format::Ndjson => machine::write(write, &mut out),
        },
        Outcome::Reported(_) => {}
        Outcome::Listed { secrets, note } => {
            let rows = sorted(secrets);
            if let Some(note) = note {
                push_line("note: ", note, &mut notes);
            }
            match view.format {
                Format::Pretty => table::pretty(&rows, view.now, view.width, &mut out),
                Format::Text => table::text(&rows, view.now, &mut out),
                Format::Json => machine::json(&rows, &mut out),
                Format::Ndjson => machine::ndjson(&rows, &mut out),
            }
        }
    }
    let _ = stderr.write_all(&notes);
    out.finish()
}

/// Renders why a run failed, for standard error.
pub fn failure(error: &Error, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    if format.is_machine() {
        machine::failure(error, &mut out);
        return out;
    }
    push_failure(error, &mut out);
    out
}

fn push_failure(error: &Error, out: &mut Vec<u8>) {
    push_line("error: ", &error.message, out);
    for cause in &error.causes {
        push_line("  caused by: ", cause, out);
    }
    // A hint may be a list, a line each.
    let mut prefix = "hint: ";
    for line in error.hint.iter().flat_map(|hint| hint.lines()) {
        push_line(prefix, line, out);
        prefix = "";
    }
}

fn push_line(prefix: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(prefix.as_bytes());
    out.extend_from_slice(safe(text).as_bytes());
    out.push(b'\n');
}

/// What happened to one secret, as the official client words it where it does.
fn sentence(write: &WriteOutcome) -> String {
    let what = match write.action {
        Action::Created => "created",
        Action::Updated => "updated",
        Action::Deleted => "deleted",
        Action::Unchanged => "already exists, unchanged",
        Action::NotFound => "does not exist, nothing deleted",
        Action::Declined => return "Deletion cancelled".to_owned(),
        Action::WouldCreate { length } => return would(write, "created", length),
        Action::WouldUpdate { length } => return would(write, "updated", length),
        Action::WouldDelete => return would(write, "deleted", None),
    };
    format!("Secret '{}' {what}", safe(&write.name))
}

fn would(write: &WriteOutcome, what: &str, length: Option<usize>) -> String {
    let name = safe(&write.name);
    let label = safe(write.stored_type.as_ref().map_or("", StoredType::label));
    let scope = match &write.owner {
        Owner::Personal => "personal".to_owned(),
        Owner::Team(uid) => format!("team {}", safe(uid)),
        Owner::Other(scope) => safe(scope).into_owned(),
    };
    let size = match length {
        None => String::new(),
        Some(1) => ", 1 byte".to_owned(),
        Some(length) => format!(", {length} bytes"),
    };
    format!("Secret '{name}' would be {what} ({scope}, {label}{size})")
}

/// Personal before team, then by name, then by team. Names compare by code point, so that the order is the same
/// everywhere.
fn sorted(rows: &[SecretInfo]) -> Vec<&SecretInfo> {
    let mut sorted: Vec<&SecretInfo> = rows.iter().collect();
    sorted.sort_by_key(|row| {
        let team = row.owner.team();
        (row.owner != Owner::Personal, row.name.as_str(), team)
    });
    sorted
}

#[cfg(test)]
mod tests;
