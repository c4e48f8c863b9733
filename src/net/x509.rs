//! Owns reading who a certificate is from and for (RFC 5280 section 4.1), for messages only.
//! Must not know trust: nothing here is verified, and nothing is decided by it.

use crate::text;

/// What is shown of a name, in characters; longer ones are cut.
const MAX_SHOWN: usize = 100;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const BMP_STRING: u8 = 0x1e;

/// `id-at-commonName`, `id-at-organizationName` and `id-at-organizationalUnitName`, in the order of preference.
const ATTRIBUTES: [&[u8]; 3] = [&[0x55, 4, 3], &[0x55, 4, 10], &[0x55, 4, 11]];

#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// Common name, organisation or unit of the issuer, safe to print; empty if it has none of them.
    pub issuer: String,
    /// Issuer and subject are the same.
    pub self_issued: bool,
}

/// The names in a certificate in DER, or `None` where it cannot be read.
pub fn names(certificate: &[u8]) -> Option<Names> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut fields, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, rest)) = expect(fields, VERSION) {
        fields = rest;
    }
    let (_, _, fields) = element(fields)?; // serialNumber
    let (_, _, fields) = element(fields)?; // signature
    let (issuer, fields) = expect(fields, SEQUENCE)?;
    let (_, _, fields) = element(fields)?; // validity
    let (subject, _) = expect(fields, SEQUENCE)?;
    Some(Names {
        issuer: shown(issuer),
        self_issued: issuer == subject,
    })
}

fn shown(name: &[u8]) -> String {
    for attribute in ATTRIBUTES {
        if let Some(value) = find(name, attribute) {
            return value;
        }
    }
    String::new()
}

/// The first attribute of a kind in a `Name`.
fn find(name: &[u8], attribute: &[u8]) -> Option<String> {
    let mut sets = name;
    while let Some((set, rest)) = expect(sets, SET) {
        sets = rest;
        let mut pairs = set;
        while let Some((pair, rest)) = expect(pairs, SEQUENCE) {
            pairs = rest;
            let (_, kind, value) = element(pair)?;
            if kind == attribute {
                let (tag, value, _) = element(value)?;
                return Some(decode(tag, value));
            }
        }
    }
    None
}

fn decode(tag: u8, value: &[u8]) -> String {
    let decoded = if tag == BMP_STRING {
        let (pairs, _) = value.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(value).into_owned()
    };
    let cut: String = decoded.chars().take(MAX_SHOWN).collect();
    text::safe(&cut).into_owned()
}

fn expect(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    match element(input)? {
        (found, content, rest) if found == tag => Some((content, rest)),
        _ => None,
    }
}

/// One element of DER: its tag, its content, and what follows (X.690 sections 8.1 and 10.1).
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = input else {
        return None;
    };
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(*first & 0x7f))?;
        if digits.is_empty() || digits.len() > 3 {
            return None;
        }
        let length = digits
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair};

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
        let long = "x".repeat(300);
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
            (
                vec![(DnType::CommonName, long.as_str())],
                &long[..MAX_SHOWN],
            ),
        ] {
            let expected = Names {
                issuer: issuer.to_owned(),
                self_issued: false,
            };
            assert_eq!(names(&issued_by(&pairs)), Some(expected));
        }
    }

    #[test]
    fn one_that_names_itself() {
        let key = KeyPair::generate().unwrap();
        let certificate = parameters(&[(DnType::CommonName, "me")])
            .self_signed(&key)
            .unwrap();
        let expected = Names {
            issuer: "me".to_owned(),
            self_issued: true,
        };
        assert_eq!(names(certificate.der()), Some(expected));
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
    fn garbage_has_no_names() {
        let certificate = issued_by(&[(DnType::CommonName, "CA")]);
        let tbs = 8;
        for cut in 0..tbs + 40 {
            assert_eq!(names(&certificate[..cut]), None, "{cut}");
        }
        assert_eq!(names(&[0x30, 0x80, 0, 0]), None);
        assert_eq!(names(&[0x30, 0x84, 0, 0, 0, 0]), None);
        assert_eq!(decode(BMP_STRING, &[0, b'a', 0x20, 0xac, 1]), "a€");
    }
}
