use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

fn authority(name: &str) -> Authority {
    CertifiedIssuer::self_signed(parameters(name), KeyPair::generate().unwrap()).unwrap()
}

fn issued(authority: &Authority) -> CertificateDer<'static> {
    let parameters = CertificateParams::new(vec!["h.example".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    parameters.signed_by(&key, authority).unwrap().der().clone()
}

fn trusting(authorities: &[&Authority]) -> Trusted {
    Trusted {
        certificates: authorities.iter().map(|one| one.der().clone()).collect(),
        ..Trusted::default()
    }
}

/// A verifier with a fallback, and how often that was read.
fn verifier(trusted: Trusted, fallback: Trusted) -> (Verifier, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reads);
    let fallback: Fallback = Box::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Trusted {
            certificates: fallback.certificates.clone(),
            ..Trusted::default()
        }
    });
    let provider = rustls::crypto::ring::default_provider();
    (Verifier::new(trusted, Some(fallback), &provider), reads)
}

fn verify(
    verifier: &Verifier,
    chain: &[&CertificateDer<'static>],
    name: &str,
) -> Result<(), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
    let sent: Vec<_> = chain[1..].iter().map(|one| (*one).clone()).collect();
    verifier
        .verify_server_cert(chain[0], &sent, &name, &[], now)
        .map(|_| ())
}

#[test]
fn the_fallback_is_read_once_and_only_for_chains() {
    let (first, second, nobody) = (authority("A"), authority("B"), authority("C"));
    let mut fallback = trusting(&[&second]);
    let garbage = CertificateDer::from(vec![1, 2, 3]);
    fallback.certificates.push(garbage);
    let (verifier, reads) = verifier(trusting(&[&first]), fallback);
    assert_eq!(verify(&verifier, &[&issued(&first)], "h.example"), Ok(()));
    assert!(verify(&verifier, &[&issued(&first)], "other.example").is_err());
    assert_eq!(reads.load(Ordering::SeqCst), 0);
    for _ in 0..2 {
        assert_eq!(verify(&verifier, &[&issued(&second)], "h.example"), Ok(()));
        assert!(verify(&verifier, &[&issued(&second)], "other.example").is_err());
        let unknown = verify(&verifier, &[&issued(&nobody)], "h.example");
        assert_eq!(unknown, Err(UNKNOWN_ISSUER));
    }
    assert_eq!(reads.load(Ordering::SeqCst), 1);
}

/// Whatever was wrong with the chain, and the more telling of two errors.
#[test]
fn the_fallback_is_read_for_every_fault_of_a_chain() {
    let (good, namesake) = (authority("A"), authority("A"));
    let leaf = issued(&good);
    let bad_signature = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
    for (first, second, expected) in [
        (&[&namesake][..], &[&good][..], Ok(())),
        (&[&namesake], &[], Err(bad_signature.clone())),
        (&[], &[&namesake], Err(bad_signature)),
        (&[], &[], Err(UNKNOWN_ISSUER)),
    ] {
        let (verifier, reads) = verifier(trusting(first), trusting(second));
        assert_eq!(verify(&verifier, &[&leaf], "h.example"), expected);
        assert_eq!(reads.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_stale_certificate_of_an_authority_hides_no_other() {
    let (old_root, root) = (authority("Old"), authority("Root"));
    let key = KeyPair::generate().unwrap();
    let mut middle = parameters("Middle");
    let good = middle.signed_by(&key, &root).unwrap();
    middle.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let stale = middle.signed_by(&key, &old_root).unwrap();
    let middle = CertifiedIssuer::signed_by(middle, key, &root).unwrap();
    let leaf = issued(&middle);
    for chain in [
        [&leaf, stale.der(), good.der()],
        [&leaf, good.der(), stale.der()],
    ] {
        let (verifier, reads) = verifier(trusting(&[&old_root]), trusting(&[&root]));
        assert_eq!(verify(&verifier, &chain, "h.example"), Ok(()));
        assert_eq!(reads.load(Ordering::SeqCst), 1);
    }
}

const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn byte_order_marks_at_the_start_of_a_line() {
    for (text, expected) in [
        ("", ""),
        ("\u{feff}", "\n\n\n"),
        ("\u{feff}a\n\u{feff}b", "\n\n\na\n\n\n\nb"),
        ("a\u{feff}\n", "a\u{feff}\n"),
        ("\u{feff}\u{feff}", "\n\n\n\u{feff}"),
    ] {
        let mut bytes = text.as_bytes().to_vec();
        blank_byte_order_marks(&mut bytes);
        assert_eq!(bytes, expected.as_bytes(), "{text:?}");
    }
}

#[test]
fn nothing_but_the_variables_leaves_the_built_in_roots() {
    let load = |ca_file: Option<&Path>, env: &Environment| {
        let (trusted, fallback) = Trusted::load(ca_file, env, TIMEOUT)
            .unwrap_or_else(|error| panic!("{}", error.message));
        let given = trusted.certificates.len();
        (trusted.built_in, given, fallback.is_some())
    };
    let none = Environment::new(|_| None);
    assert_eq!(load(None, &none), (true, 0, true));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, authority("A").pem()).unwrap();
    assert_eq!(load(Some(&file), &none), (true, 1, true));
    let path = file.clone().into_os_string();
    let only = Environment::new(move |name| (name == "SSL_CERT_FILE").then(|| path.clone()));
    assert_eq!(load(None, &only), (false, 1, false));
    let path = directory.path().as_os_str().to_owned();
    let only = Environment::new(move |name| (name == "SSL_CERT_DIR").then(|| path.clone()));
    assert_eq!(load(None, &only), (false, 1, false));
    assert_eq!(load(Some(&file), &only), (false, 1, true));
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
    date(i64::MAX);
}

#[test]
fn the_built_in_roots_are_those_of_webpki_roots() {
    let expected = webpki_roots::TLS_SERVER_ROOTS;
    assert!(expected.len() > 100);
    assert_eq!(built_in_roots().collect::<Vec<_>>(), expected);
}
