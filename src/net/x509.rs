//! Reads what a certificate says of itself (RFC 5280 section 4): whether it may issue others or stand for a server, when,
//! and for which names. Signatures are not looked at.

use crate::text;
use crate::time::parse_rfc3339;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// What is shown of a name, in characters; a longer one is cut and ends in an ellipsis. Common names have at most 64
/// (RFC 5280 appendix A.1), and host names that people choose are shorter too.
const MAX_SHOWN: usize = 100;

const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// `dNSName` and `iPAddress` of a `GeneralName`.
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// `id-at-commonName`, `id-at-organizationName` and `id-at-organizationalUnitName`, in the order of preference.
const ATTRIBUTES: [&[u8]; 3] = [&[0x55, 4, 3], &[0x55, 4, 10], &[0x55, 4, 11]];

/// `id-kp-serverAuth`.
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];

/// Bits of a key usage (section 4.2.1.3).
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_ENCIPHERMENT: u8 = 0x20;
const KEY_AGREEMENT: u8 = 0x08;
const KEY_CERT_SIGN: u8 = 0x04;

/// What a certificate says of itself.
pub struct Certificate<'a> {
    /// A `Name`, in DER.
    pub issuer: &'a [u8],
    /// A `Name`, in DER.
    pub subject: &'a [u8],
    validity: &'a [u8],
    is_version_1: bool,
    extensions: Extensions<'a>,
}

/// The extensions that decide what a certificate is good for; `None` where it lacks one.
#[derive(Default)]
struct Extensions<'a> {
    /// `cA` of the basic constraints.
    is_ca: Option<bool>,
    key_usage: Option<u8>,
    /// Whether the extended key usage has server authentication.
    for_servers: Option<bool>,
    /// A critical extension that is not known here: what it restricts, nobody can tell.
    is_unknown: bool,
    /// `GeneralNames`, empty where there are none.
    names: &'a [u8],
}

impl<'a> Extensions<'a> {
    fn take(&mut self, extension: &'a [u8]) -> Option<()> {
        let (kind, rest) = expect(extension, OBJECT_IDENTIFIER)?;
        let (is_critical, rest) = match expect(rest, BOOLEAN) {
            Some((value, rest)) => (value != [0], rest),
            None => (false, rest),
        };
        let (value, _) = expect(rest, OCTET_STRING)?;
        // `id-ce`, and a number.
        match kind {
            [0x55, 0x1d, 15] => {
                let (_, bits, _) = element(value)?;
                // The first byte tells how many bits of the last one are unused.
                self.key_usage = Some(bits.get(1).copied().unwrap_or(0));
            }
            [0x55, 0x1d, 17] => self.names = expect(value, SEQUENCE)?.0,
            [0x55, 0x1d, 19] => {
                let (constraints, _) = expect(value, SEQUENCE)?;
                let is_ca = expect(constraints, BOOLEAN).is_some_and(|(value, _)| value != [0]);
                self.is_ca = Some(is_ca);
            }
            [0x55, 0x1d, 37] => {
                let (mut purposes, _) = expect(value, SEQUENCE)?;
                let mut for_servers = false;
                while let Some((purpose, rest)) = expect(purposes, OBJECT_IDENTIFIER) {
                    purposes = rest;
                    for_servers |= purpose == SERVER_AUTH;
                }
                self.for_servers = Some(for_servers);
            }
            // Key identifiers, name constraints, revocation lists and policies: of these, what matters is checked with
            // the chain.
            [0x55, 0x1d, 14 | 30..=33 | 35 | 36 | 54] => {}
            _ => self.is_unknown |= is_critical,
        }
        Some(())
    }
}

