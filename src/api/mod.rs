//! Owns the service's operations over any transport: what is asked, how often, and what the answer means.
//! Must not know policy: which owner, whether a name may exist, what to tell the user.

pub mod operation;
pub mod reply;

use crate::error::Error;
use crate::json::Document;
use crate::net::{Pause, Request, Transport};
use crate::outcome::Listed;
use crate::secret::{ApiKey, Kind, Owner, SecretName};
use crate::trace::Trace;
use operation::{Keys, Operation};
use reply::{Account, Refusal, Standing};

/// How often one operation is tried. Three attempts ride out a restart; more only delay the truth.
pub const MAX_ATTEMPTS: u32 = 3;

/// What a write needs to know beforehand.
pub struct Lookup {
    pub account: Account,
    pub secrets: Vec<Listed>,
}

impl Lookup {
    /// The secret of that name, exactly spelled, of that owner.
    #[must_use]
    pub fn find(&self, owner: &Owner, name: &SecretName) -> Option<&Listed> {
        find(&self.secrets, owner, name)
    }
}

/// The secret of that name, exactly spelled, of that owner: a name is unique within an owner (schema).
#[must_use]
pub fn find<'a>(secrets: &'a [Listed], owner: &Owner, name: &SecretName) -> Option<&'a Listed> {
    secrets
        .iter()
        .find(|secret| secret.name == name.as_str() && secret.owner == *owner)
}

/// A write that did not come back with success.
pub enum WriteError {
    /// It certainly changed nothing.
    Refused(Error),
    /// It was sent and may have been applied; the error is what to report if it turns out that it was not.
    Lost(Error),
}

/// The service, spoken to over one transport.
pub struct Api<'a> {
    transport: &'a mut dyn Transport,
    /// For hiding it where a reply quotes it.
    key: &'a ApiKey,
    trace: Trace,
}

impl<'a> Api<'a> {
    pub fn new(transport: &'a mut dyn Transport, key: &'a ApiKey, trace: Trace) -> Self {
        Self {
            transport,
            key,
            trace,
        }
    }

    /// # Errors
    /// See [`Error`]; a lookup changes nothing.
    pub fn lookup(&mut self, keys: Keys) -> Result<Lookup, Error> {
        let document = self.read(&operation::lookup(keys))?;
        let read = || {
            Ok(Lookup {
                account: reply::account(reply::member(&document, "user", "UserOutput")?)?,
                secrets: reply::secrets(reply::member(
                    &document,
                    "managedSecrets",
                    "ManagedSecretsOutput",
                )?)?,
            })
        };
        read().map_err(|refusal: Refusal| refusal.error)
    }

    /// Every secret the key can see, personal and of teams, in the server's order.
    ///
    /// # Errors
    /// See [`Error`]; a list changes nothing.
    pub fn list(&mut self) -> Result<Vec<Listed>, Error> {
        let document = self.read(&operation::list())?;
        reply::member(&document, "managedSecrets", "ManagedSecretsOutput")
            .and_then(reply::secrets)
            .map_err(|refusal| refusal.error)
    }

