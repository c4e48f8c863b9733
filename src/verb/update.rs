//! `update`: stores a new value, a new description or both for a secret that exists. Its type stays.

use super::owner;
use super::{Sealed, Session, WriteContext};
use crate::api::operation::Keys;
use crate::error::Error;
use crate::outcome::{Action, SecretInfo, WriteOutcome};
use crate::request::{Change, Update};
use crate::secret::{Kind, StoredType};
use crate::text;
use crate::value::{self, Incomplete};

pub(super) fn run(update: Update, session: &mut Session<'_, '_>) -> Result<WriteOutcome, Error> {
    let Update {
        target,
        change,
        dry_run,
    } = update;
    // What the command line names is read and checked first; the kind it must fit is known only after the lookup.
    let (draft, description) = match change {
        Change::Description(text) => (None, Some(text)),
        Change::Value {
            sources,
            description,
        } => (
            Some(value::read(sources, None, &mut session.io)?),
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
    let team = owner::named_team(&target.scope);
    let lookup = session.api.lookup(keys, team)?;
    let context = WriteContext::new(&target, &lookup.account, description.as_deref(), dry_run)?;
    let owner = &context.owner.owner;
    let Some(before) = owner::find(&lookup, owner, &target.name)? else {
        return Err(owner::not_found(owner, &target.name, &lookup));
    };
    let Some(draft) = draft else {
        let notes = context.owner.note.iter().cloned().collect();
        return apply(&context, before, None, notes, session);
    };
    let kind = buildable(before)?;
    let fitted = draft.fit(kind, &target.name, session.terminal.available())?;
    value(&context, before, kind, fitted, session)
}

/// A new value, and a new description where there is one.
pub(super) fn value(
    context: &WriteContext<'_>,
    before: &SecretInfo,
    kind: &'static Kind,
    fitted: Incomplete,
    session: &mut Session<'_, '_>,
) -> Result<WriteOutcome, Error> {
    let mut notes = Vec::new();
    let sealed = context.seal("New value for", kind, fitted, &mut notes, session)?;
    if kind.field("--base-url").is_some() && !sealed.has_base_url {
        notes.push("a stored base URL is replaced by none; --base-url keeps one".to_owned());
    }
    apply(context, before, Some(sealed), notes, session)
}

/// Sends the update, unless this is a dry run.
pub(super) fn apply(
    context: &WriteContext<'_>,
    before: &SecretInfo,
    sealed: Option<Sealed>,
    mut notes: Vec<String>,
    session: &mut Session<'_, '_>,
) -> Result<WriteOutcome, Error> {
    let stored_type = Some(before.stored_type.clone());
    let mut write = if context.dry_run {
        let length = sealed.map(|sealed| sealed.length);
        context.written(Action::WouldUpdate { length }, stored_type)
    } else {
        let result = session.api.update(
            &context.owner.owner,
            context.name,
            sealed.as_ref().map(|sealed| sealed.envelope.as_str()),
            context.description,
        );
        if let Err(failure) = result {
            let secret = context.secret();
            if let Some(lookup) = secret.gone_after_refusal(&failure, session) {
                return Err(owner::not_found(secret.owner, secret.name, &lookup));
            }
            notes.push(
                secret.confirm(failure, "updated", session, |secret, lookup| {
                    secret.was_updated(lookup, before, context.description)
                })?,
            );
        }
        context.written(Action::Updated, stored_type)
    };
    write.notes = notes;
    Ok(write)
}

fn buildable(before: &SecretInfo) -> Result<&'static Kind, Error> {
    match &before.stored_type {
        StoredType::Known(kind) => Ok(*kind),
        StoredType::Other(_) => {
            let (name, stored) = (
                text::safe(&before.name),
                text::excerpt(before.stored_type.label()),
            );
            Err(Error::refused(format!(
                "'{name}' is of type {stored}, whose values oz can't build"
            ))
            .hint("only its description can be updated here: --description TEXT"))
        }
    }
}
