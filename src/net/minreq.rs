//! The transport over `minreq`, the published HTTP client: `make TRANSPORT=minreq`.
//!
//! The only file that names minreq; it names rustls too, to choose the provider and to understand its errors. What
//! minreq 3.0.0 would do by itself, and what happens here instead:
//!
//! | minreq | here |
//! | --- | --- |
//! | follows redirects, and sends `Authorization` along | redirects are off; a 3xx is handed up as a reply |
//! | writes header values as they are, line ends included | the key is visible ASCII by its type; the team's UID is checked |
//! | reads a body of any length | read lazily, up to [`MAX_BODY`] |
//! | takes a body shorter than its `Content-Length` for the whole | counted, and refused |
//! | takes the last of several lengths; decodes nothing but `chunked` | two lengths, a length beside an encoding, another encoding: refused |
//! | calls a reply without a status line a 503, which would be tried again | refused: an answer that was lost |
//! | takes an interim reply (1xx) for the answer | refused: what follows it cannot be read |
//! | has aws-lc as the TLS provider, 450 million instructions to start | ring is the process's default before the first use, and aws-lc is not linked |
//! | looks for proxies in some variables, and never in `NO_PROXY` | the proxy is chosen by [`proxy::choose`]; where that says none and minreq would find one, the run is refused |
//! | `MINREQ_TIMEOUT`, whole seconds, per request; none for the proxy's answer | what is left of the budget, to the millisecond |
//! | looks `localhost` up | `http://localhost` is `127.0.0.1`: no resolver gets to send the key elsewhere in the clear |
//!
//! What it cannot do is refused with exit code 78: a `--ca-file` beside the roots it finds (`SSL_CERT_FILE`,
//! `SSL_CERT_DIR`, or else the system's bundle; none are built in), IPv6 addresses as hosts, and proxies with an IPv6
//! address or a password that is not UTF-8.
//!
//! What remains: each request has a connection and a handshake of its own; the `Authorization` header is in
//! memory that is not wiped; the protocol name of a status line is not looked at; a chunked body that ends early, with
//! the connection closed in good order, is noticed only because it is no whole JSON document; and a header line that
//! ends in a bare LF on the last byte allowed switches the cap on headers off, so that the budget alone bounds them.

use super::connect;
use super::deadline::{Budget, Clock, Deadline};
use super::http::{MAX_BODY, MAX_HEADERS, MAX_STATUS_LINE, Message, is_header_word};
use super::proxy::{self, Proxy};
use super::{Failure, Pause, Processed, Reply, Request, Retry, Settings, Transport};
use crate::base64;
use crate::env::Environment;
use crate::error::Error;
use crate::secret::ApiKey;
use crate::trace::Trace;
use crate::url::{DEFAULT_ROOT, Host, Root, Scheme};
use ::minreq::{Error as Fault, Proxy as Tunnel, Request as Sending, ResponseLazy};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

const AGENT: &str = concat!("oz/", env!("CARGO_PKG_VERSION"));

/// What minreq answers with, beside status 503, where no status line came.
const NO_STATUS_LINE: &str = "Server did not provide a status line";

