//! TLS: which certificates are trusted, the session over one socket, and why a server is refused.
//!
//! The only file that names rustls, webpki-roots and rustls-native-certs. Nothing here turns verification off.
//!
//! webpki verifies chains, and takes every root that it is given for an authority. What a certificate in a trust file says
//! of itself is therefore checked here, by the rules of OpenSSL: its validity, its constraints, its key usages and unknown
//! critical extensions. The path length of a root is not (RFC 5280 section 6.1.1 has it no input of the verification).

use super::connect;
use super::deadline::{Deadline, StreamError};
use super::x509;
use crate::env::Environment;
use crate::error::Error;
use crate::file;
use crate::outcome::Timestamp;
use crate::text;
use crate::time::push_rfc3339;
use crate::url::Host;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring::cipher_suite;
use rustls::crypto::{
    CryptoProvider, KeyProvider, WebPkiSupportedAlgorithms, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    CertificateDer, DnsName, PrivateKeyDer, ServerName, SignatureVerificationAlgorithm, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::sign::SigningKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    InvalidMessage, PeerIncompatible, ProtocolVersion, RootCertStore, SignatureScheme,
    SupportedCipherSuite,
};
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::net::TcpStream;
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
pub struct TlsConfig {
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    name: ServerName<'static>,
}

impl TlsConfig {
    /// Reads the trust that was asked for. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the built-in roots, as with
    /// OpenSSL, curl and Go; `ca_file` adds to either. A directory beside a file, and the system's bundle, are read once
    /// a server needs them. A file that is a pipe may take as long as `timeout`.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`] for a file that cannot be read, or a directory where there is no file; [`ErrorKind::Config`] for
    /// one without certificates.
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
                    return Err(Error::config(
                        "the server's host name cannot be in a certificate",
                    ));
                }
            },
        };
        let file = env.filled("SSL_CERT_FILE").map(PathBuf::from);
        let directories = env.filled("SSL_CERT_DIR");
        let mut trusted = Trusted {
            built_in: file.is_none() && directories.is_none(),
            ..Trusted::default()
        };
        if let Some(file) = file {
            add_file(&mut trusted.certificates, &file, "SSL_CERT_FILE", timeout)?;
        }
        if let Some(file) = ca_file {
            add_file(&mut trusted.certificates, file, "the CA file", timeout)?;
        }
        let fallback: Option<Fallback> = match directories {
            None if trusted.built_in => Some(Box::new(system_bundle)),
            None => None,
            Some(list) if trusted.certificates.is_empty() => {
                trusted = read_directories(&list);
                require_certificates(&trusted, &list)?;
                None
            }
            Some(list) => Some(Box::new(move || read_directories(&list))),
        };
        Self::new(name, trusted, fallback)
    }

    fn new(
        name: ServerName<'static>,
        trusted: Trusted,
        fallback: Option<Fallback>,
    ) -> Result<Self, Error> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: SUITES.map(|suite| *suite).to_vec(),
            key_provider: &NoKeys,
            ..rustls::crypto::ring::default_provider()
        });
        let verifier = Arc::new(Verifier::new(trusted, fallback, &provider));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|_| Error::config("this build cannot speak TLS"))?
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

/// Certificates that a server's chain may end with, or be.
#[derive(Default)]
struct Trusted {
    certificates: Vec<CertificateDer<'static>>,
    /// The roots of webpki-roots too.
    built_in: bool,
    /// A directory that could not be read, and why.
    unreadable: Option<(String, String)>,
}

/// Reads what is trusted beside the rest, which costs more than a handshake.
type Fallback = Box<dyn Fn() -> Trusted + Send + Sync>;

/// The certificates of the system's bundle, as far as they can be read; none where there is no bundle.
fn system_bundle() -> Trusted {
    let bundle = SYSTEM_BUNDLES
        .iter()
        .map(Path::new)
        .find(|path| path.exists());
    Trusted {
        certificates: rustls_native_certs::load_certs_from_paths(bundle, None).certs,
        ..Trusted::default()
    }
}

