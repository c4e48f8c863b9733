//! `list`: the secrets that the key can see, filtered by scope.

use super::Session;
use super::owner;
use crate::api::operation::Keys;
use crate::error::Error;
use crate::outcome::Outcome;
use crate::request::{List, Scope};
use crate::secret::Owner;

pub(super) fn run(list: &List, session: &mut Session<'_, '_>) -> Result<Outcome, Error> {
    let team = owner::named_team(&list.scope);
    let mut lookup = session.api.lookup(Keys::Unneeded, team)?;
    if list.scope != Scope::Default {
        let team = owner::scope_team(&list.scope, &lookup.account)?;
        let wanted = team.map_or(Owner::Personal, |team| Owner::Team(team.uid.clone()));
        lookup.secrets.retain(|secret| secret.owner == wanted);
    }
    let note = lookup.errors.map(|errors| {
        format!("the service reported errors with the list, which may lack secrets: {errors}")
    });
    Ok(Outcome::Listed {
        secrets: lookup.secrets,
        teams: lookup.account.teams,
        names_only: list.names_only,
        note,
    })
}
