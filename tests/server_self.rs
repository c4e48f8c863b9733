//! Owns the tests of the local server and of the runner: what the other tests stand on has to be right itself.
//! Must not know the program under test.

use crate::server::{Account, Behaviour, End, Point, Principal, Scope, Server, Tls, When};
use crate::support::MARKER_SECRET;
use crate::support::opener::{Aead, Keyset, Prefix, context};
use crate::support::pki::Certificate;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A client by hand: one connection, requests as bytes.
pub struct Raw(Box<dyn Stream>);

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Raw {
    pub fn connect(server: &Server) -> Self {
        let tcp = TcpStream::connect(server.address()).expect("a connection");
        tcp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        if server.root().starts_with("http:") {
            return Self(Box::new(tcp));
        }
        let mut roots = RootCertStore::empty();
        for authority in
            tokio_rustls::rustls::pki_types::CertificateDer::pem_file_iter(server.ca_path())
                .expect("a PEM file")
        {
            roots.add(authority.expect("a certificate")).unwrap();
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        Self(Box::new(StreamOwned::new(tls, tcp)))
    }

    /// Sends a request as it is.
    pub fn send(&mut self, request: &[u8]) -> std::io::Result<()> {
        self.0.write_all(request)?;
        self.0.flush()
    }

    /// Reads one answer with a `content-length`: head and body.
    pub fn answer(&mut self) -> std::io::Result<(String, Vec<u8>)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            head.extend(byte);
        }
        let head = String::from_utf8(head).expect("a head in ASCII");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((head, body))
    }

    /// Reads to the end; `Err` where TLS ended without `close_notify`.
    pub fn rest(&mut self) -> (Vec<u8>, std::io::Result<()>) {
        let mut bytes = Vec::new();
        let end = self.0.read_to_end(&mut bytes).map(|_| ());
        (bytes, end)
    }
}

/// A request as a good client sends it, key of the first account.
fn post(server: &Server, op: &str, query: &str, variables: &Value, team: Option<&str>) -> Vec<u8> {
    let body = json!({"query": query, "variables": variables, "operationName": op}).to_string();
    let key = server.env().remove(0).1;
    let team = team.map_or(String::new(), |uid| format!("X-Warp-Team-Uid: {uid}\r\n"));
    format!(
        "POST /graphql/v2?op={op} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         {team}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends one request on a connection of its own, and returns status and JSON.
fn ask(server: &Server, request: &[u8]) -> (u16, Value) {
    let mut raw = Raw::connect(server);
    raw.send(request).expect("sent");
    let (head, body) = raw.answer().expect("an answer");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (
        status.expect("a status"),
        serde_json::from_slice(&body).unwrap_or(Value::Null),
    )
}

fn request_context() -> Value {
    json!({
        "clientContext": {"version": null},
        "osContext": {"category": null, "linuxKernelVersion": null, "name": null, "version": null},
    })
}

const LIST: &str = "query L($i: ManagedSecretsInput!, $c: RequestContext!) {
  managedSecrets(input: $i, requestContext: $c) { __typename
    ... on ManagedSecretsOutput { managedSecrets { name description createdAt updatedAt type owner { type uid } } }
    ... on UserFacingError { error { message } } } }";

const USER: &str = "query U($c: RequestContext!) {
  user(requestContext: $c) { __typename
    ... on UserOutput { principalType apiKeyOwnerType user { profile { uid } managedSecrets { publicKey }
      workspaces { uid teams { uid name managedSecrets { publicKey } } } } } } }";

fn list(server: &Server) -> Value {
    let variables = json!({"i": {"cursor": null}, "c": request_context()});
    let (status, reply) = ask(server, &post(server, "L", LIST, &variables, None));
    assert_eq!(status, 200);
    reply["data"]["managedSecrets"]["managedSecrets"].clone()
}

#[test]
fn a_list_has_the_shape_that_was_asked_for() {
    let server = Server::start();
    server.seed(
        Scope::Personal,
        "ONE",
        "RAW_VALUE",
        Some("first"),
        "2026-01-01T00:00:00Z",
        "2026-01-02T00:00:00Z",
    );
    assert_eq!(
        list(&server),
        json!([{
            "name": "ONE", "description": "first", "type": "RAW_VALUE",
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z",
            "owner": {"type": "User", "uid": "user-1"},
        }])
    );
    assert_eq!((server.connections(), server.handshakes()), (1, 1));
    assert_eq!(server.public_keys_read(), 0);
}
