//! Owns `create`: a new secret, or by `--if-exists` the old one left alone or updated.
//! Must not know how a value is read or sealed.

use super::{Place, Session, adjective, seal, settle, update};
use crate::api;
use crate::api::operation::Keys;
use crate::command::{Create, IfExists};
use crate::error::{Error, Words};
use crate::outcome::{Action, Listed, Write};
use crate::secret::{Kind, SecretName, StoredType};
use crate::text;
use crate::value::{self, Fitted};

/// What is to be created, once everything about it is known but who else has the name.
struct New<'a> {
    name: &'a SecretName,
    kind: Kind,
    description: Option<&'a str>,
    dry_run: bool,
    actor: &'a str,
}

pub(super) fn run(create: Create, session: &mut Session<'_, '_>) -> Result<Write, Error> {
    let Create {
        target,
        kind,
        inputs,
        description,
        if_exists,
        dry_run,
    } = create;
    let fitted = value::read(inputs, Some(kind), &mut session.io)?.fit(
        kind,
        &target.name,
        session.terminal.available(),
    )?;
    let lookup = session.api.lookup(Keys::Wanted)?;
    let place = Place::resolve(&target, &lookup.account)?;
    let new = New {
        name: &target.name,
        kind,
        description: description.as_deref(),
        dry_run,
        actor: &lookup.account.actor,
    };
    match lookup.find(&place.owner, &target.name) {
        Some(existing) => onto(existing, if_exists, &new, place, fitted, session),
        None => store(&new, place, fitted, session),
    }
}

/// The name is taken.
fn onto(
    existing: &Listed,
    if_exists: IfExists,
    new: &New<'_>,
    place: Place,
    fitted: Fitted,
    session: &mut Session<'_, '_>,
) -> Result<Write, Error> {
    let stored = &existing.stored_type;
    match if_exists {
        IfExists::Fail => Err(exists(existing)),
        IfExists::Skip => {
            let mut write = Write::new(
                Action::Unchanged,
                new.name,
                place.owner,
                Some(stored.clone()),
            );
            write.notes.extend(place.note);
            Ok(write)
        }
        IfExists::Update if *stored != StoredType::Known(new.kind) => {
            Err(other_type(existing, new.kind.label()))
        }
        IfExists::Update => {
            let found = update::Found {
                place,
                actor: new.actor,
                before: existing,
                name: new.name,
            };
            update::value(
                &found,
                new.kind,
                fitted,
                new.description,
                new.dry_run,
                session,
            )
        }
    }
}

/// The name is free.
fn store(
    new: &New<'_>,
    place: Place,
    fitted: Fitted,
    session: &mut Session<'_, '_>,
) -> Result<Write, Error> {
    let New { name, kind, .. } = *new;
    let mut notes: Vec<String> = place.note.iter().cloned().chain(fitted.notes()).collect();
    if kind == Kind::RawValue && !name.is_shell_variable() {
        let name = text::safe(name.as_str());
        notes.push(format!(
            "'{name}' is not a name a shell can use for a variable"
        ));
    }
    let key = place.key()?;
    let fields = fitted.complete(session.terminal)?;
    notes.extend_from_slice(fields.notes());
    let encrypted = seal(&key, new.actor, name, kind, &fields, session.random)?;
    if new.dry_run {
        let action = Action::WouldCreate {
            length: Some(fields.length()),
        };
        let mut write = Write::new(action, name, place.owner, Some(kind.into()));
        write.notes = notes;
        return Ok(write);
    }
    drop(fields);
    let owner = &place.owner;
    let result = session
        .api
        .create(owner, name, kind, &encrypted, new.description);
    // It did not exist a moment ago: if it does now, this run made it.
    let settled = settle(session, result, "created", |secrets| {
        api::find(secrets, owner, name).is_some()
    })?;
    notes.extend(settled.note);
    let mut write = Write::new(Action::Created, name, place.owner, Some(kind.into()));
    if let Some(name) = settled.name {
        write.name = name;
    }
    write.notes = notes;
    Ok(write)
}

fn exists(existing: &Listed) -> Error {
    let (name, owner) = (text::safe(&existing.name), adjective(&existing.owner));
    Error::Exists(
        Words::new(format!("there is already a {owner} secret '{name}'"))
            .hint("use `oz secret update`, or create with --if-exists update or --if-exists skip"),
    )
}

fn other_type(existing: &Listed, wanted: &str) -> Error {
    let (name, owner) = (text::safe(&existing.name), adjective(&existing.owner));
    let stored = text::safe(existing.stored_type.label());
    Error::Exists(
        Words::new(format!(
            "there is already a {owner} secret '{name}', of type {stored} and not {wanted}"
        ))
        .hint("a secret keeps its type: delete it first, or choose another name"),
    )
}
