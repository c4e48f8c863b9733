//! The key exchange: which group servers choose, in how many round trips, and what a long ClientHello meets.
//!
//! The server is the local one, or OpenSSL 3.5 as it is built into Node.js 24.

use crate::server::{Server, Tls, X25519MlKem768};
use crate::support::peer::Peer;
use crate::support::{MARKER_KEY, Run, oz, tools, write};
use crate::webservers::Front;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1, X25519};
use tokio_rustls::rustls::crypto::{CryptoProvider, SupportedKxGroup};

/// What a `list` of nothing prints.
const NOTHING: &str = "Name  Scope  Type  Created  Updated  Description\n";

/// `random` of a ServerHello that is a HelloRetryRequest: SHA-256 of that word (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

const HYBRID: &dyn SupportedKxGroup = &X25519MlKem768;

fn server(tls: Tls, groups: &[&'static dyn SupportedKxGroup]) -> Server {
    let provider = CryptoProvider {
        kx_groups: groups.to_vec(),
        ..default_provider()
    };
    Server::builder().tls(tls).provider(provider).start()
}

/// `list` with `--debug`, of a server at this port.
fn list(port: u16, ca: &Path) -> Run<'static> {
    oz(&["secret", "list", "--output-format", "text", "--debug"])
        .env("WARP_API_KEY", MARKER_KEY)
        .env("WARP_SERVER_ROOT_URL", format!("https://localhost:{port}"))
        .env("SSL_CERT_FILE", ca)
}

/// Checks that it succeeds in one connection with this version of TLS and this group.
#[track_caller]
fn connects(run: Run<'_>, expected: &str) {
    let output = run.stdout(NOTHING).any_stderr().run();
    let found: Vec<&str> = output
        .stderr()
        .lines()
        .filter_map(|line| line.strip_prefix("debug: tls ")?.split_once(", TLS"))
        .map(|(found, _)| found)
        .collect();
    assert_eq!(found, [expected], "{}", output.stderr());
}

#[test]
fn groups_of_a_server() {
    let (full, retried) = (
        HandshakeKind::Full,
        HandshakeKind::FullWithHelloRetryRequest,
    );
    for (groups, expected, kind) in [
        (vec![HYBRID, X25519, SECP256R1], "X25519MLKEM768", full),
        (vec![HYBRID], "X25519MLKEM768", full),
        (vec![X25519], "X25519", full),
        (vec![SECP256R1, X25519], "X25519", full),
        (vec![SECP256R1], "secp256r1", retried),
        (vec![SECP384R1], "secp384r1", retried),
    ] {
        let server = server(Tls::Both, &groups);
        connects(
            list(server.address().port(), server.ca_path()),
            &format!("1.3, {expected}"),
        );
        assert_eq!(server.handshake_kinds(), [kind], "{expected}");
    }
    let server = server(Tls::Only12, &[HYBRID, SECP256R1]);
    connects(
        list(server.address().port(), server.ca_path()),
        "1.2, secp256r1",
    );
}

/// Carries connections to a server, and keeps what the server sent.
struct Relay {
    peer: Peer,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    /// The first bytes of the client, this many, travel alone and ahead of the others.
    fn start(server: SocketAddr, first: usize) -> Self {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&sent);
        let peer = Peer::start(move |connection| {
            let mut there = TcpStream::connect(server).expect("the server");
            there.set_nodelay(true).expect("an option");
            let mut back = there.try_clone().expect("a second handle");
            let mut client = connection.tcp().try_clone().expect("a second handle");
            let all = Arc::clone(&all);
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = back.read(&mut buffer) {
                    all.lock()
                        .expect("no panic while it is held")
                        .extend_from_slice(&buffer[..count]);
                    let _ = client.write_all(&buffer[..count]);
                }
                let _ = client.shutdown(Shutdown::Write);
            });
            let mut start = vec![0; first];
            if connection.tcp().read_exact(&mut start).is_ok() && there.write_all(&start).is_ok() {
                std::thread::sleep(Duration::from_millis(if first == 0 { 0 } else { 100 }));
                let _ = std::io::copy(connection.tcp(), &mut there);
            }
            let _ = there.shutdown(Shutdown::Write);
        });
        Self { peer, sent }
    }

    fn port(&self) -> u16 {
        self.peer.address().port()
    }

    /// Whether the server asked for another ClientHello.
    fn retried(&self) -> bool {
        let sent = self.sent.lock().expect("no panic while it is held");
        assert!(!sent.is_empty());
        sent.windows(RETRY.len()).any(|bytes| bytes == RETRY)
    }
}

