//! Owns TLS: which authorities are trusted, the session over one socket, and why a peer is not believed.
//! Must not know HTTP or proxies.
//!
//! The only file that names rustls, webpki-roots and rustls-native-certs. Nothing here turns verification off.

use super::connect;
use super::deadline::{Deadline, Stop};
use super::url::Host;
use super::x509;
use crate::env::Environment;
use crate::error::{Error, Words};
use crate::file;
use crate::outcome::Timestamp;
use crate::text;
use crate::time::push_rfc3339;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring::cipher_suite;
use rustls::crypto::{
    CryptoProvider, KeyProvider, WebPkiSupportedAlgorithms, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::SigningKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    InvalidMessage, PeerIncompatible, ProtocolVersion, RootCertStore, SignatureScheme,
    SupportedCipherSuite,
};
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// The largest CA file in bytes. The bundle of a distribution is a quarter of a megabyte; what is larger by far is no
/// bundle, and would be held in memory whole.
const MAX_CA_FILE: usize = 4 * 1024 * 1024;

/// Where distributions keep their bundle: Debian and Alpine, Fedora, older Fedora, openSUSE, and what LibreSSL and
/// the BSDs use. The first that exists is read.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Names of a certificate that are listed in a message; some cover hundreds of hosts.
const MAX_NAMES: usize = 5;

/// What a CA file or directory is.
const PEM_HINT: &str =
    "it holds the certificates of authorities in PEM: -----BEGIN CERTIFICATE-----";
/// What is offered, the favourite first: the provider's, with AES-128 before AES-256. Both are out of reach, and SHA-384
/// in the key schedule costs a run 70,000 instructions. Without AES instructions a kilobyte is as good as nothing too.
const SUITES: [&SupportedCipherSuite; 9] = [
    &cipher_suite::TLS13_AES_128_GCM_SHA256,
    &cipher_suite::TLS13_AES_256_GCM_SHA384,
    &cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    &cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    &cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    &cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    &cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    &cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    &cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// All that stays the same from one connection to the next.
pub struct Context {
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    name: ServerName<'static>,
}

impl Context {
    /// Reads the trust that was asked for. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the built-in roots, as with
    /// OpenSSL, curl and Go; `ca_file` adds to either. The system's bundle is not read here. A file that is a pipe may
    /// take as long as `timeout`.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for a file or directory that cannot be read, [`Error::Config`] for one that is no set of
    /// certificates.
    pub fn load(
        host: &Host,
        ca_file: Option<&Path>,
        env: &Environment,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let name = match host {
            Host::Ip(address) => ServerName::from(*address),
            Host::Name(name) => match DnsName::try_from(name.clone()) {
                Ok(name) => ServerName::DnsName(name),
                Err(_) => {
                    return Err(Error::Config(Words::new(
                        "the server's host name cannot be in a certificate",
                    )));
                }
            },
        };
        let file = env.filled("SSL_CERT_FILE").map(PathBuf::from);
        let directories = env.filled("SSL_CERT_DIR");
        let replaced = file.is_some() || directories.is_some();
        let mut roots = RootCertStore::empty();
        if let Some(file) = file {
            add_file(&mut roots, &file, "SSL_CERT_FILE", timeout)?;
        }
        if let Some(directories) = directories {
            add_directories(&mut roots, &directories)?;
            if roots.is_empty() {
                let what = place("SSL_CERT_DIR", Path::new(&directories));
                let words = Words::new(format!("{what} holds no usable certificate"));
                return Err(Error::Config(words.hint(PEM_HINT)));
            }
        }
        if !replaced {
            roots
                .roots
                .extend_from_slice(webpki_roots::TLS_SERVER_ROOTS);
        }
        if let Some(file) = ca_file {
            add_file(&mut roots, file, "the CA file", timeout)?;
        }
        Self::new(name, roots, (!replaced).then_some(system_bundle as Bundle))
    }

    fn new(
        name: ServerName<'static>,
        roots: RootCertStore,
        system: Option<Bundle>,
    ) -> Result<Self, Error> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: SUITES.map(|suite| *suite).to_vec(),
            key_provider: &NoKeys,
            ..rustls::crypto::ring::default_provider()
        });
        let verifier = Arc::new(Verifier::new(roots, system, &provider));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|_| Error::Config(Words::new("this build cannot speak TLS")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            verifier,
            name,
        })
    }
}

