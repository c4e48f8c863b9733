//! Tests of the client against servers and proxies on loopback.

use super::client::Client;
use super::deadline::{Budget, Clock, StreamError};
use super::{Failure, Pause, Processed, Reply, Request, Retry, Settings, Transport, open};
use super::{connect, tls};
use crate::env::Environment;
use crate::error::Error;
use crate::message::Notes;
use crate::secret::ApiKey;
use crate::secret::SecretBytes;
use crate::trace::Trace;
use crate::url::Host;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A body of more bytes than the buffers of two sockets hold.
const LARGE: usize = 32 * 1024 * 1024;

const KEY: &str = "wk-test-key-0123456789";
const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; x\r\nContent-Length: 2\r\n\r\n{}";
fn ask() -> Request<'static> {
    Request {
        operation: "Lookup",
        team: None,
        body: b"{\"query\":1}".to_vec(),
    }
}

fn key() -> ApiKey {
    ApiKey::parse(&SecretBytes::new(KEY.as_bytes().to_vec()), "").unwrap()
}

struct Setup {
    root: String,
    timeout: u64,
    env: Vec<(&'static str, OsString)>,
    ca_file: Option<PathBuf>,
}

impl Setup {
    fn new(root: String) -> Self {
        Self {
            root,
            timeout: 5000,
            env: Vec::new(),
            ca_file: None,
        }
    }

    fn timeout(mut self, millis: u64) -> Self {
        self.timeout = millis;
        self
    }

    fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    fn open(self) -> Result<Client<'static>, Error> {
        let pairs = self.env;
        let env = Environment::new(move |name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.clone())
        });
        open(Settings {
            root: Some(self.root.leak()),
            key: Box::leak(Box::new(key())),
            ca_file: self.ca_file,
            timeout: Duration::from_millis(self.timeout),
            env: Box::leak(Box::new(env)),
            trace: Trace::OFF,
            notes: Notes::OFF,
        })
    }

    fn client(self) -> Client<'static> {
        self.open()
            .unwrap_or_else(|error| panic!("{}", error.message))
    }
}

/// One certificate authority, and what it issued.
struct Pki {
    directory: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(DnType::CommonName, "Test CA");
        let issuer =
            CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { directory, issuer }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    fn server(&self, names: &[&str]) -> Arc<rustls::ServerConfig> {
        self.server_with(names, |_| {})
    }

    fn server_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<rustls::ServerConfig> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        change(&mut parameters);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        server_config(vec![certificate.der().clone()], &key)
    }
}

fn server_config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<rustls::ServerConfig> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// A listener whose connections are given to `serve` one after the other, with their number.
fn listen<F>(serve: F) -> SocketAddr
where
    F: Fn(usize, TcpStream) + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            serve(number, stream.unwrap());
        }
    });
    address
}

/// Reads one request; `None` when the client is gone.
fn take_request(stream: &mut impl Read) -> Option<String> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        seen.push(byte[0]);
    }
    let head = String::from_utf8(seen).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

type TlsStream = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

fn accept_tls(config: &Arc<rustls::ServerConfig>, stream: TcpStream) -> TlsStream {
    rustls::StreamOwned::new(
        rustls::ServerConnection::new(config.clone()).unwrap(),
        stream,
    )
}

/// A TLS server that answers every request with the same bytes; requests are reported with their connection.
fn tls_server(
    config: Arc<rustls::ServerConfig>,
    reply: &'static [u8],
) -> (SocketAddr, Receiver<(usize, String)>) {
    let (sender, receiver) = channel();
    let address = listen(move |number, stream| {
        let mut stream = accept_tls(&config, stream);
        while let Some(request) = take_request(&mut stream) {
            let _ = sender.send((number, request));
            stream.write_all(reply).unwrap();
        }
    });
    (address, receiver)
}

/// A plain server that takes one request a connection, sends `reply`, and closes.
fn plain_server(reply: Vec<u8>) -> SocketAddr {
    listen(move |_, mut stream| {
        if take_request(&mut stream).is_some() {
            let _ = stream.write_all(&reply);
        }
    })
}

fn failure(result: Result<Reply, Failure>) -> Failure {
    result.err().expect("a failure")
}

