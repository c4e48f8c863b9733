//! Determines whether a write took effect whose answer was lost, by reading the list of secrets again.

use super::Session;
use crate::api::Lookup;
use crate::error::{Error, ErrorKind};
use crate::message::NOTE_AFTER;
use crate::net::{Failure, Processed};
use crate::outcome::SecretInfo;
use crate::secret::{Kind, Owner, SecretName, StoredType};
use std::time::Duration;

/// How long the list is read again. A gateway gives up on a service after some seconds, and the service is done soon
/// after; what takes longer is left to the user.
const WINDOW: Duration = Duration::from_secs(15);

/// The pause after the first time the list was read; each later one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The secret that a write is about.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) owner: &'a Owner,
    pub(super) name: &'a SecretName,
}

impl Target<'_> {
    /// Waits until the list shows the effect of a write that failed without a clear answer.
    ///
    /// `done` is the write's past participle. Returns a note that says how the outcome was learned.
    ///
    /// # Errors
    /// The failure itself if nothing was changed; [`ErrorKind::OutcomeUnknown`] if the list does not show the effect in time. A
    /// list without the effect proves nothing: the service may be at work still.
    pub(super) fn confirm(
        self,
        failure: Failure,
        done: &str,
        session: &mut Session<'_, '_>,
        took_effect: impl Fn(Self, &Lookup) -> bool,
    ) -> Result<String, Error> {
        if failure.processed == Processed::No {
            return Err(failure.error);
        }
        let why = match self.wait_for(session, |lookup| took_effect(self, lookup).then_some(())) {
            Ok(()) => {
                return Ok(format!(
                    "the service's answer was lost; asked again, the secret was {done}"
                ));
            }
            Err(why) => why,
        };
        Err(Error::outcome_unknown(format!(
                "outcome unknown: the write was sent, and whether the secret was {done} could not be learned"
            ))
            .cause(&failure.error.message)
            .cause(&why)
            .hint(format!(
                "`oz secret list` shows whether the secret was {done}, once the service is done"
            )))
    }

    /// Reads the list again, with growing pauses, until it shows what `look` looks for.
    ///
    /// # Errors
    /// Why it did not, after [`WINDOW`] or what is left of `--timeout`, or at a failure that does not pass.
    pub(super) fn wait_for<T>(
        self,
        session: &mut Session<'_, '_>,
        look: impl Fn(&Lookup) -> Option<T>,
    ) -> Result<T, String> {
        session.api.within(WINDOW, |api| {
            let mut pause = FIRST_PAUSE;
            let mut was_read = false;
            let mut waited = Duration::ZERO;
            loop {
                let why = match api.lookup_once(self.owner.team()) {
                    Ok(lookup) => match (look(&lookup), lookup.errors) {
                        (Some(found), None) => return Ok(found),
                        (_, Some(errors)) => format!("the list came with errors: {errors}"),
                        (None, None) => {
                            was_read = true;
                            String::new()
                        }
                    },
                    Err(failure) if failure.error.kind == ErrorKind::Credentials => {
                        return Err(failure.error.message.clone());
                    }
                    Err(failure) => failure.error.message.clone(),
                };
                // Once, when it takes longer than a moment.
                let note = if waited < NOTE_AFTER && waited + pause >= NOTE_AFTER {
                    "the outcome is not known yet; asking again"
                } else {
                    ""
                };
                waited += pause;
                if !api.pause(pause, note) {
                    return Err(if was_read {
                        "asked again, the list does not show the change".to_owned()
                    } else {
                        why
                    });
                }
                pause = pause.saturating_mul(2).min(MAX_PAUSE);
            }
        })
    }

    /// The list as it is now, if the service refused the write: the reason may be that another client was faster.
    pub(super) fn after_refusal(
        self,
        failure: &Failure,
        session: &mut Session<'_, '_>,
    ) -> Option<Lookup> {
        let refused = matches!(failure.error.kind, ErrorKind::Refused | ErrorKind::Exists);
        if failure.processed == Processed::Maybe || !refused {
            return None;
        }
        let lookup = session.api.lookup_once(self.owner.team()).ok()?;
        lookup.errors.is_none().then_some(lookup)
    }

    /// The list as it is now, if the service refused the write and the secret is gone: another client was faster.
    pub(super) fn gone_after_refusal(
        self,
        failure: &Failure,
        session: &mut Session<'_, '_>,
    ) -> Option<Lookup> {
        self.after_refusal(failure, session)
            .filter(|lookup| lookup.find(self.owner, self.name).is_none())
    }

    /// Whether the secret is there as this run created it. `since` is the server's clock at a moment when the secret
    /// did not exist; without it, nothing is certain.
    pub(super) fn was_created(
        self,
        lookup: &Lookup,
        kind: &'static Kind,
        description: Option<&str>,
        since: Option<i64>,
    ) -> bool {
        let Some(since) = since else { return false };
        lookup.find(self.owner, self.name).is_some_and(|secret| {
            secret.stored_type == StoredType::Known(kind)
                && is_described(secret, description)
                && secret.created.seconds >= since
        })
    }

    /// Whether the secret that was there before has changed as this run changes it. A secret that was deleted and
    /// created again has another creation time; a list that lags behind has an older time of change.
    pub(super) fn was_updated(
        self,
        lookup: &Lookup,
        before: &SecretInfo,
        description: Option<&str>,
    ) -> bool {
        lookup.find(self.owner, self.name).is_some_and(|after| {
            after.created == before.created
                && after.stored_type == before.stored_type
                && after.updated > before.updated
                && (description.is_none() || is_described(after, description))
        })
    }
}

