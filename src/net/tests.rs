//! Owns the tests of the network as a whole: a client against servers, proxies and cuts on this machine.
//! Must not know anything beyond loopback.

use super::{Client, Failure, Pause, Reply, Request, Settings, Transport, open};
use crate::env::Environment;
use crate::error::Error;
use crate::secret::ApiKey;
use crate::secret::SecretBytes;
use crate::trace::Trace;
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

const KEY: &str = "wk-test-key-0123456789";
const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; x\r\nContent-Length: 2\r\n\r\n{}";
const ASK: Request<'_> = Request {
    operation: "Lookup",
    team: None,
    body: b"{\"query\":1}",
};

fn key() -> ApiKey {
    ApiKey::parse(&SecretBytes::new(KEY.as_bytes().to_vec())).unwrap()
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

    fn open(self) -> Result<Client, Error> {
        let pairs = self.env;
        let env = Environment::new(move |name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.clone())
        });
        open(Settings {
            root: Some(&self.root),
            key: key(),
            ca_file: self.ca_file,
            timeout: Duration::from_millis(self.timeout),
            env: &env,
            trace: Trace::OFF,
        })
    }

    fn client(self) -> Client {
        self.open()
            .unwrap_or_else(|error| panic!("{}", error.message()))
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
    loop {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        seen.push(byte[0]);
        let text = String::from_utf8_lossy(&seen).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        if body.len() == length.map_or(0, |length| length.parse().unwrap()) {
            return Some(text);
        }
    }
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
            .post(&Request { team, ..ASK })
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