/// No client certificate is ever shown, so no private key is ever loaded. Without the provider's own loader, signing
/// is left out of the binary.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("no private keys".to_owned()))
    }
}

type Bundle = fn() -> Vec<CertificateDer<'static>>;

/// The certificates of the system's bundle, as far as they can be read; none where there is no bundle.
fn system_bundle() -> Vec<CertificateDer<'static>> {
    let bundle = SYSTEM_BUNDLES
        .iter()
        .map(Path::new)
        .find(|path| path.exists());
    rustls_native_certs::load_certs_from_paths(bundle, None).certs
}

/// Adds the certificates of one PEM file. Ones that are well-formed PEM but no authority are passed over, as long as
/// one is left: bundles hold odd ones.
fn add_file(
    roots: &mut RootCertStore,
    path: &Path,
    what: &str,
    timeout: Duration,
) -> Result<(), Error> {
    let config = |fault: &str| {
        Error::Config(Words::new(format!("{} {fault}", place(what, path))).hint(PEM_HINT))
    };
    let bytes = file::read(path, MAX_CA_FILE, timeout).map_err(|error| {
        Error::Unreadable(
            Words::new(format!("{} cannot be read", place(what, path)))
                .cause(&connect::words(&error)),
        )
    })?;
    if bytes.len() > MAX_CA_FILE {
        return Err(config("is larger than 4 MiB"));
    }
    if bytes.trim_ascii().is_empty() {
        return Err(config("is empty"));
    }
    if holds_private_key(&bytes) {
        return Err(config("holds a private key, which does not belong there"));
    }
    let mut seen = false;
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| config("holds malformed PEM"))?;
        seen = true;
        // What is no certificate is counted below.
        let _ = roots.add(certificate);
    }
    if !seen {
        return Err(config("holds no certificate in PEM"));
    }
    if roots.len() == before {
        return Err(config("holds no usable certificate"));
    }
    Ok(())
}

fn place(what: &str, path: &Path) -> String {
    format!("{what} {}", text::safe(&path.to_string_lossy()))
}

/// Whether a line opens a private key of any kind (RFC 7468 section 2), the encrypted and the old ones included.
fn holds_private_key(bytes: &[u8]) -> bool {
    const LABEL: &[u8] = b"PRIVATE KEY-----";
    bytes
        .split(|&byte| byte == b'\n')
        .any(|line| line.starts_with(b"-----BEGIN ") && line.trim_ascii_end().ends_with(LABEL))
}

/// `SSL_CERT_DIR` is a list divided by colons; what is no certificate in them is passed over.
fn add_directories(roots: &mut RootCertStore, directories: &std::ffi::OsStr) -> Result<(), Error> {
    for directory in std::env::split_paths(directories) {
        if directory.as_os_str().is_empty() {
            continue;
        }
        if let Err(error) = std::fs::read_dir(&directory) {
            let words = Words::new(format!(
                "{} cannot be read",
                place("SSL_CERT_DIR", &directory)
            ));
            return Err(Error::Unreadable(words.cause(&connect::words(&error))));
        }
        let found = rustls_native_certs::load_certs_from_paths(None, Some(&directory));
        roots.add_parsable_certificates(found.certs);
    }
    Ok(())
}

/// Verifies as rustls does, with a second set of roots that is read only where the first does not know the issuer.
struct Verifier {
    roots: RootCertStore,
    system: Option<Bundle>,
    system_roots: OnceLock<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Who answered, if that was refused.
    refused: Mutex<Option<Refused>>,
}

/// The certificate that was not believed.
struct Refused {
    names: Vec<String>,
    issuer: Option<x509::Names>,
    /// Only what the environment names was asked, and not the roots that are built in.
    replaced: bool,
}

