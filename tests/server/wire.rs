//! Connections of the local server: TLS, and the pump between a client and the HTTP library, where answers are changed.

use super::State;
use super::behaviour::{Behaviour, End, Point};
use super::http;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The record of RFC 8446 section 6 for `handshake_failure`, level fatal.
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// Room between the HTTP library and the pump, in bytes.
const PIPE: usize = 64 * 1024;

/// The log line after unsolicited bytes were sent.
pub const UNSOLICITED: &str = "sent unsolicited bytes";

/// How long the server reads on after it has ended a connection, so that unread bytes do not turn FIN into RST.
const LINGER: Duration = Duration::from_millis(100);

/// Accepts until the runtime is dropped.
pub async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            continue;
        };
        let _ = tcp.set_nodelay(true);
        let id = state.connection_opened();
        let task = tokio::spawn(connection(tcp, tls.clone(), Arc::clone(&state), id));
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            if let Err(error) = task.await
                && error.is_panic()
            {
                state.fault(format!("connection {id}: a handler panicked"));
            }
        });
    }
}

/// A byte stream that gives access to its TCP connection.
trait Channel: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&mut self) -> &mut TcpStream;
}

impl Channel for TcpStream {
    fn tcp(&mut self) -> &mut TcpStream {
        self
    }
}

impl Channel for TlsStream<TcpStream> {
    fn tcp(&mut self) -> &mut TcpStream {
        self.get_mut().0
    }
}

async fn connection(tcp: TcpStream, tls: Option<TlsAcceptor>, state: Arc<State>, id: usize) {
    let behaviour = state.script().for_connection();
    match &behaviour {
        Some(Behaviour::Vanish(Point::Accepted, end)) => return finish(tcp, *end).await,
        Some(Behaviour::RefuseHandshake) => return answer_hello(tcp, &HANDSHAKE_FAILURE).await,
        Some(Behaviour::GarbageHandshake(bytes)) => return answer_hello(tcp, bytes).await,
        _ => {}
    }
    match tls {
        None => after_handshake(tcp, behaviour, state, id).await,
        Some(acceptor) => match acceptor.accept(tcp).await {
            Ok(stream) => {
                let kind = stream.get_ref().1.handshake_kind();
                state.handshake_done(kind.expect("a handshake"));
                after_handshake(stream, behaviour, state, id).await;
            }
            Err(error) => state.log(format!("connection {id}: no handshake: {error}")),
        },
    }
}

async fn answer_hello(mut tcp: TcpStream, bytes: &[u8]) {
    let mut hello = [0; 4096];
    let _ = tcp.read(&mut hello).await;
    let _ = tcp.write_all(bytes).await;
    finish(tcp, End::Orderly).await;
}

async fn after_handshake(
    client: impl Channel,
    behaviour: Option<Behaviour>,
    state: Arc<State>,
    id: usize,
) {
    match behaviour {
        Some(Behaviour::Vanish(_, end)) => finish(client, end).await,
        _ => converse(client, state, id).await,
    }
}

/// Serves the requests of one connection.
async fn converse(client: impl Channel, state: Arc<State>, id: usize) {
    let bend = Arc::new(Bend::default());
    let (near, far) = tokio::io::duplex(PIPE);
    let log = Arc::clone(&state);
    let served = {
        let bend = Arc::clone(&bend);
        service_fn(move |request| http::serve(Arc::clone(&state), Arc::clone(&bend), id, request))
    };
    let library = async move {
        // The only errors are clients that closed the connection.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(far), served)
            .await;
    };
    let pumped = pump(client, near, &bend, &log);
    let ((), ()) = tokio::join!(library, pumped);
}

