//! Owns `create`: a new secret, or by `--if-exists` the old one left alone or updated.
//! Must not know how a value is read or sealed.

use super::{Place, Session, adjective, seal, settle, update};
use crate::api;
use crate::api::operation::Keys;
use crate::command::{Create, IfExists};
use crate::error::{Error, Words};
use crate::outcome::{Action, Listed, Write};
use crate::secret::{Kind, StoredType};
use crate::text;
use crate::value;

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
    let mut notes: Vec<String> = place.note.iter().cloned().chain(fitted.notes()).collect();
    if kind == Kind::RawValue && !target.name.is_shell_variable() {
        let name = text::safe(target.name.as_str());
        notes.push(format!(
            "'{name}' is not a name a shell can use for a variable"
        ));
    }

    if let Some(existing) = lookup.find(&place.owner, &target.name) {
        return match if_exists {
            IfExists::Fail => Err(exists(existing)),
            IfExists::Skip => {
                let mut write = Write::new(
                    Action::Unchanged,
                    &target.name,
                    place.owner,
                    Some(existing.stored_type.clone()),
                );
                write.notes.extend(place.note);
                Ok(write)
            }
            IfExists::Update if existing.stored_type != StoredType::Known(kind) => {
                Err(other_type(existing, kind.label()))
            }
            IfExists::Update => {
                let found = update::Found {
                    place,
                    actor: &lookup.account.actor,
                    before: existing,
                    name: &target.name,
                };
                update::value(
                    &found,
                    kind,
                    fitted,
                    description.as_deref(),
                    dry_run,
                    session,
                )
            }
        };
    }

    let key = place.key()?;
    let fields = fitted.complete(session.terminal)?;
    notes.extend_from_slice(fields.notes());
    let encrypted = seal(
        &key,
        &lookup.account.actor,
        &target.name,
        kind,
        &fields,
        session.random,
    )?;
    if dry_run {
        let action = Action::WouldCreate {
            length: Some(fields.length()),
        };
        let mut write = Write::new(action, &target.name, place.owner, Some(kind.into()));
        write.notes = notes;
        return Ok(write);
    }
    drop(fields);
    let result = session.api.create(
        &place.owner,
        &target.name,
        kind,
        &encrypted,
        description.as_deref(),
    );
    // It did not exist a moment ago: if it does now, this run made it.
    let settled = settle(session, result, "created", |secrets| {
        api::find(secrets, &place.owner, &target.name).is_some()
    })?;
    notes.extend(settled.note);
    let mut write = Write::new(
        Action::Created,
        &target.name,
        place.owner,
        Some(kind.into()),
    );
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
