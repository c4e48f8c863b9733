//! What is printed of an outcome or a failure, in each format.

mod machine;
pub mod report;
mod table;
mod teams;
mod time;

use crate::error::Error;
use crate::json::{Sink, Writer};
use crate::message::{self, push_line};
use crate::outcome::{Account, Action, Outcome, SecretInfo, Timestamp, WriteOutcome};
use crate::request::Format;
use crate::secret::{Owner, StoredType};
use crate::text::safe;
use std::collections::BinaryHeap;
use std::io;
use teams::Teams;

/// The streams of a run, and how it prints to them.
pub struct Streams<'a> {
    pub stdout: &'a mut dyn io::Write,
    pub stderr: &'a mut dyn io::Write,
    pub format: Format,
    /// Whether the prefixes of notes and errors are coloured.
    pub colour: bool,
    /// Whether standard error is a terminal on which a line can be drawn anew.
    pub shows_progress: bool,
}

/// How to show an outcome.
pub struct View {
    pub format: Format,
    /// The times of a table are relative to it.
    pub now: Timestamp,
    /// Columns of the terminal, when standard output is one.
    pub width: Option<usize>,
    /// Whether the prefixes of notes are coloured.
    pub colour: bool,
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
                    push_line(message::NOTE, view.colour, note, &mut notes);
                }
                out.put(sentence(write).as_bytes());
                out.put(b"\n");
            }
            Format::Json | Format::Ndjson => machine::write(write, &mut out),
        },
        Outcome::Reported(_) => {}
        Outcome::Listed {
            secrets,
            teams,
            names_only,
            note,
        } => {
            let rows = sorted(secrets, *names_only);
            let teams = Teams::new(teams, &rows);
            if let Some(note) = note {
                push_line(message::NOTE, view.colour, note, &mut notes);
            }
            match view.format {
                _ if *names_only => names(&rows, view.format, &mut out),
                Format::Pretty => table::pretty(&rows, &teams, view.now, view.width, &mut out),
                Format::Text => table::text(&rows, &teams, view.now, view.width, &mut out),
                Format::Json => machine::json(&rows, &teams, &mut out),
                Format::Ndjson => machine::ndjson(&rows, &teams, &mut out),
            }
        }
        Outcome::WhoAmI(account) => match view.format {
            Format::Pretty => out.put(&who(account)),
            Format::Text => {
                let (kind, uid) = identity(account);
                out.put([kind, ":", &safe(uid), "\n"].concat().as_bytes());
            }
            Format::Json | Format::Ndjson => machine::who(account, &mut out),
        },
    }
    let _ = stderr.write_all(&notes);
    out.finish()
}

/// Renders why a run failed, for standard error.
pub fn failure(error: &Error, format: Format, colour: bool) -> Vec<u8> {
    let mut out = Vec::new();
    if format.is_machine() {
        machine::failure(error, &mut out);
        return out;
    }
    push_failure(error, colour, &mut out);
    out
}

fn push_failure(error: &Error, colour: bool, out: &mut Vec<u8>) {
    push_line(message::ERROR, colour, &error.message, out);
    for cause in &error.causes {
        push_line(message::CAUSE, colour, cause, out);
    }
    // A hint may be a list, a line each.
    let mut prefix = message::HINT;
    for line in error.hint.iter().flat_map(|hint| hint.lines()) {
        push_line(prefix, colour, line, out);
        prefix = message::NONE;
    }
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
/// everywhere. For a list of names, owners do not count, and each name is there once.
fn sorted<'a>(rows: &'a [SecretInfo], names_only: bool) -> Vec<&'a SecretInfo> {
    let key = |(at, row): (usize, &'a SecretInfo)| {
        let is_shared = !names_only && row.owner != Owner::Personal;
        (is_shared, row.name.as_str(), row.owner.team(), at)
    };
    // A heap, because the code of a sort is ten times as long.
    let keys: BinaryHeap<_> = rows.iter().enumerate().map(key).collect();
    let keys = keys.into_sorted_vec().into_iter();
    let mut sorted: Vec<&SecretInfo> = keys.filter_map(|(.., at)| rows.get(at)).collect();
    if names_only {
        sorted.dedup_by(|later, earlier| later.name == earlier.name);
    }
    sorted
}

/// The names alone: a line each, or one array for `json`.
fn names(rows: &[&SecretInfo], format: Format, out: &mut dyn Sink) {
    if format == Format::Json {
        return machine::names(rows, out);
    }
    for row in rows {
        match format {
            Format::Ndjson => Writer::new(out).printable(&row.name),
            _ => out.put(safe(&row.name).as_bytes()),
        }
        out.put(b"\n");
    }
}

/// The word for the kind of account, and its uid as the official client shows it.
fn identity(account: &Account) -> (&'static str, &str) {
    let uid = account.actor.as_str();
    if account.is_service_account {
        let bare = uid.strip_prefix("serviceAccount:");
        ("service_account", bare.unwrap_or(uid))
    } else {
        ("user", uid)
    }
}

/// The scopes whose secrets an account can write, as `WARP_SECRET_SCOPE` spells them.
fn scopes(account: &Account) -> Vec<String> {
    let mut scopes = Vec::with_capacity(account.teams.len() + 1);
    if !account.is_service_account {
        scopes.push("personal".to_owned());
    }
    for team in &account.teams {
        scopes.push(["team=", &team.uid].concat());
    }
    scopes
}

/// A line for each fact known of an account, as the official client words them.
fn who(account: &Account) -> Vec<u8> {
    let mut lines = Vec::new();
    let (_, uid) = identity(account);
    let prefix = if account.is_service_account {
        "Service account ID: "
    } else {
        "User ID: "
    };
    let mut fact = |prefix: &str, text: &str| {
        if !text.is_empty() {
            lines.extend_from_slice([prefix, &safe(text), "\n"].concat().as_bytes());
        }
    };
    fact(prefix, uid);
    fact(
        "Display Name: ",
        account.display_name.as_deref().unwrap_or(""),
    );
    fact("Email: ", account.email.as_deref().unwrap_or(""));
    for team in &account.teams {
        fact("Team ID: ", &team.uid);
        fact("Team Name: ", &team.name);
    }
    let mut all = String::new();
    for scope in scopes(account) {
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(&scope);
    }
    fact(
        "Secret scopes: ",
        if all.is_empty() { "none" } else { &all },
    );
    lines
}

#[cfg(test)]
mod tests;
