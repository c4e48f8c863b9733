//! The formats for programs: `json` and `ndjson`.

use crate::error::{Applied, Error};
use crate::json::{Sink, Writer};
use crate::outcome::{Account, Action, SecretInfo, Timestamp, WriteOutcome};
use crate::output::teams::Teams;
use crate::output::{identity, scopes};
use crate::secret::{Owner, StoredType};
use crate::time::push_rfc3339;

/// One array on one line.
pub fn json(rows: &[&SecretInfo], teams: &Teams<'_>, out: &mut dyn Sink) {
    let mut time = String::new();
    Writer::new(out).array(|w| {
        for row in rows {
            listed(w, row, teams, &mut time);
        }
    });
    out.put(b"\n");
}

/// One object a line; no rows, no bytes.
pub fn ndjson(rows: &[&SecretInfo], teams: &Teams<'_>, out: &mut dyn Sink) {
    let mut time = String::new();
    for row in rows {
        listed(&mut Writer::new(out), row, teams, &mut time);
        out.put(b"\n");
    }
}

fn listed(w: &mut Writer<'_>, row: &SecretInfo, teams: &Teams<'_>, time: &mut String) {
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
        w.key("team_name");
        optional(w, teams.name(&row.owner));
    });
}

/// One array of names on one line.
pub fn names(rows: &[&SecretInfo], out: &mut dyn Sink) {
    texts(&mut Writer::new(out), &mut rows.iter().map(|row| &row.name));
    out.put(b"\n");
}

fn texts(w: &mut Writer<'_>, texts: &mut dyn Iterator<Item = &String>) {
    w.array(|w| {
        for text in texts {
            w.printable(text);
        }
    });
}

/// One object on one line: who the key belongs to, with the official client's keys and `secret_scopes`.
pub fn who(account: &Account, out: &mut dyn Sink) {
    let (kind, uid) = identity(account);
    Writer::new(out).object(|w| {
        w.key("uid").printable(uid);
        w.key("type").string(kind);
        let optional = [
            ("display_name", &account.display_name),
            ("email", &account.email),
        ];
        for (key, text) in optional {
            if let Some(text) = text {
                w.key(key).printable(text);
            }
        }
        let teams = &account.teams;
        w.key("team_uids");
        texts(w, &mut teams.iter().map(|team| &team.uid));
        w.key("team_names");
        texts(w, &mut teams.iter().map(|team| &team.name));
        if let Some((uid, name)) = &account.workspace {
            w.key("workspace_uid").printable(uid);
            w.key("workspace_name").printable(name);
        }
        w.key("secret_scopes");
        texts(w, &mut scopes(account).iter());
    });
    out.put(b"\n");
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
