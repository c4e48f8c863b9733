//! Which certificates are trusted: the roots, read from files and directories, and the verification of a server's chain.
//!
//! webpki verifies chains, and takes every root that it is given for an authority. What a certificate in a trust file says
//! of itself is therefore checked here, by the rules of OpenSSL: its validity, its constraints, its key usages and unknown
//! critical extensions. The path length of a root is not (RFC 5280 section 6.1.1 has it no input of the verification).

use super::x509;
use crate::env::Environment;
use crate::error::{Error, describe};
use crate::file;
use crate::outcome::Timestamp;
use crate::text;
use crate::time::push_rfc3339;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    CertificateDer, Der, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
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

/// Certificates that a server's chain may end with, or be.
#[derive(Default)]
pub(super) struct Trusted {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// The [`built_in_roots`] too.
    pub(super) built_in: bool,
    /// A directory that could not be read, and why.
    pub(super) unreadable: Option<(String, String)>,
}

impl Trusted {
    /// Reads the trust that was asked for. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the built-in roots, as with
    /// OpenSSL, curl and Go; `ca_file` adds to either. A directory beside a file, and the system's bundle, are read once
    /// a server needs them. A file that is a pipe may take as long as `timeout`.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`] for a file that cannot be read, or a directory where there is no file; [`ErrorKind::Config`] for
    /// one without certificates.
    pub(super) fn load(
        ca_file: Option<&Path>,
        env: &Environment,
        timeout: Duration,
    ) -> Result<(Self, Option<Fallback>), Error> {
        let file = env.filled("SSL_CERT_FILE").map(PathBuf::from);
        let directories = env.filled("SSL_CERT_DIR");
        let mut trusted = Trusted {
            built_in: file.is_none() && directories.is_none(),
            ..Self::default()
        };
        if let Some(file) = file {
            add_file(&mut trusted.certificates, &file, "SSL_CERT_FILE", timeout)?;
        }
        if let Some(file) = ca_file {
            add_file(&mut trusted.certificates, file, "--ca-file", timeout)?;
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
        Ok((trusted, fallback))
    }
}

/// Reads what is trusted beside the rest, which costs more than a handshake.
pub(super) type Fallback = Box<dyn Fn() -> Trusted + Send + Sync>;

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
    source: &str,
    timeout: Duration,
) -> Result<(), Error> {
    let config = |fault: &str| {
        Error::config([&file::subject(path, source), " ", fault].concat()).hint(PEM_HINT)
    };
    let mut bytes = file::read(path, MAX_CA_FILE, timeout)
        .map_err(|error| file::unreadable(path, source, &error))?;
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

/// A directory of `SSL_CERT_DIR`, or all of them.
fn directory(path: &Path) -> String {
    let path = path.to_string_lossy();
    ["the directory '", &text::safe(&path), "' of SSL_CERT_DIR"].concat()
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
    for path in std::env::split_paths(list) {
        if path.as_os_str().is_empty() {
            continue;
        }
        match std::fs::read_dir(&path) {
            Ok(_) => {
                let found = rustls_native_certs::load_certs_from_paths(None, Some(&path));
                trusted.certificates.extend(found.certs);
            }
            Err(error) => {
                let what = ["cannot read ", &directory(&path)].concat();
                trusted.unreadable = Some((what, describe(&error)));
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
    let what = directory(Path::new(list));
    Err(Error::config(format!("{what} holds no usable certificate")).hint(PEM_HINT))
}

/// Verifies the chain of a server with what is trusted, and with the fallback where that fails.
pub(super) struct Verifier {
    trusted: Trusted,
    fallback: Option<Fallback>,
    fallen_back: OnceLock<Trusted>,
    algorithms: WebPkiSupportedAlgorithms,
    pub(super) refused: Mutex<Option<Refused>>,
}

/// What there is to say of a certificate that was refused.
pub(super) struct Refused {
    pub(super) hosts: Vec<String>,
    pub(super) is_self_issued: bool,
    /// Empty where the certificate does not say.
    pub(super) issuer: String,
    /// Why an authority in the chain does not count, and what could not be read.
    pub(super) causes: Vec<String>,
    /// The built-in roots do not count, because the environment names others.
    pub(super) replaced: bool,
}

const UNKNOWN_ISSUER: rustls::Error =
    rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);

impl Verifier {
    pub(super) fn new(
        trusted: Trusted,
        fallback: Option<Fallback>,
        provider: &CryptoProvider,
    ) -> Self {
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

/// The roots of webpki-roots.
fn built_in_roots() -> impl Iterator<Item = TrustAnchor<'static>> {
    // Written by roots.rs.
    let mut rest: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/roots"));
    let mut part = move || {
        let (length, after) = rest.split_first_chunk()?;
        let (part, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        rest = after;
        Some(Der::from_slice(part))
    };
    std::iter::from_fn(move || {
        Some(TrustAnchor {
            subject: part()?,
            subject_public_key_info: part()?,
            name_constraints: part().filter(|part| !part.is_empty()),
        })
    })
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
            roots.roots.extend(built_in_roots());
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
            let (start, end) = certificate.validity()?.into_inner();
            let why = if self.seconds() > end {
                format!("expired on {}", date(end))
            } else if self.seconds() < start {
                format!("is not valid before {}", date(start))
            } else {
                "may not issue certificates for servers".to_owned()
            };
            Some(format!("the certificate of {name} {why}"))
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

pub(super) fn day(time: UnixTime) -> String {
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
