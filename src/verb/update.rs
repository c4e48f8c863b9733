//! Owns `update`: new content for a secret that exists, in place, its type kept.
//! Must not know how a value is read or sealed.

use super::place::{Place, not_found};
use super::settle::{settle, was_updated};
use super::{Job, Sealed, Session};
use crate::api::operation::Keys;
use crate::command::{Change, Update};
use crate::error::{Error, Words};
use crate::outcome::{Action, Listed, Write};
use crate::secret::{Kind, StoredType};
use crate::text;
use crate::value::{self, Fitted};

pub(super) fn run(update: Update, session: &mut Session<'_, '_>) -> Result<Write, Error> {
    let Update {
        target,
        change,
        dry_run,
    } = update;
    // What the command line names is read and checked first; the kind it must fit is known only after the lookup.
    let (draft, description) = match change {
        Change::Description(text) => (None, Some(text)),
        Change::Value {
            inputs,
            description,
        } => (
            Some(value::read(inputs, None, &mut session.io)?),
            description,
        ),
    };
    let keys = if draft.is_some() {
        // Whether something is missing depends on the kind.
        session.terminal.prepare();
        Keys::Wanted
    } else {
        Keys::Unneeded
    };
    let lookup = session.api.lookup(keys)?;
    let job = Job {
        name: &target.name,
        place: Place::resolve(&target, &lookup.account)?,
        actor: &lookup.account.actor,
        description: description.as_deref(),
        dry_run,
    };
    let Some(before) = lookup.find(&job.place.owner, &target.name) else {
        return Err(not_found(&target, &job.place.owner, &lookup));
    };
    let Some(draft) = draft else {
        let notes = job.place.note.iter().cloned().collect();
        return apply(&job, before, None, notes, session);
    };
    let kind = buildable(before)?;
    let fitted = draft.fit(kind, &target.name, session.terminal.available())?;
    value(&job, before, kind, fitted, session)
}

/// A new value, and a new description where there is one.
pub(super) fn value(
    job: &Job<'_>,
    before: &Listed,
    kind: Kind,
    fitted: Fitted,
    session: &mut Session<'_, '_>,
) -> Result<Write, Error> {
    let mut notes = Vec::new();
    let sealed = job.seal(kind, fitted, &mut notes, session)?;
    if kind == Kind::OpenaiApiKey && !sealed.has_base_url {
        notes.push("a stored base URL is replaced by none; --base-url keeps one".to_owned());
    }
    apply(job, before, Some(sealed), notes, session)
}

fn apply(
    job: &Job<'_>,
    before: &Listed,
    sealed: Option<Sealed>,
    mut notes: Vec<String>,
    session: &mut Session<'_, '_>,
) -> Result<Write, Error> {
    let mut write = if job.dry_run {
        let length = sealed.map(|sealed| sealed.length);
        job.written(Action::WouldUpdate { length }, &before.stored_type)
    } else {
        let envelope = sealed.as_ref().map(|sealed| sealed.envelope.as_str());
        let now = session.now;
        let result = session
            .api
            .update(&job.place.owner, job.name, envelope, job.description);
        let settled = settle(session, result, "updated", |secrets| {
            was_updated(secrets, before, job.name, job.description, now)
        })?;
        notes.extend(settled.note);
        let mut write = job.written(Action::Updated, &before.stored_type);
        write.name = settled.name.unwrap_or(write.name);
        write
    };
    write.notes = notes;
    Ok(write)
}

fn buildable(before: &Listed) -> Result<Kind, Error> {
    match &before.stored_type {
        StoredType::Known(kind) => Ok(*kind),
        StoredType::Other(_) => {
            let (name, stored) = (
                text::safe(&before.name),
                text::safe(before.stored_type.label()),
            );
            Err(Error::Refused(
                Words::new(format!(
                    "'{name}' is of type {stored}, whose values oz can't build"
                ))
                .hint("only its description can be updated here: --description TEXT"),
            ))
        }
    }
}
