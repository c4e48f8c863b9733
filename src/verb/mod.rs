//! Owns policy: what each verb does, in which order, and what the user is told of it.
//! Must not know spelling: not the command line's, not the protocol's, not the output's.
//!
//! The order is the same in every write. What can be checked without the network is checked first; then one lookup
//! answers everything the server knows; only then is the user asked to type a secret; the mutation is last.

mod create;
mod delete;
mod list;
mod update;

use crate::api::reply::{Account, Team};
use crate::api::{self, Api, Lookup, WriteError};
use crate::command::{Scope, Target, Verb};
use crate::error::{Error, Words};
use crate::outcome::{Listed, Outcome};
use crate::seal::{Context, PublicKey, Random};
use crate::secret::{Kind, Owner, SecretName};
use crate::text;
use crate::value::{Fields, Io, Terminal};

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
        Verb::List(list) => list::run(&list, session).map(Outcome::Listed),
    }
}

/// The owner a write is for, and what follows from it.
struct Place {
    owner: Owner,
    /// The owner's public keyset, where the lookup asked for it and there is one.
    public_key: Option<String>,
    /// What to say if the scope was not.
    note: Option<String>,
}

impl Place {
    /// Turns the scope as asked into an owner of this account.
    fn resolve(target: &Target, account: &Account) -> Result<Self, Error> {
        match &target.scope {
            Scope::Personal => Ok(Self::personal(account, None)),
            Scope::TeamUid(uid) => match account.teams.iter().find(|team| team.uid == *uid) {
                Some(team) => Ok(Self::team(team)),
                None => Err(no_such_team(uid, account)),
            },
            Scope::Team => Self::only_team(account),
            // A team's key belongs to no person, so there is nothing personal to mean.
            Scope::Unsaid if account.is_service_account => Self::only_team(account),
            Scope::Unsaid => {
                let note = (!account.teams.is_empty()).then(|| {
                    format!(
                        "'{}' is personal; --team is for a secret of your team",
                        text::safe(target.name.as_str())
                    )
                });
                Ok(Self::personal(account, note))
            }
        }
    }

    fn personal(account: &Account, note: Option<String>) -> Self {
        Self {
            owner: Owner::Personal,
            public_key: account.public_key.clone(),
            note,
        }
    }

    fn team(team: &Team) -> Self {
        Self {
            owner: Owner::Team(team.uid.clone()),
            public_key: team.public_key.clone(),
            note: None,
        }
    }

    fn only_team(account: &Account) -> Result<Self, Error> {
        match account.teams.as_slice() {
            [] => Err(Error::Usage(
                Words::new("you are not on a team").hint("use --personal"),
            )),
            [team] => Ok(Self::team(team)),
            teams => Err(Error::Usage(
                Words::new(format!(
                    "you are on {} teams, so --team needs to say which",
                    teams.len()
                ))
                .hint(choices(teams)),
            )),
        }
    }

    /// The key to seal with, usable. Checked before the user is asked to type anything.
    fn key(&self) -> Result<PublicKey, Error> {
        let whose = match &self.owner {
            Owner::Team(uid) => format!("team {}", text::safe(uid)),
            _ => "this user".to_owned(),
        };
        let Some(keyset) = &self.public_key else {
            return Err(Error::Refused(
                Words::new(format!(
                    "the service has no public key for {whose}, so nothing can be sealed for it"
                ))
                .hint("managed secrets may not be enabled for this account"),
            ));
        };
        PublicKey::parse(keyset).map_err(|fault| {
            Error::Refused(
                Words::new(format!(
                    "the service's public key for {whose} can't be used"
                ))
                .cause(&fault.to_string()),
            )
        })
    }
}

fn choices(teams: &[Team]) -> String {
    let mut hint = "use one of".to_owned();
    for team in teams {
        hint.push_str("\n  --team=");
        hint.push_str(&text::safe(&team.uid));
        hint.push_str("  ");
        hint.push_str(&text::safe(&team.name));
    }
    hint
}

fn no_such_team(uid: &str, account: &Account) -> Error {
    let words = Words::new(format!(
        "you are not on a team with the uid '{}'",
        text::safe(uid)
    ));
    Error::Usage(match account.teams.as_slice() {
        [] => words.hint("you are not on any team; use --personal"),
        teams => words.hint(choices(teams)),
    })
}

/// The word for an owner in a sentence.
fn adjective(owner: &Owner) -> &'static str {
    match owner {
        Owner::Team(_) => "team",
        _ => "personal",
    }
}

/// No secret of that name for that owner; says so if another owner has one.
fn not_found(target: &Target, owner: &Owner, lookup: &Lookup) -> Error {
    let name = text::safe(target.name.as_str());
    let words = Words::new(format!("there is no {} secret '{name}'", adjective(owner)));
    let elsewhere = lookup
        .secrets
        .iter()
        .find(|secret| secret.name == target.name.as_str());
    Error::NotFound(match elsewhere.map(|secret| &secret.owner) {
        Some(Owner::Personal) => words.hint("a personal secret has that name: use --personal"),
        Some(Owner::Team(uid)) => words.hint(format!(
            "a team's secret has that name: use --team={}",
            text::safe(uid)
        )),
        _ => words.hint("`oz secret list` shows the names there are"),
    })
}

/// Seals the fields for one secret of one actor.
fn seal(
    key: &PublicKey,
    actor: &str,
    name: &SecretName,
    kind: Kind,
    fields: &Fields,
    random: &Random,
) -> Result<String, Error> {
    let context = Context { actor, name, kind };
    key.seal(&context, &fields.payload(), random)
        .map_err(|fault| {
            Error::Refused(Words::new("the value could not be sealed").cause(&fault.to_string()))
        })
}

/// What a settled write came to.
struct Settled {
    /// The server's spelling of the name, where it gave one.
    name: Option<String>,
    /// Said when the answer was lost and the truth found by asking again.
    note: Option<String>,
}

/// Turns the result of a mutation into what is true on the server: when the answer was lost, asks again.
///
/// `holds` tells from the secrets there are whether the write was applied; `done` is its past participle.
fn settle(
    session: &mut Session<'_, '_>,
    result: Result<Option<String>, WriteError>,
    done: &str,
    holds: impl FnOnce(&[Listed]) -> bool,
) -> Result<Settled, Error> {
    let lost = match result {
        Ok(name) => return Ok(Settled { name, note: None }),
        Err(WriteError::Refused(error)) => return Err(error),
        Err(WriteError::Lost(error)) => error,
    };
    match session.api.list() {
        Ok(secrets) if holds(&secrets) => Ok(Settled {
            name: None,
            note: Some(format!("the service's answer was lost; asked again, the secret was {done}")),
        }),
        Ok(_) => Err(lost.because(&format!("asked again, the secret was not {done}"))),
        Err(again) => Err(Error::Unknown(
            Words::new(format!("outcome unknown: the write was sent, and whether the secret was {done} could not be learned"))
                .cause(lost.message())
                .cause(again.message())
                .hint("`oz secret list` tells once the service answers"),
        )),
    }
}

/// Whether the secret was changed since `before`: its time stamp moved.
fn was_updated(secrets: &[Listed], before: &Listed, name: &SecretName) -> bool {
    api::find(secrets, &before.owner, name).is_some_and(|now| now.updated != before.updated)
}