impl Verifier {
    fn new(roots: RootCertStore, system: Option<Bundle>, provider: &CryptoProvider) -> Self {
        Self {
            roots,
            system,
            system_roots: OnceLock::new(),
            algorithms: provider.signature_verification_algorithms,
            refused: Mutex::new(None),
        }
    }

    fn verify(
        &self,
        certificate: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let algorithms = self.algorithms.all;
        let chain = |roots| {
            verify_server_cert_signed_by_trust_anchor(
                certificate,
                roots,
                intermediates,
                now,
                algorithms,
            )
        };
        match (chain(&self.roots), self.system) {
            (
                Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)),
                Some(bundle),
            ) => {
                chain(self.system_roots.get_or_init(|| {
                    let mut roots = RootCertStore::empty();
                    roots.add_parsable_certificates(bundle());
                    roots
                }))?;
            }
            (result, _) => result?,
        }
        verify_server_name(certificate, name)
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Verifier")
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        if let Err(error) = self.verify(&certificate, intermediates, server_name, now) {
            if let Ok(mut refused) = self.refused.lock() {
                *refused = Some(Refused {
                    names: names_of(&certificate),
                    issuer: x509::names(end_entity),
                    replaced: self.system.is_none(),
                });
            }
            return Err(error);
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The names in a certificate, learnt by asking for one that no certificate has (RFC 6761 section 6.4).
fn names_of(certificate: &ParsedCertificate<'_>) -> Vec<String> {
    let Ok(nobody) = ServerName::try_from("nobody.invalid") else {
        return Vec::new();
    };
    match verify_server_name(certificate, &nobody) {
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            presented,
            ..
        })) => presented,
        _ => Vec::new(),
    }
}

/// The most that an idle connection may have to say in TLS's own records, in bytes. Servers send a few session
/// tickets of some hundred bytes; one that has more to say costs more to read than a new handshake.
const MAX_IDLE: usize = 16 * 1024;

/// Follows the boundaries of TLS records (RFC 8446 section 5.1). rustls does not tell whether it holds the first part of
/// one, and that part can be the start of a reply that nobody asked for.
#[derive(Default)]
struct Boundaries {
    /// How many bytes of the header of the current record came, and what its length field says so far.
    header: usize,
    length: usize,
}

impl Boundaries {
    const HEADER: usize = 5;
    /// The type and the version, which come before the length.
    const BEFORE_LENGTH: usize = 3;

    fn follow(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if self.header < Self::HEADER {
                if self.header >= Self::BEFORE_LENGTH {
                    self.length = self.length << 8 | usize::from(*byte);
                }
                self.header += 1;
                rest = after;
            } else {
                let taken = self.length.min(rest.len());
                self.length -= taken;
                rest = rest.get(taken..).unwrap_or(&[]);
            }
            if self.header == Self::HEADER && self.length == 0 {
                self.header = 0;
            }
        }
    }

    fn is_between_records(&self) -> bool {
        self.header == 0
    }
}

/// Hands the bytes of a socket to rustls.
struct Receiver<'a> {
    stream: &'a TcpStream,
    boundaries: &'a mut Boundaries,
}

impl Read for Receiver<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.boundaries.follow(buffer.get(..count).unwrap_or(&[]));
        Ok(count)
    }
}

/// One TLS session over one non-blocking socket.
pub struct Session {
    connection: ClientConnection,
    stream: TcpStream,
    boundaries: Boundaries,
    verifier: Arc<Verifier>,
    host: String,
}

/// What a read brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    Data(usize),
    /// The end, `clean` if the peer said so (`close_notify`, RFC 8446 section 6.1).
    End {
        clean: bool,
    },
}

impl Session {
    /// Shakes hands. The last flight is left for [`Session::send`], so that it travels with the first request.
    pub fn open(
        context: &Context,
        host: &Host,
        stream: TcpStream,
        deadline: &Deadline,
    ) -> Result<Self, Stop> {
        let host = host.bracketed();
        let connection = ClientConnection::new(context.config.clone(), context.name.clone())
            .map_err(|error| Stop::Untrusted(explain(&error, &host, None)))?;
        let mut session = Self {
            connection,
            stream,
            boundaries: Boundaries::default(),
            verifier: context.verifier.clone(),
            host,
        };
        // Requests are handed over whole, and bounded by their builder.
        session.connection.set_buffer_limit(None);
        while session.connection.is_handshaking() {
            session.flush(deadline)?;
            if session.fill(deadline)? == 0 && session.connection.is_handshaking() {
                return Err(Stop::Closed);
            }
        }
        Ok(session)
    }