/// Checks what can be checked without the network.
///
/// # Errors
/// [`ErrorKind::Config`], also for what minreq cannot do; [`ErrorKind::Unreadable`] for `SSL_CERT_FILE`.
pub fn open(settings: Settings<'_>) -> Result<Client<'_>, Error> {
    let root = Root::parse(settings.root.unwrap_or(DEFAULT_ROOT))?;
    if settings.ca_file.is_some() {
        return Err(cannot(
            "--ca-file",
            "name the file in SSL_CERT_FILE, which replaces the system's bundle",
        ));
    }
    if matches!(root.host, Host::Ip(IpAddr::V6(_))) {
        return Err(cannot(
            "a server root URL with an IPv6 address",
            "use a name or an IPv4 address",
        ));
    }
    let proxy = proxy::choose(&root, settings.env)?;
    let tunnel = match &proxy {
        Some(proxy) => Some(tunnel(proxy)?),
        None => {
            refuse_other_proxies(&root, settings.env)?;
            None
        }
    };
    if root.scheme == Scheme::Https {
        check_trust(settings.env)?;
        // Fails where one is installed already, which can only be this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let place = match root.host {
        Host::Name(_) if root.scheme == Scheme::Http => format!("127.0.0.1:{}", root.port),
        _ => root.host_header(),
    };
    let scheme = match root.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    Ok(Client {
        url: format!("{scheme}://{place}{}/graphql/v2?op=", root.prefix),
        host: root.host.bracketed(),
        target: format!("{}:{}", root.host.bracketed(), root.port),
        key: settings.key,
        proxy,
        tunnel,
        budget: Budget::new(settings.timeout, Clock::SYSTEM),
        trace: settings.trace,
    })
}

/// Something that our own client does and minreq does not.
fn cannot(what: &str, hint: &str) -> Error {
    Error::config(format!(
        "{what} is not supported by this build, which uses minreq"
    ))
    .hint(format!("{hint}, or use the default build"))
}

fn tunnel(proxy: &Proxy) -> Result<Tunnel, Error> {
    let variable = proxy.variable;
    if matches!(proxy.host, Host::Ip(IpAddr::V6(_))) {
        return Err(cannot(
            &format!("{variable}: a proxy with an IPv6 address"),
            "use a name or an IPv4 address",
        ));
    }
    let mut login = String::new();
    if let Some(credentials) = &proxy.credentials {
        let plain = str::from_utf8(credentials.expose())
            .ok()
            .and_then(base64::decode);
        login = plain
            .and_then(|plain| String::from_utf8(plain).ok())
            .ok_or_else(|| {
                cannot(
                    &format!("{variable}: a password that is not UTF-8"),
                    "use another password",
                )
            })?;
        login.push('@');
    }
    Tunnel::new(format!("http://{login}{}", proxy.authority())).map_err(|_| {
        cannot(
            &format!("{variable}: a proxy of this form"),
            "use http://HOST:PORT",
        )
    })
}

/// Without a proxy of ours minreq looks for one itself, and cannot be told not to.
fn refuse_other_proxies(root: &Root, env: &Environment) -> Result<(), Error> {
    let variables: &[&str] = match root.scheme {
        Scheme::Https => &["https_proxy"],
        Scheme::Http => &["http_proxy", "all_proxy"],
    };
    for variable in variables {
        let value = env.raw(variable).and_then(|value| value.into_string().ok());
        if value.is_some_and(|value| Tunnel::new(value).is_ok()) {
            let what = format!("a direct connection while {variable} is set");
            return Err(cannot(&what, &format!("unset {variable}")));
        }
    }
    Ok(())
}

/// rustls-native-certs passes over what it cannot read.
fn check_trust(env: &Environment) -> Result<(), Error> {
    let Some(path) = env.filled("SSL_CERT_FILE").map(PathBuf::from) else {
        return Ok(());
    };
    match File::open(&path) {
        Ok(_) => Ok(()),
        Err(error) => {
            let path = path.to_string_lossy();
            Err(Error::unreadable(format!(
                "SSL_CERT_FILE {} cannot be read",
                crate::text::safe(&path)
            ))
            .cause(&connect::describe(&error)))
        }
    }
}

/// The network, as a [`Transport`]. Each request has a connection of its own.
pub struct Client<'a> {
    /// All but the operation.
    url: String,
    /// For messages.
    host: String,
    /// What a proxy is asked for, for messages.
    target: String,
    key: &'a ApiKey,
    proxy: Option<Proxy>,
    tunnel: Option<Tunnel>,
    budget: Budget,
    trace: Trace,
}

impl Transport for Client<'_> {
    fn post(&mut self, request: &Request<'_>) -> Result<Reply, Failure> {
        let deadline = self.budget.start();
        let result = self.exchange(request, &deadline);
        self.budget.spend(&deadline);
        result
    }

    fn pause(&mut self, pause: Pause) -> bool {
        self.budget.wait(pause, self.trace)
    }

    fn time_left(&self) -> Duration {
        self.budget.left()
    }

    fn set_time_left(&mut self, left: Duration) {
        self.budget.set_left(left);
    }
}

/// Why no reply came.
#[derive(Debug)]
enum ExchangeError {
    /// minreq gave up before it had the head of a reply.
    Fault(Fault),
    /// The head came, and not all of the body.
    Cut(io::Error),
    Short,
    /// A reply that breaks a rule.
    Unusable(&'static str),
}

impl Client<'_> {
    fn exchange(&mut self, request: &Request<'_>, deadline: &Deadline) -> Result<Reply, Failure> {
        let Ok(left) = deadline.left() else {
            return Err(self.timed_out(false, deadline));
        };
        let sending = self.sending(request, left)?;
        self.trace.line(format_args!(
            "post {}, {} bytes",
            request.operation,
            request.body.len()
        ));
        let (sender, receiver) = sync_channel(1);
        // A thread of its own, because minreq waits for a proxy's answer without a limit. Nobody listens to it any
        // more when the deadline has passed: then no time is left for another request either, and the run ends.
        let run = move || drop(sender.send(fetch(sending)));
        if let Err(error) = thread::Builder::new().spawn(run) {
            let error =
                Error::unavailable("no thread could be started").cause(&connect::describe(&error));
            return Err(failure(error, false, false));
        }
        let message = match receiver.recv_timeout(left) {
            Ok(Ok(message)) => message,
            Ok(Err(failure)) => return Err(self.failed(failure, deadline)),
            Err(RecvTimeoutError::Timeout) => return Err(self.timed_out(true, deadline)),
            Err(RecvTimeoutError::Disconnected) => return Err(self.lost(None)),
        };
        self.trace.line(format_args!(
            "status {}, {} bytes",
            message.status,
            message.body.len()
        ));
        Ok(Reply::new(message, true, self.key))
    }

