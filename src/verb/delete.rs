//! `delete`: removes secrets for good, after a confirmation unless `--force` is given.

use super::Session;
use super::owner::{self, ResolvedOwner, adjective};
use super::reconcile;
use crate::api::Lookup;
use crate::api::operation::Keys;
use crate::error::Error;
use crate::outcome::{Action, Outcome, SecretInfo, WriteOutcome};
use crate::output::Streams;
use crate::output::report::Report;
use crate::request::Delete;
use crate::secret::{Owner, SecretName};
use crate::text;

/// # Errors
/// Whatever keeps all of the secrets from being deleted. What happens to each of several after that is in the report.
pub(super) fn run(
    delete: &Delete,
    session: &mut Session<'_, '_>,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let must_confirm = !delete.force && !delete.dry_run;
    if must_confirm && !session.terminal.available() {
        return Err(Error::usage(
            "deleting asks for confirmation, and there is no terminal to ask on",
        )
        .hint("use --force to delete without being asked"));
    }
    if must_confirm {
        session.terminal.prepare();
    }
    let team = owner::named_team(&delete.scope);
    let lookup = session.api.lookup(Keys::Unneeded, team)?;
    let single = match delete.names.as_slice() {
        [name] => Some(name),
        _ => None,
    };
    let owner = ResolvedOwner::resolve(&delete.scope, single, &lookup.account)?;
    let existing = find_all(delete, &owner.owner, &lookup)?;
    let found: Vec<&SecretName> = delete
        .names
        .iter()
        .zip(&existing)
        .filter_map(|(name, existing)| existing.map(|_| name))
        .collect();
    let is_confirmed = !must_confirm || found.is_empty() || confirm(&owner.owner, &found, session)?;
    let mut deletion = Deletion {
        delete,
        owner: &owner.owner,
        lookup: &lookup,
        is_confirmed,
        session,
    };
    if let (Some(name), [existing]) = (single, existing.as_slice()) {
        let write = deletion.delete(name, *existing, owner.note.as_deref())?;
        return Ok(Outcome::Write(write));
    }
    if let (false, false, Some(name)) = (is_confirmed, streams.format.is_machine(), found.first()) {
        let write = WriteOutcome::new(Action::Declined, name, owner.owner.clone(), None);
        return Ok(Outcome::Write(write));
    }
    let mut report = Report::new(streams, delete.names.len(), owner.owner.clone());
    if let Some(note) = &owner.note {
        report.note(note);
    }
    let steps = delete.names.iter().zip(existing).map(|(name, existing)| {
        let sends = existing.is_some() && is_confirmed && !delete.dry_run;
        (name.clone(), sends, existing)
    });
    Ok(super::report_each(report, steps, |name, existing| {
        deletion.delete(name, existing, None)
    }))
}

/// The secrets of the names, in their order; `None` for one that does not exist, where that is no error.
fn find_all<'a>(
    delete: &Delete,
    owner: &Owner,
    lookup: &'a Lookup,
) -> Result<Vec<Option<&'a SecretInfo>>, Error> {
    let mut existing = Vec::with_capacity(delete.names.len());
    let mut missing = Vec::new();
    for name in &delete.names {
        let found = owner::find(lookup, owner, name)?;
        if found.is_none() {
            missing.push(name);
        }
        existing.push(found);
    }
    match missing.as_slice() {
        [] => Ok(existing),
        _ if delete.ignore_missing => Ok(existing),
        [name] if delete.names.len() == 1 => Err(owner::not_found(owner, name, lookup)),
        missing => Err(some_missing(missing, delete.names.len(), owner)),
    }
}

fn some_missing(missing: &[&SecretName], total: usize, owner: &Owner) -> Error {
    let error = Error::not_found(format!(
        "{} of {total} secrets do not exist, so nothing was deleted",
        missing.len()
    ));
    let sentences: Vec<String> = missing
        .iter()
        .map(|name| owner::there_is_no(owner, name))
        .collect();
    super::list_causes(error, &sentences)
        .hint("`oz secret list` shows the names there are; --ignore-missing deletes the others")
}

/// What the deletion of each name has in common.
struct Deletion<'a, 'b, 's, 'io> {
    delete: &'a Delete,
    owner: &'a Owner,
    lookup: &'a Lookup,
    is_confirmed: bool,
    session: &'b mut Session<'s, 'io>,
}

impl Deletion<'_, '_, '_, '_> {
    /// Deletes one secret, if it is there and the confirmation was given.
    fn delete(
        &mut self,
        name: &SecretName,
        existing: Option<&SecretInfo>,
        note: Option<&str>,
    ) -> Result<WriteOutcome, Error> {
        let write = |action| {
            let stored_type = existing.map(|existing| existing.stored_type.clone());
            let mut write = WriteOutcome::new(action, name, self.owner.clone(), stored_type);
            write.notes.extend(note.map(str::to_owned));
            write
        };
        if existing.is_none() {
            return self.missing(name, self.lookup, note);
        }
        if self.delete.dry_run {
            return Ok(write(Action::WouldDelete));
        }
        if !self.is_confirmed {
            return Ok(write(Action::Declined));
        }
        let Err(failure) = self.session.api.delete(self.owner, name) else {
            return Ok(write(Action::Deleted));
        };
        let secret = reconcile::Target {
            owner: self.owner,
            name,
        };
        if let Some(lookup) = secret.gone_after_refusal(&failure, self.session) {
            return self.missing(name, &lookup, note);
        }
        let confirmed = secret.confirm(failure, "deleted", self.session, |secret, lookup| {
            lookup.find(secret.owner, secret.name).is_none()
        })?;
        let mut write = write(Action::Deleted);
        write.notes.push(confirmed);
        Ok(write)
    }

    fn missing(
        &self,
        name: &SecretName,
        lookup: &Lookup,
        note: Option<&str>,
    ) -> Result<WriteOutcome, Error> {
        if !self.delete.ignore_missing {
            return Err(owner::not_found(self.owner, name, lookup));
        }
        let mut write = WriteOutcome::new(Action::NotFound, name, self.owner.clone(), None);
        let elsewhere = owner::found_elsewhere(name, lookup);
        write.notes.extend(elsewhere.or(note.map(str::to_owned)));
        Ok(write)
    }
}

/// Asks once; several names are listed first.
fn confirm(
    owner: &Owner,
    names: &[&SecretName],
    session: &mut Session<'_, '_>,
) -> Result<bool, Error> {
    let owner = adjective(owner);
    let question = match names {
        [name] => format!("Delete {owner} secret '{}'?", text::safe(name.as_str())),
        names => {
            for name in names {
                session.terminal.announce(&["  ", name.as_str()].concat())?;
            }
            format!("Delete these {} {owner} secrets?", names.len())
        }
    };
    session
        .terminal
        .confirm(&question, "This action cannot be undone")
}
