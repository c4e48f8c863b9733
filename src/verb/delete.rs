//! `delete`: removes a secret for good, after a confirmation unless `--force` is given.

use super::Session;
use super::owner::{self, ResolvedOwner, adjective};
use super::reconcile;
use crate::api::Lookup;
use crate::api::operation::Keys;
use crate::error::Error;
use crate::outcome::{Action, WriteOutcome};
use crate::request::Delete;
use crate::secret::{Owner, SecretName};
use crate::text;

pub(super) fn run(delete: Delete, session: &mut Session<'_, '_>) -> Result<WriteOutcome, Error> {
    let Delete {
        target,
        force,
        ignore_missing,
        dry_run,
    } = delete;
    let must_confirm = !force && !dry_run;
    if must_confirm && !session.terminal.available() {
        return Err(Error::usage(
            "deleting asks for confirmation, and there is no terminal to ask on",
        )
        .hint("use --force to delete without being asked"));
    }
    if must_confirm {
        session.terminal.prepare();
    }
    let team = owner::named_team(&target.scope);
    let lookup = session.api.lookup(Keys::Unneeded, team)?;
    let resolved = ResolvedOwner::resolve(&target, &lookup.account)?;
    let (owner, name) = (&resolved.owner, &target.name);
    let write = |action, stored_type, note: Option<String>| {
        let mut write = WriteOutcome::new(action, name, owner.clone(), stored_type);
        write.notes = resolved.note.iter().cloned().chain(note).collect();
        write
    };
    let missing = |lookup: &Lookup| {
        if !ignore_missing {
            return Err(owner::not_found(owner, name, lookup));
        }
        let mut write = write(Action::NotFound, None, None);
        if let Some(elsewhere) = owner::found_elsewhere(name, lookup) {
            write.notes = vec![elsewhere];
        }
        Ok(write)
    };
    let Some(existing) = owner::find(&lookup, owner, name)? else {
        return missing(&lookup);
    };
    let stored_type = Some(existing.stored_type.clone());
    if dry_run {
        return Ok(write(Action::WouldDelete, stored_type, None));
    }
    if must_confirm && !confirm(owner, name, session)? {
        return Ok(write(Action::Declined, stored_type, None));
    }
    let Err(failure) = session.api.delete(owner, name) else {
        return Ok(write(Action::Deleted, stored_type, None));
    };
    let secret = reconcile::Target { owner, name };
    if let Some(lookup) = secret.gone_after_refusal(&failure, session) {
        return missing(&lookup);
    }
    let note = secret.confirm(failure, "deleted", session, |secret, lookup| {
        lookup.find(secret.owner, secret.name).is_none()
    })?;
    Ok(write(Action::Deleted, stored_type, Some(note)))
}

fn confirm(owner: &Owner, name: &SecretName, session: &mut Session<'_, '_>) -> Result<bool, Error> {
    let question = format!(
        "Delete {} secret '{}'?",
        adjective(owner),
        text::safe(name.as_str())
    );
    session
        .terminal
        .confirm(&question, "This action cannot be undone")
}
