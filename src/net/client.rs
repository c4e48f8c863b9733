//! Owns one conversation with the service: connect, through a proxy if need be, send, read, and keep the connection.
//! Must not know GraphQL, nor which request may be sent twice: it says exactly what happened, and the caller decides.

use super::connect;
use super::deadline::{Budget, Clock, Deadline, Stop};
use super::http::{self, Head, Reader, ReplyError};
use super::proxy::{self, Proxy};
use super::tls::{self, Received};
use super::url::{DEFAULT_ROOT, Root, Scheme};
use super::{Failure, Pause, Processed, Reply, Request, Retry, Settings, Transport};
use crate::error::Error;
use crate::secret::ApiKey;
use crate::trace::Trace;
use std::io;
use std::net::TcpStream;
use std::time::Duration;

/// What a read can bring at once: one TLS record (RFC 8446 section 5.1).
const BUFFER: usize = 16 * 1024;

/// Checks what can be checked without the network: the URL, the proxy variables, and the CA files.
///
/// # Errors
/// [`ErrorKind::Config`], or [`ErrorKind::Unreadable`] for a CA file.
pub fn open(settings: Settings<'_>) -> Result<Client<'_>, Error> {
    let root = Root::parse(settings.root.unwrap_or(DEFAULT_ROOT))?;
    let proxy = proxy::choose(&root, settings.env)?;
    let tls = match root.scheme {
        Scheme::Https => Some(tls::Context::load(
            &root.host,
            settings.ca_file.as_deref(),
            settings.env,
            settings.timeout,
        )?),
        Scheme::Http => None,
    };
    Ok(Client {
        host: root.host.bracketed(),
        host_header: root.host_header(),
        root,
        key: settings.key,
        proxy,
        tls,
        budget: Budget::new(settings.timeout, Clock::SYSTEM),
        trace: settings.trace,
        wire: None,
    })
}

/// The network, as a [`Transport`]. One connection at a time, kept from one request to the next.
pub struct Client<'a> {
    root: Root,
    /// For messages.
    host: String,
    host_header: String,
    key: &'a ApiKey,
    proxy: Option<Proxy>,
    tls: Option<tls::Context>,
    budget: Budget,
    trace: Trace,
    /// A connection on which the last reply ended where it should.
    wire: Option<Wire>,
}

/// Something that carries bytes.
enum Wire {
    Plain(TcpStream),
    Tls(Box<tls::Session>),
}

impl Wire {
    fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Stop> {
        match self {
            Self::Plain(stream) => connect::write(stream, bytes, deadline),
            Self::Tls(session) => session.send(bytes, deadline),
        }
    }

    fn receive(&mut self, buffer: &mut [u8], deadline: &Deadline) -> Result<Received, Stop> {
        match self {
            Self::Plain(stream) => match connect::read(stream, buffer, deadline)? {
                // Without TLS nothing tells an end from a cut but the socket itself.
                0 => Ok(Received::End { clean: true }),
                count => Ok(Received::Data(count)),
            },
            Self::Tls(session) => session.receive(buffer, deadline),
        }
    }

    /// Whether it is open, and nothing that could be taken for a reply came since the last one.
    fn is_idle(&mut self) -> bool {
        match self {
            Self::Plain(stream) => connect::is_silent(stream),
            Self::Tls(session) => session.is_idle(),
        }
    }
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

impl Client<'_> {
    fn exchange(&mut self, request: &Request<'_>, deadline: &Deadline) -> Result<Reply, Failure> {
        if !request.team.is_none_or(http::is_header_word) {
            return Err(Failure::refused(Error::usage(
                "the team's UID holds characters that no UID has",
            )));
        }
        let head = Head {
            host: &self.host_header,
            prefix: &self.root.prefix,
            operation: request.operation,
            key: self.key,
            team: request.team,
        };
        let bytes = http::request(&head, request.body);
        let mut wire = match self.kept() {
            Some(wire) => wire,
            None => self.connect(deadline)?,
        };
        self.trace.line(format_args!(
            "post {}, {} bytes",
            request.operation,
            request.body.len()
        ));
        let sent = wire.send(bytes.expose(), deadline);
        drop(bytes);
        let request_complete = sent.is_ok();
        let mut reader = Reader::reply();
        // A server may reject a request before reading all of it (RFC 9112 section 9.5): its reply says why.
        match (sent, read_reply(&mut wire, &mut reader, deadline)) {
            (_, Ok(())) => {}
            (Ok(()), Err(broken)) => {
                return Err(self.reply_failed(broken, reader.started(), deadline));
            }
            (Err(stop), Err(_)) => return Err(self.send_failed(stop, deadline)),
        }
        let message = reader.into_message();
        self.trace.line(format_args!(
            "status {}, {} bytes",
            message.status,
            message.body.len()
        ));
        if message.reusable && request_complete {
            self.wire = Some(wire);
        }
        Ok(Reply::new(message, request_complete, self.key))
    }

