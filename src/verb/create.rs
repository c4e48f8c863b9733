//! `create`: stores a new secret. With `--if-exists`, a secret that is already there is left alone or updated.

use super::owner;
use super::{Sealed, Session, WriteContext, update};
use crate::api::Lookup;
use crate::api::operation::Keys;
use crate::error::{Error, ErrorKind};
use crate::net::{Failure, Processed};
use crate::outcome::{Action, SecretInfo, WriteOutcome};
use crate::request::{Create, IfExists};
use crate::secret::{Kind, SecretName, StoredType};
use crate::text;
use crate::value::{self, Incomplete};

pub(super) fn run(create: Create, session: &mut Session<'_, '_>) -> Result<WriteOutcome, Error> {
    let Create {
        target,
        kind,
        sources,
        description,
        if_exists,
        dry_run,
    } = create;
    let fitted = value::read(sources, Some(kind), &mut session.io)?.fit(
        kind,
        &target.name,
        session.terminal.available(),
    )?;
    fitted.prepare(session.terminal);
    let team = owner::named_team(&target.scope);
    let lookup = session.api.lookup(Keys::Wanted, team)?;
    let context = WriteContext::new(&target, &lookup.account, description.as_deref(), dry_run)?;
    let Some(existing) = lookup.find(&context.owner.owner, &target.name) else {
        return create_new(
            &context,
            kind,
            if_exists,
            fitted,
            lookup.server_time,
            session,
        );
    };
    match if_exists {
        IfExists::Fail => Err(exists(existing)),
        IfExists::Skip => {
            let mut write = context.written(Action::Unchanged, Some(existing.stored_type.clone()));
            write.notes.extend(context.owner.note);
            Ok(write)
        }
        IfExists::Update => {
            check_type(existing, kind)?;
            update::value(&context, existing, kind, fitted, session)
        }
    }
}

/// Stores a secret that did not exist at `server_time`, the server's clock at the lookup.
fn create_new(
    context: &WriteContext<'_>,
    kind: &'static Kind,
    if_exists: IfExists,
    fitted: Incomplete,
    server_time: Option<i64>,
    session: &mut Session<'_, '_>,
) -> Result<WriteOutcome, Error> {
    let mut notes = Vec::new();
    notes.extend(name_note(kind, context.name));
    let sealed = context.seal("Value for new", kind, fitted, &mut notes, session)?;
    send(
        context,
        kind,
        if_exists,
        sealed,
        notes,
        server_time,
        session,
    )
}

pub(super) fn name_note(kind: &Kind, name: &SecretName) -> Option<String> {
    let is_unusual = kind.is_raw() && !name.is_shell_variable();
    is_unusual.then(|| {
        let name = text::safe(name.as_str());
        format!("'{name}' is not a name a shell can use for a variable")
    })
}

/// Sends the mutation, unless this is a dry run.
pub(super) fn send(
    context: &WriteContext<'_>,
    kind: &'static Kind,
    if_exists: IfExists,
    sealed: Sealed,
    mut notes: Vec<String>,
    server_time: Option<i64>,
    session: &mut Session<'_, '_>,
) -> Result<WriteOutcome, Error> {
    let stored_type = Some(StoredType::Known(kind));
    let mut write = if context.dry_run {
        let length = Some(sealed.length);
        context.written(Action::WouldCreate { length }, stored_type)
    } else {
        let result = session.api.create(
            &context.owner.owner,
            context.name,
            kind,
            &sealed.envelope,
            context.description,
        );
        match result {
            Ok(()) => {}
            Err(failure) if failure.processed == Processed::No => {
                return refused(failure, context, kind, if_exists, sealed, notes, session);
            }
            Err(failure) => notes.push(context.secret().confirm(
                failure,
                "created",
                session,
                |secret, lookup| secret.was_created(lookup, kind, context.description, server_time),
            )?),
        }
        context.written(Action::Created, stored_type)
    };
    write.notes = notes;
    Ok(write)
}

/// Nothing was created. If another client has created a secret of that name since the lookup, `--if-exists` decides.
fn refused(
    failure: Failure,
    context: &WriteContext<'_>,
    kind: &'static Kind,
    if_exists: IfExists,
    sealed: Sealed,
    notes: Vec<String>,
    session: &mut Session<'_, '_>,
) -> Result<WriteOutcome, Error> {
    let is_taken = failure.error.kind == ErrorKind::Exists;
    if is_taken && if_exists == IfExists::Fail {
        return Err(failure.error);
    }
    let secret = context.secret();
    let find = |lookup: &Lookup| lookup.find(secret.owner, secret.name).cloned();
    let existing = if is_taken {
        secret.wait_for(session, find).ok()
    } else {
        secret
            .after_refusal(&failure, session)
            .and_then(|lookup| find(&lookup))
    };
    match (if_exists, existing) {
        (IfExists::Skip, existing) if is_taken || existing.is_some() => {
            let stored_type = existing.map(|existing| existing.stored_type);
            let mut write = context.written(Action::Unchanged, stored_type);
            write.notes = notes;
            Ok(write)
        }
        (IfExists::Fail, Some(existing)) => Err(exists(&existing)),
        (IfExists::Update, Some(existing)) => {
            check_type(&existing, kind)?;
            update::apply(context, &existing, Some(sealed), notes, session)
        }
        _ => Err(failure.error),
    }
}

fn exists(existing: &SecretInfo) -> Error {
    Error::exists(there_is(existing))
        .hint("use `oz secret update`, or create with --if-exists update or --if-exists skip")
}

/// # Errors
/// [`ErrorKind::Exists`] if the secret that is there is of another type.
pub(super) fn check_type(existing: &SecretInfo, kind: &'static Kind) -> Result<(), Error> {
    if existing.stored_type == StoredType::Known(kind) {
        return Ok(());
    }
    Err(Error::exists(format!(
        "{}, of type {} and not {}",
        there_is(existing),
        text::excerpt(existing.stored_type.label()),
        kind.label
    ))
    .hint("a secret keeps its type: delete it first, or choose another name"))
}

pub(super) fn there_is(existing: &SecretInfo) -> String {
    format!(
        "there is already a {} secret '{}'",
        owner::adjective(&existing.owner),
        text::safe(&existing.name)
    )
}