impl<'a> Certificate<'a> {
    /// `None` where it cannot be read.
    pub fn parse(certificate: &'a [u8]) -> Option<Self> {
        let (certificate, _) = expect(certificate, SEQUENCE)?;
        let (mut fields, _) = expect(certificate, SEQUENCE)?;
        let version = expect(fields, VERSION);
        if let Some((_, rest)) = version {
            fields = rest;
        }
        let (_, _, fields) = element(fields)?; // serialNumber
        let (_, _, fields) = element(fields)?; // signature
        let (issuer, fields) = expect(fields, SEQUENCE)?;
        let (validity, fields) = expect(fields, SEQUENCE)?;
        let (subject, fields) = expect(fields, SEQUENCE)?;
        let (_, _, mut fields) = element(fields)?; // subjectPublicKeyInfo
        let mut parsed = Self {
            issuer,
            subject,
            validity,
            is_version_1: version.is_none(),
            extensions: Extensions::default(),
        };
        while let Some((tag, content, rest)) = element(fields) {
            fields = rest;
            if tag == EXTENSIONS {
                let (mut extensions, _) = expect(content, SEQUENCE)?;
                while !extensions.is_empty() {
                    let (extension, rest) = expect(extensions, SEQUENCE)?;
                    extensions = rest;
                    parsed.extensions.take(extension)?;
                }
            }
        }
        fields.is_empty().then_some(parsed)
    }

    /// From when to when it is valid, in seconds since 1970; `None` where that cannot be read.
    pub fn validity(&self) -> Option<RangeInclusive<i64>> {
        let (not_before, rest) = element_time(self.validity)?;
        let (not_after, _) = element_time(rest)?;
        Some(not_before..=not_after)
    }

    /// The host names and addresses that it is for (section 4.2.1.6), safe to print and cut.
    pub fn hosts(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut names = self.extensions.names;
        while let Some((tag, value, rest)) = element(names) {
            names = rest;
            match tag {
                DNS_NAME => found.push(shown(&String::from_utf8_lossy(value))),
                IP_ADDRESS => found.extend(address(value).map(|address| address.to_string())),
                _ => {}
            }
        }
        found
    }

    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether it may issue others as a link of a chain (sections 4.2.1.3 and 4.2.1.9).
    pub fn may_issue(&self) -> bool {
        self.extensions.is_ca == Some(true) && self.is_usable_for(KEY_CERT_SIGN)
    }

    /// Whether it may issue the certificates of servers when it is trusted itself, by the rules of OpenSSL: those of a
    /// link, and without basic constraints a key usage that says so, or version 1 and its own signature.
    pub fn is_authority(&self) -> bool {
        let Extensions {
            is_ca, key_usage, ..
        } = self.extensions;
        is_ca.unwrap_or(key_usage.is_some() || self.is_version_1 && self.is_self_issued())
            && self.is_usable_for(KEY_CERT_SIGN)
    }

    /// Whether its key may be used by a server.
    pub fn is_for_servers(&self) -> bool {
        self.is_usable_for(DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT)
    }

    /// Whether nothing forbids one of these key usages, on the way to a server.
    fn is_usable_for(&self, usages: u8) -> bool {
        let extensions = &self.extensions;
        extensions
            .key_usage
            .is_none_or(|allowed| allowed & usages != 0)
            && extensions.for_servers != Some(false)
            && !extensions.is_unknown
    }
}

/// A time in seconds since 1970, and what follows it.
fn element_time(input: &[u8]) -> Option<(i64, &[u8])> {
    let (tag, value, rest) = element(input)?;
    let text = str::from_utf8(value).ok()?;
    // Section 4.1.2.5.1.
    let century = match tag {
        UTC_TIME if text < "50" => "20",
        UTC_TIME => "19",
        GENERALIZED_TIME => "",
        _ => return None,
    };
    let digits = [century, text].concat();
    let mut readable = digits.get(..4)?.to_owned();
    for (at, separator) in [(4, '-'), (6, '-'), (8, 'T'), (10, ':'), (12, ':')] {
        readable.push(separator);
        readable.push_str(digits.get(at..at + 2)?);
    }
    readable.push_str(digits.get(14..)?);
    Some((parse_rfc3339(&readable)?.seconds, rest))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

/// The common name, organisation or unit in a `Name`, safe to print and cut; empty if it has none of them.
pub fn name(name: &[u8]) -> String {
    let value = ATTRIBUTES
        .iter()
        .find_map(|attribute| find(name, attribute));
    value.unwrap_or_default()
}

/// Safe to print, and cut.
fn shown(name: &str) -> String {
    let mut rest = name.chars();
    let mut cut: String = rest.by_ref().take(MAX_SHOWN).collect();
    if rest.next().is_some() {
        cut.push('…');
    }
    text::safe(&cut).into_owned()
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
    shown(&decoded)
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
}