#[test]
fn two_requests_on_one_connection_over_tls() {
    let pki = Pki::new();
    let (address, requests) = tls_server(pki.server(&["localhost"]), OK);
    let root = format!("https://localhost:{}/base/", address.port());
    let mut client = Setup::new(root).env("SSL_CERT_FILE", pki.file()).client();
    for team in [None, Some("uid-1")] {
        let reply = client
            .post(&Request { team, ..ask() })
            .map_err(|f| f.error)
            .unwrap();
        assert_eq!(
            (reply.status, reply.body.as_slice()),
            (200, b"{}".as_slice())
        );
        assert_eq!(reply.content_type.as_deref(), Some("application/json"));
        let (connection, request) = requests.recv().unwrap();
        assert_eq!(connection, 0);
        let team = team.map_or(String::new(), |team| format!("X-Warp-Team-Uid: {team}\r\n"));
        assert_eq!(
            request,
            format!(
                "POST /base/graphql/v2?op=Lookup HTTP/1.1\r\nHost: localhost:{}\r\nUser-Agent: oz/{}\r\n\
                 Accept: application/json\r\nAccept-Encoding: identity\r\nAuthorization: Bearer {KEY}\r\n{team}\
                 Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{{\"query\":1}}",
                address.port(),
                env!("CARGO_PKG_VERSION")
            )
        );
    }
}

#[test]
fn a_handshake_offers_http_1_1_and_nothing_else() {
    let (sender, receiver) = channel();
    let address = listen(move |_, mut stream| {
        let mut acceptor = rustls::server::Acceptor::default();
        let accepted = loop {
            acceptor.read_tls(&mut stream).unwrap();
            match acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => break accepted,
                Err((error, _)) => panic!("{error}"),
            }
        };
        let protocols = accepted.client_hello().alpn().into_iter().flatten();
        let offered: Vec<Vec<u8>> = protocols.map(<[u8]>::to_vec).collect();
        sender.send(offered).unwrap();
    });
    let pki = Pki::new();
    let setup = Setup::new(tls_root(address)).env("SSL_CERT_FILE", pki.file());
    failure(setup.client().post(&ask()));
    assert_eq!(receiver.recv().unwrap(), [b"http/1.1"]);
}

/// Whether the request may have been processed, and whether it may be tried again.
fn fate(failure: &Failure) -> (bool, bool) {
    (
        failure.processed == Processed::Maybe,
        failure.retry == Retry::Backoff,
    )
}

/// What a failure says, with the parts of an address that change from run to run replaced.
fn observed(failure: &Failure, address: SocketAddr) -> (u8, bool, bool, String) {
    let error = &failure.error;
    let mut text = error.message.clone();
    for cause in &error.causes {
        text.push_str(" | ");
        text.push_str(cause);
    }
    let text = text.replace(&address.port().to_string(), "PORT");
    assert!(!format!("{:?}", failure.error).contains(KEY));
    let (sent, transient) = fate(failure);
    (failure.error.code(), sent, transient, text)
}

fn plain_root(address: SocketAddr) -> String {
    format!("http://127.0.0.1:{}", address.port())
}

fn tls_root(address: SocketAddr) -> String {
    format!("https://localhost:{}", address.port())
}

/// Fails unless `took` is the timeout and little more.
fn assert_on_time(started: Instant, timeout: u64) {
    let took = started.elapsed();
    let timeout = Duration::from_millis(timeout);
    assert!(
        took >= timeout && took < timeout + Duration::from_millis(400),
        "{took:?}"
    );
}

#[test]
fn a_reply_cut_at_every_byte_was_sent_and_is_lost() {
    for at in 0..OK.len() {
        let address = plain_server(OK.get(..at).unwrap().to_vec());
        let failure = failure(Setup::new(plain_root(address)).client().post(&ask()));
        let text = match at {
            0 => "127.0.0.1 closed the connection without an answer",
            _ => "the connection to 127.0.0.1 was cut before its answer was complete",
        };
        assert_eq!(
            observed(&failure, address),
            (69, true, true, text.to_owned()),
            "{at}"
        );
    }
}

#[test]
fn a_cut_below_tls_is_no_end() {
    let pki = Pki::new();
    for (reply, clean, good) in [
        (&b"HTTP/1.1 200 OK\r\n\r\n{}"[..], true, true),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", false, false),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            false,
            true,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
            true,
            false,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            true,
            false,
        ),
        (b"", false, false),
    ] {
        let config = pki.server(&["localhost"]);
        let address = listen(move |_, stream| {
            let mut stream = accept_tls(&config, stream);
            take_request(&mut stream);
            stream.write_all(reply).unwrap();
            if clean {
                stream.conn.send_close_notify();
            }
            let _ = stream.flush();
        });
        let mut client = Setup::new(tls_root(address))
            .env("SSL_CERT_FILE", pki.file())
            .client();
        match client.post(&ask()) {
            Ok(reply) => assert!(good && reply.body == b"{}"),
            Err(failure) => {
                assert!(!good && fate(&failure) == (true, true) && failure.error.code() == 69)
            }
        }
    }
}