    /// Version and cipher suite, for `--debug`.
    pub fn summary(&self) -> String {
        let version = match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "1.3",
            _ => "1.2",
        };
        let suite = self.connection.negotiated_cipher_suite();
        let suite = suite.and_then(|suite| suite.suite().as_str()).unwrap_or("");
        format!("tls {version}, {suite}")
    }

    /// Encrypts and writes all of `bytes`. After an error the last of them was not handed to the system, and without
    /// it the peer cannot decrypt the last record.
    pub fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Stop> {
        self.connection.writer().write_all(bytes)?;
        self.flush(deadline)
    }

    /// Reads what is there, waiting for it until the deadline.
    pub fn receive(&mut self, buffer: &mut [u8], deadline: &Deadline) -> Result<Received, Stop> {
        loop {
            match self.connection.reader().read(buffer) {
                Ok(0) => return Ok(Received::End { clean: true }),
                Ok(count) => return Ok(Received::Data(count)),
                Err(error) if connect::would_block(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(Received::End { clean: false });
                }
                Err(error) => return Err(Stop::Io(error)),
            }
            self.fill(deadline)?;
        }
    }

    /// Whether another request can be sent: nothing came since the last reply but whole records that are TLS's own.
    /// How much of them is read is bounded, so that this takes no time to speak of.
    pub fn is_idle(&mut self) -> bool {
        let mut left = MAX_IDLE;
        loop {
            match self.connection.process_new_packets() {
                Ok(state) if !state.peer_has_closed() && state.plaintext_bytes_to_read() == 0 => {}
                _ => return false,
            }
            match self.read_tls() {
                Ok(count) if (1..=left).contains(&count) => left -= count,
                Ok(_) => return false,
                Err(error) if connect::was_interrupted(&error) => {}
                Err(error) => {
                    return connect::would_block(&error) && self.boundaries.is_between_records();
                }
            }
        }
    }

    fn read_tls(&mut self) -> io::Result<usize> {
        self.connection.read_tls(&mut Receiver {
            stream: &self.stream,
            boundaries: &mut self.boundaries,
        })
    }

    /// Reads and processes records; the number of bytes, 0 at the end of the stream.
    fn fill(&mut self, deadline: &Deadline) -> Result<usize, Stop> {
        loop {
            connect::wait_readable(&self.stream, deadline)?;
            match self.read_tls() {
                Ok(count) => {
                    self.process()?;
                    return Ok(count);
                }
                Err(error) if connect::would_block(&error) || connect::was_interrupted(&error) => {}
                Err(error) => return Err(Stop::Io(error)),
            }
        }
    }

    fn process(&mut self) -> Result<(), Stop> {
        let Err(error) = self.connection.process_new_packets() else {
            return Ok(());
        };
        // The alert tells the peer why; if it cannot be written, the connection ends without.
        let _ = self
            .connection
            .write_tls(&mut connect::Sender(&self.stream));
        let refused = self
            .verifier
            .refused
            .lock()
            .ok()
            .and_then(|mut refused| refused.take());
        Err(Stop::Untrusted(explain(
            &error,
            &self.host,
            refused.as_ref(),
        )))
    }

    fn flush(&mut self, deadline: &Deadline) -> Result<(), Stop> {
        while self.connection.wants_write() {
            deadline.left()?;
            match self
                .connection
                .write_tls(&mut connect::Sender(&self.stream))
            {
                Ok(0) => return Err(Stop::Io(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if connect::would_block(&error) => {
                    connect::wait_writable(&self.stream, deadline)?
                }
                Err(error) if connect::was_interrupted(&error) => {}
                Err(error) => return Err(Stop::Io(error)),
            }
        }
        Ok(())
    }
}

impl Drop for Session {
    /// Sends `close_notify` if that takes no waiting (RFC 8446 section 6.1). Where a part of a request could not be sent,
    /// it stays unsent: its caller was told that the server did not get all of it.
    fn drop(&mut self) {
        if !self.connection.is_handshaking() && !self.connection.wants_write() {
            self.connection.send_close_notify();
            let _ = self
                .connection
                .write_tls(&mut connect::Sender(&self.stream));
        }
    }
}

/// Why TLS failed: who was expected, who answered, and what can be done.
fn explain(error: &rustls::Error, host: &str, refused: Option<&Refused>) -> Words {
    match error {
        rustls::Error::InvalidCertificate(error) => explain_certificate(error, host, refused),
        rustls::Error::AlertReceived(alert) => explain_alert(*alert, host),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => too_old(host),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            Words::new(format!("{host} did not answer in TLS"))
                .hint("something else listens there; check --server-root-url, its port, and the proxy variables")
        }
        other => Words::new(format!("the TLS connection to {host} failed"))
            .cause(&other.to_string())
            .hint("check --server-root-url and the proxy variables: something between may not let TLS through"),
    }
}

