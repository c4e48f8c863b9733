//! Owns `update`: new content for a secret that exists, in place, its type kept.
//! Must not know how a value is read or sealed.

use super::{Place, Session, not_found, seal, settle, was_updated};
use crate::api::operation::Keys;
use crate::command::{Change, Update};
use crate::error::{Error, Words};
use crate::outcome::{Action, Listed, Write};
use crate::secret::{FieldId, Kind, SecretName, StoredType};
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
        Keys::Wanted
    } else {
        Keys::Unneeded
    };
    let lookup = session.api.lookup(keys)?;
    let place = Place::resolve(&target, &lookup.account)?;
    let Some(before) = lookup.find(&place.owner, &target.name) else {
        return Err(not_found(&target, &place.owner, &lookup));
    };
    let found = Found {
        place,
        actor: &lookup.account.actor,
        before,
        name: &target.name,
    };
    let Some(draft) = draft else {
        return apply(
            &found,
            None,
            description.as_deref(),
            dry_run,
            found.place.note.clone().into_iter().collect(),
            session,
        );
    };
    let kind = buildable(before)?;
    let fitted = draft.fit(kind, &target.name, session.terminal.available())?;
    value(
        &found,
        kind,
        fitted,
        description.as_deref(),
        dry_run,
        session,
    )
}

/// The secret to change.
pub(super) struct Found<'a> {
    pub(super) place: Place,
    pub(super) actor: &'a str,
    pub(super) before: &'a Listed,
    pub(super) name: &'a SecretName,
}

/// A new value, and a new description where there is one.
pub(super) fn value(
    found: &Found<'_>,
    kind: Kind,
    fitted: Fitted,
    description: Option<&str>,
    dry_run: bool,
    session: &mut Session<'_, '_>,
) -> Result<Write, Error> {
    let key = found.place.key()?;
    let mut notes: Vec<String> = found
        .place
        .note
        .iter()
        .cloned()
        .chain(fitted.notes())
        .collect();
    let fields = fitted.complete(session.terminal)?;
    notes.extend_from_slice(fields.notes());
    if kind == Kind::OpenaiApiKey && !fields.has(FieldId::BaseUrl) {
        notes.push("a stored base URL is replaced by none; --base-url keeps one".to_owned());
    }
    let encrypted = seal(&key, found.actor, found.name, kind, &fields, session.random)?;
    let length = fields.length();
    drop(fields);
    apply(
        found,
        Some((&encrypted, length)),
        description,
        dry_run,
        notes,
        session,
    )
}

fn apply(
    found: &Found<'_>,
    sealed: Option<(&str, usize)>,
    description: Option<&str>,
    dry_run: bool,
    mut notes: Vec<String>,
    session: &mut Session<'_, '_>,
) -> Result<Write, Error> {
    let owner = &found.place.owner;
    let stored_type = Some(found.before.stored_type.clone());
    if dry_run {
        let action = Action::WouldUpdate {
            length: sealed.map(|(_, length)| length),
        };
        let mut write = Write::new(action, found.name, owner.clone(), stored_type);
        write.notes = notes;
        return Ok(write);
    }
    let result = session
        .api
        .update(owner, found.name, sealed.map(|(text, _)| text), description);
    let settled = settle(session, result, "updated", |secrets| {
        was_updated(secrets, found.before, found.name)
    })?;
    notes.extend(settled.note);
    let mut write = Write::new(Action::Updated, found.name, owner.clone(), stored_type);
    if let Some(name) = settled.name {
        write.name = name;
    }
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
