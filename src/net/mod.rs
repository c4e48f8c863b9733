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
    pub status: u16,
    pub body: Vec<u8>,
    /// `Content-Type` without parameters, lower case.
    pub content_type: Option<String>,
    /// `Retry-After` (RFC 9110 section 10.2.3), seconds and date alike.
    pub retry_after: Option<Duration>,
    /// The host that `Location` names, made safe to print.
    pub redirect_host: Option<String>,
}

impl Reply {
    /// What the rest of the program gets to see: where the reply quotes the key, as error pages do of a request, it is
    /// overwritten, because messages are shown and logged.
    fn new(message: http::Message, key: &ApiKey) -> Self {
        let mut body = message.body;
        redact(&mut body, key.expose());
        let retry_after = message.retry_after.as_deref();
        let location = message.location.as_deref();
        Self {
            status: message.status,
            body,
            content_type: message.content_type.as_deref().map(http::media_type),
            retry_after: retry_after
                .and_then(|value| http::retry_after(value, deadline::unix_time())),
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

/// No usable reply.
pub struct Failure {
    pub error: Error,
    /// The request was written to its end: the server may have acted on it.
    pub sent: bool,
    /// Another attempt could succeed: nobody listened, or the connection was lost.
    pub transient: bool,
}

/// How long to wait before another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Before attempt number `n`, counted from 2: exponential, jittered.
    Attempt(u32),
    /// As the server asked.
    Server(Duration),
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
