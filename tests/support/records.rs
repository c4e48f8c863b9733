//! A TLS server whose records are written one by one: rustls does the handshake, and the test then sends records that no
//! library would.

use super::peer::{Peer, exchange};
use super::pki::{self, Certificate};
use super::write;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::cipher::{
    AeadKey, Iv, MessageEncrypter, OutboundChunks, OutboundPlainMessage,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConfig, ServerConnection,
    StreamOwned, SupportedCipherSuite,
};

/// A TLS 1.3 server for `localhost` in front of a server without TLS.
pub struct Front {
    peer: Peer,
    dir: TempDir,
}

impl Front {
    /// Carries requests and replies on all connections but the first. There the reply to the first request is handed to
    /// `serve`, which writes it, or something else.
    pub fn start(
        server: SocketAddr,
        serve: impl Fn(&mut Records, &[u8]) + Send + Sync + 'static,
    ) -> Self {
        let issued = pki::issue(Certificate::Good);
        let dir = TempDir::new().expect("a directory");
        write(&dir, "ca.pem", &issued.authority_pem);
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .expect("a version that ring speaks")
            .with_no_client_auth()
            .with_single_cert(issued.chain, issued.key)
            .expect("a key that fits its certificate");
        config.enable_secret_extraction = true;
        let config = Arc::new(config);
        let count = AtomicUsize::new(0);
        let peer = Peer::start(move |connection| {
            let is_first = count.fetch_add(1, Ordering::SeqCst) == 0;
            let tcp = connection.tcp().try_clone().expect("a second handle");
            let tls = ServerConnection::new(Arc::clone(&config)).expect("a server");
            let mut tls = StreamOwned::new(tls, tcp);
            let mut upstream = TcpStream::connect(server).expect("the server");
            while let Some(request) = request(&mut tls) {
                let (head, body) = exchange(&mut upstream, &request);
                let reply = [head.as_bytes(), &body].concat();
                if is_first {
                    serve(&mut Records::after(tls), &reply);
                    return;
                }
                tls.write_all(&reply).expect("a client that reads");
            }
        });
        Self { peer, dir }
    }

    pub fn root(&self) -> String {
        format!("https://localhost:{}", self.peer.address().port())
    }

    pub fn ca_path(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    pub fn connections(&self) -> usize {
        self.peer.connections()
    }
}

/// A whole request with a `Content-Length`; `None` when the client has closed.
fn request(tls: &mut impl Read) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if tls.read(&mut byte).ok()? == 0 {
            return None;
        }
        request.extend(byte);
    }
    let head = String::from_utf8(request.clone()).expect("a head in ASCII");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))?;
    let mut body = vec![0; length.parse().expect("a length")];
    tls.read_exact(&mut body).ok()?;
    request.extend(body);
    Some(request)
}

/// The server's half of a connection after the handshake.
pub struct Records {
    tcp: TcpStream,
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Records {
    fn after(tls: StreamOwned<ServerConnection, TcpStream>) -> Self {
        let suite = tls.conn.negotiated_cipher_suite().expect("a handshake");
        let SupportedCipherSuite::Tls13(suite) = suite else {
            panic!("not TLS 1.3");
        };
        let secrets = tls.conn.dangerous_extract_secrets().expect("secrets");
        let (sequence, secrets) = secrets.tx;
        let encrypter = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => encrypter(suite, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => encrypter(suite, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => encrypter(suite, key, iv),
            _ => panic!("an unknown cipher"),
        };
        Self {
            tcp: tls.sock,
            encrypter,
            sequence,
        }
    }

    /// The next record, around this content.
    pub fn record(&mut self, kind: ContentType, content: &[u8]) -> Vec<u8> {
        let message = OutboundPlainMessage {
            typ: kind,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(content),
        };
        let record = self.encrypter.encrypt(message, self.sequence);
        self.sequence += 1;
        record.expect("a record").encode()
    }

    /// The next records, around these bytes of HTTP.
    pub fn data(&mut self, bytes: &[u8]) -> Vec<u8> {
        let records = bytes
            .chunks(16_384)
            .map(|part| self.record(ContentType::ApplicationData, part));
        records.collect::<Vec<_>>().concat()
    }

    /// The next record, with this many session tickets of this many bytes in it (RFC 8446 section 4.6.1).
    pub fn tickets(&mut self, count: usize, bytes: usize) -> Vec<u8> {
        // Type and length; lifetime, obfuscation and an empty nonce; the ticket; no extensions.
        let rest = u8::try_from(bytes - 4).expect("a short ticket");
        let mut message = vec![4, 0, 0, rest, 0, 0, 28, 32, 1, 2, 3, 4, 0];
        message.extend([0, u8::try_from(bytes - 17).expect("a ticket")]);
        message.resize(bytes, 0);
        self.record(ContentType::Handshake, &message.repeat(count))
    }

    /// Writes these bytes as they are; `false` when the client has closed.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.tcp.write_all(bytes).is_ok()
    }

    /// Waits for bytes of the client; `false` when it has closed.
    pub fn wait_for_bytes(&mut self) -> bool {
        self.tcp.read(&mut [0; 65_536]).is_ok_and(|count| count > 0)
    }
}

fn encrypter(
    suite: &'static tokio_rustls::rustls::Tls13CipherSuite,
    key: AeadKey,
    iv: Iv,
) -> Box<dyn MessageEncrypter> {
    suite.aead_alg.encrypter(key, iv)
}
