//! `import`: stores the secrets of a file, one after the other. Everything that can be checked is checked before the
//! first one is sent.

use super::owner::{self, ResolvedOwner};
use super::{Sealed, Session, WriteContext, create, list_causes, report_each, seal, update};
use crate::api::Lookup;
use crate::api::operation::Keys;
use crate::error::Error;
use crate::outcome::{Action, Outcome, SecretInfo};
use crate::output::Streams;
use crate::output::report::Report;
use crate::request::{IfExists, Import, TIMEOUT_PER_SECRET};
use crate::secret::{RAW, SecretName};
use crate::text;
use crate::value::{self, Entry, Fields};
use std::time::Duration;

/// A secret of the file, checked and sealed.
struct Prepared<'a> {
    name: SecretName,
    step: Step<'a>,
    notes: Vec<String>,
}

/// What is done with a secret of the file.
enum Step<'a> {
    Create(Sealed),
    Update(&'a SecretInfo, Sealed),
    /// It exists and stays as it is.
    Keep(&'a SecretInfo),
}

/// # Errors
/// Whatever keeps all of the secrets from being sent. What happens to each after that is in the report.
pub(super) fn run(
    import: &Import,
    session: &mut Session<'_, '_>,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let file = value::read_import(
        &import.file,
        import.format,
        import.skip_empty,
        &mut session.io,
    )?;
    let total = file.entries.len();
    if !session.timeout_is_given {
        session.api.extend_timeout(time_for(total));
    }
    let team = owner::named_team(&import.scope);
    let lookup = session.api.lookup(Keys::Wanted, team)?;
    let owner = ResolvedOwner::resolve(&import.scope, None, &lookup.account)?;
    let secrets = prepare(import, file.entries, &owner, &lookup, session)?;
    let mut report = Report::new(streams, total, owner.owner.clone());
    if let Some(note) = &owner.note {
        report.note(note);
    }
    for name in &file.empty {
        let name = text::safe(name.as_str());
        report.note(&["'", &name, "' is empty and was skipped"].concat());
    }
    let steps = secrets.into_iter().map(|secret| {
        let sends = !import.dry_run && !matches!(secret.step, Step::Keep(_));
        (secret.name, sends, (secret.step, secret.notes))
    });
    Ok(report_each(report, steps, |name, (step, notes)| {
        let context = WriteContext {
            name,
            owner: owner.clone(),
            actor: &lookup.account.actor,
            description: None,
            dry_run: import.dry_run,
        };
        match step {
            Step::Create(sealed) => create::send(
                &context,
                RAW,
                import.if_exists,
                sealed,
                notes,
                lookup.server_time,
                session,
            ),
            Step::Update(existing, sealed) => {
                update::apply(&context, existing, Some(sealed), notes, session)
            }
            Step::Keep(existing) => {
                Ok(context.written(Action::Unchanged, Some(existing.stored_type.clone())))
            }
        }
    }))
}

fn time_for(secrets: usize) -> Duration {
    TIMEOUT_PER_SECRET.saturating_mul(u32::try_from(secrets).unwrap_or(u32::MAX))
}

/// Checks every name against the list, and seals what will be sent.
fn prepare<'a>(
    import: &Import,
    entries: Vec<Entry>,
    owner: &ResolvedOwner,
    lookup: &'a Lookup,
    session: &mut Session<'_, '_>,
) -> Result<Vec<Prepared<'a>>, Error> {
    let mut taken = Vec::new();
    let mut found = Vec::with_capacity(entries.len());
    for entry in entries {
        let existing = lookup.find(&owner.owner, &entry.name);
        match (existing, import.if_exists) {
            (Some(existing), IfExists::Fail) => taken.push(create::there_is(existing)),
            (Some(existing), IfExists::Update) => {
                if let Err(error) = create::check_type(existing, RAW) {
                    taken.push(error.message.clone());
                }
            }
            _ => {}
        }
        found.push((entry, existing));
    }
    if !taken.is_empty() {
        return Err(all_taken(&taken, import.if_exists));
    }
    let key = owner.key()?;
    let mut secrets = Vec::with_capacity(found.len());
    for (Entry { name, value }, existing) in found {
        let mut notes: Vec<String> = create::name_note(RAW, &name).into_iter().collect();
        let step = match existing {
            Some(existing) if import.if_exists == IfExists::Skip => Step::Keep(existing),
            existing => {
                let fields = Fields::raw(value);
                let quoted = ["'", &text::safe(name.as_str()), "': "].concat();
                for note in &fields.notes {
                    notes.push([&quoted, note.as_str()].concat());
                }
                let actor = &lookup.account.actor;
                let sealed = seal(&key, actor, &name, RAW, &fields, session.random)?;
                match existing {
                    Some(existing) => Step::Update(existing, sealed),
                    None => Step::Create(sealed),
                }
            }
        };
        secrets.push(Prepared { name, step, notes });
    }
    Ok(secrets)
}

/// Names that are taken, so that nothing was sent.
fn all_taken(taken: &[String], if_exists: IfExists) -> Error {
    let count = match taken.len() {
        1 => "1 name is taken".to_owned(),
        count => format!("{count} names are taken"),
    };
    let error = Error::exists(format!("{count}, so nothing was imported"));
    list_causes(error, taken).hint(match if_exists {
        IfExists::Update => "a secret keeps its type: delete it first, or use --if-exists skip",
        _ => "--if-exists skip leaves them as they are, --if-exists update replaces their values",
    })
}
