//! The HTTPS client: connects, through a proxy if need be, sends a request, reads the reply, and keeps the connection
//! for the next request. Whether a request may be sent again is the caller's decision.

use super::connect;
use super::deadline::{Budget, Clock, Deadline, StreamError};
use super::http::{self, Head, Reader, ReplyError};
use super::proxy::{self, Proxy};
use super::tls::{self, Received};
use super::{Failure, Pause, Processed, Reply, Request, Retry, Settings, Transport};
use crate::error::Error;
use crate::secret::ApiKey;
use crate::trace::Trace;
use crate::url::{DEFAULT_ROOT, Host, Root, Scheme};
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
        Scheme::Https => Some(tls::TlsConfig::load(
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

/// Something that carries bytes.
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
        let mut stream = match self.take_idle_connection() {
            Some(stream) => stream,
            None => self.connect(deadline)?,
        };
        self.trace.line(format_args!(
            "post {}, {} bytes",
            request.operation,
            request.body.len()
        ));
        let sent = stream.send(bytes.expose(), deadline);
        drop(bytes);
        let request_complete = sent.is_ok();
        let mut reader = Reader::reply();
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
                let place = format!("the proxy {} ({})", proxy.authority(), proxy.variable);
                let stream = self.connect_tcp(&proxy.host, proxy.port, &place, &place, deadline)?;
                self.tunnel(&stream, proxy, &place, deadline)?;
                stream
            }
        };
        let Some(context) = &self.tls else {
            return Ok(Stream::Plain(stream));
        };
        match tls::TlsStream::open(context, &self.root.host, stream, deadline) {
            Ok(session) => {
                self.trace.line(format_args!("{}", session.summary()));
                Ok(Stream::Tls(Box::new(session)))
            }
            Err(StreamError::Deadline) => Err(unsent(
                timed_out(format!(
                    "no TLS handshake with {} within {}",
                    self.host,
                    deadline.describe()
                )),
                false,
            )),
            Err(StreamError::Closed) => Err(unsent(self.handshake_cut(None), true)),
            Err(StreamError::Io(error)) => Err(unsent(self.handshake_cut(Some(&error)), true)),
            Err(StreamError::Tls(error)) => Err(unsent(error, false)),
        }
    }

    fn handshake_cut(&self, cause: Option<&io::Error>) -> Error {
        let error = Error::unavailable(format!(
            "{} closed the connection during the TLS handshake",
            self.host
        ));
        let error = match cause {
            Some(cause) => error.cause(&connect::describe(cause)),
            None => error,
        };
        error.hint(
            "if this goes on, something between may not let TLS through: check the proxy variables",
        )
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
        let addresses = connect::lookup(host, port, deadline).map_err(|error| match error {
            StreamError::Io(error) => unsent(
                Error::unavailable(format!("{name} could not be looked up"))
                    .cause(&connect::describe(&error))
                    .hint("check the name (--server-root-url, proxy variables) and this machine's DNS"),
                connect::is_transient(&error),
            ),
            _ => unsent(
                timed_out(format!("{name} was not found by DNS within {time}")),
                false,
            ),
        })?;
        let (stream, address) =
            connect::open(&addresses, deadline).map_err(|error| match error {
                StreamError::Io(error) => unsent(
                    Error::unavailable(format!("{authority} could not be reached"))
                        .cause(&connect::describe(&error))
                        .hint("check --server-root-url, the proxy variables and the network"),
                    true,
                ),
                _ => unsent(
                    timed_out(format!("no connection to {authority} within {time}")),
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
            .map_err(ExchangeError::Stream)
            .and_then(|()| read_tunnel_reply(stream, deadline));
        let (error, transient) = match answer {
            Ok(200..300) => {
                self.trace
                    .line(format_args!("tunnel through {}", proxy.authority()));
                return Ok(());
            }
            Ok(status) => (
                proxy_refused(proxy, place, &target, status),
                matches!(status, 502..=504),
            ),
            Err(
                ExchangeError::Reply(ReplyError::Cut) | ExchangeError::Stream(StreamError::Closed),
            ) => (
                Error::unavailable(format!("{place} closed the connection without an answer")),
                true,
            ),
            Err(ExchangeError::Reply(error)) => (
                Error::unavailable(format!("the reply of {place} is not usable"))
                    .cause(error.describe()),
                false,
            ),
            Err(ExchangeError::Stream(StreamError::Deadline)) => (
                timed_out(format!(
                    "no answer from {place} within {}",
                    deadline.describe()
                )),
                false,
            ),
            Err(ExchangeError::Stream(StreamError::Io(error))) => (
                Error::unavailable(format!("the connection to {place} was lost"))
                    .cause(&connect::describe(&error)),
                true,
            ),
            Err(ExchangeError::Stream(StreamError::Tls(error))) => (error, false),
        };
        Err(unsent(error, transient))
    }

    fn send_failed(&self, stop: StreamError, deadline: &Deadline) -> Failure {
        let host = &self.host;
        match stop {
            StreamError::Deadline => unsent(
                timed_out(format!(
                    "{host} did not take the request within {}",
                    deadline.describe()
                )),
                false,
            ),
            StreamError::Io(error) => unsent(
                Error::unavailable(format!(
                    "the connection to {host} was lost while the request was sent"
                ))
                .cause(&connect::describe(&error)),
                true,
            ),
            StreamError::Closed => unsent(
                Error::unavailable(format!(
                    "the connection to {host} was lost while the request was sent"
                )),
                true,
            ),
            StreamError::Tls(error) => unsent(error, false),
        }
    }

    fn reply_failed(&self, failure: ExchangeError, started: bool, deadline: &Deadline) -> Failure {
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
        let (error, transient) = match failure {
            ExchangeError::Stream(StreamError::Deadline) => {
                let error = Error::try_again(format!(
                    "no answer from {host} within {}",
                    deadline.describe()
                ));
                (
                    error.hint("try again later, or allow more time with --timeout"),
                    false,
                )
            }
            ExchangeError::Stream(StreamError::Io(error)) => {
                (cut().cause(&connect::describe(&error)), true)
            }
            ExchangeError::Stream(StreamError::Closed)
            | ExchangeError::Reply(ReplyError::Cut | ReplyError::CutWithoutLength) => (cut(), true),
            ExchangeError::Stream(StreamError::Tls(error)) => (error, false),
            ExchangeError::Reply(error) => {
                let error = Error::unavailable(format!("the reply of {host} is not usable"))
                    .cause(error.describe())
                    .hint("this may not be the service: check --server-root-url and the proxy variables");
                (error, false)
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

fn timed_out(message: String) -> Error {
    Error::unavailable(message)
        .hint("check the network and the proxy variables, or allow more time with --timeout")
}

fn proxy_refused(proxy: &Proxy, place: &str, target: &str, status: u16) -> Error {
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
enum ExchangeError {
    Stream(StreamError),
    Reply(ReplyError),
}

/// The status of the reply to CONNECT.
fn read_tunnel_reply(stream: &TcpStream, deadline: &Deadline) -> Result<u16, ExchangeError> {
    let mut reader = Reader::tunnel();
    let mut buffer = [0; 4096];
    loop {
        let count = connect::read(stream, &mut buffer, deadline).map_err(ExchangeError::Stream)?;
        let bytes = buffer.get(..count).unwrap_or(&[]);
        if bytes.is_empty() {
            return Err(ExchangeError::Reply(ReplyError::Cut));
        }
        match reader.feed(bytes) {
            Ok(false) => {}
            Ok(true) => break,
            // A refusal may come with a page, of which nothing is needed.
            Err(ReplyError::MoreThanPromised) if !reader.is_success() => break,
            Err(error) => return Err(ExchangeError::Reply(error)),
        }
    }
    Ok(reader.into_message().status)
}

fn read_reply(
    stream: &mut Stream,
    reader: &mut Reader,
    deadline: &Deadline,
) -> Result<(), ExchangeError> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream
            .receive(&mut buffer, deadline)
            .map_err(ExchangeError::Stream)?
        {
            Received::End { clean } => return reader.end(clean).map_err(ExchangeError::Reply),
            Received::Data(count) => {
                let bytes = buffer.get(..count).unwrap_or(&[]);
                if reader.feed(bytes).map_err(ExchangeError::Reply)? {
                    return Ok(());
                }
            }
        }
    }
}
