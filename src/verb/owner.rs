//! Owns the owner of a write: the scope as asked, against the account that is there.
//! Must not know which verb asks.

use crate::api::Lookup;
use crate::api::reply::{Account, Team};
use crate::command::{Scope, Target};
use crate::error::{Error, Words};
use crate::seal::PublicKey;
use crate::secret::Owner;
use crate::text;

/// The owner a write is for, and what follows from it.
pub(super) struct Place {
    pub(super) owner: Owner,
    /// The owner's public keyset, where the lookup asked for it and there is one.
    public_key: Option<String>,
    /// What to say if the scope was not.
    pub(super) note: Option<String>,
}

impl Place {
    /// Turns the scope as asked into an owner of this account.
    pub(super) fn resolve(target: &Target, account: &Account) -> Result<Self, Error> {
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
    pub(super) fn key(&self) -> Result<PublicKey, Error> {
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
pub(super) fn adjective(owner: &Owner) -> &'static str {
    match owner {
        Owner::Team(_) => "team",
        _ => "personal",
    }
}

/// No secret of that name for that owner; says so if another owner has one.
pub(super) fn not_found(target: &Target, owner: &Owner, lookup: &Lookup) -> Error {
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