    /// The connection of the last request, if it can carry another.
    fn kept(&mut self) -> Option<Wire> {
        let mut wire = self.wire.take()?;
        if wire.is_idle() {
            return Some(wire);
        }
        self.trace.line(format_args!(
            "the connection is not used again: it was closed, or more came after the reply"
        ));
        None
    }

    /// A new connection, ready for a request.
    fn connect(&self, deadline: &Deadline) -> Result<Wire, Failure> {
        let stream = match &self.proxy {
            None => {
                let place = format!("{}:{}", self.host, self.root.port);
                self.reach(
                    &self.root.host,
                    self.root.port,
                    &self.host,
                    &place,
                    deadline,
                )?
            }
            Some(proxy) => {
                let place = format!("the proxy {} ({})", proxy.place(), proxy.variable);
                let stream = self.reach(&proxy.host, proxy.port, &place, &place, deadline)?;
                self.tunnel(&stream, proxy, &place, deadline)?;
                stream
            }
        };
        let Some(context) = &self.tls else {
            return Ok(Wire::Plain(stream));
        };
        match tls::Session::open(context, &self.root.host, stream, deadline) {
            Ok(session) => {
                self.trace.line(format_args!("{}", session.summary()));
                Ok(Wire::Tls(Box::new(session)))
            }
            Err(Stop::Deadline) => Err(unsent(
                late(format!(
                    "no TLS handshake with {} within {}",
                    self.host,
                    deadline.words()
                )),
                false,
            )),
            Err(Stop::Closed) => Err(unsent(self.handshake_cut(None), true)),
            Err(Stop::Io(error)) => Err(unsent(self.handshake_cut(Some(&error)), true)),
            Err(Stop::Untrusted(words)) => Err(unsent(words, false)),
        }
    }

    fn handshake_cut(&self, error: Option<&io::Error>) -> Error {
        let words = Error::unavailable(format!(
            "{} closed the connection during the TLS handshake",
            self.host
        ));
        let words = match error {
            Some(error) => words.cause(&connect::words(error)),
            None => words,
        };
        words.hint(
            "if this goes on, something between may not let TLS through: check the proxy variables",
        )
    }

    /// A TCP connection. `who` and `place` name the peer in messages, without and with its port.
    fn reach(
        &self,
        host: &super::url::Host,
        port: u16,
        who: &str,
        place: &str,
        deadline: &Deadline,
    ) -> Result<TcpStream, Failure> {
        let addresses = connect::lookup(host, port, deadline).map_err(|stop| match stop {
            Stop::Io(error) => {
                let words = Error::unavailable(format!("{who} could not be looked up"))
                    .cause(&connect::words(&error))
                    .hint("check the name (--server-root-url, proxy variables) and this machine's DNS");
                unsent(words, connect::is_passing(&error))
            }
            _ => unsent(late(format!("{who} was not found by DNS within {}", deadline.words())), false),
        })?;
        let (stream, address) = connect::open(&addresses, deadline).map_err(|stop| match stop {
            Stop::Io(error) => {
                let words = Error::unavailable(format!("{place} could not be reached"))
                    .cause(&connect::words(&error))
                    .hint("check --server-root-url, the proxy variables and the network");
                unsent(words, true)
            }
            _ => unsent(
                late(format!(
                    "no connection to {place} within {}",
                    deadline.words()
                )),
                false,
            ),
        })?;
        self.trace.line(format_args!("connected to {address}"));
        Ok(stream)
    }

    /// Has the proxy connect to the server (RFC 9110 section 9.3.6).
    fn tunnel(
        &self,
        stream: &TcpStream,
        proxy: &Proxy,
        place: &str,
        deadline: &Deadline,
    ) -> Result<(), Failure> {
        let target = format!("{}:{}", self.host, self.root.port);
        let request = http::connect(&target, proxy.credentials.as_ref());
        let answer = connect::write(stream, request.expose(), deadline)
            .map_err(Broken::Stop)
            .and_then(|()| read_tunnel_reply(stream, deadline));
        let (words, transient) = match answer {
            Ok(200..300) => {
                self.trace
                    .line(format_args!("tunnel through {}", proxy.place()));
                return Ok(());
            }
            Ok(status) => (
                refusal(proxy, place, &target, status),
                matches!(status, 502..=504),
            ),
            Err(Broken::Reply(ReplyError::Cut) | Broken::Stop(Stop::Closed)) => (
                Error::unavailable(format!("{place} closed the connection without an answer")),
                true,
            ),
            Err(Broken::Reply(error)) => (
                Error::unavailable(format!("the reply of {place} is not usable"))
                    .cause(error.describe()),
                false,
            ),
            Err(Broken::Stop(Stop::Deadline)) => (
                late(format!(
                    "no answer from {place} within {}",
                    deadline.words()
                )),
                false,
            ),
            Err(Broken::Stop(Stop::Io(error))) => (
                Error::unavailable(format!("the connection to {place} was lost"))
                    .cause(&connect::words(&error)),
                true,
            ),
            Err(Broken::Stop(Stop::Untrusted(words))) => (words, false),
        };
        Err(unsent(words, transient))
    }