    /// Answers the name as the server echoes it, if it does.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn create(
        &mut self,
        owner: &Owner,
        name: &SecretName,
        kind: Kind,
        encrypted_value: &str,
        description: Option<&str>,
    ) -> Result<Option<String>, WriteError> {
        let operation = operation::create(owner, name, kind, encrypted_value, description);
        self.write(
            &operation,
            "createManagedSecret",
            "CreateManagedSecretOutput",
        )
    }

    /// As [`Api::create`].
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn update(
        &mut self,
        owner: &Owner,
        name: &SecretName,
        encrypted_value: Option<&str>,
        description: Option<&str>,
    ) -> Result<Option<String>, WriteError> {
        let operation = operation::update(owner, name, encrypted_value, description);
        self.write(
            &operation,
            "updateManagedSecret",
            "UpdateManagedSecretOutput",
        )
    }

    /// # Errors
    /// [`WriteError`].
    pub fn delete(
        &mut self,
        owner: &Owner,
        name: &SecretName,
    ) -> Result<Option<String>, WriteError> {
        let operation = operation::delete(owner, name);
        self.write(
            &operation,
            "deleteManagedSecret",
            "DeleteManagedSecretOutput",
        )
    }

    /// Reads may be repeated: they change nothing.
    fn read(&mut self, operation: &Operation) -> Result<Document, Error> {
        let mut attempt = 1;
        loop {
            let (error, standing) = match self.transport.post(&request(operation)) {
                Ok(reply) => match reply::document(reply, self.key) {
                    Ok(document) => return Ok(document),
                    Err(refusal) => (refusal.error, refusal.standing),
                },
                Err(failure) => (
                    failure.error,
                    Standing::Open {
                        retry: failure.transient,
                    },
                ),
            };
            attempt += 1;
            let pause = match standing {
                Standing::Final | Standing::Open { retry: false } => None,
                Standing::Open { retry: true } => Some(Pause::Attempt(attempt)),
                Standing::Unprocessed(wait) => {
                    Some(wait.map_or(Pause::Attempt(attempt), Pause::Server))
                }
            };
            if !self.may_repeat(operation, attempt, pause) {
                return Err(error);
            }
        }
    }

    /// A write is repeated only when the last attempt certainly was not processed.
    fn write(
        &mut self,
        operation: &Operation,
        field: &str,
        member: &str,
    ) -> Result<Option<String>, WriteError> {
        let mut attempt = 1;
        loop {
            let answer = match self.transport.post(&request(operation)) {
                Ok(reply) => reply::document(reply, self.key).and_then(|document| {
                    reply::member(&document, field, member).map(reply::echoed_name)
                }),
                Err(failure) if failure.sent => return Err(WriteError::Lost(failure.error)),
                Err(failure) if failure.transient => Err(Refusal {
                    error: failure.error,
                    standing: Standing::Unprocessed(None),
                }),
                Err(failure) => return Err(WriteError::Refused(failure.error)),
            };
            let (error, wait) = match answer {
                Ok(name) => return Ok(name),
                Err(Refusal {
                    error,
                    standing: Standing::Final,
                }) => return Err(WriteError::Refused(error)),
                Err(Refusal {
                    error,
                    standing: Standing::Open { .. },
                }) => return Err(WriteError::Lost(error)),
                Err(Refusal {
                    error,
                    standing: Standing::Unprocessed(wait),
                }) => (error, wait),
            };
            attempt += 1;
            let pause = wait.map_or(Pause::Attempt(attempt), Pause::Server);
            if !self.may_repeat(operation, attempt, Some(pause)) {
                return Err(WriteError::Refused(error));
            }
        }
    }

    /// Whether there is another attempt, after the pause it takes.
    fn may_repeat(&mut self, operation: &Operation, attempt: u32, pause: Option<Pause>) -> bool {
        let Some(pause) = pause.filter(|_| attempt <= MAX_ATTEMPTS) else {
            return false;
        };
        self.trace.line(format_args!(
            "{}: attempt {attempt} of {MAX_ATTEMPTS}",
            operation.name
        ));
        self.transport.pause(pause)
    }
}