#[test]
fn malformed_replies_are_named_and_final() {
    for (reply, fault) in [
        ("<html>", "it does not begin as an HTTP reply"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}!",
            "more bytes came than it promised",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n",
            "it is compressed, which was not asked for",
        ),
    ] {
        let address = plain_server(reply.as_bytes().to_vec());
        let failure = failure(Setup::new(plain_root(address)).client().post(&ask()));
        let text = format!("the reply of 127.0.0.1 is not usable | {fault}");
        assert_eq!(observed(&failure, address), (69, true, false, text));
    }
}

#[test]
fn what_a_reply_says_is_passed_on() {
    let text = "HTTP/1.1 302 Found\r\nLocation: https://u:p@login.example:8443/x\r\nRetry-After: 3\r\n\
                Content-Type: Text/HTML; charset=x\r\nContent-Length: 2\r\n\r\nno";
    let address = plain_server(text.as_bytes().to_vec());
    let reply = Setup::new(plain_root(address))
        .client()
        .post(&ask())
        .map_err(|f| f.error)
        .unwrap();
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (302, b"no".as_slice())
    );
    assert_eq!(reply.redirect_host.as_deref(), Some("login.example:8443"));
    assert_eq!(reply.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(reply.content_type.as_deref(), Some("text/html"));
}

#[test]
fn a_peer_that_says_nothing_is_left_on_time() {
    let address = listen(|_, mut stream| {
        take_request(&mut stream);
        thread::sleep(Duration::from_secs(3));
    });
    let mut client = Setup::new(plain_root(address)).timeout(300).client();
    let started = Instant::now();
    let failure = failure(client.post(&ask()));
    assert_on_time(started, 300);
    let text = "no answer from 127.0.0.1 within 0.3 s".to_owned();
    assert_eq!(observed(&failure, address), (75, true, false, text));
    // Nothing is left for another attempt.
    assert!(!client.pause(Pause::Backoff(2), "", Trace::OFF));
    let text = "no connection to 127.0.0.1:PORT within 0.3 s".to_owned();
    assert_eq!(
        observed(&self::failure(client.post(&ask())), address),
        (69, false, false, text)
    );
}

#[test]
fn a_dripping_peer_is_left_on_time() {
    let address = listen(|_, mut stream| {
        take_request(&mut stream);
        for byte in OK {
            thread::sleep(Duration::from_millis(50));
            if stream.write_all(&[*byte]).is_err() {
                break;
            }
        }
    });
    let started = Instant::now();
    let failure = failure(
        Setup::new(plain_root(address))
            .timeout(400)
            .client()
            .post(&ask()),
    );
    assert_on_time(started, 400);
    assert_eq!(failure.error.code(), 75);
}

#[test]
fn a_handshake_that_never_ends_is_left_on_time() {
    let pki = Pki::new();
    let address = listen(|_, stream| {
        thread::sleep(Duration::from_secs(3));
        drop(stream);
    });
    let started = Instant::now();
    let setup = Setup::new(tls_root(address)).env("SSL_CERT_FILE", pki.file());
    let failure = failure(setup.timeout(300).client().post(&ask()));
    assert_on_time(started, 300);
    let text = "no TLS handshake with localhost within 0.3 s".to_owned();
    assert_eq!(observed(&failure, address), (69, false, false, text));
}

#[test]
fn a_peer_that_takes_no_request_is_left_on_time() {
    let address = listen(|_, stream| {
        thread::sleep(Duration::from_secs(3));
        drop(stream);
    });
    let body = vec![b' '; LARGE];
    let request = Request { body, ..ask() };
    let started = Instant::now();
    let failure = failure(
        Setup::new(plain_root(address))
            .timeout(500)
            .client()
            .post(&request),
    );
    assert_on_time(started, 500);
    let text = "127.0.0.1 did not take the request within 0.5 s".to_owned();
    assert_eq!(observed(&failure, address), (69, false, false, text));
}

#[test]
fn a_request_that_was_not_taken_was_not_sent() {
    let address = listen(|_, stream| drop(stream));
    let body = vec![b' '; LARGE];
    let request = Request { body, ..ask() };
    let failure = failure(Setup::new(plain_root(address)).client().post(&request));
    let (code, sent, transient, text) = observed(&failure, address);
    assert_eq!((code, sent, transient), (69, false, true));
    assert!(
        text.starts_with("the connection to 127.0.0.1 was lost while the request was sent | "),
        "{text}"
    );
}

#[test]
fn a_port_without_a_listener() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let failure = failure(Setup::new(plain_root(address)).client().post(&ask()));
    let text = "127.0.0.1:PORT could not be reached | Connection refused".to_owned();
    assert_eq!(observed(&failure, address), (69, false, true, text));
}