/// Adds the certificates of one PEM file. Ones that cannot be read are passed over as long as one is left: bundles hold
/// odd ones.
fn add_file(
    certificates: &mut Vec<CertificateDer<'static>>,
    path: &Path,
    what: &str,
    timeout: Duration,
) -> Result<(), Error> {
    let config = |fault: &str| {
        Error::config(format!("{} {fault}", describe_path(what, path))).hint(PEM_HINT)
    };
    let mut bytes = file::read(path, MAX_CA_FILE, timeout).map_err(|error| {
        Error::unreadable(format!("{} cannot be read", describe_path(what, path)))
            .cause(&connect::describe(&error))
    })?;
    if bytes.len() > MAX_CA_FILE {
        return Err(config("is larger than 4 MiB"));
    }
    blank_byte_order_marks(&mut bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(config("is empty"));
    }
    if holds_private_key(&bytes) {
        return Err(config("holds a private key, which does not belong there"));
    }
    let mut seen = false;
    let before = certificates.len();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| config("holds malformed PEM"))?;
        seen = true;
        if x509::Certificate::parse(&certificate).is_some() {
            certificates.push(certificate);
        }
    }
    if !seen {
        return Err(config("holds no certificate in PEM"));
    }
    if certificates.len() == before {
        return Err(config("holds no usable certificate"));
    }
    Ok(())
}

fn describe_path(what: &str, path: &Path) -> String {
    format!("{what} {}", text::safe(&path.to_string_lossy()))
}

/// Editors of Windows put a byte order mark at the start of a file. It would hide the first line from the PEM reader, and
/// in files that were joined a later one.
fn blank_byte_order_marks(bytes: &mut [u8]) {
    const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
    // Nearly every file is ASCII, and a byte is quicker to find than a line.
    if !bytes.contains(&0xef) {
        return;
    }
    for line in bytes.split_mut(|&byte| byte == b'\n') {
        if let Some(start) = line.first_chunk_mut()
            && *start == MARK
        {
            *start = [b'\n'; MARK.len()];
        }
    }
}

/// Whether a line opens a private key of any kind (RFC 7468 section 2), the encrypted and the old ones included.
fn holds_private_key(bytes: &[u8]) -> bool {
    const LABEL: &[u8] = b"PRIVATE KEY-----";
    bytes
        .split(|&byte| byte == b'\n')
        .any(|line| line.starts_with(b"-----BEGIN ") && line.trim_ascii_end().ends_with(LABEL))
}

/// `SSL_CERT_DIR` is a list divided by colons. What is no certificate in a directory is passed over.
fn read_directories(list: &OsStr) -> Trusted {
    let mut trusted = Trusted::default();
    for directory in std::env::split_paths(list) {
        if directory.as_os_str().is_empty() {
            continue;
        }
        match std::fs::read_dir(&directory) {
            Ok(_) => {
                let found = rustls_native_certs::load_certs_from_paths(None, Some(&directory));
                trusted.certificates.extend(found.certs);
            }
            Err(error) => {
                let what = format!(
                    "{} cannot be read",
                    describe_path("SSL_CERT_DIR", &directory)
                );
                trusted.unreadable = Some((what, connect::describe(&error)));
            }
        }
    }
    trusted
}

/// For directories that are all there is.
fn require_certificates(trusted: &Trusted, list: &OsStr) -> Result<(), Error> {
    let is_one = |one: &CertificateDer<'_>| x509::Certificate::parse(one).is_some();
    if trusted.certificates.iter().any(is_one) {
        return Ok(());
    }
    if let Some((what, why)) = &trusted.unreadable {
        return Err(Error::unreadable(what.clone()).cause(why));
    }
    let what = describe_path("SSL_CERT_DIR", Path::new(list));
    Err(Error::config(format!("{what} holds no usable certificate")).hint(PEM_HINT))
}

/// Verifies the chain of a server with what is trusted, and with the fallback where that fails.
struct Verifier {
    trusted: Trusted,
    fallback: Option<Fallback>,
    fallen_back: OnceLock<Trusted>,
    algorithms: WebPkiSupportedAlgorithms,
    refused: Mutex<Option<Refused>>,
}

