//! The way to the service: a [`Transport`] sends one request and reads its reply.

// The build with minreq uses parts of some modules only.
#![cfg_attr(feature = "minreq", allow(dead_code))]

#[cfg(not(feature = "minreq"))]
pub mod client;
pub mod connect;
pub mod deadline;
pub mod http;
#[cfg(feature = "minreq")]
pub mod minreq;
#[cfg(not(feature = "minreq"))]
mod post_quantum;
pub mod proxy;
#[cfg(all(test, not(feature = "minreq")))]
mod tests;
#[cfg(not(feature = "minreq"))]
pub mod tls;
#[cfg(not(feature = "minreq"))]
mod trust;
#[cfg(not(feature = "minreq"))]
pub mod x509;

#[cfg(feature = "minreq")]
pub use self::minreq::open;
#[cfg(not(feature = "minreq"))]
pub use client::open;

use self::deadline::{Budget, Deadline};
use crate::env::Environment;
use crate::error::Error;
use crate::message::Notes;
use crate::secret::ApiKey;
use crate::time::parse_http_date;
use crate::trace::Trace;
use crate::url;
use std::path::PathBuf;
use std::time::Duration;

/// What is known before the first request.
pub struct Settings<'a> {
    /// `--server-root-url` or `WARP_SERVER_ROOT_URL`; [`url::DEFAULT_ROOT`] when `None`.
    pub root: Option<&'a str>,
    pub key: &'a ApiKey,
    pub ca_file: Option<PathBuf>,
    /// For all calls together.
    pub timeout: Duration,
    pub env: &'a Environment,
    pub trace: Trace,
    pub notes: Notes,
}

/// Sends requests: over the network, or to the script of a unit test.
pub trait Transport {
    /// Sends one request and reads its whole reply, whatever the status.
    ///
    /// # Errors
    /// [`Failure`] when no complete, well-formed reply came within the budget.
    fn post(&mut self, request: &Request<'_>) -> Result<Reply, Failure>;

    /// What is left of `--timeout`.
    fn budget(&mut self) -> &mut Budget;

    /// Waits before another attempt, or answers `false` at once where the time left does not allow it. A person at a
    /// terminal is told `why`, unless it is empty.
    fn pause(&mut self, pause: Pause, why: &str, trace: Trace) -> bool {
        self.budget().wait(pause, why, trace)
    }
}

/// One GraphQL operation over HTTP: `POST {root}/graphql/v2?op={operation}`.
pub struct Request<'a> {
    /// ASCII letters only.
    pub operation: &'static str,
    /// The team it is about, where that is known: the value of `X-Warp-Team-Uid`.
    pub team: Option<&'a str>,
    pub body: Vec<u8>,
}

pub struct Reply {
    /// Whether the request was written to its end before the reply came. A server may reject a request early.
    pub request_complete: bool,
    pub status: u16,
    pub body: Vec<u8>,
    /// `Content-Type` without parameters, lower case.
    pub content_type: Option<String>,
    /// `Retry-After` (RFC 9110 section 10.2.3), seconds and date alike.
    pub retry_after: Option<Duration>,
    /// The host that `Location` names, where it is one (RFC 3986 section 3.2.2), in lower case.
    pub redirect_host: Option<String>,
    /// The server's clock in seconds since 1970, from `Date` (RFC 9110 section 6.6.1).
    pub date: Option<i64>,
}

impl Reply {
    /// What the rest of the program gets to see: the values of headers do not quote the key. The body still may.
    fn new(message: http::Message, request_complete: bool, key: &ApiKey) -> Self {
        let content_type = message.content_type.as_deref().map(http::media_type);
        let retry_after = message.retry_after.as_deref();
        let location = message.location.as_deref();
        let now = deadline::unix_time();
        Self {
            request_complete,
            date: message.date.as_deref().and_then(parse_http_date),
            status: message.status,
            body: message.body,
            content_type: content_type.map(|kind| key.redacted(kind)),
            retry_after: retry_after.and_then(|value| http::retry_after(value, now)),
            redirect_host: location
                .and_then(url::reference_host)
                .and_then(url::authority)
                .map(|(host, port)| match port {
                    Some(port) => format!("{}:{port}", host.bracketed()),
                    None => host.bracketed(),
                })
                .map(|place| key.redacted(place)),
        }
    }
}

/// Why a request has no usable answer, from the socket up to the verb that reports it.
pub struct Failure {
    pub error: Error,
    pub processed: Processed,
    pub retry: Retry,
}

/// What is known about a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processed {
    /// It changed nothing: it was not written to its end, or the service refused it.
    No,
    /// The service may have acted on it, or may still do so.
    Maybe,
}

/// Whether the same request could succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    Never,
    /// After a pause that grows with each attempt.
    Backoff,
    /// Not before this much time has passed (`Retry-After`).
    After(Duration),
}

impl Failure {
    /// Tried again after a growing pause if it `may_pass`.
    pub fn new(error: Error, processed: Processed, may_pass: bool) -> Self {
        Self {
            error,
            processed,
            retry: if may_pass {
                Retry::Backoff
            } else {
                Retry::Never
            },
        }
    }

    /// The request changed nothing, and the same request would fail again.
    pub fn refused(error: Error) -> Self {
        Self::new(error, Processed::No, false)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// How long to wait before another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Before attempt number `n`, counted from 2: exponential, jittered.
    Backoff(u32),
    /// At least this long, jittered.
    AtLeast(Duration),
}

// What both clients report in the same words.

/// Before the host.
const STILL_WAITING: &str = "still waiting for the answer of ";

fn not_looked_up(name: &str) -> Error {
    Error::unavailable(format!("{name} could not be looked up"))
        .hint("check the name (--server-root-url, proxy variables) and this machine's DNS")
}

fn not_reached(place: &str) -> Error {
    Error::unavailable(format!("{place} could not be reached"))
        .hint("check --server-root-url, the proxy variables and the network")
}

fn no_answer(host: &str, deadline: &Deadline) -> Error {
    let time = deadline.describe();
    Error::try_again(format!("no answer from {host} within {time}"))
        .hint("try again later, or allow more time with --timeout")
}

fn cut(host: &str) -> Error {
    Error::unavailable(format!(
        "the connection to {host} was cut before its answer was complete"
    ))
}

fn unusable(host: &str, what: &str) -> Error {
    Error::unavailable(format!("the reply of {host} is not usable"))
        .cause(what)
        .hint("this may not be the service: check --server-root-url and the proxy variables")
}
