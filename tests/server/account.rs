//! Accounts of the local server, their workspaces and teams, and which secrets they see.

use crate::support::MARKER_KEY;
use crate::support::opener::Keyset;

/// The workspace that the service lists for a person on no team.
pub const PLACEHOLDER_WORKSPACE: &str = "NOT_A_REAL_WORKSPACE_UID";

/// The actor of the default account.
pub const DEFAULT_ACTOR: &str = "user-1";

/// A store, as a test names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of the first account.
    Personal,
    /// Of the team with this uid.
    Team(&'static str),
}

/// The owner of a store, independent of the account that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The actor uid of a person.
    User(String),
    /// The uid of a team.
    Team(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    Person,
    ServiceAccount,
}

#[derive(Clone)]
pub struct Team {
    pub uid: String,
    pub name: String,
    /// `None`: the service has no key for this team.
    pub keyset: Option<Keyset>,
}

impl Team {
    #[must_use]
    pub fn new(uid: &str, name: &str) -> Self {
        Self {
            uid: uid.to_owned(),
            name: name.to_owned(),
            keyset: Some(Keyset::from_seed(uid)),
        }
    }
}

#[derive(Clone)]
pub struct Workspace {
    pub uid: String,
    pub name: String,
    pub teams: Vec<Team>,
}

#[derive(Clone)]
pub struct Account {
    pub api_key: String,
    pub actor: String,
    pub principal: Principal,
    /// `None`: the service has no personal key for this actor.
    pub keyset: Option<Keyset>,
    pub workspaces: Vec<Workspace>,
}

impl Account {
    /// A person on no team: the service lists a placeholder workspace.
    #[must_use]
    pub fn person() -> Self {
        Self {
            api_key: MARKER_KEY.to_owned(),
            actor: DEFAULT_ACTOR.to_owned(),
            principal: Principal::Person,
            keyset: Some(Keyset::from_seed(DEFAULT_ACTOR)),
            workspaces: vec![Workspace {
                uid: PLACEHOLDER_WORKSPACE.to_owned(),
                name: String::new(),
                teams: Vec::new(),
            }],
        }
    }

    /// A person on one team for each pair of uid and name, all in one workspace.
    #[must_use]
    pub fn on_teams(teams: &[(&str, &str)]) -> Self {
        Self {
            workspaces: vec![Workspace {
                uid: "workspace-1".to_owned(),
                name: "Workspace".to_owned(),
                teams: teams
                    .iter()
                    .map(|(uid, name)| Team::new(uid, name))
                    .collect(),
            }],
            ..Self::person()
        }
    }

    /// A service account of a team. It has no personal key and no personal store.
    #[must_use]
    pub fn service_account(team_uid: &str, team_name: &str) -> Self {
        Self {
            actor: "serviceAccount:abc".to_owned(),
            principal: Principal::ServiceAccount,
            keyset: None,
            ..Self::on_teams(&[(team_uid, team_name)])
        }
    }

    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.workspaces
            .iter()
            .flat_map(|workspace| &workspace.teams)
    }

    #[must_use]
    pub fn sees(&self, owner: &Owner) -> bool {
        match owner {
            Owner::User(actor) => *actor == self.actor,
            Owner::Team(uid) => self.teams().any(|team| team.uid == *uid),
        }
    }

    /// The key that opens what is sealed for `owner`.
    #[must_use]
    pub fn keyset_of(&self, owner: &Owner) -> Option<&Keyset> {
        match owner {
            Owner::User(_) => self.keyset.as_ref(),
            Owner::Team(uid) => self
                .teams()
                .find(|team| team.uid == *uid)
                .and_then(|team| team.keyset.as_ref()),
        }
    }
}
