//! The service's operations over a [`Transport`]: which document is posted, how often, and what its reply means.

pub mod operation;
pub mod reply;

use crate::error::Error;
use crate::json::Document;
use crate::net::{Failure, Pause, Processed, Request, Retry, Transport};
use crate::outcome::SecretInfo;
use crate::secret::{ApiKey, Kind, Owner, SecretName};
use crate::trace::Trace;
use operation::{Keys, Operation};
use reply::Account;
use std::time::Duration;

/// How often one operation is tried. Three attempts ride out a restart; more only delay the truth.
pub const MAX_ATTEMPTS: u32 = 3;

/// The account behind the key, and the secrets it can see.
pub struct Lookup {
    pub account: Account,
    pub secrets: Vec<SecretInfo>,
    /// The messages of errors that came beside the list. Such a list may lack secrets that exist.
    pub errors: Option<String>,
    /// The server's clock when it answered, in seconds since 1970.
    pub server_time: Option<i64>,
}

impl Lookup {
    /// The secret of that name, exactly spelled, of that owner: a name is unique within an owner (schema).
    #[must_use]
    pub fn find(&self, owner: &Owner, name: &SecretName) -> Option<&SecretInfo> {
        self.secrets
            .iter()
            .find(|secret| secret.name == name.as_str() && secret.owner == *owner)
    }
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

