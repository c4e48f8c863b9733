//! What a run did, as plain data: what the verbs return and the output renders.

use crate::error::{Applied, ErrorKind};
use crate::secret::{Owner, SecretName, StoredType};
use std::io;

/// What one run did.
pub enum Outcome {
    Write(WriteOutcome),
    /// Several writes, each of which was printed as it happened.
    Reported(Reported),
    Listed {
        secrets: Vec<SecretInfo>,
        /// Those of the account, for their names.
        teams: Vec<Team>,
        /// Whether only the names are shown.
        names_only: bool,
        /// A note for the user, without prefix.
        note: Option<String>,
    },
    WhoAmI(Account),
}

/// The end of a run about several secrets.
pub struct Reported {
    /// The first error of standard output.
    pub written: io::Result<()>,
    /// The kind of the first failure.
    pub failure: Option<ErrorKind>,
    /// Whether any of the writes reached the server's state.
    pub applied: Applied,
}

/// What happened to one secret.
pub struct WriteOutcome {
    pub action: Action,
    pub name: String,
    pub owner: Owner,
    /// `None` where there is no such secret.
    pub stored_type: Option<StoredType>,
    /// Notes for the user: one sentence each, without prefix.
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Created,
    Updated,
    Deleted,
    /// Already existed (`--if-exists skip`).
    Unchanged,
    /// Did not exist (`--ignore-missing`).
    NotFound,
    /// `--dry-run`: the value's length in bytes, as far as it was given.
    WouldCreate {
        length: Option<usize>,
    },
    WouldUpdate {
        length: Option<usize>,
    },
    WouldDelete,
    /// The confirmation was answered with no.
    Declined,
}

impl Action {
    /// Whether the server's state changed.
    pub fn applied(self) -> bool {
        matches!(self, Self::Created | Self::Updated | Self::Deleted)
    }
}

/// One row of `list` (schema: `ManagedSecret`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInfo {
    pub name: String,
    pub description: Option<String>,
    pub owner: Owner,
    pub stored_type: StoredType,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// Who the key belongs to (schema: `UserOutput`).
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    /// `user.profile.uid`, verbatim: part of the sealing context.
    pub actor: String,
    /// A team's key rather than a person's.
    pub is_service_account: bool,
    /// The personal keyset, base64, where it was asked for and there is one.
    pub public_key: Option<String>,
    /// What only `whoami` asks for, where there is one.
    pub display_name: Option<String>,
    pub email: Option<String>,
    /// The uid and name of the first workspace.
    pub workspace: Option<(String, String)>,
    pub teams: Vec<Team>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Team {
    pub uid: String,
    pub name: String,
    pub public_key: Option<String>,
}

/// An instant in UTC, to the nanosecond (schema: `Time`, RFC 3339).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    pub seconds: i64,
    /// Less than 1,000,000,000.
    pub nanoseconds: u32,
}

impl WriteOutcome {
    pub fn new(
        action: Action,
        name: &SecretName,
        owner: Owner,
        stored_type: Option<StoredType>,
    ) -> Self {
        Self {
            action,
            name: name.as_str().to_owned(),
            owner,
            stored_type,
            notes: Vec::new(),
        }
    }
}