fn too_old(host: &str) -> Words {
    Words::new(format!("{host} speaks no TLS version that is still safe"))
        .hint("the server, or a proxy that answers in its place, has to support TLS 1.2 or 1.3")
}

fn explain_alert(alert: AlertDescription, host: &str) -> Words {
    match alert {
        AlertDescription::ProtocolVersion => too_old(host),
        AlertDescription::UnrecognisedName => Words::new(format!("who answered does not serve {host}"))
            .hint("check --server-root-url and the proxy variables"),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            Words::new(format!("{host} and this client have no TLS cipher suite or key in common"))
                .hint("the server, or a proxy that answers in its place, has to support current TLS cipher suites")
        }
        other => Words::new(format!("{host} broke off TLS")).cause(&format!("alert {other:?}"))
            .hint("the log of the server, or of a proxy that answers in its place, says why"),
    }
}

fn explain_certificate(error: &CertificateError, host: &str, refused: Option<&Refused>) -> Words {
    let words = match error {
        CertificateError::ExpiredContext { time, not_after } => Words::new(format!(
            "the certificate of {host} expired on {}",
            date(not_after.as_secs())
        ))
        .cause(&format!("this machine's clock says {}", date(time.as_secs())))
        .hint("if the clock is right, the server's certificate has to be renewed"),
        CertificateError::NotValidYetContext { time, not_before } => Words::new(format!(
            "the certificate of {host} is not valid before {}",
            date(not_before.as_secs())
        ))
        .cause(&format!("this machine's clock says {}", date(time.as_secs())))
        .hint("check this machine's clock"),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            return Words::new(format!("the certificate of {host} names no host"))
                .cause("a common name does not count any more")
                .hint("the server needs a certificate with a subject alternative name");
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            return Words::new(format!("who answered is not {host}"))
                .cause(&answered(presented))
                .hint("check --server-root-url and the proxy variables: this is another server's certificate");
        }
        CertificateError::UnknownIssuer => unknown_issuer(host, refused),
        // ring answers the same to a short RSA key as to a signature that does not fit.
        CertificateError::BadSignature => Words::new(format!(
            "a signature by {host}, or on its certificate, could not be verified"
        ))
        .hint("a key may be RSA with less than 2048 bits, or an authority trusted here has the same name as the one that issued it"),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Words::new(format!(
            "the certificate of {host} is signed in a way that is not safe, or not known here"
        ))
        .hint("the server needs a certificate with an ECDSA, Ed25519 or RSA key of 2048 bits or more and SHA-2"),
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => {
            Words::new(format!("the certificate of {host} is not for servers"))
                .hint("its extended key usage has to include server authentication")
        }
        CertificateError::BadEncoding => Words::new(format!("the certificate of {host} is malformed"))
            .hint("the server, or a proxy that answers in its place, has to show another"),
        CertificateError::Revoked => Words::new(format!("the certificate of {host} was revoked")),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            Words::new(format!("{host} shows the certificate of an authority as its own"))
                .hint("the server needs a certificate of its own, issued by that authority")
        }
        // What rustls has no word for comes wrapped: webpki's own word is inside.
        CertificateError::Other(other) => not_acceptable(host, &other.0.to_string()),
        other => not_acceptable(host, &other.to_string()),
    };
    match refused {
        Some(refused) if !refused.names.is_empty() => words.cause(&answered(&refused.names)),
        _ => words,
    }
}

