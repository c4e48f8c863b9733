//! Resolves `--team` and `--personal` to an owner of the account behind the key, and to the owner's public key.

use crate::api::Lookup;
use crate::error::Error;
use crate::outcome::{Account, SecretInfo, Team};
use crate::request::Scope;
use crate::seal::PublicKey;
use crate::secret::{Owner, SecretName};
use crate::text;

/// Teams that a hint lists at most: more would scroll the error away.
const MAX_TEAMS_SHOWN: usize = 20;

/// The owner that a command is about.
#[derive(Clone)]
pub(super) struct ResolvedOwner {
    pub(super) owner: Owner,
    /// The owner's public keyset, where the lookup asked for it and there is one.
    public_key: Option<String>,
    /// For a person on a team who gave no scope: says that the secret is personal.
    pub(super) note: Option<String>,
}

impl ResolvedOwner {
    /// # Errors
    /// [`ErrorKind::Usage`] for a scope that this account does not have.
    pub(super) fn resolve(
        scope: &Scope,
        name: Option<&SecretName>,
        account: &Account,
    ) -> Result<Self, Error> {
        let team = scope_team(scope, account)?;
        let note = || match name {
            Some(name) => format!(
                "'{}' is personal; --team is for a secret of your team",
                text::safe(name.as_str())
            ),
            None => "the secrets are personal; --team is for secrets of your team".to_owned(),
        };
        Ok(match team {
            Some(team) => Self {
                owner: Owner::Team(team.uid.clone()),
                public_key: team.public_key.clone(),
                note: None,
            },
            None => Self {
                owner: Owner::Personal,
                public_key: account.public_key.clone(),
                note: (*scope == Scope::Default && !account.teams.is_empty()).then(note),
            },
        })
    }

    /// The key to seal with. Parsed before the user is asked to type anything.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] if the service has no key, or none that can be used.
    pub(super) fn key(&self) -> Result<PublicKey, Error> {
        let whose = match &self.owner {
            Owner::Team(uid) => format!("team {}", text::excerpt(uid)),
            _ => "this user".to_owned(),
        };
        let Some(keyset) = &self.public_key else {
            return Err(Error::refused(format!(
                "the service has no public key for {whose}, so nothing can be sealed for it"
            ))
            .hint("managed secrets may not be enabled for this account"));
        };
        PublicKey::parse(keyset).map_err(|fault| {
            Error::refused(format!(
                "the service's public key for {whose} can't be used"
            ))
            .cause(&fault.to_string())
        })
    }
}

/// The team that a scope means; `None` is the person behind the key.
///
/// # Errors
/// [`ErrorKind::Usage`] for a scope that this account does not have.
pub(super) fn scope_team<'a>(
    scope: &Scope,
    account: &'a Account,
) -> Result<Option<&'a Team>, Error> {
    match scope {
        Scope::Personal if account.is_service_account => Err(not_personal(account)),
        Scope::Personal => Ok(None),
        Scope::TeamUid(uid) => match account.teams.iter().find(|team| team.uid == *uid) {
            Some(team) => Ok(Some(team)),
            None => Err(no_such_team(uid, account)),
        },
        Scope::Team => only_team(account).map(Some),
        // The key of a service account belongs to no person.
        Scope::Default if account.is_service_account => only_team(account).map(Some),
        Scope::Default => Ok(None),
    }
}

/// The team that a command line names, before the account is known.
pub(super) fn named_team(scope: &Scope) -> Option<&str> {
    match scope {
        Scope::TeamUid(uid) => Some(uid),
        Scope::Default | Scope::Personal | Scope::Team => None,
    }
}

fn only_team(account: &Account) -> Result<&Team, Error> {
    match account.teams.as_slice() {
        [] if account.is_service_account => Err(Error::usage(
            "the API key belongs to a team, but the service names none",
        )),
        [] => Err(Error::usage("you are not on a team").hint("use --personal")),
        [team] => Ok(team),
        teams => Err(Error::usage(format!(
            "you are on {} teams, so --team needs to say which",
            teams.len()
        ))
        .hint(choices(teams))),
    }
}