#[test]
fn a_connection_closed_between_requests_is_replaced() {
    let (sender, connections) = channel();
    let address = listen(move |number, mut stream| {
        take_request(&mut stream);
        stream.write_all(OK).unwrap();
        sender.send(number).unwrap();
    });
    let mut client = Setup::new(plain_root(address)).client();
    for number in 0..3 {
        assert_eq!(
            client.post(&ask()).map_err(|f| f.error).unwrap().status,
            200
        );
        assert_eq!(connections.recv().unwrap(), number);
        thread::sleep(Duration::from_millis(50));
    }
    let pki = Pki::new();
    let config = pki.server(&["localhost"]);
    let (sender, connections) = channel();
    let address = listen(move |number, stream| {
        let mut stream = accept_tls(&config, stream);
        take_request(&mut stream);
        stream.write_all(OK).unwrap();
        sender.send(number).unwrap();
        if number != 1 {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    let mut client = Setup::new(tls_root(address))
        .env("SSL_CERT_FILE", pki.file())
        .client();
    for number in 0..3 {
        assert_eq!(
            client.post(&ask()).map_err(|f| f.error).unwrap().status,
            200
        );
        assert_eq!(connections.recv().unwrap(), number);
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_comes_unasked_ends_a_connection() {
    let (sender, connections) = channel();
    let (go_on, was_read) = channel();
    let address = listen(move |number, mut stream| {
        take_request(&mut stream);
        stream.write_all(OK).unwrap();
        was_read.recv().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n");
        sender.send(number).unwrap();
    });
    let mut client = Setup::new(plain_root(address)).client();
    for number in 0..2 {
        assert_eq!(
            client.post(&ask()).map_err(|f| f.error).unwrap().status,
            200
        );
        go_on.send(()).unwrap();
        assert_eq!(connections.recv().unwrap(), number);
    }
}

#[test]
fn what_tls_says_between_requests_is_told_from_what_the_server_says() {
    let stray = |stream: &mut TlsStream| {
        stream
            .write_all(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    };
    let close = |stream: &mut TlsStream| {
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    };
    let rekey = |stream: &mut TlsStream| {
        stream.conn.refresh_traffic_keys().unwrap();
        stream.flush().unwrap();
    };
    for (between, kept) in [
        (stray as fn(&mut TlsStream), false),
        (close, false),
        (rekey, true),
    ] {
        let pki = Pki::new();
        let config = pki.server(&["localhost"]);
        let (sender, connections) = channel();
        let (go_on, was_read) = channel();
        let address = listen(move |number, stream| {
            let mut stream = accept_tls(&config, stream);
            while take_request(&mut stream).is_some() {
                stream.write_all(OK).unwrap();
                was_read.recv().unwrap();
                between(&mut stream);
                sender.send(number).unwrap();
            }
        });
        let mut client = Setup::new(tls_root(address))
            .env("SSL_CERT_FILE", pki.file())
            .client();
        for number in [0, usize::from(!kept)] {
            assert_eq!(
                client.post(&ask()).map_err(|f| f.error).unwrap().status,
                200
            );
            go_on.send(()).unwrap();
            assert_eq!(connections.recv().unwrap(), number);
        }
    }
}

/// Nor by the end of the connection, which sends what it can.
#[test]
fn a_request_past_its_deadline_is_not_sent() {
    let pki = Pki::new();
    let config = pki.server(&["localhost"]);
    let (sender, heard) = channel();
    let address = listen(move |_, stream| {
        let mut stream = accept_tls(&config, stream);
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).map_err(|e| e.kind());
        sender.send((bytes, end)).unwrap();
    });
    let host = Host::parse("localhost").unwrap();
    let context = tls::TlsConfig::load(
        &host,
        Some(&pki.file()),
        &Environment::new(|_| None),
        Duration::from_secs(5),
    )
    .unwrap_or_else(|error| panic!("{}", error.message));
    let deadline = |millis| Budget::new(Duration::from_millis(millis), Clock::SYSTEM).start();
    let (stream, _) = connect::open(&[address], &deadline(5000)).unwrap();
    let mut session = tls::TlsStream::open(&context, &host, stream, &deadline(5000)).unwrap();
    let late = session.send(b"request", &deadline(0));
    assert!(matches!(late, Err(StreamError::Deadline)));
    drop(session);
    let cut = Err(std::io::ErrorKind::UnexpectedEof);
    assert_eq!(heard.recv().unwrap(), (Vec::new(), cut));
}

/// A large request over TLS to a server that takes the connection, and then does this.
fn post_large(serve: fn(TlsStream)) -> Result<Reply, Failure> {
    let pki = Pki::new();
    let config = pki.server(&["localhost"]);
    let address = listen(move |_, stream| {
        let mut stream = accept_tls(&config, stream);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        serve(stream);
    });
    let mut client = Setup::new(tls_root(address))
        .env("SSL_CERT_FILE", pki.file())
        .client();
    let body = vec![b' '; LARGE];
    client.post(&Request { body, ..ask() })
}

#[test]
fn a_slow_reader_is_waited_for() {
    let reply = post_large(|mut stream| {
        thread::sleep(Duration::from_millis(200));
        let request = take_request(&mut stream).unwrap();
        assert!(request.len() > LARGE);
        stream.write_all(OK).unwrap();
    });
    assert_eq!(reply.map_err(|f| f.error).unwrap().status, 200);
}

#[test]
fn a_reader_that_hangs_up_is_not_waited_for() {
    let started = Instant::now();
    // Unread bytes make the close a reset.
    let failed = failure(post_large(|_| thread::sleep(Duration::from_millis(100))));
    assert_eq!(fate(&failed), (false, true));
    // The client would wait for five seconds.
    assert!(started.elapsed() < Duration::from_secs(4));
}

/// Its reply was on the way before the reset.
#[test]
fn a_reply_to_a_request_that_was_not_taken_is_read() {
    const TOO_LARGE: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
    let reply = post_large(|mut stream| {
        stream.write_all(TOO_LARGE).unwrap();
        thread::sleep(Duration::from_millis(100));
    });
    assert_eq!(reply.map_err(|f| f.error).unwrap().status, 413);
}

#[test]
fn a_reply_that_ends_the_connection_is_followed_by_a_new_one() {
    let address = plain_server(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
    );
    let mut client = Setup::new(plain_root(address)).client();
    for _ in 0..2 {
        assert_eq!(
            client.post(&ask()).map_err(|f| f.error).unwrap().body,
            b"{}"
        );
    }
}

#[test]
fn a_uid_that_is_no_header_value_is_never_sent() {
    let mut client = Setup::new("http://127.0.0.1:9".to_owned()).client();
    for uid in ["", "a b", "a\r\nX: y", "ü"] {
        let failure = failure(client.post(&Request {
            team: Some(uid),
            ..ask()
        }));
        assert_eq!((failure.error.code(), fate(&failure)), (2, (false, false)));
    }
}

#[test]
fn pauses_stay_within_the_budget() {
    let mut client = Setup::new("http://127.0.0.1:9".to_owned())
        .timeout(1000)
        .client();
    let started = Instant::now();
    assert!(!client.pause(Pause::AtLeast(Duration::from_secs(1)), "", Trace::OFF));
    assert!(!client.pause(Pause::AtLeast(Duration::MAX), "", Trace::OFF));
    assert!(started.elapsed() < Duration::from_millis(90));
    assert!(client.pause(Pause::Backoff(2), "", Trace::OFF));
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(100) && took < Duration::from_millis(500),
        "{took:?}"
    );
    assert!(!client.pause(Pause::AtLeast(Duration::from_millis(950)), "", Trace::OFF));
}

/// The failure of one request to a TLS server.
fn tls_failure(
    config: Arc<rustls::ServerConfig>,
    setup: impl FnOnce(Setup) -> Setup,
) -> (u8, bool, bool, String) {
    let (address, _requests) = tls_server(config, OK);
    let failure = failure(setup(Setup::new(tls_root(address))).client().post(&ask()));
    observed(&failure, address)
}

#[test]
fn certificates_that_are_not_believed() {
    let pki = Pki::new();
    let trusting = |setup: Setup| setup.env("SSL_CERT_FILE", pki.file());
    let day = rcgen::date_time_ymd;
    let shown = "the server's certificate is for localhost";
    let expired = pki.server_with(&["localhost"], |p| p.not_after = day(2020, 2, 29));
    let future = pki.server_with(&["localhost"], |p| p.not_before = day(2999, 12, 31));
    let client_only = pki.server_with(&["localhost"], |p| {
        p.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let authority = pki.server_with(&["localhost"], |p| {
        p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)
    });
    for (config, start, end) in [
        (
            expired,
            "the certificate of localhost expired on 2020-02-29 | this machine's clock says ",
            shown,
        ),
        (
            future,
            "the certificate of localhost is not valid before 2999-12-31 | this machine's clock says ",
            shown,
        ),
        (
            pki.server(&["a.example", "*.b.example", "10.0.0.1"]),
            "the server's certificate is for a.example, ",
            "*.b.example and 10.0.0.1, not localhost",
        ),
        (
            pki.server(&["a", "b", "c", "d", "e", "f"]),
            "the server's certificate is for a, b ",
            "and 4 others, not localhost",
        ),
        (
            pki.server(&[]),
            "the certificate of localhost names no host | ",
            "a common name does not count any more",
        ),
        (
            client_only,
            "the certificate of localhost is not for servers | ",
            shown,
        ),
        (
            authority,
            "localhost shows the certificate of an authority as its own | ",
            shown,
        ),
    ] {
        let (code, sent, transient, text) = tls_failure(config, trusting);
        assert_eq!((code, sent, transient), (69, false, false));
        assert!(text.starts_with(start) && text.ends_with(end), "{text}");
    }
}

#[test]
fn issuers_that_are_not_known() {
    let (pki, other) = (Pki::new(), Pki::new());
    let trusting = |setup: Setup| setup.env("SSL_CERT_FILE", other.file());
    let text = "the certificate of localhost is issued by an authority that is not trusted here | \
                its issuer is Test CA | the server's certificate is for localhost";
    // Both authorities have the same name, and then it is the signature that does not fit.
    let (.., same_name) = tls_failure(pki.server(&["localhost"]), trusting);
    assert!(
        same_name.contains("could not be verified") || same_name == text,
        "{same_name}"
    );
    let stranger = |setup: Setup| setup.env("SSL_CERT_FILE", strange_ca(&other));
    assert_eq!(
        tls_failure(pki.server(&["localhost"]), stranger),
        (69, false, false, text.to_owned())
    );
    // One that names no host is said to be for nobody.
    let (without_names, _) = text.rsplit_once(" | ").unwrap();
    assert_eq!(
        tls_failure(pki.server(&[]), stranger),
        (69, false, false, without_names.to_owned())
    );
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, "me");
    let own = parameters.self_signed(&key).unwrap();
    let text =
        "the certificate of localhost is self-signed | the server's certificate is for localhost";
    let config = server_config(vec![own.der().clone()], &key);
    assert_eq!(
        tls_failure(config, trusting),
        (69, false, false, text.to_owned())
    );
}

/// A file with an authority of another name.
fn strange_ca(pki: &Pki) -> PathBuf {
    let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
        .distinguished_name
        .push(DnType::CommonName, "Strange CA");
    let path = pki.directory.path().join("strange.pem");
    std::fs::write(
        &path,
        parameters
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .pem(),
    )
    .unwrap();
    path
}

#[test]
fn trust_is_replaced_and_added_to() {
    let pki = Pki::new();
    let directory = pki.directory.path().join("certs");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(pki.file(), directory.join("0123abcd.0")).unwrap();
    std::fs::write(directory.join("README"), "no certificate").unwrap();
    let mut list = OsString::from(":");
    list.push(&directory);
    let strange = strange_ca(&pki);
    let (address, _requests) = tls_server(pki.server(&["localhost", "127.0.0.1"]), OK);
    let status = |setup: Setup| {
        setup
            .client()
            .post(&ask())
            .map_or_else(|f| f.error.code().into(), |reply| reply.status)
    };
    let with_file = |mut setup: Setup| {
        setup.ca_file = Some(pki.file());
        setup
    };
    for root in [
        tls_root(address),
        format!("https://127.0.0.1:{}", address.port()),
    ] {
        let new = || Setup::new(root.clone());
        assert_eq!(status(new()), 69);
        assert_eq!(status(new().env("SSL_CERT_FILE", &strange)), 69);
        assert_eq!(status(new().env("SSL_CERT_FILE", pki.file())), 200);
        assert_eq!(status(new().env("SSL_CERT_DIR", &list)), 200);
        assert_eq!(
            status(
                new()
                    .env("SSL_CERT_FILE", &strange)
                    .env("SSL_CERT_DIR", &directory)
            ),
            200
        );
        assert_eq!(status(with_file(new())), 200);
        assert_eq!(status(with_file(new().env("SSL_CERT_FILE", &strange))), 200);
        assert_eq!(
            status(new().env("SSL_CERT_FILE", "").env("SSL_CERT_DIR", "")),
            69
        );
    }
}

#[test]
fn rejects_ca_files() {
    let pki = Pki::new();
    let path = pki.directory.path().join("x.pem");
    let good = std::fs::read(pki.file()).unwrap();
    let key = [
        good.as_slice(),
        KeyPair::generate().unwrap().serialize_pem().as_bytes(),
    ]
    .concat();
    let cut = good.get(..good.len() / 2).unwrap().to_vec();
    let sized = |length: usize| {
        let mut bytes = good.clone();
        bytes.resize(length, b'\n');
        bytes
    };
    let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    for (content, fault) in [
        (Vec::new(), "is empty"),
        (b"\n \n".to_vec(), "is empty"),
        (vec![0x30, 0x82, 1, 0], "holds no certificate in PEM"),
        (b"hello".to_vec(), "holds no certificate in PEM"),
        (key, "holds a private key, which does not belong there"),
        (cut, "holds malformed PEM"),
        (garbage, "holds no usable certificate"),
        (sized(4 * 1024 * 1024 + 1), "is larger than 4 MiB"),
        (sized(4 * 1024 * 1024), ""),
    ] {
        std::fs::write(&path, content).unwrap();
        let mut by_option = Setup::new("https://localhost".to_owned());
        by_option.ca_file = Some(path.clone());
        let by_variable = Setup::new("https://localhost".to_owned()).env("SSL_CERT_FILE", &path);
        for (setup, name) in [(by_option, "--ca-file"), (by_variable, "SSL_CERT_FILE")] {
            match setup.open() {
                Ok(_) => assert_eq!(fault, ""),
                Err(error) => {
                    assert_eq!(
                        error.message,
                        format!("the file '{}' of {name} {fault}", path.display())
                    );
                    assert_eq!(error.code(), 78);
                }
            }
        }
    }
    for (variable, what) in [("SSL_CERT_FILE", "file"), ("SSL_CERT_DIR", "directory")] {
        let missing = pki.directory.path().join("x/missing");
        let error = Setup::new("https://localhost".to_owned())
            .env(variable, &missing)
            .open()
            .err()
            .unwrap();
        assert_eq!(
            error.message,
            format!(
                "cannot read the {what} '{}' of {variable}",
                missing.display()
            )
        );
        assert_eq!(error.code(), 66);
    }
    let empty = tempfile::tempdir().unwrap();
    let error = Setup::new("https://localhost".to_owned())
        .env("SSL_CERT_DIR", empty.path())
        .open()
        .err()
        .unwrap();
    assert_eq!(
        error.message,
        format!(
            "the directory '{}' of SSL_CERT_DIR holds no usable certificate",
            empty.path().display()
        )
    );
    assert_eq!(error.code(), 78);
}

#[test]
fn what_does_not_speak_tls_is_told_apart() {
    let pki = Pki::new();
    for (answer, text) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            "localhost did not answer in TLS",
        ),
        // handshake_failure and protocol_version as alerts.
        (
            &[21, 3, 1, 0, 2, 2, 70],
            "localhost speaks no TLS version that is still safe",
        ),
        (
            &[21, 3, 3, 0, 2, 2, 40],
            "localhost and this client have no TLS cipher suite or key in common",
        ),
        (
            &[21, 3, 3, 0, 2, 2, 112],
            "the server that answered does not serve localhost",
        ),
        (
            &[21, 3, 3, 0, 2, 2, 80],
            "localhost ended the TLS connection | alert InternalError",
        ),
    ] {
        let address = listen(move |_, mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
            thread::sleep(Duration::from_millis(50));
        });
        let setup = Setup::new(tls_root(address)).env("SSL_CERT_FILE", pki.file());
        let failure = failure(setup.client().post(&ask()));
        assert_eq!(
            observed(&failure, address),
            (69, false, false, text.to_owned())
        );
    }
    let address = listen(|_, mut stream| drop(stream.read(&mut [0; 4096])));
    let setup = Setup::new(tls_root(address)).env("SSL_CERT_FILE", pki.file());
    let failure = failure(setup.client().post(&ask()));
    let text = "localhost closed the connection during the TLS handshake".to_owned();
    assert_eq!(observed(&failure, address), (69, false, true, text));
}

/// A proxy that gives `reply` to CONNECT in pieces, and joins both ends if `open`. The requests are reported.
fn proxy(reply: &'static [u8], piece: usize, open: bool) -> (SocketAddr, Receiver<String>) {
    let (sender, receiver) = channel();
    let address = listen(move |_, mut stream| {
        let Some(request) = take_request(&mut stream) else {
            return;
        };
        let target = request
            .split(' ')
            .nth(1)
            .unwrap()
            .replace("localhost", "127.0.0.1");
        let _ = sender.send(request);
        for bytes in reply.chunks(piece) {
            let _ = stream.write_all(bytes);
            thread::sleep(Duration::from_millis(1));
        }
        if !open {
            return;
        }
        let mut server = TcpStream::connect(target).unwrap();
        let (mut from, mut to) = (stream.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        thread::spawn(move || std::io::copy(&mut server, &mut stream));
    });
    (address, receiver)
}

#[test]
fn a_tunnel_carries_the_request_and_the_proxy_never_sees_the_key() {
    let pki = Pki::new();
    let (server, requests) = tls_server(pki.server(&["localhost"]), OK);
    for piece in [1, 7, 1000] {
        let (address, connects) = proxy(
            b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n",
            piece,
            true,
        );
        let mut client = Setup::new(tls_root(server))
            .env("SSL_CERT_FILE", pki.file())
            .env("HTTPS_PROXY", format!("http://us%20er:hunter2@{address}/"))
            .client();
        for _ in 0..2 {
            assert_eq!(
                client.post(&ask()).map_err(|f| f.error).unwrap().status,
                200
            );
            assert!(requests.recv().unwrap().1.contains(KEY));
        }
        let request = connects.recv().unwrap();
        let port = server.port();
        assert_eq!(
            request,
            format!(
                "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: oz/{}\r\n\
                 Proxy-Authorization: Basic dXMgZXI6aHVudGVyMg==\r\n\r\n",
                env!("CARGO_PKG_VERSION")
            )
        );
        assert!(connects.try_recv().is_err());
    }
}

#[test]
fn proxies_that_open_nothing() {
    let pki = Pki::new();
    let place = "the proxy 127.0.0.1:PORT (https_proxy)";
    for (reply, login, transient, text, hint) in [
        (
            &b"HTTP/1.1 407 Auth\r\nContent-Length: 2\r\n\r\nno"[..],
            "",
            false,
            "demands credentials: status 407",
            "put them into https_proxy: http://USER:PASSWORD@HOST:PORT",
        ),
        (
            b"HTTP/1.1 407 Auth\r\n\r\n",
            "u:hunter2@",
            false,
            "did not accept the credentials: status 407",
            "check the user name and password in https_proxy",
        ),
        (
            b"HTTP/1.1 401 Unauthorized\r\n\r\n",
            "u:hunter2@",
            false,
            "did not accept the credentials: status 401",
            "check the user name and password in https_proxy",
        ),
        (
            b"HTTP/1.1 403 No\r\n\r\n<html>",
            "",
            false,
            "did not connect to localhost:1: status 403",
            "",
        ),
        (
            b"HTTP/1.1 503 Busy\r\n\r\n",
            "",
            true,
            "did not connect to localhost:1: status 503",
            "",
        ),
        (b"", "", true, "closed the connection without an answer", ""),
        (
            b"HTTP/1.1 200 OK\r\n",
            "",
            true,
            "closed the connection without an answer",
            "",
        ),
    ] {
        let (address, _connects) = proxy(reply, 1000, false);
        let mut client = Setup::new("https://localhost:1".to_owned())
            .env("SSL_CERT_FILE", pki.file())
            .env("https_proxy", format!("{login}{address}"))
            .client();
        let failure = failure(client.post(&ask()));
        assert_eq!(
            observed(&failure, address),
            (69, false, transient, format!("{place} {text}"))
        );
        assert!(!format!("{:?}", failure.error).contains("hunter2"));
        if !hint.is_empty() {
            assert_eq!(failure.error.hint.as_deref(), Some(hint));
        }
    }
    for (reply, fault) in [
        (
            &b"HTTP/1.1 200 OK\r\n\r\n\x16"[..],
            "more bytes came than it promised",
        ),
        (b"SSH-2.0-x\r\n", "it does not begin as an HTTP reply"),
    ] {
        let (address, _connects) = proxy(reply, 1000, false);
        let setup = Setup::new("https://localhost:1".to_owned()).env("SSL_CERT_FILE", pki.file());
        let failure = failure(
            setup
                .env("https_proxy", address.to_string())
                .client()
                .post(&ask()),
        );
        let text = format!("the reply of {place} is not usable | {fault}");
        assert_eq!(observed(&failure, address), (69, false, false, text));
    }
}

#[test]
fn proxies_that_are_not_there() {
    let pki = Pki::new();
    let setup = || Setup::new("https://localhost:1".to_owned()).env("SSL_CERT_FILE", pki.file());
    let silent = listen(|_, stream| {
        thread::sleep(Duration::from_secs(3));
        drop(stream);
    });
    let started = Instant::now();
    let failure = failure(
        setup()
            .env("ALL_PROXY", silent.to_string())
            .timeout(300)
            .client()
            .post(&ask()),
    );
    assert_on_time(started, 300);
    let text = "no answer from the proxy 127.0.0.1:PORT (ALL_PROXY) within 0.3 s".to_owned();
    assert_eq!(observed(&failure, silent), (69, false, false, text));
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let failure = self::failure(
        setup()
            .env("ALL_PROXY", closed.to_string())
            .client()
            .post(&ask()),
    );
    let text =
        "the proxy 127.0.0.1:PORT (ALL_PROXY) could not be reached | Connection refused".to_owned();
    assert_eq!(observed(&failure, closed), (69, false, true, text));
}

#[test]
fn a_body_of_many_records_arrives_whole() {
    let pki = Pki::new();
    let (address, requests) = tls_server(pki.server(&["localhost"]), OK);
    let body: Vec<u8> = (0..200_000u32)
        .map(|i| b'a' + u8::try_from(i % 26).unwrap())
        .collect();
    let mut client = Setup::new(tls_root(address))
        .env("SSL_CERT_FILE", pki.file())
        .client();
    for length in [0, 1, 16_383, 16_384, 16_385, 200_000] {
        let body = body.get(..length).unwrap();
        client
            .post(&Request {
                body: body.to_vec(),
                ..ask()
            })
            .map_err(|f| f.error)
            .unwrap();
        let (connection, request) = requests.recv().unwrap();
        assert_eq!(connection, 0);
        assert!(request.as_bytes().ends_with(body));
    }
}
