//! Owns the certificates of the tests: one authority a server, and leaves that are good or wrong in one named way.
//! Must not know who presents or checks them.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
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
    /// By an authority that nobody trusts.
    OtherAuthority,
    /// By itself.
    SelfSigned,
    /// For `127.0.0.1` and `::1` alone.
    AddressOnly,
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