    fn sending(&self, request: &Request<'_>, left: Duration) -> Result<Sending, Failure> {
        let refused = |what: &str| Failure::refused(Error::usage(what));
        if !request.team.is_none_or(is_header_word) {
            return Err(refused("the team's UID holds characters that no UID has"));
        }
        let Ok(key) = str::from_utf8(self.key.expose()) else {
            return Err(refused("the API key is not ASCII"));
        };
        let mut sending = ::minreq::post(format!("{}{}", self.url, request.operation))
            .with_follow_redirects(false)
            .with_max_status_line_length(MAX_STATUS_LINE)
            .with_max_headers_size(MAX_HEADERS)
            // Rounded up: the exact limit is kept by who waits for the thread.
            .with_timeout(left.as_secs().saturating_add(1))
            .with_header("User-Agent", AGENT)
            .with_header("Accept", "application/json")
            .with_header("Accept-Encoding", "identity")
            .with_header("Connection", "close")
            .with_header("Authorization", format!("Bearer {key}"))
            .with_header("Content-Type", "application/json")
            .with_body(request.body);
        if let Some(team) = request.team {
            sending = sending.with_header("X-Warp-Team-Uid", team);
        }
        if let Some(tunnel) = &self.tunnel {
            sending = sending.with_proxy(tunnel.clone());
        }
        Ok(sending)
    }

    /// `sent` where nothing tells that it was not: who asks then finds out what is true.
    fn failed(&self, error: ExchangeError, deadline: &Deadline) -> Failure {
        let host = &self.host;
        match error {
            ExchangeError::Fault(Fault::IoError(error)) => self.io_failed(&error, deadline),
            ExchangeError::Fault(fault) => self.fault(&fault),
            ExchangeError::Cut(error) if error.kind() == ErrorKind::TimedOut => {
                self.timed_out(true, deadline)
            }
            ExchangeError::Cut(error) => {
                let error = cut(host).cause(&connect::describe(&error));
                failure(error, true, true)
            }
            ExchangeError::Short => failure(cut(host), true, true),
            ExchangeError::Unusable(what) => failure(unusable(host, what), true, false),
        }
    }

    fn fault(&self, fault: &Fault) -> Failure {
        let host = &self.host;
        let error = match fault {
            // Trust is read before a connection is made.
            Fault::RustlsCreateConnection(error) => Error::config(
                "no certificate authority is trusted on this machine",
            )
            .cause(&error.to_string())
            .hint(
                "name a file of certificates in PEM in SSL_CERT_FILE; this build has none built in",
            ),
            Fault::BadProxy | Fault::ProxyConnect | Fault::InvalidProxyCreds => {
                self.proxy_refused(fault)
            }
            Fault::AddressNotFound => Error::unavailable(format!("{host} has no address")),
            other => return failure(unusable(host, &other.to_string()), true, false),
        };
        failure(error, false, false)
    }

    fn proxy_refused(&self, fault: &Fault) -> Error {
        let (place, variable) = match &self.proxy {
            Some(proxy) => (proxy.authority(), proxy.variable),
            None => (String::new(), ""),
        };
        match fault {
            Fault::InvalidProxyCreds => Error::unavailable(format!(
                "the proxy {place} ({variable}) did not accept the credentials"
            ))
            .hint(format!(
                "put them into {variable}: http://USER:PASSWORD@HOST:PORT"
            )),
            _ => Error::unavailable(format!(
                "the proxy {place} ({variable}) did not connect to {}",
                self.target
            ))
            .hint("ask for access there, or name hosts that need no proxy in NO_PROXY"),
        }
    }