/// Carries bytes both ways until an answer ends the connection or the HTTP library is done.
async fn pump(client: impl Channel, library: tokio::io::DuplexStream, bend: &Bend, state: &State) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_library, mut to_library) = tokio::io::split(library);
    let inbound = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_library).await;
        let _ = to_library.shutdown().await;
        std::future::pending::<()>().await;
    };
    let end = tokio::select! {
        () = inbound => End::Orderly,
        end = outbound(&mut from_library, &mut to_client, bend, state) => end,
    };
    drop((from_library, to_library));
    finish(from_client.unsplit(to_client), end).await;
}

/// How the bytes of the next answer are changed.
#[derive(Clone, Default)]
pub enum Shape {
    #[default]
    Straight,
    /// In place of what the library writes.
    Instead(Vec<u8>, End),
    /// In place of what the library writes; then this pause, and more.
    Then(Vec<u8>, Duration, Vec<u8>, End),
    /// Ends after this many bytes.
    Cut(usize, End),
    /// One byte, this pause, and so on.
    Drip(Duration),
    /// Ends the connection after the answer, which has a body of this many bytes.
    Last(usize, End),
}

/// Where the HTTP service tells the pump what to do with its answer.
#[derive(Default)]
pub struct Bend(Mutex<Shape>);

impl Bend {
    pub fn set(&self, shape: Shape) {
        *self.0.lock().expect("no panic while it is held") = shape;
    }

    fn take(&self) -> Shape {
        std::mem::take(&mut self.0.lock().expect("no panic while it is held"))
    }
}

/// Carries answers to the client; returns how the connection is to end.
async fn outbound(
    library: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    bend: &Bend,
    state: &State,
) -> End {
    let mut buffer = vec![0; PIPE];
    loop {
        let bytes = match library.read(&mut buffer).await {
            Ok(0) | Err(_) => return End::Orderly,
            Ok(read) => &buffer[..read],
        };
        let sent = match bend.take() {
            Shape::Straight => write(client, bytes).await,
            Shape::Instead(bytes, end) => {
                let _ = write(client, &bytes).await;
                return end;
            }
            Shape::Then(bytes, pause, unasked, end) => {
                let _ = write(client, &bytes).await;
                tokio::time::sleep(pause).await;
                let _ = write(client, &unasked).await;
                state.log(UNSOLICITED.to_owned());
                return end;
            }
            Shape::Drip(pause) => {
                let sent = drip(client, bytes, pause).await;
                bend.set(Shape::Drip(pause));
                sent
            }
            Shape::Cut(left, end) => {
                let part = &bytes[..left.min(bytes.len())];
                let sent = write(client, part).await;
                if part.len() == left {
                    return end;
                }
                bend.set(Shape::Cut(left - part.len(), end));
                sent
            }
            Shape::Last(body, end) => {
                let mut answer = bytes.to_vec();
                while !is_whole(&answer, body) {
                    match library.read(&mut buffer).await {
                        Ok(0) | Err(_) => break,
                        Ok(read) => answer.extend_from_slice(&buffer[..read]),
                    }
                }
                let _ = write(client, &answer).await;
                return end;
            }
        };
        if sent.is_err() {
            return End::Truncated;
        }
    }
}

fn is_whole(answer: &[u8], body: usize) -> bool {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    head.is_some_and(|head| answer.len() >= head + 4 + body)
}

async fn write(client: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    client.write_all(bytes).await?;
    client.flush().await
}

async fn drip(
    client: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    pause: Duration,
) -> std::io::Result<()> {
    for byte in bytes {
        write(client, std::slice::from_ref(byte)).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// Ends a connection.
async fn finish(mut client: impl Channel, end: End) {
    match end {
        End::Orderly => {
            let _ = client.shutdown().await;
        }
        End::Truncated => {
            let _ = client.tcp().shutdown().await;
        }
        End::Reset => {
            let _ = client.tcp().set_zero_linger();
            return;
        }
        End::Silent => {
            let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
            return;
        }
    }
    let rest = async { tokio::io::copy(client.tcp(), &mut tokio::io::sink()).await };
    let _ = tokio::time::timeout(LINGER, rest).await;
}
