//! Reads what a certificate says of itself (RFC 5280 section 4): whether it may issue others or stand for a server, when,
//! and for which names. Signatures are not looked at.

use crate::text;
use crate::time::parse_rfc3339;
use std::iter::from_fn;
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
    /// A critical extension that is not known here, so what it restricts is not known either.
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
                let (purposes, _) = expect(value, SEQUENCE)?;
                let for_servers = elements(purposes)
                    .take_while(|(tag, _)| *tag == OBJECT_IDENTIFIER)
                    .any(|(_, purpose)| purpose == SERVER_AUTH);
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
        elements(self.extensions.names)
            .filter_map(|(tag, value)| match tag {
                DNS_NAME => Some(shown(&String::from_utf8_lossy(value))),
                IP_ADDRESS => address(value).map(|address| address.to_string()),
                _ => None,
            })
            .collect()
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
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
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
    let sets = elements(name).take_while(|(tag, _)| *tag == SET);
    let pairs = sets.flat_map(|(_, set)| elements(set).take_while(|(tag, _)| *tag == SEQUENCE));
    let (_, _, value) = pairs
        .map_while(|(_, pair)| element(pair))
        .find(|(_, kind, _)| *kind == attribute)?;
    let (tag, value, _) = element(value)?;
    Some(decode(tag, value))
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

/// The content of an element that has to have this tag, and what follows it.
fn expect(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(input)?;
    (found == tag).then_some((content, rest))
}

/// Tags and contents, up to the end or what is not an element.
fn elements(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    from_fn(move || {
        let (tag, content, rest) = element(input)?;
        input = rest;
        Some((tag, content))
    })
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
mod tests;