fn request(operation: &Operation) -> Request<'_> {
    Request {
        operation: operation.name,
        team: operation.team.as_deref(),
        body: &operation.body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Words;
    use crate::net::{Failure, Reply};
    use crate::secret::SecretBytes;
    use std::time::Duration;

    /// Plays replies in order and writes down what it was asked; checks itself when dropped.
    struct Script {
        replies: Vec<Result<Reply, Failure>>,
        posted: Vec<&'static str>,
        pauses: Vec<Pause>,
        patience: bool,
    }

    impl Script {
        fn new(replies: Vec<Result<Reply, Failure>>) -> Self {
            Self {
                replies,
                posted: Vec::new(),
                pauses: Vec::new(),
                patience: true,
            }
        }
    }

    impl Transport for Script {
        fn post(&mut self, request: &Request<'_>) -> Result<Reply, Failure> {
            self.posted.push(request.operation);
            assert!(
                !self.replies.is_empty(),
                "one request more than the script has replies"
            );
            self.replies.remove(0)
        }

        fn pause(&mut self, pause: Pause) -> bool {
            self.pauses.push(pause);
            self.patience
        }
    }

    impl Drop for Script {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                assert!(
                    self.replies.is_empty(),
                    "{} replies were never asked for",
                    self.replies.len()
                );
            }
        }
    }

    fn key() -> ApiKey {
        ApiKey::parse(&SecretBytes::new(b"wk-key".to_vec()), "").unwrap()
    }

    fn api<'a>(script: &'a mut Script, key: &'a ApiKey) -> Api<'a> {
        Api::new(script, key, Trace::OFF)
    }

    fn status(status: u16) -> Result<Reply, Failure> {
        Ok(Reply {
            status,
            body: Vec::new(),
            content_type: None,
            retry_after: None,
            redirect_host: None,
        })
    }

    fn slow_down(seconds: u64) -> Result<Reply, Failure> {
        status(429).map(|reply| Reply {
            retry_after: Some(Duration::from_secs(seconds)),
            ..reply
        })
    }

    fn body(body: &str) -> Result<Reply, Failure> {
        status(200).map(|reply| Reply {
            body: body.as_bytes().to_vec(),
            ..reply
        })
    }

    fn failure(sent: bool, transient: bool) -> Result<Reply, Failure> {
        Err(Failure {
            error: Error::Unavailable(Words::new("cut")),
            sent,
            transient,
        })
    }

    fn empty_list() -> Result<Reply, Failure> {
        body(
            r#"{"data":{"managedSecrets":{"__typename":"ManagedSecretsOutput","managedSecrets":[]}}}"#,
        )
    }

    fn deleted() -> Result<Reply, Failure> {
        body(r#"{"data":{"deleteManagedSecret":{"__typename":"DeleteManagedSecretOutput"}}}"#)
    }

    #[test]
    fn a_read_rides_out_what_passes() {
        for passing in [
            failure(true, true),
            failure(false, true),
            status(408),
            status(500),
            status(503),
        ] {
            let mut script = Script::new(vec![passing, empty_list()]);
            assert!(api(&mut script, &key()).list().is_ok());
            assert_eq!(script.pauses, [Pause::Attempt(2)]);
        }
        let mut script = Script::new(vec![slow_down(7), status(502), empty_list()]);
        assert!(api(&mut script, &key()).list().is_ok());
        assert_eq!(
            script.pauses,
            [Pause::Server(Duration::from_secs(7)), Pause::Attempt(3)]
        );
    }

    #[test]
    fn a_read_gives_up_after_three_attempts_or_without_time() {
        let mut script = Script::new(vec![status(500), status(500), status(500)]);
        assert_eq!(api(&mut script, &key()).list().unwrap_err().code(), 75);
        let mut script = Script::new(vec![status(500)]);
        script.patience = false;
        assert_eq!(api(&mut script, &key()).list().unwrap_err().code(), 75);
    }

    #[test]
    fn a_read_is_not_repeated_where_that_is_no_use() {
        for last in [
            failure(false, false),
            status(401),
            status(400),
            status(302),
            body("{}"),
            body("x"),
        ] {
            let mut script = Script::new(vec![last]);
            assert!(api(&mut script, &key()).list().is_err());
            assert_eq!(script.pauses, []);
        }
    }

    fn delete(replies: Vec<Result<Reply, Failure>>) -> (&'static str, usize) {
        let mut script = Script::new(replies);
        let name = SecretName::parse("N").unwrap();
        let word = match api(&mut script, &key()).delete(&Owner::Personal, &name) {
            Ok(_) => "done",
            Err(WriteError::Refused(_)) => "refused",
            Err(WriteError::Lost(_)) => "lost",
        };
        (word, script.posted.len())
    }

    #[test]
    fn a_write_is_repeated_only_when_it_certainly_was_not_processed() {
        assert_eq!(delete(vec![deleted()]), ("done", 1));
        assert_eq!(delete(vec![failure(false, true), deleted()]), ("done", 2));
        assert_eq!(
            delete(vec![status(429), status(503), deleted()]),
            ("done", 3)
        );
        assert_eq!(
            delete(vec![status(503), status(503), status(503)]),
            ("refused", 3)
        );
        for lost in [
            failure(true, true),
            failure(true, false),
            status(500),
            status(502),
            status(400),
            body("x"),
        ] {
            assert_eq!(delete(vec![lost]), ("lost", 1));
        }
        for lost in [
            "{}",
            r#"{"data":null,"errors":[{"message":"m"}]}"#,
            r#"{"data":{"deleteManagedSecret":{"__typename":"X"}}}"#,
        ] {
            assert_eq!(delete(vec![body(lost)]), ("lost", 1), "{lost}");
        }
        for refused in [
            failure(false, false),
            status(401),
            status(403),
            status(404),
            status(302),
        ] {
            assert_eq!(delete(vec![refused]), ("refused", 1));
        }
    }
}