/// Whether the secret has this description. The service may store an empty one as none.
fn is_described(secret: &SecretInfo, description: Option<&str>) -> bool {
    let stored = secret
        .description
        .as_deref()
        .filter(|text| !text.is_empty());
    stored == description.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Api;
    use crate::env::Environment;
    use crate::net::deadline::{Budget, Clock};
    use crate::net::{Pause, Reply, Request, Retry, Transport};
    use crate::seal::Random;
    use crate::secret::{ApiKey, SecretBytes};
    use crate::trace::Trace;
    use crate::value::Io;
    use crate::value::terminal::ProcessTerminal;

    /// Never answers. Its time passes with the pauses.
    struct Silence {
        budget: Budget,
        allowed: Vec<Duration>,
        pauses: Vec<Duration>,
    }

    impl Transport for Silence {
        fn post(&mut self, _: &Request<'_>) -> Result<Reply, Failure> {
            self.allowed.push(self.budget.left());
            Err(Failure {
                error: Error::unavailable("no answer"),
                processed: Processed::Maybe,
                retry: Retry::Backoff,
            })
        }

        fn pause(&mut self, pause: Pause, _: &str, _: Trace) -> bool {
            let Pause::AtLeast(time) = pause else {
                panic!("{pause:?}")
            };
            let left = self.budget.left();
            if time >= left {
                return false;
            }
            self.budget.set_left(left - time);
            self.pauses.push(time);
            true
        }

        fn budget(&mut self) -> &mut Budget {
            &mut self.budget
        }
    }

    #[test]
    fn the_list_is_read_for_15_seconds_with_growing_pauses() {
        let mut transport = Silence {
            budget: Budget::new(Duration::from_secs(60), Clock::SYSTEM),
            allowed: Vec::new(),
            pauses: Vec::new(),
        };
        let key = ApiKey::parse(&SecretBytes::new(b"wk-1".to_vec()), "").unwrap();
        let env = Environment::new(|_| None);
        let name = SecretName::parse("N").unwrap();
        let target = Target {
            owner: &Owner::Personal,
            name: &name,
        };
        let result = target.wait_for(
            &mut Session {
                api: Api::new(&mut transport, &key, Trace::OFF),
                io: Io {
                    stdin: &mut std::io::empty(),
                    stdin_is_terminal: false,
                    env: &env,
                    timeout: Duration::ZERO,
                },
                terminal: &mut ProcessTerminal::new(false),
                random: &Random::new().unwrap(),
                timeout_is_given: false,
            },
            |_| Some(()),
        );
        assert_eq!(result, Err("no answer".to_owned()));
        let pauses =
            [250, 500, 1000, 2000, 2000, 2000, 2000, 2000, 2000].map(Duration::from_millis);
        assert_eq!(transport.pauses, pauses);
        // What was left of the 15 seconds goes back.
        let after = Duration::from_secs(60) - pauses.iter().sum::<Duration>();
        assert_eq!(transport.allowed[0], Duration::from_secs(15));
        assert_eq!(transport.budget.left(), after);
    }
}