fn not_personal(account: &Account) -> Error {
    let message = match account.teams.as_slice() {
        [team] => format!(
            "the API key belongs to team {} ({}), so it has no personal secrets",
            text::excerpt(&team.uid),
            text::excerpt(&team.name)
        ),
        _ => "the API key belongs to a team, so it has no personal secrets".to_owned(),
    };
    Error::usage(message).hint("leave --personal out, and WARP_SECRET_SCOPE unset")
}

fn choices(teams: &[Team]) -> String {
    let mut hint = "use one of".to_owned();
    for team in teams.iter().take(MAX_TEAMS_SHOWN) {
        hint.push_str("\n  --team=");
        hint.push_str(&text::excerpt(&team.uid));
        hint.push_str("  ");
        hint.push_str(&text::excerpt(&team.name));
    }
    if let Some(more @ 1..) = teams.len().checked_sub(MAX_TEAMS_SHOWN) {
        hint.push_str(&format!("\n  and {more} more"));
    }
    hint
}

fn no_such_team(uid: &str, account: &Account) -> Error {
    let error = Error::usage(format!(
        "you are not on a team with the uid '{}'",
        text::excerpt(uid)
    ));
    match account.teams.as_slice() {
        [] => error.hint("you are not on any team; use --personal"),
        teams => error.hint(choices(teams)),
    }
}

/// The word for an owner in a sentence.
pub(super) fn adjective(owner: &Owner) -> &'static str {
    match owner {
        Owner::Team(_) => "team",
        _ => "personal",
    }
}

/// The secret that an update or delete is about, or `None` if it certainly does not exist.
///
/// # Errors
/// [`ErrorKind::TryAgain`] if the list does not have it, but came with errors.
pub(super) fn find<'a>(
    lookup: &'a Lookup,
    owner: &Owner,
    name: &SecretName,
) -> Result<Option<&'a SecretInfo>, Error> {
    match (lookup.find(owner, name), &lookup.errors) {
        (None, Some(errors)) => Err(Error::try_again(format!(
            "whether there is a {} secret '{}' is not known: the service's list came with errors",
            adjective(owner),
            text::safe(name.as_str())
        ))
        .cause(errors)
        .hint("try again later")),
        (found, _) => Ok(found),
    }
}

/// There is no secret of that name for that owner.
pub(super) fn not_found(owner: &Owner, name: &SecretName, lookup: &Lookup) -> Error {
    Error::not_found(there_is_no(owner, name)).hint(
        found_elsewhere(name, lookup)
            .or_else(|| closest(owner, name, lookup))
            .unwrap_or_else(|| "`oz secret list` shows the names there are".to_owned()),
    )
}

/// Names the owner's secret that was probably meant.
fn closest(owner: &Owner, name: &SecretName, lookup: &Lookup) -> Option<String> {
    let mut names = Vec::new();
    for secret in lookup.secrets.iter().filter(|one| one.owner == *owner) {
        names.push(secret.name.as_str());
    }
    let meant = text::closest(name.as_str(), &names)?;
    Some(["did you mean '", &text::safe(meant), "'?"].concat())
}

pub(super) fn there_is_no(owner: &Owner, name: &SecretName) -> String {
    format!(
        "there is no {} secret '{}'",
        adjective(owner),
        text::safe(name.as_str())
    )
}

/// Names the other owner who has a secret of that name.
pub(super) fn found_elsewhere(name: &SecretName, lookup: &Lookup) -> Option<String> {
    let secret = lookup
        .secrets
        .iter()
        .find(|secret| secret.name == name.as_str())?;
    match &secret.owner {
        Owner::Personal => Some("a personal secret has that name: use --personal".to_owned()),
        Owner::Team(uid) => Some(format!(
            "a team's secret has that name: use --team={}",
            text::excerpt(uid)
        )),
        Owner::Other(_) => None,
    }
}
