//! The HTTPS client: connects, through a proxy if need be, sends a request, reads the reply, and keeps the connection
//! for the next request. Whether a request may be sent again is the caller's decision.

use super::connect;
use super::deadline::{Budget, Clock, Deadline, StreamError};
use super::http::{self, Reader, ReplyError};
use super::proxy::{self, Proxy};
use super::tls::{self, Received};
use super::{Failure, Processed, Reply, Request, Settings, Transport};
use super::{STILL_WAITING, cut, no_answer, not_looked_up, not_reached, unusable};
use crate::error::Error;
use crate::secret::ApiKey;
use crate::trace::Trace;
use crate::url::{DEFAULT_ROOT, Host, Root, Scheme};
use std::net::TcpStream;

/// What one read can bring, in bytes: most replies whole. It lies on the stack, and a larger one takes longer to clear.
const BUFFER: usize = 4096;

/// Checks what can be checked without the network: the URL, the proxy variables, and the CA files.
///
/// # Errors
/// [`ErrorKind::Config`], or [`ErrorKind::Unreadable`] for a CA file.
pub fn open(settings: Settings<'_>) -> Result<Client<'_>, Error> {
    let root = Root::parse(settings.root.unwrap_or(DEFAULT_ROOT))?;
    let proxy = proxy::choose(&root, settings.env)?;
    let tls = match root.scheme {
        Scheme::Https => Some(tls::TlsConfig::load(
            &root.host,
            settings.ca_file.as_deref(),
            settings.env,
            settings.timeout,
        )?),
        Scheme::Http => None,
    };
    let mut budget = Budget::new(settings.timeout, Clock::SYSTEM);
    budget.notes = settings.notes;
    Ok(Client {
        host: root.host.bracketed(),
        host_header: root.host_header(),
        root,
        key: settings.key,
        proxy,
        tls,
        budget,
        trace: settings.trace,
        idle_connection: None,
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
    tls: Option<tls::TlsConfig>,
    budget: Budget,
    trace: Trace,
    /// A connection on which the last reply ended where it should.
    idle_connection: Option<Stream>,
}

/// A connection, with or without TLS.
enum Stream {
    Plain(TcpStream),
    Tls(Box<tls::TlsStream>),
}

impl Stream {
    fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), StreamError> {
        match self {
            Self::Plain(stream) => connect::write(stream, bytes, deadline),
            Self::Tls(session) => session.send(bytes, deadline),
        }
    }

    fn receive(&mut self, buffer: &mut [u8], deadline: &Deadline) -> Result<Received, StreamError> {
        match self {
            Self::Plain(stream) => match connect::read(stream, buffer, deadline)? {
                // Plain TCP has no close_notify, so any end of the stream counts as a clean close.
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

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

impl Client<'_> {
    fn exchange(&mut self, request: &Request<'_>, deadline: &Deadline) -> Result<Reply, Failure> {
        if !request.team.is_none_or(http::is_header_word) {
            return Err(Failure::refused(Error::usage(
                "the team's UID holds characters that no UID has",
            )));
        }
        let bytes = http::request(&self.host_header, &self.root.prefix, self.key, request);
        let mut stream = match self.take_idle_connection() {
            Some(stream) => stream,
            None => self.connect(deadline)?,
        };
        self.trace.line(format_args!(
            "post {}, {} bytes",
            request.operation,
            request.body.len()
        ));
        deadline.begin_step(&["still sending the request to ", &self.host]);
        let sent = stream.send(bytes.expose(), deadline);
        drop(bytes);
        let request_complete = sent.is_ok();
        let mut reader = Reader::reply();
        deadline.begin_step(&[STILL_WAITING, &self.host]);
        // A server may reject a request before reading all of it (RFC 9112 section 9.5): its reply says why.
        match (sent, read_reply(&mut stream, &mut reader, deadline)) {
            (_, Ok(())) => {}
            (Ok(()), Err(failure)) => {
                return Err(self.reply_failed(failure, reader.started(), deadline));
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
            self.idle_connection = Some(stream);
        }
        Ok(Reply::new(message, request_complete, self.key))
    }

    /// The connection of the last request, if it can carry another.
    fn take_idle_connection(&mut self) -> Option<Stream> {
        let mut stream = self.idle_connection.take()?;
        if stream.is_idle() {
            return Some(stream);
        }
        self.trace.line(format_args!(
            "the connection is not used again: it was closed, or more came after the reply"
        ));
        None
    }

    /// A new connection, ready for a request.
    fn connect(&self, deadline: &Deadline) -> Result<Stream, Failure> {
        let stream = match &self.proxy {
            None => {
                let place = format!("{}:{}", self.host, self.root.port);
                self.connect_tcp(
                    &self.root.host,
                    self.root.port,
                    &self.host,
                    &place,
                    deadline,
                )?
            }
            Some(proxy) => {
                let place = proxy.describe();
                let stream = self.connect_tcp(&proxy.host, proxy.port, &place, &place, deadline)?;
                self.tunnel(&stream, proxy, &place, deadline)?;
                stream
            }
        };
        let Some(context) = &self.tls else {
            return Ok(Stream::Plain(stream));
        };
        deadline.begin_step(&["still in the TLS handshake with ", &self.host]);
        let session =
            tls::TlsStream::open(context, &self.root.host, stream, deadline).map_err(|error| {
                let late = format!(
                    "no TLS handshake with {} within {}",
                    self.host,
                    deadline.describe()
                );
                let lost = Error::unavailable(format!(
                    "{} closed the connection during the TLS handshake",
                    self.host
                ))
                .hint("if this goes on, something between may not let TLS through: check the proxy variables");
                stream_failed(error, timed_out(late), lost)
            })?;
        self.trace.line(format_args!("{}", session.summary()));
        Ok(Stream::Tls(Box::new(session)))
    }

    /// Opens a TCP connection. Messages name the peer as `name` without its port, and as `authority` with it.
    fn connect_tcp(
        &self,
        host: &Host,
        port: u16,
        name: &str,
        authority: &str,
        deadline: &Deadline,
    ) -> Result<TcpStream, Failure> {
        let time = deadline.describe();
        deadline.begin_step(&["still looking up ", name]);
        let addresses = connect::lookup(host, port, deadline).map_err(|error| {
            let may_pass = matches!(&error, StreamError::Io(error) if connect::is_transient(error));
            let late = timed_out(format!("{name} was not found by DNS within {time}"));
            let failure = stream_failed(error, late, not_looked_up(name));
            Failure::new(failure.error, Processed::No, may_pass)
        })?;
        deadline.begin_step(&["still connecting to ", authority]);
        let (stream, address) = connect::open(&addresses, deadline).map_err(|error| {
            let late = timed_out(format!("no connection to {authority} within {time}"));
            stream_failed(error, late, not_reached(authority))
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
        deadline.begin_step(&[STILL_WAITING, place]);
        let answer = connect::write(stream, request.expose(), deadline)
            .map_err(ExchangeError::Stream)
            .and_then(|()| read_tunnel_reply(stream, deadline));
        match answer {
            Ok(200..300) => {
                self.trace
                    .line(format_args!("tunnel through {}", proxy.authority()));
                Ok(())
            }
            Ok(status) => Err(Failure::new(
                proxy_refused(proxy, place, &target, status),
                Processed::No,
                matches!(status, 502..=504),
            )),
            Err(ExchangeError::Malformed(what)) => Err(Failure::refused(
                Error::unavailable(format!("the reply of {place} is not usable")).cause(what),
            )),
            Err(ExchangeError::Stream(error)) => {
                let time = deadline.describe();
                let late = timed_out(format!("no answer from {place} within {time}"));
                let lost = match error {
                    StreamError::Closed => {
                        format!("{place} closed the connection without an answer")
                    }
                    _ => format!("the connection to {place} was lost"),
                };
                Err(stream_failed(error, late, Error::unavailable(lost)))
            }
        }
    }

    fn send_failed(&self, error: StreamError, deadline: &Deadline) -> Failure {
        let host = &self.host;
        let time = deadline.describe();
        let late = timed_out(format!("{host} did not take the request within {time}"));
        let lost = Error::unavailable(format!(
            "the connection to {host} was lost while the request was sent"
        ));
        stream_failed(error, late, lost)
    }

    fn reply_failed(&self, error: ExchangeError, started: bool, deadline: &Deadline) -> Failure {
        let host = &self.host;
        let failure = match error {
            ExchangeError::Malformed(what) => Failure::refused(unusable(host, what)),
            ExchangeError::Stream(error) => {
                let lost = if started {
                    cut(host)
                } else {
                    Error::unavailable(format!("{host} closed the connection without an answer"))
                };
                stream_failed(error, no_answer(host, deadline), lost)
            }
        };
        Failure {
            processed: Processed::Maybe,
            ..failure
        }
    }
}

/// A failure before the request was written to its end: `late` where the deadline passed, `lost` where the connection
/// ended.
fn stream_failed(error: StreamError, late: Error, lost: Error) -> Failure {
    match error {
        StreamError::Deadline => Failure::refused(late),
        StreamError::Closed => Failure::new(lost, Processed::No, true),
        StreamError::Io(error) => {
            let lost = lost.system_cause(&error);
            Failure::new(lost, Processed::No, true)
        }
        StreamError::Tls(error) => Failure::refused(error),
    }
}

fn timed_out(message: String) -> Error {
    Error::unavailable(message)
        .hint("check the network and the proxy variables, or allow more time with --timeout")
}

fn proxy_refused(proxy: &Proxy, place: &str, target: &str, status: u16) -> Error {
    let variable = proxy.variable;
    // 401 is a server's status; tinyproxy sends it for unknown credentials.
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
enum ExchangeError {
    Stream(StreamError),
    /// It breaks this rule.
    Malformed(&'static str),
}

impl From<StreamError> for ExchangeError {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

impl From<ReplyError> for ExchangeError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Malformed(what) => Self::Malformed(what),
            ReplyError::Cut => Self::Stream(StreamError::Closed),
        }
    }
}

/// The status of the reply to CONNECT.
fn read_tunnel_reply(stream: &TcpStream, deadline: &Deadline) -> Result<u16, ExchangeError> {
    let mut reader = Reader::tunnel();
    let mut buffer = [0; BUFFER];
    loop {
        let count = connect::read(stream, &mut buffer, deadline)?;
        let bytes = buffer.get(..count).unwrap_or(&[]);
        if bytes.is_empty() {
            return Err(ReplyError::Cut.into());
        }
        match reader.feed(bytes) {
            Ok(false) => {}
            Ok(true) => break,
            // A refusal may come with a page, of which nothing is needed.
            Err(http::MORE_THAN_PROMISED) if !reader.is_success() => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(reader.into_message().status)
}

fn read_reply(
    stream: &mut Stream,
    reader: &mut Reader,
    deadline: &Deadline,
) -> Result<(), ExchangeError> {
    let mut buffer = [0; BUFFER];
    loop {
        match stream.receive(&mut buffer, deadline)? {
            Received::End { clean } => return Ok(reader.end(clean)?),
            Received::Data(count) => {
                if reader.feed(buffer.get(..count).unwrap_or(&[]))? {
                    return Ok(());
                }
            }
        }
    }
}
