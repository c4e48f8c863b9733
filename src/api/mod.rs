//! The service's operations over a [`Transport`]: which document is posted, how often, and what its reply means.

pub mod operation;
pub mod reply;

use crate::error::Error;
use crate::json::Node;
use crate::net::{Failure, Pause, Processed, Request, Retry, Transport};
use crate::outcome::{Account, SecretInfo};
use crate::secret::{ApiKey, Kind, Owner, SecretName};
use crate::trace::Trace;
use operation::Keys;
use std::time::Duration;

/// How often one operation is tried. Three attempts last through a restart; more only delay the error.
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
        self.query(&operation::lookup(keys, team))
    }

    /// Asks for the account with the names of the user and the workspaces.
    ///
    /// # Errors
    /// Those of [`Self::lookup`].
    pub fn profile(&mut self) -> Result<Account, Error> {
        Ok(self.query(&operation::profile())?.account)
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn lookup_once(&mut self, team: Option<&str>) -> Result<Lookup, Failure> {
        self.read(&operation::lookup(Keys::Unneeded, team))
    }

    /// Waits at least this long, or answers `false` at once where the time left does not allow it. See
    /// [`Transport::pause`] for `why`.
    pub fn pause(&mut self, time: Duration, why: &str) -> bool {
        self.transport.pause(Pause::AtLeast(time), why, self.trace)
    }

    /// Allows more time than `--timeout` does.
    pub fn extend_timeout(&mut self, time: Duration) {
        self.transport.budget().extend(time);
    }

    /// Runs `work` with at most `limit` of what is left of `--timeout`.
    pub fn within<T>(&mut self, limit: Duration, work: impl FnOnce(&mut Self) -> T) -> T {
        let budget = self.transport.budget();
        let left = budget.left();
        let window = left.min(limit);
        budget.set_left(window);
        let result = work(self);
        let budget = self.transport.budget();
        let used = window.saturating_sub(budget.left());
        budget.set_left(left.saturating_sub(used));
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
        let request = operation::create(owner, name, kind, encrypted_value, description);
        self.write(&request, &|document| reply::created(document, name))
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
        let request = operation::update(owner, name, encrypted_value, description);
        self.write(&request, &|document| reply::updated(document, name))
    }

    /// # Errors
    /// [`Failure`]; it says whether the secret may have been deleted.
    pub fn delete(&mut self, owner: &Owner, name: &SecretName) -> Result<(), Failure> {
        self.write(&operation::delete(owner, name), &reply::deleted)
    }

    fn query(&mut self, request: &Request<'_>) -> Result<Lookup, Error> {
        Ok(self.repeat(request, |_| true, |api| api.read(request))?)
    }

    fn read(&mut self, request: &Request<'_>) -> Result<Lookup, Failure> {
        let mut reply = self.transport.post(request)?;
        let server_time = reply.date;
        reply::lookup(
            reply::document(&mut reply, self.key)?,
            server_time,
            self.key,
        )
    }

    /// A write is repeated only when the last attempt certainly was not processed.
    fn write(
        &mut self,
        request: &Request<'_>,
        read: &dyn Fn(Node<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let is_safe = |failure: &Failure| failure.processed == Processed::No;
        self.repeat(request, is_safe, |api| {
            let mut reply = api.transport.post(request)?;
            read(reply::document(&mut reply, api.key)?)
        })
    }

    /// Tries again after failures that may pass and are safe to repeat, each time after a pause.
    fn repeat<T>(
        &mut self,
        request: &Request<'_>,
        is_safe: impl Fn(&Failure) -> bool,
        mut attempt: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut number = 1;
        loop {
            let failure = match attempt(self) {
                Err(failure) if is_safe(&failure) && number < MAX_ATTEMPTS => failure,
                result => return result,
            };
            number += 1;
            let pause = match failure.retry {
                Retry::Never => return Err(failure),
                Retry::Backoff => Pause::Backoff(number),
                Retry::After(time) => Pause::AtLeast(time),
            };
            self.trace.line(format_args!(
                "{}: attempt {number} of {MAX_ATTEMPTS}",
                request.operation
            ));
            let why = [&failure.error.message, "; trying again"].concat();
            if !self.transport.pause(pause, &why, self.trace) {
                return Err(failure);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Reply;
    use crate::net::deadline::{Budget, Clock};
    use crate::secret::SecretBytes;

    /// Plays replies in order and writes down what it was asked; checks itself when dropped.
    struct Script {
        replies: Vec<Result<Reply, Failure>>,
        posted: Vec<&'static str>,
        pauses: Vec<Pause>,
        patience: bool,
        budget: Budget,
    }

    impl Script {
        fn new(replies: Vec<Result<Reply, Failure>>) -> Self {
            Self {
                replies,
                posted: Vec::new(),
                pauses: Vec::new(),
                patience: true,
                budget: Budget::new(Duration::from_secs(60), Clock::SYSTEM),
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

        fn pause(&mut self, pause: Pause, _: &str, _: Trace) -> bool {
            self.pauses.push(pause);
            self.patience
        }

        fn budget(&mut self) -> &mut Budget {
            &mut self.budget
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
            let budget = api.transport.budget();
            assert_eq!(budget.left(), limit);
            budget.set_left(Duration::from_secs(5));
        });
        assert_eq!(script.budget.left(), Duration::from_secs(50));
    }
}
