//! The transport over `minreq`, the published HTTP client: `make TRANSPORT=minreq`.
//!
//! The only file that names minreq; it names rustls too, to choose the provider and to understand its errors. Where
//! minreq 3.0.0 accepts more of a reply than it should, the reply is refused here.
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
use super::deadline::{Budget, Clock, Deadline, StreamError};
use super::http::{AGENT, MAX_BODY, MAX_HEADERS, MAX_STATUS_LINE, Message, is_header_word};
use super::proxy::{self, Proxy};
use super::{Failure, Processed, Reply, Request, Settings, Transport};
use super::{STILL_WAITING, cut, no_answer, not_looked_up, not_reached, unusable};
use crate::base64;
use crate::env::Environment;
use crate::error::{Error, describe};
use crate::file;
use crate::secret::ApiKey;
use crate::trace::Trace;
use crate::url::{DEFAULT_ROOT, Host, Root, Scheme};
use ::minreq::{Error as Fault, Proxy as Tunnel, Request as Sending, ResponseLazy};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The stack of the thread that makes a request, in bytes: what Rust gives a thread by itself.
const STACK: usize = 2 * 1024 * 1024;

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
        // minreq's own choice, aws-lc, takes 450 million instructions to start.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let place = match root.host {
        // Not `localhost`, so that no resolver sends the key elsewhere in the clear.
        Host::Name(_) if root.scheme == Scheme::Http => format!("127.0.0.1:{}", root.port),
        _ => root.host_header(),
    };
    let scheme = match root.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let mut budget = Budget::new(settings.timeout, Clock::SYSTEM);
    budget.notes = settings.notes;
    Ok(Client {
        url: format!("{scheme}://{place}{}/graphql/v2?op=", root.prefix),
        host: root.host.bracketed(),
        target: format!("{}:{}", root.host.bracketed(), root.port),
        key: settings.key,
        proxy,
        tunnel,
        budget,
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
        Err(error) => Err(file::unreadable(&path, "SSL_CERT_FILE", &error)),
    }
}

/// The network, as a [`Transport`]. Each request has a connection of its own.
pub struct Client<'a> {
    /// All but the operation.
    url: String,
    /// For messages.
    host: String,
    /// `host:port`, for messages.
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

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
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
            return Err(Failure::refused(no_answer(&self.host, deadline)));
        };
        let sending = self.sending(request, left)?;
        self.trace.line(format_args!(
            "post {}, {} bytes",
            request.operation,
            request.body.len()
        ));
        deadline.begin_step(&[STILL_WAITING, &self.host]);
        // On a thread of its own, because minreq waits for a proxy's answer without a limit. When the deadline has
        // passed, no time is left for another request either, and the run ends.
        let message = match deadline.run(STACK, move || fetch(sending)) {
            Ok(Ok(message)) => message,
            Ok(Err(failure)) => return Err(self.failed(failure, deadline)),
            Err(StreamError::Io(error)) => {
                let error = Error::unavailable("no thread could be started").system_cause(&error);
                return Err(Failure::refused(error));
            }
            Err(_) => {
                let error = no_answer(&self.host, deadline);
                return Err(Failure::new(error, Processed::Maybe, false));
            }
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
            // It would send `Authorization` along.
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
            .with_body(request.body.as_slice());
        if let Some(team) = request.team {
            sending = sending.with_header("X-Warp-Team-Uid", team);
        }
        if let Some(tunnel) = &self.tunnel {
            sending = sending.with_proxy(tunnel.clone());
        }
        Ok(sending)
    }

    /// [`Processed::Maybe`] unless it is known that the request was not sent.
    fn failed(&self, error: ExchangeError, deadline: &Deadline) -> Failure {
        use Processed::Maybe;
        let host = &self.host;
        match error {
            ExchangeError::Fault(Fault::IoError(error)) => self.io_failed(&error, deadline),
            ExchangeError::Fault(fault) => self.fault(&fault),
            ExchangeError::Cut(error) if error.kind() == ErrorKind::TimedOut => {
                Failure::new(no_answer(host, deadline), Maybe, false)
            }
            ExchangeError::Cut(error) => Failure::new(cut(host).system_cause(&error), Maybe, true),
            ExchangeError::Short => Failure::new(cut(host), Maybe, true),
            ExchangeError::Unusable(what) => Failure::new(unusable(host, what), Maybe, false),
        }
    }

    fn fault(&self, fault: &Fault) -> Failure {
        let host = &self.host;
        let error = match (fault, &self.proxy) {
            // Trust is read before a connection is made.
            (Fault::RustlsCreateConnection(error), _) => Error::config(
                "no certificate authority is trusted on this machine",
            )
            .cause(&error.to_string())
            .hint(
                "name a file of certificates in PEM in SSL_CERT_FILE; this build has none built in",
            ),
            (Fault::InvalidProxyCreds, Some(proxy)) => Error::unavailable(format!(
                "{} did not accept the credentials",
                proxy.describe()
            ))
            .hint(format!(
                "put them into {}: http://USER:PASSWORD@HOST:PORT",
                proxy.variable
            )),
            (Fault::BadProxy | Fault::ProxyConnect, Some(proxy)) => Error::unavailable(format!(
                "{} did not connect to {}",
                proxy.describe(),
                self.target
            ))
            .hint("ask for access there, or name hosts that need no proxy in NO_PROXY"),
            (Fault::AddressNotFound, _) => Error::unavailable(format!("{host} has no address")),
            (other, _) => {
                let error = unusable(host, &other.to_string());
                return Failure::new(error, Processed::Maybe, false);
            }
        };
        Failure::refused(error)
    }

    fn io_failed(&self, error: &io::Error, deadline: &Deadline) -> Failure {
        let host = &self.host;
        let cause = describe(error);
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match (tls, error.kind()) {
            // The server's certificate comes before any request.
            (Some(error @ rustls::Error::InvalidCertificate(_)), _) => Failure::refused(
                Error::unavailable(format!("the certificate of {host} is not trusted"))
                    .cause(&error.to_string())
                    .hint("name the authority's certificate in SSL_CERT_FILE, and check --server-root-url"),
            ),
            (Some(error), _) => {
                let error = Error::unavailable(format!("the TLS connection to {host} failed"))
                    .cause(&error.to_string());
                Failure::new(error, Processed::Maybe, false)
            }
            // Only an attempt to connect is refused.
            (None, ErrorKind::ConnectionRefused) => {
                let proxy = self.proxy.as_ref().map(Proxy::describe);
                let place = proxy.as_ref().unwrap_or(&self.target);
                Failure::new(not_reached(place).cause(&cause), Processed::No, true)
            }
            (None, ErrorKind::TimedOut) => {
                Failure::new(no_answer(host, deadline), Processed::Maybe, false)
            }
            _ if cause.starts_with("failed to lookup address") => {
                let may_pass = connect::is_transient(error);
                Failure::new(not_looked_up(host).cause(&cause), Processed::No, may_pass)
            }
            _ => {
                let error = lost(host).cause(&cause);
                Failure::new(error, Processed::Maybe, true)
            }
        }
    }
}

/// The connection ended before there was a reply.
fn lost(host: &str) -> Error {
    Error::unavailable(format!(
        "the connection to {host} was lost before an answer came"
    ))
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
            // The body of an error is not needed.
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