/// What there is to say of a certificate that was refused.
struct Refused {
    hosts: Vec<String>,
    is_self_issued: bool,
    /// Empty where the certificate does not say.
    issuer: String,
    /// Why an authority in the chain does not count, and what could not be read.
    causes: Vec<String>,
    /// The built-in roots do not count, because the environment names others.
    replaced: bool,
}

const UNKNOWN_ISSUER: rustls::Error =
    rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);

impl Verifier {
    fn new(trusted: Trusted, fallback: Option<Fallback>, provider: &CryptoProvider) -> Self {
        Self {
            trusted,
            fallback,
            fallen_back: OnceLock::new(),
            algorithms: provider.signature_verification_algorithms,
            refused: Mutex::new(None),
        }
    }

    fn verify(&self, chain: &Chain<'_>, name: &ServerName<'_>) -> Result<(), rustls::Error> {
        let algorithms = self.algorithms.all;
        match (chain.verify(&self.trusted, algorithms), &self.fallback) {
            (Err(error), Some(fallback)) => {
                let trusted = self.fallen_back.get_or_init(fallback);
                // Where both fail, an unknown issuer is the less specific error.
                chain.verify(trusted, algorithms).map_err(|other| {
                    if error == UNKNOWN_ISSUER {
                        other
                    } else {
                        error
                    }
                })?;
            }
            (result, _) => result?,
        }
        verify_server_name(&chain.parsed, name)
    }

    fn describe(&self, chain: &Chain<'_>, error: &rustls::Error) -> Refused {
        let mut causes = Vec::new();
        for trusted in std::iter::once(&self.trusted).chain(self.fallen_back.get()) {
            if *error == UNKNOWN_ISSUER {
                causes.extend(chain.left_out(&trusted.certificates, |one| one.is_authority()));
            }
            if let Some((what, why)) = &trusted.unreadable {
                causes.push(format!("{what}: {why}"));
            }
        }
        if *error == UNKNOWN_ISSUER {
            causes.extend(chain.left_out(chain.sent, |one| one.may_issue()));
        }
        Refused {
            hosts: chain.leaf.hosts(),
            is_self_issued: chain.leaf.is_self_issued(),
            issuer: x509::name(chain.leaf.issuer),
            causes,
            replaced: !self.trusted.built_in,
        }
    }
}

/// What a server shows: its own certificate, and others that it sent along.
struct Chain<'a> {
    der: &'a CertificateDer<'a>,
    parsed: ParsedCertificate<'a>,
    leaf: x509::Certificate<'a>,
    sent: &'a [CertificateDer<'a>],
    /// The names of the issuers of all of them.
    issuers: Vec<&'a [u8]>,
    now: UnixTime,
}

