//! Owns `list`: what the key can see, filtered by scope.
//! Must not know columns, order or formats.

use super::Session;
use crate::command::{List, Scope};
use crate::error::Error;
use crate::outcome::Listed;
use crate::secret::Owner;

pub(super) fn run(list: &List, session: &mut Session<'_, '_>) -> Result<Vec<Listed>, Error> {
    let mut secrets = session.api.list()?;
    secrets.retain(|secret| match &list.scope {
        Scope::Unsaid => true,
        Scope::Personal => secret.owner == Owner::Personal,
        Scope::Team => secret.owner.team().is_some(),
        Scope::TeamUid(uid) => secret.owner.team() == Some(uid),
    });
    Ok(secrets)
}
