//! Owns outcome truth: what a mutation came to, by asking again where its answer was lost.
//! Must not know which verb sent it.

use super::Session;
use crate::api::{self, WriteError};
use crate::error::{Error, Words};
use crate::outcome::{Listed, Timestamp};
use crate::secret::SecretName;

/// What a settled write came to.
pub(super) struct Settled {
    /// The server's spelling of the name, where it gave one.
    pub(super) name: Option<String>,
    /// Said when the answer was lost and the truth found by asking again.
    pub(super) note: Option<String>,
}

/// What asking again tells of a write whose answer was lost.
pub(super) enum Seen {
    Applied,
    NotApplied,
    /// The server's state would look the same either way.
    Unclear,
}

impl From<bool> for Seen {
    fn from(applied: bool) -> Self {
        if applied {
            Self::Applied
        } else {
            Self::NotApplied
        }
    }
}

/// Turns the result of a mutation into what is true on the server: when the answer was lost, asks again.
///
/// `look` tells from the secrets there are whether the write was applied; `done` is its past participle.
pub(super) fn settle(
    session: &mut Session<'_, '_>,
    result: Result<Option<String>, WriteError>,
    done: &str,
    look: impl FnOnce(&[Listed]) -> Seen,
) -> Result<Settled, Error> {
    let lost = match result {
        Ok(name) => return Ok(Settled { name, note: None }),
        Err(WriteError::Refused(error)) => return Err(error),
        Err(WriteError::Lost(error)) => error,
    };
    let unknown = |why: &str, hint: &str| {
        Err(Error::Unknown(
            Words::new(format!(
                "outcome unknown: the write was sent, and whether the secret was {done} could not be learned"
            ))
            .cause(lost.message())
            .cause(why)
            .hint(hint),
        ))
    };
    match session.api.list().map(|secrets| look(&secrets)) {
        Ok(Seen::Applied) => Ok(Settled {
            name: None,
            note: Some(format!(
                "the service's answer was lost; asked again, the secret was {done}"
            )),
        }),
        Ok(Seen::NotApplied) => {
            Err(lost.because(&format!("asked again, the secret was not {done}")))
        }
        Ok(Seen::Unclear) => unknown(
            "its time stamp is too coarse to tell",
            "the same command again makes it certain",
        ),
        Err(again) => unknown(
            again.message(),
            "`oz secret list` tells once the service answers",
        ),
    }
}

/// How far this machine's clock may be from the service's, in seconds, when time stamps are compared with it.
const CLOCK_SKEW: i64 = 300;

/// Whether the secret was changed since `before`: its time stamp moved, or its description is the new one.
///
/// A time stamp in whole seconds stays the same when the last change was less than a second before this one; a
/// secret whose last change is that recent proves nothing.
pub(super) fn was_updated(
    secrets: &[Listed],
    before: &Listed,
    name: &SecretName,
    description: Option<&str>,
    now: Timestamp,
) -> Seen {
    let Some(after) = api::find(secrets, &before.owner, name) else {
        return Seen::NotApplied;
    };
    let described = description.is_some()
        && after.description.as_deref() == description
        && before.description != after.description;
    let recent = before.updated.seconds.abs_diff(now.seconds) <= CLOCK_SKEW.unsigned_abs();
    if after.updated != before.updated || described {
        Seen::Applied
    } else if before.updated.nanoseconds == 0 && recent {
        Seen::Unclear
    } else {
        Seen::NotApplied
    }
}