/// Where segments end: within the header of the record, the header of the message, the X25519MLKEM768 share, and just
/// before the end of 1,469 bytes or so.
const CUTS: [usize; 6] = [1, 5, 8, 512, 1400, 1460];

#[test]
fn a_client_hello_in_two_segments() {
    for first in CUTS {
        for groups in [[HYBRID], [X25519]] {
            let server = server(Tls::Both, &groups);
            let relay = Relay::start(server.address(), first);
            let group = groups[0].name();
            connects(
                list(relay.port(), server.ca_path()),
                &format!("1.3, {}", group.as_str().expect("a name")),
            );
            assert_eq!(server.handshake_kinds(), [HandshakeKind::Full]);
            assert!(!relay.retried());
        }
    }
}

/// Old servers have a short buffer for the ClientHello.
#[test]
fn a_server_that_reads_512_bytes_of_a_client_hello() {
    let server = Server::start();
    let serve = |answer: &'static [u8], wait: bool| {
        Peer::start(move |connection| {
            let mut start = [0; 512];
            connection
                .tcp()
                .read_exact(&mut start)
                .expect("a ClientHello");
            connection.send(answer);
            if wait {
                connection.drain();
            }
        })
    };
    // The alert decode_error (RFC 8446 section 6), the end, and silence.
    for (answer, wait, stderr) in [
        (
            &[21, 3, 3, 0, 2, 2, 50][..],
            false,
            "error: localhost ended the TLS connection\n  caused by: alert DecodeError\n\
             hint: the log of the server, or of a proxy that answers in its place, says why\n",
        ),
        (
            &[],
            false,
            "error: localhost closed the connection during the TLS handshake\n\
             hint: if this goes on, something between may not let TLS through: check the proxy variables\n",
        ),
        (
            &[],
            true,
            "error: no TLS handshake with localhost within 0.5 s\n\
             hint: check the network and the proxy variables, or allow more time with --timeout\n",
        ),
    ] {
        let peer = serve(answer, wait);
        oz(&["secret", "list", "--timeout", "0.5"])
            .env("WARP_API_KEY", MARKER_KEY)
            .env(
                "WARP_SERVER_ROOT_URL",
                format!("https://localhost:{}", peer.address().port()),
            )
            .env("SSL_CERT_FILE", server.ca_path())
            .code(69)
            .stderr(stderr)
            .run();
    }
}

/// Node.js with these options of `tls.createServer`, in front of a server without TLS.
fn node(server: &Server, options: &str) -> Option<Front> {
    let program = tools::find("node24")?;
    let (held, dir) = Front::prepare();
    let script = format!(
        "const {{ readFileSync }} = require('fs'), net = require('net');\n\
         const options = {{ cert: readFileSync('cert.pem'), key: readFileSync('key.pem'), {options} }};\n\
         require('tls').createServer(options, (client) => {{\n\
         const server = net.connect({}, '127.0.0.1');\n\
         for (const one of [client, server]) one.on('error', () => {{}});\n\
         client.pipe(server).pipe(client);\n\
         }}).listen({}, '127.0.0.1');\n",
        server.address().port(),
        held.port()
    );
    let path = write(&dir, "server.js", script).display().to_string();
    Some(Front::start(held, dir, &program, &[&path]))
}

#[test]
fn groups_of_openssl() {
    for (options, expected, retried) in [
        ("", "1.3, X25519MLKEM768", false),
        (
            "ecdhCurve: 'X25519MLKEM768:X25519'",
            "1.3, X25519MLKEM768",
            false,
        ),
        ("ecdhCurve: 'X25519MLKEM768'", "1.3, X25519MLKEM768", false),
        ("ecdhCurve: 'X25519'", "1.3, X25519", false),
        ("ecdhCurve: 'P-256'", "1.3, secp256r1", true),
        (
            "ecdhCurve: 'X25519MLKEM768:P-256', maxVersion: 'TLSv1.2'",
            "1.2, secp256r1",
            false,
        ),
    ] {
        let server = Server::builder().tls(Tls::Off).start();
        let Some(front) = node(&server, options) else {
            return;
        };
        for first in [0, 512] {
            let relay = Relay::start(front.address(), first);
            connects(list(relay.port(), &front.ca_path()), expected);
            assert_eq!(relay.retried(), retried, "{options}");
        }
    }
}