fn not_acceptable(host: &str, why: &str) -> Words {
    Words::new(format!("the certificate of {host} is not acceptable"))
        .cause(why)
        .hint("the server, or a proxy that answers in its place, has to show another")
}

fn unknown_issuer(host: &str, refused: Option<&Refused>) -> Words {
    let issuer = refused.and_then(|refused| refused.issuer.as_ref());
    let words = match issuer {
        Some(names) if names.self_issued => {
            Words::new(format!("the certificate of {host} is self-signed"))
        }
        _ => Words::new(format!(
            "the certificate of {host} is issued by an authority that is not trusted here"
        )),
    };
    let words = match issuer {
        Some(names) if !names.self_issued && !names.issuer.is_empty() => {
            words.cause(&format!("the issuer calls itself {}", names.issuer))
        }
        _ => words,
    };
    words.hint(if refused.is_some_and(|refused| refused.replaced) {
        "SSL_CERT_FILE or SSL_CERT_DIR is set, so only the authorities there are trusted: unset it, or add the right one \
         with --ca-file"
    } else {
        "if this is expected, name the authority's certificate with --ca-file"
    })
}

/// The names in a certificate, at least one, which webpki prints as `DnsName("a")` and `IpAddress(b)`, as people
/// write them.
fn answered(names: &[String]) -> String {
    let mut out = String::from("the certificate shown is for ");
    for (index, name) in names.iter().take(MAX_NAMES).enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        let inner = name
            .split_once('(')
            .map_or(name.as_str(), |(_, inner)| inner);
        let inner = inner.trim_end_matches(')').trim_matches('"');
        match inner.parse::<IpAddr>() {
            // webpki writes 0::1 for ::1.
            Ok(address) => out.push_str(&address.to_string()),
            Err(_) => out.push_str(inner),
        }
    }
    if names.len() > MAX_NAMES {
        out.push_str(" and others");
    }
    out
}