    /// Asks for the account and its secrets, again after failures that may pass.
    ///
    /// # Errors
    /// See [`Error`]; a lookup changes nothing.
    pub fn lookup(&mut self, keys: Keys, team: Option<&str>) -> Result<Lookup, Error> {
        let operation = operation::lookup(keys, team);
        let mut attempt = 1;
        loop {
            let failure = match self.read(&operation) {
                Ok(lookup) => return Ok(lookup),
                Err(failure) => failure,
            };
            attempt += 1;
            if !self.may_repeat(&operation, attempt, failure.retry) {
                return Err(failure.error);
            }
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn lookup_once(&mut self, team: Option<&str>) -> Result<Lookup, Failure> {
        self.read(&operation::lookup(Keys::Unneeded, team))
    }

    /// Waits at least this long, or answers `false` at once where the time left does not allow it.
    pub fn pause(&mut self, time: Duration) -> bool {
        self.transport.pause(Pause::AtLeast(time))
    }

    /// Runs `work` with at most `limit` of what is left of `--timeout`.
    pub fn within<T>(&mut self, limit: Duration, work: impl FnOnce(&mut Self) -> T) -> T {
        let left = self.transport.time_left();
        let window = left.min(limit);
        self.transport.set_time_left(window);
        let result = work(self);
        let used = window.saturating_sub(self.transport.time_left());
        self.transport.set_time_left(left.saturating_sub(used));
        result
    }

    /// # Errors
    /// [`Failure`]; it says whether the secret may have been created.
    pub fn create(
        &mut self,
        owner: &Owner,
        name: &SecretName,
        kind: &Kind,
        encrypted_value: &str,
        description: Option<&str>,
    ) -> Result<(), Failure> {
        let operation = operation::create(owner, name, kind, encrypted_value, description);
        self.write(&operation, |document| reply::created(document, name))
    }

    /// # Errors
    /// [`Failure`]; it says whether the secret may have been updated.
    pub fn update(
        &mut self,
        owner: &Owner,
        name: &SecretName,
        encrypted_value: Option<&str>,
        description: Option<&str>,
    ) -> Result<(), Failure> {
        let operation = operation::update(owner, name, encrypted_value, description);
        self.write(&operation, |document| reply::updated(document, name))
    }

    /// # Errors
    /// [`Failure`]; it says whether the secret may have been deleted.
    pub fn delete(&mut self, owner: &Owner, name: &SecretName) -> Result<(), Failure> {
        self.write(&operation::delete(owner, name), reply::deleted)
    }

    fn read(&mut self, operation: &Operation) -> Result<Lookup, Failure> {
        let reply = self.transport.post(&request(operation))?;
        let server_time = reply.date;
        reply::lookup(&reply::document(reply, self.key)?, server_time, self.key)
    }

    /// A write is repeated only when the last attempt certainly was not processed.
    fn write(
        &mut self,
        operation: &Operation,
        read: impl Fn(&Document) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut attempt = 1;
        loop {
            let result = self
                .transport
                .post(&request(operation))
                .and_then(|reply| reply::document(reply, self.key))
                .and_then(|document| read(&document));
            let failure = match result {
                Err(failure) if failure.processed == Processed::No => failure,
                result => return result,
            };
            attempt += 1;
            if !self.may_repeat(operation, attempt, failure.retry) {
                return Err(failure);
            }
        }
    }

    /// Whether there is another attempt, after the pause it takes.
    fn may_repeat(&mut self, operation: &Operation, attempt: u32, retry: Retry) -> bool {
        let pause = match retry {
            Retry::Never => return false,
            Retry::Backoff => Pause::Backoff(attempt),
            Retry::After(time) => Pause::AtLeast(time),
        };
        if attempt > MAX_ATTEMPTS {
            return false;
        }
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
    use crate::error::Error;
    use crate::net::{Failure, Reply};
    use crate::secret::SecretBytes;
    use std::time::Duration;

    /// Plays replies in order and writes down what it was asked; checks itself when dropped.
    struct Script {
        replies: Vec<Result<Reply, Failure>>,
        posted: Vec<&'static str>,
        pauses: Vec<Pause>,
        patience: bool,
        left: Duration,
    }

    impl Script {
        fn new(replies: Vec<Result<Reply, Failure>>) -> Self {
            Self {
                replies,
                posted: Vec::new(),
                pauses: Vec::new(),
                patience: true,
                left: Duration::from_secs(60),
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

        fn time_left(&self) -> Duration {
            self.left
        }

        fn set_time_left(&mut self, left: Duration) {
            self.left = left;
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
            request_complete: true,
            date: None,
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

    fn failure(processed: Processed, retry: Retry) -> Result<Reply, Failure> {
        Err(Failure {
            error: Error::unavailable("cut"),
            processed,
            retry,
        })
    }

    fn nothing_stored() -> Result<Reply, Failure> {
        body(
            r#"{"data":{"user":{"__typename":"UserOutput","user":{"profile":{"uid":"u"},"workspaces":[]}},
            "managedSecrets":{"__typename":"ManagedSecretsOutput","managedSecrets":[]}}}"#,
        )
    }

    fn deleted() -> Result<Reply, Failure> {
        body(r#"{"data":{"deleteManagedSecret":{"__typename":"DeleteManagedSecretOutput"}}}"#)
    }

    fn lookup(script: &mut Script) -> Result<Lookup, Error> {
        api(script, &key()).lookup(Keys::Unneeded, None)
    }

    #[test]
    fn a_read_rides_out_what_passes() {
        for passing in [
            failure(Processed::Maybe, Retry::Backoff),
            failure(Processed::No, Retry::Backoff),
            status(408),
            status(500),
            status(503),
        ] {
            let mut script = Script::new(vec![passing, nothing_stored()]);
            assert!(lookup(&mut script).is_ok());
            assert_eq!(script.pauses, [Pause::Backoff(2)]);
        }
        let mut script = Script::new(vec![slow_down(7), status(502), nothing_stored()]);
        assert!(lookup(&mut script).is_ok());
        assert_eq!(
            script.pauses,
            [Pause::AtLeast(Duration::from_secs(7)), Pause::Backoff(3)]
        );
    }

    #[test]
    fn a_read_gives_up_after_three_attempts_or_without_time() {
        let mut script = Script::new(vec![status(500), status(500), status(500)]);
        assert_eq!(lookup(&mut script).err().unwrap().code(), 75);
        let mut script = Script::new(vec![status(500)]);
        script.patience = false;
        assert_eq!(lookup(&mut script).err().unwrap().code(), 75);
    }

    #[test]
    fn a_read_is_not_repeated_where_that_is_no_use() {
        for last in [
            failure(Processed::No, Retry::Never),
            status(401),
            status(400),
            status(302),
            body("{}"),
            body("x"),
        ] {
            let mut script = Script::new(vec![last]);
            assert!(lookup(&mut script).is_err());
            assert_eq!(script.pauses, []);
        }
    }

    fn delete(replies: Vec<Result<Reply, Failure>>) -> (Option<Processed>, usize) {
        let mut script = Script::new(replies);
        let name = SecretName::parse("N").unwrap();
        let result = api(&mut script, &key()).delete(&Owner::Personal, &name);
        let processed = result.err().map(|failure| failure.processed);
        (processed, script.posted.len())
    }

    #[test]
    fn a_write_is_repeated_only_when_it_certainly_was_not_processed() {
        let (no, maybe) = (Some(Processed::No), Some(Processed::Maybe));
        assert_eq!(delete(vec![deleted()]), (None, 1));
        assert_eq!(
            delete(vec![
                failure(Processed::No, Retry::Backoff),
                status(429),
                deleted()
            ]),
            (None, 3)
        );
        assert_eq!(delete(vec![status(429), status(429), status(429)]), (no, 3));
        assert_eq!(delete(vec![status(429), status(503)]), (maybe, 2));
        for lost in [
            failure(Processed::Maybe, Retry::Backoff),
            failure(Processed::Maybe, Retry::Never),
            status(500),
            status(502),
            status(503),
            status(408),
            status(400),
            status(302),
            body("x"),
        ] {
            assert_eq!(delete(vec![lost]), (maybe, 1));
        }
        for lost in [
            "{}",
            r#"{"data":null,"errors":[{"message":"Your API key is invalid"}]}"#,
            r#"{"data":null,"errors":[{"message":"m","extensions":{"code":"UNAUTHENTICATED"}}]}"#,
            r#"{"data":{"deleteManagedSecret":{"__typename":"X"}}}"#,
            r#"{"data":{"deleteManagedSecret":{"__typename":"DeleteManagedSecretOutput"}},"errors":[{"message":"m"}]}"#,
        ] {
            assert_eq!(delete(vec![body(lost)]), (maybe, 1), "{lost}");
        }
        for refused in [
            failure(Processed::No, Retry::Never),
            status(401),
            status(403),
            status(404),
        ] {
            assert_eq!(delete(vec![refused]), (no, 1));
        }
    }

    #[test]
    fn a_request_that_was_cut_short_was_not_processed() {
        let early = status(413).map(|reply| Reply {
            request_complete: false,
            ..reply
        });
        assert_eq!(delete(vec![early]), (Some(Processed::No), 1));
    }

    #[test]
    fn work_within_a_limit_gives_the_rest_back() {
        let mut script = Script::new(Vec::new());
        let key = key();
        let mut api = api(&mut script, &key);
        let limit = Duration::from_secs(15);
        api.within(limit, |api| {
            assert_eq!(api.transport.time_left(), limit);
            api.transport.set_time_left(Duration::from_secs(5));
        });
        assert_eq!(script.left, Duration::from_secs(50));
    }
}
