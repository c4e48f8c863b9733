//! Owns `create`: a new secret, or by `--if-exists` the old one left alone or updated.
//! Must not know how a value is read or sealed.

use super::place::{Place, adjective};
use super::settle::settle;
use super::{Job, Session, update};
use crate::api;
use crate::api::operation::Keys;
use crate::command::{Create, IfExists};
use crate::error::{Error, Words};
use crate::outcome::{Action, Listed, Write};
use crate::secret::{Kind, StoredType};
use crate::text;
use crate::value::{self, Fitted};

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
    fitted.prepare(session.terminal);
    let lookup = session.api.lookup(Keys::Wanted)?;
    let job = Job {
        name: &target.name,
        place: Place::resolve(&target, &lookup.account)?,
        actor: &lookup.account.actor,
        description: description.as_deref(),
        dry_run,
    };
    let Some(existing) = lookup.find(&job.place.owner, &target.name) else {
        return new(job, kind, fitted, session);
    };
    match if_exists {
        IfExists::Fail => Err(exists(existing)),
        IfExists::Skip => {
            let mut write = job.written(Action::Unchanged, &existing.stored_type);
            write.notes.extend(job.place.note);
            Ok(write)
        }
        IfExists::Update if existing.stored_type != StoredType::Known(kind) => {
            Err(other_type(existing, kind.label()))
        }
        IfExists::Update => update::value(&job, existing, kind, fitted, session),
    }
}

/// A secret that does not exist yet.
fn new(
    job: Job<'_>,
    kind: Kind,
    fitted: Fitted,
    session: &mut Session<'_, '_>,
) -> Result<Write, Error> {
    let mut notes = Vec::new();
    if kind == Kind::RawValue && !job.name.is_shell_variable() {
        let name = text::safe(job.name.as_str());
        notes.push(format!(
            "'{name}' is not a name a shell can use for a variable"
        ));
    }
    let sealed = job.seal(kind, fitted, &mut notes, session)?;
    let stored_type = StoredType::Known(kind);
    let mut write = if job.dry_run {
        let length = Some(sealed.length);
        job.written(Action::WouldCreate { length }, &stored_type)
    } else {
        let owner = &job.place.owner;
        let result = session
            .api
            .create(owner, job.name, kind, &sealed.envelope, job.description);
        // It did not exist a moment ago: if it does now, this run made it.
        let settled = settle(session, result, "created", |secrets| {
            api::find(secrets, owner, job.name).is_some().into()
        })?;
        notes.extend(settled.note);
        let mut write = job.written(Action::Created, &stored_type);
        write.name = settled.name.unwrap_or(write.name);
        write
    };
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