impl<'a> Chain<'a> {
    fn read(
        der: &'a CertificateDer<'a>,
        sent: &'a [CertificateDer<'a>],
        now: UnixTime,
    ) -> Result<Self, rustls::Error> {
        let parsed = ParsedCertificate::try_from(der)?;
        let leaf = x509::Certificate::parse(der).ok_or(CertificateError::BadEncoding)?;
        let mut issuers = vec![leaf.issuer];
        let others = sent.iter().filter_map(|one| x509::Certificate::parse(one));
        issuers.extend(others.map(|one| one.issuer));
        Ok(Self {
            der,
            parsed,
            leaf,
            sent,
            issuers,
            now,
        })
    }

    /// A trusted certificate is the server's own, or an authority that issued it.
    fn verify(
        &self,
        trusted: &Trusted,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), rustls::Error> {
        let is_for_servers = self.leaf.is_for_servers();
        if is_for_servers && trusted.certificates.contains(self.der) && self.is_valid(&self.leaf) {
            return Ok(());
        }
        let mut roots = RootCertStore::empty();
        if trusted.built_in {
            let built_in = webpki_roots::TLS_SERVER_ROOTS;
            roots.roots.extend_from_slice(built_in);
        }
        for one in self.usable(&trusted.certificates, |one| one.is_authority()) {
            // One that webpki cannot read is left out.
            let _ = roots.add(one);
        }
        let links: Vec<_> = self.usable(self.sent, |one| one.may_issue()).collect();
        verify_server_cert_signed_by_trust_anchor(
            &self.parsed,
            &roots,
            &links,
            self.now,
            algorithms,
        )?;
        if is_for_servers {
            return Ok(());
        }
        Err(CertificateError::InvalidPurpose.into())
    }

    /// Those that can have issued one of the chain.
    fn usable<'b>(
        &self,
        certificates: &'b [CertificateDer<'_>],
        may_issue: fn(&x509::Certificate<'_>) -> bool,
    ) -> impl Iterator<Item = CertificateDer<'b>> {
        certificates.iter().filter_map(move |der| {
            let certificate = self.issuer_in(der)?;
            self.is_usable(&certificate, may_issue)
                .then(|| CertificateDer::from(der.as_ref()))
        })
    }

    /// Why one that has the name of an issuer in the chain is not usable, if there is no other of that name that is.
    fn left_out(
        &self,
        certificates: &[CertificateDer<'_>],
        may_issue: fn(&x509::Certificate<'_>) -> bool,
    ) -> Option<String> {
        let named = || certificates.iter().filter_map(|der| self.issuer_in(der));
        named().find_map(|certificate| {
            let is_other = |other: x509::Certificate<'_>| {
                other.subject == certificate.subject && self.is_usable(&other, may_issue)
            };
            if named().any(is_other) {
                return None;
            }
            let name = match x509::name(certificate.subject) {
                name if name.is_empty() => "the issuer".to_owned(),
                name => name,
            };
            let validity = certificate.validity()?;
            if self.seconds() > *validity.end() {
                let day = date(*validity.end());
                return Some(format!("the certificate of {name} expired on {day}"));
            }
            if self.seconds() < *validity.start() {
                let day = date(*validity.start());
                return Some(format!(
                    "the certificate of {name} is not valid before {day}"
                ));
            }
            Some(format!(
                "the certificate of {name} may not issue certificates for servers"
            ))
        })
    }

    /// A certificate that has the name of an issuer in the chain.
    fn issuer_in<'b>(&self, der: &'b CertificateDer<'_>) -> Option<x509::Certificate<'b>> {
        x509::Certificate::parse(der).filter(|one| self.issuers.contains(&one.subject))
    }

    fn is_usable(
        &self,
        certificate: &x509::Certificate<'_>,
        may_issue: fn(&x509::Certificate<'_>) -> bool,
    ) -> bool {
        may_issue(certificate) && self.is_valid(certificate)
    }

    fn is_valid(&self, certificate: &x509::Certificate<'_>) -> bool {
        let validity = certificate.validity();
        validity.is_some_and(|validity| validity.contains(&self.seconds()))
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.now.as_secs()).unwrap_or(i64::MAX)
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
        let chain = Chain::read(end_entity, intermediates, now)?;
        self.verify(&chain, server_name).inspect_err(|error| {
            if let Ok(mut refused) = self.refused.lock() {
                *refused = Some(self.describe(&chain, error));
            }
        })?;
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
pub struct TlsStream {
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

impl TlsStream {
    /// Shakes hands. The last flight is left for [`TlsStream::send`], so that it travels with the first request.
    pub fn open(
        context: &TlsConfig,
        host: &Host,
        stream: TcpStream,
        deadline: &Deadline,
    ) -> Result<Self, StreamError> {
        let host = host.bracketed();
        let connection = ClientConnection::new(context.config.clone(), context.name.clone())
            .map_err(|error| StreamError::Tls(explain(&error, &host, None)))?;
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
                return Err(StreamError::Closed);
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
    pub fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), StreamError> {
        self.connection.writer().write_all(bytes)?;
        self.flush(deadline)
    }

    /// Reads what is there, waiting for it until the deadline.
    pub fn receive(
        &mut self,
        buffer: &mut [u8],
        deadline: &Deadline,
    ) -> Result<Received, StreamError> {
        loop {
            match self.connection.reader().read(buffer) {
                Ok(0) => return Ok(Received::End { clean: true }),
                Ok(count) => return Ok(Received::Data(count)),
                Err(error) if connect::would_block(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(Received::End { clean: false });
                }
                Err(error) => return Err(StreamError::Io(error)),
            }
            self.fill(deadline)?;
        }
    }

    /// Whether another request can be sent: nothing came since the last reply but whole records that are TLS's own.
    /// How much of them is read is bounded, so that this takes no time to speak of.
    pub fn is_idle(&mut self) -> bool {
        let mut left = MAX_IDLE;
        loop {
            match self.connection.reader().read(&mut [0]) {
                Err(error) if connect::would_block(&error) => {}
                // Data, or the end.
                _ => return false,
            }
            match self.read_records() {
                Ok(count) if (1..=left).contains(&count) => left -= count,
                Err(StreamError::Io(error)) if connect::was_interrupted(&error) => {}
                Err(StreamError::Io(error)) => {
                    return connect::would_block(&error) && self.boundaries.is_between_records();
                }
                _ => return false,
            }
        }
    }

    /// Waits for records and processes them; the number of bytes, 0 at the end of the stream.
    fn fill(&mut self, deadline: &Deadline) -> Result<usize, StreamError> {
        loop {
            connect::wait_readable(&self.stream, deadline)?;
            match self.read_records() {
                Err(StreamError::Io(error))
                    if connect::would_block(&error) || connect::was_interrupted(&error) => {}
                result => return result,
            }
        }
    }

    /// The same without a wait.
    fn read_records(&mut self) -> Result<usize, StreamError> {
        let count = self.connection.read_tls(&mut Receiver {
            stream: &self.stream,
            boundaries: &mut self.boundaries,
        })?;
        self.process()?;
        Ok(count)
    }

    fn process(&mut self) -> Result<(), StreamError> {
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
        Err(StreamError::Tls(explain(
            &error,
            &self.host,
            refused.as_ref(),
        )))
    }

    fn flush(&mut self, deadline: &Deadline) -> Result<(), StreamError> {
        while self.connection.wants_write() {
            deadline.left()?;
            match self
                .connection
                .write_tls(&mut connect::Sender(&self.stream))
            {
                Ok(0) => return Err(StreamError::Io(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if connect::would_block(&error) => {
                    connect::wait_writable(&self.stream, deadline)?
                }
                Err(error) if connect::was_interrupted(&error) => {}
                Err(error) => return Err(StreamError::Io(error)),
            }
        }
        Ok(())
    }
}

impl Drop for TlsStream {
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

/// Why TLS failed, and what can be done.
fn explain(error: &rustls::Error, host: &str, refused: Option<&Refused>) -> Error {
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
            Error::unavailable(format!("{host} did not answer in TLS"))
                .hint("something else listens there; check --server-root-url, its port, and the proxy variables")
        }
        other => Error::unavailable(format!("the TLS connection to {host} failed"))
            .cause(&other.to_string())
            .hint("check --server-root-url and the proxy variables: something between may not let TLS through"),
    }
}

fn too_old(host: &str) -> Error {
    Error::unavailable(format!("{host} speaks no TLS version that is still safe"))
        .hint("the server, or a proxy that answers in its place, has to support TLS 1.2 or 1.3")
}

fn explain_alert(alert: AlertDescription, host: &str) -> Error {
    match alert {
        AlertDescription::ProtocolVersion => too_old(host),
        AlertDescription::UnrecognisedName => Error::unavailable(format!("the server that answered does not serve {host}"))
            .hint("check --server-root-url and the proxy variables"),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            Error::unavailable(format!("{host} and this client have no TLS cipher suite or key in common"))
                .hint("the server, or a proxy that answers in its place, has to support current TLS cipher suites")
        }
        other => Error::unavailable(format!("{host} ended the TLS connection")).cause(&format!("alert {other:?}"))
            .hint("the log of the server, or of a proxy that answers in its place, says why"),
    }
}

fn explain_certificate(error: &CertificateError, host: &str, refused: Option<&Refused>) -> Error {
    let hosts = refused.map_or(&[][..], |refused| &refused.hosts);
    let error = match error {
        CertificateError::ExpiredContext { time, not_after } => Error::unavailable(format!(
            "the certificate of {host} expired on {}",
            day(*not_after)
        ))
        .cause(&format!("this machine's clock says {}", day(*time)))
        .hint("if the clock is right, the server's certificate has to be renewed"),
        CertificateError::NotValidYetContext { time, not_before } => Error::unavailable(format!(
            "the certificate of {host} is not valid before {}",
            day(*not_before)
        ))
        .cause(&format!("this machine's clock says {}", day(*time)))
        .hint("check this machine's clock"),
        CertificateError::NotValidForNameContext { .. } if hosts.is_empty() => {
            return Error::unavailable(format!("the certificate of {host} names no host"))
                .cause("a common name does not count any more")
                .hint("the server needs a certificate with a subject alternative name");
        }
        CertificateError::NotValidForNameContext { .. } => {
            return Error::unavailable(format!("the server's certificate is for {}, not {host}", list(hosts)))
                .hint("check --server-root-url and the proxy variables: another server answers there");
        }
        CertificateError::UnknownIssuer => unknown_issuer(host, refused),
        // ring answers the same to a short RSA key as to a signature that does not fit.
        CertificateError::BadSignature => Error::unavailable(format!(
            "a signature by {host}, or on its certificate, could not be verified"
        ))
        .hint("a key may be RSA with less than 2048 bits, or an authority trusted here has the same name as the one that issued it"),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Error::unavailable(format!(
            "the certificate of {host} is signed in a way that is not safe, or not known here"
        ))
        .hint("the server needs a certificate with an ECDSA, Ed25519 or RSA key of 2048 bits or more and SHA-2"),
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => {
            Error::unavailable(format!("the certificate of {host} is not for servers"))
                .hint("its key usage has to allow signatures, and its extended key usage server authentication")
        }
        CertificateError::BadEncoding => Error::unavailable(format!("the certificate of {host} is malformed"))
            .hint("the server, or a proxy that answers in its place, has to show another"),
        CertificateError::Revoked => Error::unavailable(format!("the certificate of {host} was revoked")),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            Error::unavailable(format!("{host} shows the certificate of an authority as its own"))
                .hint("the server needs a certificate of its own; to trust just this one, name it with --ca-file")
        }
        // What rustls has no word for comes wrapped: webpki's own word is inside.
        CertificateError::Other(other) => not_acceptable(host, &other.0.to_string()),
        other => not_acceptable(host, &other.to_string()),
    };
    let causes = refused.map_or(&[][..], |refused| &refused.causes);
    let error = causes.iter().fold(error, |error, cause| error.cause(cause));
    if hosts.is_empty() {
        return error;
    }
    error.cause(&format!("the server's certificate is for {}", list(hosts)))
}

fn not_acceptable(host: &str, why: &str) -> Error {
    Error::unavailable(format!("the certificate of {host} is not acceptable"))
        .cause(why)
        .hint("the server, or a proxy that answers in its place, has to show another")
}

fn unknown_issuer(host: &str, refused: Option<&Refused>) -> Error {
    let error = match refused {
        Some(refused) if refused.is_self_issued => {
            Error::unavailable(format!("the certificate of {host} is self-signed"))
        }
        _ => Error::unavailable(format!(
            "the certificate of {host} is issued by an authority that is not trusted here"
        )),
    };
    let error = match refused {
        Some(refused) if !refused.is_self_issued && !refused.issuer.is_empty() => {
            error.cause(&format!("its issuer is {}", refused.issuer))
        }
        _ => error,
    };
    error.hint(if refused.is_some_and(|refused| refused.replaced) {
        "SSL_CERT_FILE or SSL_CERT_DIR is set, so only the certificates there are trusted: unset it, or add the right \
         one with --ca-file"
    } else {
        "if this is expected, name the authority's certificate with --ca-file, or the server's own"
    })
}

/// Names as people list them, the first two where there are more than three: some certificates are for hundreds.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} and {second}"),
        [first, second, third] => format!("{first}, {second} and {third}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} others", rest.len()),
    }
}

fn day(time: UnixTime) -> String {
    date(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

/// A day in UTC, `2026-01-31`, from seconds since 1970.
fn date(seconds: i64) -> String {
    let instant = Timestamp {
        seconds,
        nanoseconds: 0,
    };
    let mut text = String::new();
    push_rfc3339(instant, &mut text);
    text.truncate("2026-01-31".len());
    text
}

#[cfg(test)]
mod tests;