    fn io_failed(&self, error: &io::Error, deadline: &Deadline) -> Failure {
        let host = &self.host;
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match (tls, error.kind()) {
            // The server's certificate comes before any request.
            (Some(error @ rustls::Error::InvalidCertificate(_)), _) => {
                let error = Error::unavailable(format!("the certificate of {host} is not trusted"))
                    .cause(&error.to_string())
                    .hint("name the authority's certificate in SSL_CERT_FILE, and check --server-root-url");
                failure(error, false, false)
            }
            (Some(error), _) => {
                let error = Error::unavailable(format!("the TLS connection to {host} failed"))
                    .cause(&error.to_string());
                failure(error, true, false)
            }
            // Only an attempt to connect is refused.
            (None, ErrorKind::ConnectionRefused) => {
                let place = self.proxy.as_ref().map_or(self.target.clone(), |proxy| {
                    format!("the proxy {} ({})", proxy.authority(), proxy.variable)
                });
                let failed = Error::unavailable(format!("{place} could not be reached"))
                    .cause(&connect::describe(error))
                    .hint("check --server-root-url, the proxy variables and the network");
                failure(failed, false, true)
            }
            (None, ErrorKind::TimedOut) => self.timed_out(true, deadline),
            _ if connect::describe(error).starts_with("failed to lookup address") => {
                let failed = Error::unavailable(format!("{host} could not be looked up"))
                    .cause(&connect::describe(error))
                    .hint("check the name (--server-root-url, proxy variables) and this machine's DNS");
                failure(failed, false, connect::is_transient(error))
            }
            _ => self.lost(Some(error)),
        }
    }

    /// The connection ended before there was a reply.
    fn lost(&self, cause: Option<&io::Error>) -> Failure {
        let error = Error::unavailable(format!(
            "the connection to {} was lost before an answer came",
            self.host
        ));
        let error = match cause {
            Some(cause) => error.cause(&connect::describe(cause)),
            None => error,
        };
        failure(error, true, true)
    }

    fn timed_out(&self, sent: bool, deadline: &Deadline) -> Failure {
        let error = Error::try_again(format!(
            "no answer from {} within {}",
            self.host,
            deadline.describe()
        ))
        .hint("try again later, or allow more time with --timeout");
        failure(error, sent, false)
    }
}

fn failure(error: Error, sent: bool, transient: bool) -> Failure {
    Failure {
        error,
        processed: if sent {
            Processed::Maybe
        } else {
            Processed::No
        },
        retry: Retry::backoff_if(transient),
    }
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

/// One request and its whole reply.
fn fetch(sending: Sending) -> Result<Message, ExchangeError> {
    let mut response = sending.send_lazy().map_err(ExchangeError::Fault)?;
    let status = response.status_code;
    if status == 503 && response.reason_phrase == NO_STATUS_LINE {
        return Err(ExchangeError::Short);
    }
    if status < 200 {
        return Err(ExchangeError::Unusable(
            "it is an interim reply, and minreq cannot read on",
        ));
    }
    let length = framing(&response)?;
    let mut body = Vec::new();
    if !matches!(status, 204 | 304) {
        let limit = u64::try_from(MAX_BODY)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        response
            .by_ref()
            .take(limit)
            .read_to_end(&mut body)
            .map_err(ExchangeError::Cut)?;
        if body.len() > MAX_BODY {
            return Err(ExchangeError::Unusable("its body is longer than 32 MiB"));
        }
        if length.is_some_and(|length| length != body.len()) {
            return Err(ExchangeError::Short);
        }
    }
    Ok(Message {
        status,
        body,
        content_type: header(&response, "content-type"),
        retry_after: header(&response, "retry-after"),
        location: header(&response, "location"),
        date: header(&response, "date"),
        reusable: false,
    })
}

/// The length that was promised, if one was. minreq parses heads more loosely than RFC 9112 section 6.3; ambiguous
/// framing is refused here.
fn framing(response: &ResponseLazy) -> Result<Option<usize>, ExchangeError> {
    let mut length = None;
    let mut encoded = false;
    for (name, value) in &response.headers {
        let value = value.trim();
        if name.trim() != name.as_str() {
            return Err(ExchangeError::Unusable("a header line is malformed"));
        }
        match name.as_str() {
            "content-length" => {
                let digits = value.bytes().all(|byte| byte.is_ascii_digit());
                let number = value.parse().ok().filter(|_| digits);
                if number.is_none() || length.is_some_and(|known| Some(known) != number) {
                    return Err(ExchangeError::Unusable("it has more than one length"));
                }
                length = number;
            }
            "transfer-encoding" if encoded || !value.eq_ignore_ascii_case("chunked") => {
                return Err(ExchangeError::Unusable(
                    "its Transfer-Encoding is not chunked",
                ));
            }
            "transfer-encoding" => encoded = true,
            // A body that nobody can read is no loss where the status says it all.
            "content-encoding"
                if (200..300).contains(&response.status_code)
                    && !value.is_empty()
                    && !value.eq_ignore_ascii_case("identity") =>
            {
                return Err(ExchangeError::Unusable(
                    "it is compressed, which was not asked for",
                ));
            }
            _ => {}
        }
    }
    if encoded && length.is_some() {
        return Err(ExchangeError::Unusable(
            "it has both Content-Length and Transfer-Encoding",
        ));
    }
    Ok(length)
}

fn header(response: &ResponseLazy, known: &str) -> Option<String> {
    let found = response.headers.iter().find(|(name, _)| name == known);
    found.map(|(_, value)| value.trim().to_owned())
}
