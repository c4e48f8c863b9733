//! The names of the teams that own the secrets of a list.

use crate::outcome::{SecretInfo, Team};
use crate::secret::Owner;

/// The teams of an account.
pub struct Teams<'a> {
    /// Those with a name, by uid: every row of a long list is looked up.
    by_uid: Vec<&'a Team>,
    /// Whether the word `Team` could be one of several.
    several: bool,
}

impl<'a> Teams<'a> {
    pub fn new(teams: &'a [Team], rows: &[&SecretInfo]) -> Self {
        let mut by_uid: Vec<&Team> = Vec::new();
        for team in teams.iter().filter(|team| !team.name.is_empty()) {
            let place = by_uid.partition_point(|known| known.uid < team.uid);
            by_uid.insert(place, team);
        }
        let mut owners = rows.iter().filter_map(|row| row.owner.team());
        let first = owners.next();
        let several = teams.len() > 1 || owners.any(|other| Some(other) != first);
        Self { by_uid, several }
    }

    /// The name of the team that an owner is, if it is known.
    pub fn name(&self, owner: &Owner) -> Option<&'a str> {
        let uid = owner.team()?;
        let found = self
            .by_uid
            .binary_search_by(|team| team.uid.as_str().cmp(uid));
        Some(self.by_uid.get(found.ok()?)?.name.as_str())
    }

    /// What tells a team from the others where there are several: its name, or its uid for lack of one.
    pub fn label<'b>(&self, owner: &'b Owner) -> Option<&'b str>
    where
        'a: 'b,
    {
        if !self.several {
            return None;
        }
        self.name(owner).or(owner.team())
    }
}