    fn send_failed(&self, stop: Stop, deadline: &Deadline) -> Failure {
        let host = &self.host;
        match stop {
            Stop::Deadline => unsent(
                late(format!(
                    "{host} did not take the request within {}",
                    deadline.words()
                )),
                false,
            ),
            Stop::Io(error) => unsent(
                Error::unavailable(format!(
                    "the connection to {host} was lost while the request was sent"
                ))
                .cause(&connect::words(&error)),
                true,
            ),
            Stop::Closed => unsent(
                Error::unavailable(format!(
                    "the connection to {host} was lost while the request was sent"
                )),
                true,
            ),
            Stop::Untrusted(words) => unsent(words, false),
        }
    }

    fn reply_failed(&self, broken: Broken, started: bool, deadline: &Deadline) -> Failure {
        let host = &self.host;
        let cut = || {
            if started {
                Error::unavailable(format!(
                    "the connection to {host} was cut before its answer was complete"
                ))
            } else {
                Error::unavailable(format!("{host} closed the connection without an answer"))
            }
        };
        let (error, transient) = match broken {
            Broken::Stop(Stop::Deadline) => {
                let words = Error::unavailable(format!(
                    "no answer from {host} within {}",
                    deadline.words()
                ));
                (
                    words.hint("try again later, or allow more time with --timeout"),
                    false,
                )
            }
            Broken::Stop(Stop::Io(error)) => (cut().cause(&connect::words(&error)), true),
            Broken::Stop(Stop::Closed)
            | Broken::Reply(ReplyError::Cut | ReplyError::CutWithoutLength) => (cut(), true),
            Broken::Stop(Stop::Untrusted(words)) => (words, false),
            Broken::Reply(error) => {
                let words = Error::unavailable(format!("the reply of {host} is not usable"))
                    .cause(error.describe())
                    .hint("this may not be the service: check --server-root-url and the proxy variables");
                (words, false)
            }
        };
        Failure {
            error,
            processed: Processed::Maybe,
            retry: Retry::backoff_if(transient),
        }
    }
}

/// A failure before the request was written to its end.
fn unsent(error: Error, transient: bool) -> Failure {
    Failure {
        error,
        processed: Processed::No,
        retry: Retry::backoff_if(transient),
    }
}

fn late(message: String) -> Error {
    Error::unavailable(message)
        .hint("check the network and the proxy variables, or allow more time with --timeout")
}

fn refusal(proxy: &Proxy, place: &str, target: &str, status: u16) -> Error {
    let variable = proxy.variable;
    // 401 is a server's status, and what tinyproxy says to credentials it does not know.
    if !matches!(status, 401 | 407) {
        return Error::unavailable(format!(
            "{place} did not connect to {target}: status {status}"
        ))
        .hint("ask for access there, or name hosts that need no proxy in NO_PROXY");
    }
    if proxy.credentials.is_some() {
        return Error::unavailable(format!(
            "{place} did not accept the credentials: status {status}"
        ))
        .hint(format!("check the user name and password in {variable}"));
    }
    Error::unavailable(format!("{place} demands credentials: status {status}")).hint(format!(
        "put them into {variable}: http://USER:PASSWORD@HOST:PORT"
    ))
}

/// Why no reply came.
enum Broken {
    Stop(Stop),
    Reply(ReplyError),
}

/// The status of the reply to CONNECT.
fn read_tunnel_reply(stream: &TcpStream, deadline: &Deadline) -> Result<u16, Broken> {
    let mut reader = Reader::tunnel();
    let mut buffer = [0; 4096];
    loop {
        let count = connect::read(stream, &mut buffer, deadline).map_err(Broken::Stop)?;
        let bytes = buffer.get(..count).unwrap_or(&[]);
        if bytes.is_empty() {
            return Err(Broken::Reply(ReplyError::Cut));
        }
        match reader.feed(bytes) {
            Ok(false) => {}
            Ok(true) => break,
            // A refusal may come with a page, of which nothing is needed.
            Err(ReplyError::MoreThanPromised) if !reader.is_success() => break,
            Err(error) => return Err(Broken::Reply(error)),
        }
    }
    Ok(reader.into_message().status)
}

fn read_reply(wire: &mut Wire, reader: &mut Reader, deadline: &Deadline) -> Result<(), Broken> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match wire.receive(&mut buffer, deadline).map_err(Broken::Stop)? {
            Received::End { clean } => return reader.end(clean).map_err(Broken::Reply),
            Received::Data(count) => {
                let bytes = buffer.get(..count).unwrap_or(&[]);
                if reader.feed(bytes).map_err(Broken::Reply)? {
                    return Ok(());
                }
            }
        }
    }
}
