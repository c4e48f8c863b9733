//! What each command does.
//!
//! The order is the same in every write. What can be checked without the network is checked first; then one lookup
//! answers everything the server knows; only then is the user asked to type a secret; the mutation is last.

mod create;
mod delete;
mod list;
mod owner;
mod reconcile;
mod update;

use crate::api::Api;
use crate::api::reply::Account;
use crate::error::Error;
use crate::outcome::{Action, Outcome, WriteOutcome};
use crate::request::{self, Verb};
use crate::seal::{Random, SealingContext};
use crate::secret::{Kind, SecretName, StoredType};
use crate::value::{Incomplete, Io, Terminal};
use owner::ResolvedOwner;
use reconcile::Target;

/// What a verb works with; every effect is in here.
pub struct Session<'a, 'io> {
    pub api: Api<'a>,
    pub io: Io<'io>,
    pub terminal: &'a mut dyn Terminal,
    pub random: &'a Random,
}

/// Does what was asked.
///
/// # Errors
/// Whatever keeps it from being done; [`Error::applied`] tells what is true on the server.
pub fn run(verb: Verb, session: &mut Session<'_, '_>) -> Result<Outcome, Error> {
    match verb {
        Verb::Create(create) => create::run(create, session).map(Outcome::Write),
        Verb::Update(update) => update::run(update, session).map(Outcome::Write),
        Verb::Delete(delete) => delete::run(delete, session).map(Outcome::Write),
        Verb::List(list) => list::run(&list, session),
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
            owner: ResolvedOwner::resolve(target, account)?,
            actor: &account.actor,
            description,
            dry_run,
        })
    }

    /// Asks for what is missing of the value, and seals it; the key is judged before the user is asked to type.
    /// What the user should know is added to `notes`.
    fn seal(
        &self,
        kind: &'static Kind,
        fitted: Incomplete,
        notes: &mut Vec<String>,
        session: &mut Session<'_, '_>,
    ) -> Result<Sealed, Error> {
        let key = self.owner.key()?;
        let fields = fitted.complete(session.terminal)?;
        notes.extend(self.owner.note.clone());
        notes.extend_from_slice(&fields.notes);
        let context = SealingContext {
            actor: self.actor,
            name: self.name,
            kind,
        };
        let envelope = key
            .seal(&context, &fields.payload(), session.random)
            .map_err(|fault| {
                Error::refused("the value could not be sealed").cause(&fault.to_string())
            })?;
        Ok(Sealed {
            envelope,
            length: fields.length(),
            has_base_url: fields.has("--base-url"),
        })
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
