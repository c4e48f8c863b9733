use super::*;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, SanType};

fn parameters(pairs: &[(DnType, &str)]) -> CertificateParams {
    let mut parameters = CertificateParams::new(vec!["h.example".to_owned()]).unwrap();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    for (kind, value) in pairs {
        parameters.distinguished_name.push(kind.clone(), *value);
    }
    parameters
}

fn issued_by(pairs: &[(DnType, &str)]) -> Vec<u8> {
    let issuer_key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(parameters(pairs), issuer_key);
    let key = KeyPair::generate().unwrap();
    parameters(&[(DnType::CommonName, "h")])
        .signed_by(&key, &issuer)
        .unwrap()
        .der()
        .to_vec()
}

#[test]
fn the_issuer_is_named() {
    let long = "x".repeat(10_000);
    let cut = format!("{}…", &long[..100]);
    for (pairs, issuer) in [
        (
            vec![
                (DnType::OrganizationName, "Org"),
                (DnType::CommonName, "Proxy CA"),
            ],
            "Proxy CA",
        ),
        (
            vec![
                (DnType::OrganizationalUnitName, "Unit"),
                (DnType::OrganizationName, "Org"),
            ],
            "Org",
        ),
        (vec![(DnType::CountryName, "DE")], ""),
        (vec![], ""),
        (vec![(DnType::CommonName, "a\x1b[31m")], "a\\u{1b}[31m"),
        (vec![(DnType::CommonName, &long[..100])], &long[..100]),
        (vec![(DnType::CommonName, &long)], &cut),
    ] {
        let der = issued_by(&pairs);
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(name(certificate.issuer), issuer);
        assert_eq!(name(certificate.subject), "h");
        assert!(!certificate.is_self_issued());
    }
}

#[test]
fn one_that_issued_itself() {
    let key = KeyPair::generate().unwrap();
    let own = parameters(&[(DnType::CommonName, "me")])
        .self_signed(&key)
        .unwrap();
    let certificate = Certificate::parse(own.der()).unwrap();
    assert!(certificate.is_self_issued());
    assert_eq!(name(certificate.issuer), "me");
}

#[test]
fn hosts_are_names_and_addresses() {
    let key = KeyPair::generate().unwrap();
    let long = "x".repeat(5000);
    let mut parameters = parameters(&[]);
    parameters.subject_alt_names = vec![
        SanType::DnsName("*.a.example".try_into().unwrap()),
        SanType::Rfc822Name("a@b.example".try_into().unwrap()),
        SanType::IpAddress("127.0.0.1".parse().unwrap()),
        SanType::URI("https://c.example".try_into().unwrap()),
        SanType::IpAddress("::1".parse().unwrap()),
        SanType::DnsName("a\x1b[31m".try_into().unwrap()),
        SanType::DnsName(long.as_str().try_into().unwrap()),
    ];
    let own = parameters.self_signed(&key).unwrap();
    let hosts = Certificate::parse(own.der()).unwrap().hosts();
    let cut = format!("{}…", &long[..100]);
    assert_eq!(
        hosts,
        ["*.a.example", "127.0.0.1", "::1", "a\\u{1b}[31m", &cut]
    );
    parameters.subject_alt_names.clear();
    let own = parameters.self_signed(&key).unwrap();
    assert_eq!(Certificate::parse(own.der()).unwrap().hosts(), [""; 0]);
}

#[test]
fn times() {
    for (tag, text, seconds) in [
        (UTC_TIME, "700101000000Z", Some(0)),
        (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
        (UTC_TIME, "500101000000Z", Some(-631_152_000)),
        (GENERALIZED_TIME, "19700101000000Z", Some(0)),
        (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
        (GENERALIZED_TIME, "700101000000Z", None),
        (UTC_TIME, "19700101000000Z", None),
        (UTC_TIME, "7001010000Z", None),
        (UTC_TIME, "700101000000", None),
        (UTC_TIME, "701301000000Z", None),
        (UTC_TIME, "7001ü1000000Z", None),
        (UTC_TIME, "", None),
        (OCTET_STRING, "700101000000Z", None),
    ] {
        let input = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let found = element_time(&input).map(|(seconds, _)| seconds);
        assert_eq!(found, seconds, "{tag} {text}");
    }
}

#[test]
fn lengths_are_those_of_der() {
    for (length, content) in [
        (&[0][..], 0),
        (&[0x7f], 0x7f),
        (&[0x81, 0x80], 0x80),
        (&[0x82, 0x01, 0x02], 0x0102),
        (&[0x83, 0x01, 0x00, 0x02], 0x01_0002),
    ] {
        let input = [&[0x30], length, &vec![7; content], &[9]].concat();
        let (tag, found, rest) = element(&input).unwrap();
        assert_eq!((tag, found.len(), rest), (0x30, content, &[9][..]));
        assert!(expect(&input, 0x30).is_some());
        assert!(expect(&input, 0x31).is_none());
    }
    // The indefinite length, and more digits than any certificate needs.
    assert_eq!(element(&[&[0x30, 0x80][..], &[0; 200]].concat()), None);
    assert_eq!(
        element(&[&[0x30, 0x84, 0, 0, 0, 1][..], &[0; 9]].concat()),
        None
    );
}

#[test]
fn garbage_is_no_certificate() {
    let certificate = issued_by(&[(DnType::CommonName, "CA")]);
    for cut in 0..certificate.len() {
        assert!(Certificate::parse(&certificate[..cut]).is_none(), "{cut}");
    }
    assert!(Certificate::parse(&certificate).is_some());
    assert!(Certificate::parse(&[0x30, 0x80, 0, 0]).is_none());
    assert!(Certificate::parse(&[0x30, 0x84, 0, 0, 0, 0]).is_none());
    assert_eq!(decode(BMP_STRING, &[0, b'a', 0x20, 0xac, 1]), "a€");
}
