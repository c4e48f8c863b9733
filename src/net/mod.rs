//! Owns the way to the service: one request in, one reply out, over one connection.
//! Must not know GraphQL, JSON, verbs, or what a body means.

#[cfg(not(feature = "minreq"))]
pub mod client;
pub mod connect;
pub mod deadline;
pub mod http;
#[cfg(feature = "minreq")]
pub mod minreq;
pub mod proxy;
#[cfg(all(test, not(feature = "minreq")))]
mod tests;
#[cfg(not(feature = "minreq"))]
pub mod tls;
pub mod url;
#[cfg(not(feature = "minreq"))]
pub mod x509;

#[cfg(feature = "minreq")]
pub use self::minreq::open;
#[cfg(not(feature = "minreq"))]
pub use client::open;

use crate::env::Environment;
use crate::error::Error;
use crate::secret::ApiKey;
use crate::text;
use crate::trace::Trace;
use std::path::PathBuf;
use std::time::Duration;

/// What is known before the first request.
pub struct Settings<'a> {
    /// `--server-root-url` or `WARP_SERVER_ROOT_URL`; [`url::DEFAULT_ROOT`] when `None`.
    pub root: Option<&'a str>,
    pub key: ApiKey,
    pub ca_file: Option<PathBuf>,
    /// For all calls together.
    pub timeout: Duration,
    pub env: &'a Environment,
    pub trace: Trace,
}

/// Sends requests. Two implementations: the network, and the script of a unit test.
pub trait Transport {
    /// Sends one request and reads its whole reply, whatever the status.
    ///
    /// # Errors
    /// [`Failure`] when no complete, well-formed reply came.
    fn post(&mut self, request: &Request<'_>) -> Result<Reply, Failure>;

    /// Waits before another attempt, or answers `false` at once where the time left does not allow it.
    fn pause(&mut self, pause: Pause) -> bool;

    /// What is left of `--timeout`.
    fn time_left(&self) -> Duration;

    /// Allows this much time from now on.
    fn set_time_left(&mut self, left: Duration);
}

/// One GraphQL operation over HTTP: `POST {root}/graphql/v2?op={operation}`.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// ASCII letters only.
    pub operation: &'static str,
    /// The value of `X-Warp-Team-Uid`.
    pub team: Option<&'a str>,
    pub body: &'a [u8],
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
    /// The host that `Location` names, made safe to print.
    pub redirect_host: Option<String>,
    /// The server's clock in seconds since 1970, from `Date` (RFC 9110 section 6.6.1).
    pub date: Option<i64>,
}

impl Reply {
    /// What the rest of the program gets to see: where the reply quotes the key, as error pages do of a request, it is
    /// overwritten, because messages are shown and logged.
    fn new(message: http::Message, request_complete: bool, key: &ApiKey) -> Self {
        let mut body = message.body;
        redact(&mut body, key.expose());
        let retry_after = message.retry_after.as_deref();
        let location = message.location.as_deref();
        let now = deadline::unix_time();
        Self {
            request_complete,
            date: message
                .date
                .as_deref()
                .and_then(|value| http::date(value, now)),
            status: message.status,
            body,
            content_type: message.content_type.as_deref().map(http::media_type),
            retry_after: retry_after.and_then(|value| http::retry_after(value, now)),
            redirect_host: location
                .and_then(url::reference_host)
                .map(|host| text::safe(host).into_owned()),
        }
    }
}

/// The fewest bytes by which a key is told from ordinary text when its prefix is missing.
const TELLING: usize = 8;

/// Overwrites every place where `body` holds the key, with or without its prefix. A reply can have thousands of
/// secrets, so it is searched once, for the part that both have.
fn redact(body: &mut [u8], key: &[u8]) {
    let (prefix, needle) = match key.strip_prefix(ApiKey::PREFIX) {
        Some(bare) if bare.len() >= TELLING => (ApiKey::PREFIX, bare),
        _ => (&[][..], key),
    };
    let is_needle = |part: &[u8]| part.first() == needle.first() && part == needle;
    let mut start = 0;
    while let Some(at) = body
        .get(start..)
        .filter(|_| !needle.is_empty())
        .and_then(|rest| rest.windows(needle.len()).position(is_needle))
    {
        let found = start.saturating_add(at);
        let before = body.get(..found).unwrap_or(&[]);
        let begin = before.strip_suffix(prefix).unwrap_or(before).len();
        start = found.saturating_add(needle.len());
        if let Some(quoted) = body.get_mut(begin..start) {
            quoted.fill(b'*');
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

impl Retry {
    /// [`Retry::Backoff`] for a failure that may pass.
    pub fn backoff_if(transient: bool) -> Self {
        if transient {
            Self::Backoff
        } else {
            Self::Never
        }
    }
}

impl Failure {
    /// The request changed nothing, and the same request would fail again.
    pub fn refused(error: Error) -> Self {
        Self {
            error,
            processed: Processed::No,
            retry: Retry::Never,
        }
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

#[cfg(test)]
mod key_tests {
    use super::redact;

    #[test]
    fn a_key_that_a_reply_quotes_is_overwritten() {
        for (key, body, expected) in [
            ("wk-1", "", ""),
            ("wk-1", "wk-", "wk-"),
            ("wk-1", "wk-1", "****"),
            ("wk-1", "bad key 'wk-1'", "bad key '****'"),
            ("wk-1", "wk-1wk-1 wwk-1", "******** w****"),
            ("wk-1", "wk-2 wk 1", "wk-2 wk 1"),
            ("wk-1234567", "wk-1234567 1234567", "********** 1234567"),
            (
                "wk-12345678",
                "wk-12345678 12345678",
                "*********** ********",
            ),
            ("wk-12345678", "wk12345678-", "wk********-"),
            ("wk-12345678", "12345678wk-12345678", "*******************"),
            ("wk-12345678", "wk-1234567", "wk-1234567"),
            ("12345678", "wk-12345678", "wk-********"),
            ("", "nothing", "nothing"),
        ] {
            let mut body = body.as_bytes().to_vec();
            redact(&mut body, key.as_bytes());
            assert_eq!(String::from_utf8(body).unwrap(), expected, "{key}");
        }
    }
}
