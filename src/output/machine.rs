//! The formats for programs: `json` and `ndjson`.

use crate::error::{Applied, Error};
use crate::json::{Sink, Writer};
use crate::outcome::{Action, SecretInfo, Timestamp, WriteOutcome};
use crate::secret::{Owner, StoredType};
use crate::time::push_rfc3339;

/// One array on one line.
pub fn json(rows: &[&SecretInfo], out: &mut dyn Sink) {
    let mut time = String::new();
    Writer::new(out).array(|w| {
        for row in rows {
            listed(w, row, &mut time);
        }
    });
    out.put(b"\n");
}

/// One object a line; no rows, no bytes.
pub fn ndjson(rows: &[&SecretInfo], out: &mut dyn Sink) {
    let mut time = String::new();
    for row in rows {
        listed(&mut Writer::new(out), row, &mut time);
        out.put(b"\n");
    }
}

fn listed(w: &mut Writer<'_>, row: &SecretInfo, time: &mut String) {
    w.object(|w| {
        w.key("name").printable(&row.name);
        w.key("scope").printable(row.owner.scope());
        w.key("type").printable(row.stored_type.wire());
        w.key("created");
        instant(w, row.created, time);
        w.key("updated");
        instant(w, row.updated, time);
        w.key("description");
        optional(w, row.description.as_deref());
        w.key("team");
        optional(w, row.owner.team());
    });
}

fn instant(w: &mut Writer<'_>, instant: Timestamp, time: &mut String) {
    time.clear();
    push_rfc3339(instant, time);
    w.string(time);
}

fn optional(w: &mut Writer<'_>, text: Option<&str>) {
    match text {
        Some(text) => w.printable(text),
        None => w.null(),
    }
}

/// One object on one line: what happened to one secret.
pub fn write(write: &WriteOutcome, out: &mut dyn Sink) {
    Writer::new(out).object(|w| write_members(write, w));
    out.put(b"\n");
}

/// What happened to one secret, as members of an object.
pub fn write_members(write: &WriteOutcome, w: &mut Writer<'_>) {
    secret(&write.name, &write.owner, w);
    w.key("type");
    optional(w, write.stored_type.as_ref().map(StoredType::wire));
    w.key("action").string(word(write.action));
    w.key("applied").boolean(write.action.applied());
    if let Action::WouldCreate { length } | Action::WouldUpdate { length } = write.action
        && let Some(length) = length.and_then(|length| u64::try_from(length).ok())
    {
        w.key("length").number(length);
    }
    w.key("notes").array(|w| {
        for note in &write.notes {
            w.printable(note);
        }
    });
}

/// Why one secret of several failed, as members of an object.
pub fn failure_members(
    name: &str,
    owner: &Owner,
    action: &str,
    error: &Error,
    applied: Applied,
    w: &mut Writer<'_>,
) {
    secret(name, owner, w);
    w.key("action").string(action);
    w.key("applied");
    write_applied(applied, w);
    w.key("error").object(|w| error_members(error, w));
}

fn secret(name: &str, owner: &Owner, w: &mut Writer<'_>) {
    w.key("name").printable(name);
    w.key("scope").printable(owner.scope());
    w.key("team");
    optional(w, owner.team());
}

/// The stable word for an action.
pub fn word(action: Action) -> &'static str {
    match action {
        Action::Created => "created",
        Action::Updated => "updated",
        Action::Deleted => "deleted",
        Action::Unchanged => "unchanged",
        Action::NotFound => "absent",
        Action::Declined => "declined",
        Action::WouldCreate { .. } => "would_create",
        Action::WouldUpdate { .. } => "would_update",
        Action::WouldDelete => "would_delete",
    }
}

/// One object on one line: why a run failed.
pub fn failure(error: &Error, out: &mut Vec<u8>) {
    Writer::new(out).object(|w| {
        w.key("error").object(|w| {
            error_members(error, w);
            w.key("applied");
            write_applied(error.kind.applied(), w);
        });
    });
    out.push(b'\n');
}

fn error_members(error: &Error, w: &mut Writer<'_>) {
    w.key("code").number(u64::from(error.code()));
    w.key("kind").string(error.kind.word());
    w.key("message").printable(&error.message);
    w.key("hint");
    optional(w, error.hint.as_deref());
    w.key("causes").array(|w| {
        for cause in &error.causes {
            w.printable(cause);
        }
    });
}

fn write_applied(applied: Applied, w: &mut Writer<'_>) {
    match applied {
        Applied::Yes => w.boolean(true),
        Applied::No => w.boolean(false),
        Applied::Unknown => w.string("unknown"),
    }
}
