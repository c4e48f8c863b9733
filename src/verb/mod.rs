//! What each command does.
//!
//! The order is the same in every write. What can be checked without the network is checked first; then one lookup
//! answers everything the server knows; only then is the user asked to type a secret; the mutation is last.

mod create;
mod delete;
mod import;
mod list;
mod owner;
mod reconcile;
mod update;

use crate::api::Api;
use crate::error::{Error, ErrorKind};
use crate::outcome::{Account, Action, Outcome, WriteOutcome};
use crate::output::Streams;
use crate::output::report::Report;
use crate::request::{self, Verb};
use crate::seal::{PublicKey, Random, SealingContext};
use crate::secret::{Kind, SecretName, StoredType, overwrite_stack};
use crate::value::process::SignalReport;
use crate::value::{Fields, Incomplete, Io, Terminal};
use owner::ResolvedOwner;
use reconcile::Target;

/// What a verb works with; every effect is in here.
pub struct Session<'a, 'io> {
    pub api: Api<'a>,
    pub io: Io<'io>,
    pub terminal: &'a mut dyn Terminal,
    pub random: &'a Random,
    /// Whether `--timeout` is given.
    pub timeout_is_given: bool,
}

/// Does what was asked.
///
/// # Errors
/// Whatever keeps it from being done; [`Error::applied`] tells what is true on the server.
pub fn run(
    verb: Verb,
    session: &mut Session<'_, '_>,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    match verb {
        Verb::Create(create) => create::run(create, session).map(Outcome::Write),
        Verb::Update(update) => update::run(update, session).map(Outcome::Write),
        Verb::Delete(delete) => delete::run(&delete, session, streams),
        Verb::List(list) => list::run(&list, session),
        Verb::Import(import) => import::run(&import, session, streams),
        Verb::WhoAmI => session.api.profile().map(Outcome::WhoAmI),
    }
}

/// What `create` and `update` have in common once the owner is known.
struct WriteContext<'a> {
    name: &'a SecretName,
    owner: ResolvedOwner,
    actor: &'a str,
    description: Option<&'a str>,
    dry_run: bool,
}

/// A value, ready to be sent.
struct Sealed {
    envelope: String,
    /// Of the value before it was sealed, in bytes.
    length: usize,
    has_base_url: bool,
}

fn seal(
    key: &PublicKey,
    actor: &str,
    name: &SecretName,
    kind: &'static Kind,
    fields: &Fields,
    random: &Random,
) -> Result<Sealed, Error> {
    let context = SealingContext { actor, name, kind };
    let envelope = key.seal(&context, &fields.payload(), random);
    // AES-GCM leaves the end of the text there.
    overwrite_stack();
    Ok(Sealed {
        envelope: envelope.map_err(|fault| {
            Error::refused("the value could not be sealed").cause(&fault.to_string())
        })?,
        length: fields.length(),
        has_base_url: fields.has("--base-url"),
    })
}

impl<'a> WriteContext<'a> {
    /// # Errors
    /// [`ErrorKind::Usage`] for a scope that this account does not have.
    fn new(
        target: &'a request::Target,
        account: &'a Account,
        description: Option<&'a str>,
        dry_run: bool,
    ) -> Result<Self, Error> {
        Ok(Self {
            name: &target.name,
            owner: ResolvedOwner::resolve(&target.scope, Some(&target.name), account)?,
            actor: &account.actor,
            description,
            dry_run,
        })
    }

    /// Asks for what is missing of the value, and seals it; the key is judged before the user is asked to type.
    /// The question begins with `asked`; what the user should know is added to `notes`.
    fn seal(
        &self,
        asked: &str,
        kind: &'static Kind,
        fitted: Incomplete,
        notes: &mut Vec<String>,
        session: &mut Session<'_, '_>,
    ) -> Result<Sealed, Error> {
        let key = self.owner.key()?;
        let fields = fitted.complete(&self.purpose(asked, kind), session.terminal)?;
        notes.extend(self.owner.note.clone());
        notes.extend_from_slice(&fields.notes);
        seal(&key, self.actor, self.name, kind, &fields, session.random)
    }

    /// `New value for team secret 'N'`, with the type where it is not a raw value.
    fn purpose(&self, asked: &str, kind: &Kind) -> String {
        let owner = owner::adjective(&self.owner.owner);
        let mut purpose = [asked, " ", owner, " secret '", self.name.as_str(), "'"].concat();
        if !kind.is_raw() {
            purpose.push_str(&[" (", kind.label, ")"].concat());
        }
        purpose
    }

    fn secret(&self) -> Target<'_> {
        Target {
            owner: &self.owner.owner,
            name: self.name,
        }
    }

    fn written(&self, action: Action, stored_type: Option<StoredType>) -> WriteOutcome {
        let owner = self.owner.owner.clone();
        WriteOutcome::new(action, self.name, owner, stored_type)
    }
}

/// Names that an error lists at most: more would scroll the error away.
const MAX_NAMES_SHOWN: usize = 20;

/// Adds a cause for each of several secrets, and a count of those left out.
fn list_causes(mut error: Error, sentences: &[String]) -> Error {
    for sentence in sentences.iter().take(MAX_NAMES_SHOWN) {
        error = error.cause(sentence);
    }
    match sentences.len().checked_sub(MAX_NAMES_SHOWN) {
        Some(more @ 1..) => error.cause(&format!("and {more} more")),
        _ => error,
    }
}

/// Runs one step after the other, each with its name and whether it sends a write, and reports them. A failure that
/// [`ends_the_run`] leaves out the rest.
fn report_each<S>(
    mut report: Report<'_, '_>,
    steps: impl IntoIterator<Item = (SecretName, bool, S)>,
    mut run: impl FnMut(&SecretName, S) -> Result<WriteOutcome, Error>,
) -> Outcome {
    let signals = SignalReport::start(report.on_signal());
    for (name, sends, step) in steps {
        if sends {
            report.begin(&name);
        }
        let result = run(&name, step);
        report.add(&name, &result);
        if result.is_err_and(|error| ends_the_run(error.kind)) {
            break;
        }
    }
    drop(signals);
    Outcome::Reported(report.finish())
}

/// Whether a failure of one secret ends a run about several: the others would fail as well, or it has to be looked at
/// first.
fn ends_the_run(failure: ErrorKind) -> bool {
    !matches!(
        failure,
        ErrorKind::Refused | ErrorKind::Exists | ErrorKind::NotFound | ErrorKind::InvalidData
    )
}
