//! Owns `delete`: gone for good, so nobody is taken to have meant it by silence.
//! Must not know how a question is asked.

use super::Session;
use super::place::{Place, adjective, not_found};
use super::settle::settle;
use crate::api;
use crate::api::operation::Keys;
use crate::command::Delete;
use crate::error::{Error, Words};
use crate::outcome::{Action, Write};
use crate::text;

pub(super) fn run(delete: Delete, session: &mut Session<'_, '_>) -> Result<Write, Error> {
    let Delete {
        target,
        force,
        ignore_missing,
        dry_run,
    } = delete;
    let must_confirm = !force && !dry_run;
    if must_confirm && !session.terminal.available() {
        return Err(Error::Usage(
            Words::new("deleting asks for confirmation, and there is no terminal to ask on")
                .hint("use --force to delete without being asked"),
        ));
    }
    if must_confirm {
        session.terminal.prepare();
    }
    let lookup = session.api.lookup(Keys::Unneeded)?;
    let place = Place::resolve(&target, &lookup.account)?;
    let write = |action, stored_type, note: Option<String>| {
        let mut write = Write::new(action, &target.name, place.owner.clone(), stored_type);
        write.notes = place.note.iter().cloned().chain(note).collect();
        write
    };
    let Some(existing) = lookup.find(&place.owner, &target.name) else {
        if ignore_missing {
            return Ok(write(Action::Absent, None, None));
        }
        return Err(not_found(&target, &place.owner, &lookup));
    };
    let stored_type = Some(existing.stored_type.clone());
    if dry_run {
        return Ok(write(Action::WouldDelete, stored_type, None));
    }
    if must_confirm {
        let question = format!(
            "Delete {} secret '{}'?",
            adjective(&place.owner),
            text::safe(target.name.as_str())
        );
        if !session
            .terminal
            .confirm(&question, "This action cannot be undone")?
        {
            return Ok(write(Action::Declined, stored_type, None));
        }
    }
    let result = session.api.delete(&place.owner, &target.name);
    let settled = settle(session, result, "deleted", |secrets| {
        api::find(secrets, &place.owner, &target.name)
            .is_none()
            .into()
    })?;
    Ok(write(Action::Deleted, stored_type, settled.note))
}
