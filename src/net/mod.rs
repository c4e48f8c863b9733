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
#[cfg(not(feature = "minreq"))]
pub mod x509;

#[cfg(feature = "minreq")]
pub use self::minreq::open;
#[cfg(not(feature = "minreq"))]
pub use client::open;

pub use crate::url;

use crate::env::Environment;
use crate::error::Error;
use crate::secret::ApiKey;
use crate::trace::Trace;
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
    /// The host that `Location` names, where it is one (RFC 3986 section 3.2.2), in lower case.
    pub redirect_host: Option<String>,
}

impl Reply {
    /// What the rest of the program gets to see: the values of headers do not quote the key. The body still may.
    fn new(message: http::Message, key: &ApiKey) -> Self {
        let content_type = message.content_type.as_deref().map(http::media_type);
        let retry_after = message.retry_after.as_deref();
        let location = message.location.as_deref();
        Self {
            status: message.status,
            body: message.body,
            content_type: content_type.map(|kind| key.redacted(kind)),
            retry_after: retry_after
                .and_then(|value| http::retry_after(value, deadline::unix_time())),
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