/// A day in UTC, `2026-01-31`, from seconds since 1970.
fn date(seconds: u64) -> String {
    let instant = Timestamp {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanoseconds: 0,
    };
    let mut text = String::new();
    push_rfc3339(instant, &mut text);
    text.truncate("2026-01-31".len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    thread_local! {
        static BUNDLE: RefCell<Vec<CertificateDer<'static>>> = const { RefCell::new(Vec::new()) };
        static READS: Cell<u32> = const { Cell::new(0) };
    }

    fn bundle() -> Vec<CertificateDer<'static>> {
        READS.set(READS.get() + 1);
        BUNDLE.with_borrow(Clone::clone)
    }

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority(name: &str) -> Authority {
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
    }

    fn issued(authority: &Authority) -> CertificateDer<'static> {
        let parameters = CertificateParams::new(vec!["h.example".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        parameters.signed_by(&key, authority).unwrap().der().clone()
    }

    fn verifier(authority: &Authority, system: Option<Bundle>) -> Verifier {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        Verifier::new(roots, system, &rustls::crypto::ring::default_provider())
    }

    fn verify(
        verifier: &Verifier,
        certificate: &CertificateDer<'_>,
        name: &str,
    ) -> Result<(), rustls::Error> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        verifier
            .verify_server_cert(certificate, &[], &name, &[], now)
            .map(|_| ())
    }

    const UNKNOWN: rustls::Error =
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);

    #[test]
    fn the_system_is_asked_once_and_only_about_strangers() {
        let (built_in, system, nobody) = (authority("A"), authority("B"), authority("C"));
        BUNDLE.replace(vec![
            system.der().clone(),
            CertificateDer::from(vec![1, 2, 3]),
        ]);
        let verifier = verifier(&built_in, Some(bundle));
        assert_eq!(verify(&verifier, &issued(&built_in), "h.example"), Ok(()));
        assert!(verify(&verifier, &issued(&built_in), "other.example").is_err());
        assert_eq!(READS.get(), 0);
        assert_eq!(verify(&verifier, &issued(&system), "h.example"), Ok(()));
        assert!(verify(&verifier, &issued(&system), "other.example").is_err());
        assert_eq!(
            verify(&verifier, &issued(&nobody), "h.example"),
            Err(UNKNOWN)
        );
        assert_eq!(READS.get(), 1);
    }

    #[test]
    fn roots_that_were_given_are_the_only_ones() {
        let (given, system) = (authority("A"), authority("B"));
        BUNDLE.replace(vec![system.der().clone()]);
        let verifier = verifier(&given, None);
        assert_eq!(verify(&verifier, &issued(&given), "h.example"), Ok(()));
        assert_eq!(
            verify(&verifier, &issued(&system), "h.example"),
            Err(UNKNOWN)
        );
        assert_eq!(READS.get(), 0);
    }

    const TIMEOUT: Duration = Duration::from_secs(60);

    #[test]
    fn nothing_but_the_variables_leaves_the_built_in_roots() {
        let none = Environment::new(|_| None);
        let host = Host::parse("h.example").unwrap();
        let context = Context::load(&host, None, &none, TIMEOUT)
            .unwrap_or_else(|e| panic!("{}", e.message()));
        assert_eq!(
            context.verifier.roots.len(),
            webpki_roots::TLS_SERVER_ROOTS.len()
        );
        assert!(context.verifier.system.is_some());
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        std::fs::write(&file, authority("A").pem()).unwrap();
        let added = Context::load(&host, Some(&file), &none, TIMEOUT)
            .unwrap_or_else(|e| panic!("{}", e.message()));
        assert_eq!(
            added.verifier.roots.len(),
            webpki_roots::TLS_SERVER_ROOTS.len() + 1
        );
        assert!(added.verifier.system.is_some());
        let only = Environment::new(move |name| {
            (name == "SSL_CERT_FILE").then(|| file.clone().into_os_string())
        });
        let replaced = Context::load(&host, None, &only, TIMEOUT)
            .unwrap_or_else(|e| panic!("{}", e.message()));
        assert_eq!(replaced.verifier.roots.len(), 1);
        assert!(replaced.verifier.system.is_none());
    }

    #[test]
    fn the_boundaries_of_records_are_found_however_they_are_cut() {
        // An empty record, one of 3 bytes, and one of 258.
        let mut bytes = vec![23, 3, 3, 0, 0, 23, 3, 3, 0, 3, 7, 7, 7, 22, 3, 3, 1, 2];
        bytes.resize(18 + 258, 23);
        let ends = [0, 5, 13, bytes.len()];
        for piece in 1..=bytes.len() {
            let mut boundaries = Boundaries::default();
            let mut at = 0;
            for part in bytes.chunks(piece) {
                boundaries.follow(part);
                at += part.len();
                assert_eq!(
                    boundaries.is_between_records(),
                    ends.contains(&at),
                    "{piece} {at}"
                );
            }
        }
    }

    #[test]
    fn days() {
        for (seconds, text) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_709_164_800, "2024-02-29"),
            (1_735_689_599, "2024-12-31"),
            (1_735_689_600, "2025-01-01"),
            (4_107_456_000, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
            (253_402_300_799, "9999-12-31"),
        ] {
            assert_eq!(date(seconds), text);
        }
        // Whatever it says, it says so soon.
        date(u64::MAX);
    }

    #[test]
    fn names_as_people_write_them() {
        let list = |names: &[&str]| {
            answered(
                &names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            list(&["DnsName(\"*.a\")", "IpAddress(0::1)", "DirectoryName"]),
            "the certificate shown is for *.a, ::1, DirectoryName"
        );
        let many = ["DnsName(\"a\")"; MAX_NAMES + 1];
        assert_eq!(
            list(&many[1..]),
            "the certificate shown is for a, a, a, a, a"
        );
        assert_eq!(
            list(&many),
            "the certificate shown is for a, a, a, a, a and others"
        );
    }
}
