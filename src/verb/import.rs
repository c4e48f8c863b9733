//! `import`: stores the secrets of a file, one after the other. Everything that can be checked is checked before the
//! first one is sent.

use super::owner::{self, ResolvedOwner};
use super::{Sealed, Session, WriteContext, create, ends_the_run, list_causes, seal, update};
use crate::api::Lookup;
use crate::api::operation::Keys;
use crate::error::Error;
use crate::outcome::{Action, Outcome, SecretInfo};
use crate::output::Streams;
use crate::output::report::Report;
use crate::request::{IfExists, Import, TIMEOUT_PER_SECRET};
use crate::secret::{RAW, SecretName};
use crate::text;
use crate::value::process::SignalReport;
use crate::value::{self, Entry, Fields};

/// A secret of the file, ready to be sent.
struct Prepared<'a> {
    name: SecretName,
    /// The secret of that name, if there is one.
    existing: Option<&'a SecretInfo>,
    /// `None` if it is left as it is.
    sealed: Option<Sealed>,
    notes: Vec<String>,
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
        let secrets = u32::try_from(total).unwrap_or(u32::MAX);
        let time = TIMEOUT_PER_SECRET.saturating_mul(secrets);
        session.api.extend_timeout(time);
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
    let signals = SignalReport::start(report.on_signal());
    for secret in secrets {
        let context = WriteContext {
            name: &secret.name,
            owner: owner.clone(),
            actor: &lookup.account.actor,
            description: None,
            dry_run: import.dry_run,
        };
        if secret.sealed.is_some() && !import.dry_run {
            report.begin(&secret.name);
        }
        let (existing, sealed, notes) = (secret.existing, secret.sealed, secret.notes);
        let result = match (existing, sealed) {
            (Some(existing), None) => {
                Ok(context.written(Action::Unchanged, Some(existing.stored_type.clone())))
            }
            (Some(existing), sealed) => update::apply(&context, existing, sealed, notes, session),
            (None, Some(sealed)) => create::send(
                &context,
                RAW,
                import.if_exists,
                sealed,
                notes,
                lookup.server_time,
                session,
            ),
            (None, None) => continue,
        };
        report.add(&secret.name, &result);
        if result.is_err_and(|error| ends_the_run(error.kind)) {
            break;
        }
    }
    drop(signals);
    Ok(Outcome::Reported(report.finish()))
}

/// Checks every name against the list, and seals what will be sent.
fn prepare<'a>(
    import: &Import,
    entries: Vec<Entry>,
    owner: &ResolvedOwner,
    lookup: &'a Lookup,
    session: &mut Session<'_, '_>,
) -> Result<Vec<Prepared<'a>>, Error> {
    let kind = RAW;
    let mut taken = Vec::new();
    let mut secrets = Vec::with_capacity(entries.len());
    let mut values = Vec::with_capacity(entries.len());
    for Entry { name, value } in entries {
        let existing = lookup.find(&owner.owner, &name);
        match (existing, import.if_exists) {
            (Some(existing), IfExists::Fail) => taken.push(create::there_is(existing)),
            (Some(existing), IfExists::Update) => {
                if let Err(error) = create::check_type(existing, kind) {
                    taken.push(error.message);
                }
            }
            _ => {}
        }
        let is_sent = existing.is_none() || import.if_exists == IfExists::Update;
        values.push(is_sent.then_some(value));
        secrets.push(Prepared {
            notes: create::name_note(kind, &name).into_iter().collect(),
            name,
            existing,
            sealed: None,
        });
    }
    if !taken.is_empty() {
        return Err(all_taken(&taken, import.if_exists));
    }
    let key = owner.key()?;
    for (secret, value) in secrets.iter_mut().zip(values) {
        if let Some(value) = value {
            let fields = Fields::raw(value);
            let name = text::safe(secret.name.as_str()).into_owned();
            let notes = fields.notes.iter();
            let named = notes.map(|note| ["'", &name, "': ", note].concat());
            secret.notes.extend(named);
            let actor = &lookup.account.actor;
            secret.sealed = Some(seal(
                &key,
                actor,
                &secret.name,
                kind,
                &fields,
                session.random,
            )?);
        }
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
