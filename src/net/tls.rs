//! TLS over one socket, and why a server is refused. Which certificates are trusted is the matter of `trust`; nothing
//! here turns verification off.

use super::connect;
use super::deadline::{Deadline, StreamError};
use super::post_quantum::x25519_ml_kem_768;
use super::trust::{Refused, Trusted, Verifier, day};
use crate::env::Environment;
use crate::error::Error;
use crate::url::Host;
use rustls::client::Resumption;
use rustls::crypto::ring::cipher_suite;
use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::{DnsName, PrivateKeyDer, ServerName};
use rustls::sign::SigningKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, InvalidMessage,
    PeerIncompatible, ProtocolVersion, SupportedCipherSuite,
};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The cipher suites in order of preference: the provider's, with AES-128 before AES-256. Nobody can break either, and
/// SHA-384 in the key schedule of the latter costs 70,000 instructions a run.
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
    /// Reads the certificates that are trusted: [`Trusted::load`].
    ///
    /// # Errors
    /// Those of [`Trusted::load`]; [`ErrorKind::Config`] for a host that no certificate can name.
    pub fn load(
        host: &Host,
        ca_file: Option<&Path>,
        env: &Environment,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let name = match host {
            Host::Ip(address) => ServerName::from(*address),
            Host::Name(name) => {
                ServerName::DnsName(DnsName::try_from(name.clone()).map_err(|_| {
                    Error::config("the server's host name cannot be in a certificate")
                })?)
            }
        };
        let (trusted, fallback) = Trusted::load(ca_file, env, timeout)?;
        let mut provider = CryptoProvider {
            cipher_suites: SUITES.map(|suite| *suite).to_vec(),
            key_provider: &NoKeys,
            ..rustls::crypto::ring::default_provider()
        };
        // Preferred to the provider's own groups.
        let post_quantum = x25519_ml_kem_768(provider.secure_random);
        provider.kx_groups.insert(0, post_quantum);
        let provider = Arc::new(provider);
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

/// The most that is read of an idle connection's records, in bytes. Servers send a few session
/// tickets of some hundred bytes; much more costs more to read than a new handshake.
const MAX_IDLE: usize = 16 * 1024;

/// Follows the boundaries of TLS records (RFC 8446 section 5.1). rustls does not tell whether it holds the first part of
/// one, and that part can be the start of an unsolicited reply.
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
    /// Completes the handshake. The last flight is left for [`TlsStream::send`], so that it travels with the first request.
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

    /// Version, key exchange group and cipher suite, for `--debug`.
    pub fn summary(&self) -> String {
        let version = match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "1.3",
            _ => "1.2",
        };
        let group = self.connection.negotiated_key_exchange_group();
        let group = group.and_then(|group| group.name().as_str()).unwrap_or("");
        let suite = self.connection.negotiated_cipher_suite();
        let suite = suite.and_then(|suite| suite.suite().as_str()).unwrap_or("");
        format!("tls {version}, {group}, {suite}")
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
        let refused = self.verifier.refused.lock().ok();
        let refused = refused.and_then(|mut refused| refused.take());
        let error = explain(&error, &self.host, refused.as_ref());
        Err(StreamError::Tls(error))
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
        CertificateError::Other(other) if other.0.to_string() == "CaUsedAsEndEntity" => {
            Error::unavailable(format!("{host} shows the certificate of an authority as its own"))
                .hint("the server needs a certificate of its own; to trust just this one, name it with --ca-file")
        }
        // An error that rustls has no variant for comes wrapped; webpki's own error is inside.
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

#[cfg(test)]
mod tests;
