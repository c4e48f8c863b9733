//! Certificates: an authority for each server, and leaves that are valid or have one defect.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SigningKey, date_time_ymd,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a server presents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// For `localhost`, `127.0.0.1` and `::1`, by the authority clients are told to trust.
    #[default]
    Good,
    /// Good until the end of 2020.
    Expired,
    /// Good from 2100.
    NotYetValid,
    /// For `elsewhere.example`.
    WrongName,
    /// Signed by an authority that the client does not trust.
    OtherAuthority,
    /// By itself.
    SelfSigned,
    /// For `127.0.0.1` and `::1` alone.
    AddressOnly,
    /// For `localhost` alone.
    NameOnly,
    /// For clients: the extended key usage forbids a server.
    ForClients,
}

/// A chain, its key, and the authority to trust.
pub struct Issued {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// PEM of the authority a client is told to trust, which with some [`Certificate`]s is not the one that signed.
    pub authority_pem: String,
}

/// Makes an authority and one leaf.
#[must_use]
pub fn issue(certificate: Certificate) -> Issued {
    let trusted = authority("Local test authority");
    let key = KeyPair::generate().expect("a key pair");
    let params = leaf(certificate);
    let signed = match certificate {
        Certificate::SelfSigned => params.self_signed(&key),
        Certificate::OtherAuthority => params.signed_by(&key, &authority("Another authority")),
        _ => params.signed_by(&key, &trusted),
    };
    Issued {
        chain: vec![signed.expect("a certificate").der().clone()],
        key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        authority_pem: trusted.pem(),
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key pair");
    CertifiedIssuer::self_signed(params, key).expect("an authority")
}

fn leaf(certificate: Certificate) -> CertificateParams {
    let names: &[&str] = match certificate {
        Certificate::WrongName => &["elsewhere.example"],
        Certificate::AddressOnly => &["127.0.0.1", "::1"],
        Certificate::NameOnly => &["localhost"],
        _ => &["localhost", "127.0.0.1", "::1"],
    };
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params
        .distinguished_name
        .push(DnType::CommonName, "local server");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    match certificate {
        Certificate::Expired => params.not_after = date_time_ymd(2020, 12, 31),
        Certificate::NotYetValid => params.not_before = date_time_ymd(2100, 1, 1),
        _ => {}
    }
    params.extended_key_usages = vec![match certificate {
        Certificate::ForClients => ExtendedKeyUsagePurpose::ClientAuth,
        _ => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    params
}

/// A certificate and its key, to serve, trust or sign with.
pub struct Signed {
    name: DistinguishedName,
    key: KeyPair,
    der: Vec<u8>,
}

impl Signed {
    /// A certificate with this common name and nothing else but what `edit` adds, by `issuer` or by itself.
    pub fn new(
        name: &str,
        issuer: Option<&Self>,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let key = KeyPair::generate().expect("a key pair");
        Self::with_key(key, name, issuer, edit)
    }

    /// Another certificate of the same key.
    pub fn again(
        &self,
        name: &str,
        issuer: Option<&Self>,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let key = KeyPair::try_from(self.key.serialize_der()).expect("a key pair");
        Self::with_key(key, name, issuer, edit)
    }

    fn with_key(
        key: KeyPair,
        name: &str,
        issuer: Option<&Self>,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2120, 1, 1);
        edit(&mut params);
        let certificate = match issuer {
            Some(issuer) => params.signed_by(&key, &issuer.issuer()),
            None => params.self_signed(&key),
        };
        Self {
            name: params.distinguished_name,
            key,
            der: certificate.expect("a certificate").der().to_vec(),
        }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        let mut params = CertificateParams::default();
        params.distinguished_name = self.name.clone();
        Issuer::new(params, &self.key)
    }

    /// The same as version 1, which has no extensions.
    pub fn version_1(mut self, issuer: Option<&Self>) -> Self {
        let certificate = elements(elements(&self.der)[0].content);
        let fields: Vec<u8> = elements(certificate[0].content)
            .iter()
            // Neither the version nor the extensions.
            .filter(|field| ![0xa0, 0xa3].contains(&field.whole[0]))
            .flat_map(|field| field.whole)
            .copied()
            .collect();
        let signed = wrap(0x30, &fields);
        let key = issuer.map_or(&self.key, |issuer| &issuer.key);
        let signature = key.sign(&signed).expect("a signature");
        let signature = wrap(3, &[&[0], signature.as_slice()].concat());
        self.der = wrap(0x30, &[&signed, certificate[1].whole, &signature].concat());
        self
    }

    pub fn pem(&self) -> String {
        let lines: Vec<String> = STANDARD
            .encode(&self.der)
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        let lines = lines.join("\n");
        format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    }

    /// Its key, and a chain that begins with it.
    pub fn issued(&self, chain: &[&Self]) -> Issued {
        let chain = [&[self], chain].concat();
        Issued {
            chain: chain
                .iter()
                .map(|one| CertificateDer::from(one.der.clone()))
                .collect(),
            key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der())),
            authority_pem: String::new(),
        }
    }
}

/// One element of DER.
struct Element<'a> {
    whole: &'a [u8],
    content: &'a [u8],
}

/// The elements that follow one another.
fn elements(mut der: &[u8]) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    while !der.is_empty() {
        let digits = if der[1] < 0x80 { 0 } else { der[1] & 0x7f };
        let start = 2 + usize::from(digits);
        let length = match digits {
            0 => usize::from(der[1]),
            _ => der[2..start]
                .iter()
                .fold(0, |n, b| n << 8 | usize::from(*b)),
        };
        let (whole, rest) = der.split_at(start + length);
        found.push(Element {
            whole,
            content: &whole[start..],
        });
        der = rest;
    }
    found
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short element");
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}
