//! A client that sends the bytes a test gives it, over TLS from rustls.

use crate::server::Server;
use serde_json::{Value, json};
use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long a read waits before it fails.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection.
pub struct Raw {
    stream: Box<dyn Stream>,
    tcp: TcpStream,
}

trait Stream: Read + Write {
    fn version(&self) -> Option<String>;
}

impl Stream for TcpStream {
    fn version(&self) -> Option<String> {
        None
    }
}

impl Stream for StreamOwned<ClientConnection, TcpStream> {
    fn version(&self) -> Option<String> {
        let version = self.conn.protocol_version()?;
        version.as_str().map(str::to_owned)
    }
}

impl Raw {
    /// Connects, trusting the server's authority; the handshake happens with the first byte.
    #[must_use]
    pub fn connect(server: &Server) -> Self {
        Self::connect_as(server, "localhost")
    }

    /// The same, expecting a certificate for this name or address.
    #[must_use]
    pub fn connect_as(server: &Server, host: &'static str) -> Self {
        let tcp = TcpStream::connect(server.address()).expect("a connection");
        tcp.set_read_timeout(Some(READ_TIMEOUT)).expect("a timeout");
        let again = tcp.try_clone().expect("a second handle");
        let stream: Box<dyn Stream> = if server.root().starts_with("http:") {
            Box::new(again)
        } else {
            let name = ServerName::try_from(host).expect("a name");
            let tls = ClientConnection::new(Arc::new(trusting(server)), name).expect("a client");
            Box::new(StreamOwned::new(tls, again))
        };
        Self { stream, tcp }
    }

    /// Sets how long a read waits.
    pub fn read_timeout(&mut self, time: Duration) {
        self.tcp.set_read_timeout(Some(time)).expect("a timeout");
    }

    /// The version of TLS, as the RFCs' registry spells it; after the handshake.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        self.stream.version()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// An error of TLS or TCP, a refused handshake included.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Reads one answer, head and body. A body without `content-length` is empty.
    ///
    /// # Errors
    /// An error of TLS or TCP, the end of the connection included.
    pub fn answer(&mut self) -> Result<(String, Vec<u8>)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        let head = String::from_utf8(head).expect("a head in ASCII");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((head, body))
    }

    /// Reads to the end of the connection; an error if TLS ended without `close_notify`.
    pub fn rest(&mut self) -> (Vec<u8>, Result<()>) {
        let mut bytes = Vec::new();
        let end = self.stream.read_to_end(&mut bytes).map(|_| ());
        (bytes, end)
    }
}

fn trusting(server: &Server) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let authorities = CertificateDer::pem_file_iter(server.ca_path()).expect("a PEM file");
    for authority in authorities {
        let authority = authority.expect("a certificate");
        roots.add(authority).expect("an authority");
    }
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A request as a good client sends it, with the key of the first account.
#[must_use]
pub fn post(
    server: &Server,
    op: &str,
    query: &str,
    variables: &Value,
    team: Option<&str>,
) -> Vec<u8> {
    let body = json!({"query": query, "variables": variables, "operationName": op}).to_string();
    let team = team.map_or(String::new(), |uid| format!("X-Warp-Team-Uid: {uid}\r\n"));
    format!(
        "POST /graphql/v2?op={op} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         {team}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.api_key(),
        body.len()
    )
    .into_bytes()
}

/// Sends one request on a connection of its own; the status, and the body as JSON or else null.
#[must_use]
pub fn ask(server: &Server, request: &[u8]) -> (u16, Value) {
    let mut raw = Raw::connect(server);
    raw.send(request).expect("sent");
    let (head, body) = raw.answer().expect("an answer");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (status.expect("a status"), json)
}
