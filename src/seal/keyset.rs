//! Reads Tink keysets: base64 of a protobuf `Keyset` (tink.proto) with `HpkePublicKey`s (hpke.proto).
//!
//! A [`PublicKey`] that exists is usable. The rules are those of Tink itself: every key must be well-formed, every
//! enabled key must be one this client can use, and the primary one is used.

use crate::base64;
use crate::seal::hpke::{self, Aead, POINT};
use std::fmt;

/// The longest keyset in base64 characters. One key takes about 160, and Tink's rotation keeps a handful.
pub const MAX_KEYSET: usize = 64 * 1024;

/// The only type of key the service uses.
const HPKE_PUBLIC_KEY: &[u8] = b"type.googleapis.com/google.crypto.tink.HpkePublicKey";

/// The primary key of a keyset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    prefix: Prefix,
    material: HpkeKey,
}

/// What Tink puts before a ciphertext to tell which key it is for: nothing, or a byte and the big-endian key id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Prefix {
    bytes: [u8; 5],
    raw: bool,
}

/// What an `HpkePublicKey` says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HpkeKey {
    aead: Aead,
    point: [u8; POINT],
}

/// Why a text holds no usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysetFault {
    Empty,
    /// Longer than [`MAX_KEYSET`].
    TooLong,
    NotBase64,
    /// Not a protobuf message of the expected types.
    Malformed,
    NoKeys,
    PrimaryAbsent(u32),
    PrimaryTwice(u32),
    PrimaryNotEnabled(u32),
    /// What is wrong with the key of this id.
    Key(u32, KeyFault),
}

/// Why one key is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    IdZero,
    NoData,
    Status,
    Prefix,
    NotPublic,
    Type,
    Version(u32),
    Kem,
    Kdf,
    Aead,
    /// The public key has this many bytes.
    Length(usize),
    LowOrder,
}

impl fmt::Display for KeysetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong => write!(f, "it is longer than {MAX_KEYSET} characters"),
            Self::NotBase64 => f.write_str("it is not base64"),
            Self::Malformed => f.write_str("it is not a well-formed keyset"),
            Self::NoKeys => f.write_str("it holds no keys"),
            Self::PrimaryAbsent(id) => write!(f, "its primary key {id} is not in the keyset"),
            Self::PrimaryTwice(id) => {
                write!(f, "its primary key {id} is in the keyset more than once")
            }
            Self::PrimaryNotEnabled(id) => write!(f, "its primary key {id} is not enabled"),
            Self::Key(id, fault) => write!(f, "its key {id} {fault}"),
        }
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdZero => "has an id that is reserved",
            Self::NoData => "has no data",
            Self::Status => "has an unknown status",
            Self::Prefix => "has an unknown output prefix",
            Self::NotPublic => "is not a public key",
            Self::Type => "is not of type HpkePublicKey",
            Self::Version(version) => return write!(f, "has the unknown version {version}"),
            Self::Kem => "has a KEM other than X25519 with HKDF-SHA256",
            Self::Kdf => "has a KDF other than HKDF-SHA256",
            Self::Aead => "has an unknown AEAD",
            Self::Length(length) => return write!(f, "has {length} bytes instead of {POINT}"),
            Self::LowOrder => "is a point of low order",
        })
    }
}

impl PublicKey {
    /// Reads a public keyset, and from it the primary key.
    ///
    /// # Errors
    /// [`KeysetFault`] for whatever Tink refuses too, for any type of key but `HpkePublicKey`, and for public keys
    /// that no sender can agree on a secret with.
    pub fn parse(text: &str) -> Result<Self, KeysetFault> {
        if text.is_empty() {
            return Err(KeysetFault::Empty);
        }
        if text.len() > MAX_KEYSET {
            return Err(KeysetFault::TooLong);
        }
        let bytes = base64::decode(text).ok_or(KeysetFault::NotBase64)?;
        let primary_id = primary_id(&bytes)?;
        let mut primary = None;
        let mut any = false;
        let mut reader = MessageReader(&bytes);
        while let Some((number, payload)) = reader.field()? {
            if number != 2 {
                continue;
            }
            any = true;
            let entry = KeysetKey::parse(payload.bytes()?)?;
            let id = entry.id;
            let key = entry.usable().map_err(|fault| fault.of(id))?;
            if id == primary_id {
                if primary.is_some() {
                    return Err(KeysetFault::PrimaryTwice(id));
                }
                primary = Some(key);
            }
        }
        match primary {
            Some(Some(key)) => Ok(key),
            Some(None) => Err(KeysetFault::PrimaryNotEnabled(primary_id)),
            None if any => Err(KeysetFault::PrimaryAbsent(primary_id)),
            None => Err(KeysetFault::NoKeys),
        }
    }

    /// What goes before the encapsulated key.
    pub(super) fn prefix(&self) -> &[u8] {
        if self.prefix.raw {
            &[]
        } else {
            &self.prefix.bytes
        }
    }

    pub(super) fn aead(&self) -> Aead {
        self.material.aead
    }

    pub(super) fn point(&self) -> &[u8; POINT] {
        &self.material.point
    }
}

/// `Keyset.primary_key_id`; the fields of a message may come in any order.
fn primary_id(keyset: &[u8]) -> Result<u32, KeysetFault> {
    let mut id = None;
    let mut reader = MessageReader(keyset);
    while let Some((number, payload)) = reader.field()? {
        if number == 1 {
            set_once(&mut id, payload.number()?)?;
        }
    }
    Ok(id.unwrap_or(0))
}

/// A fault of the key or of the message around it.
enum KeysetKeyFault {
    Malformed,
    Key(KeyFault),
}

impl KeysetKeyFault {
    fn of(self, id: u32) -> KeysetFault {
        match self {
            Self::Malformed => KeysetFault::Malformed,
            Self::Key(fault) => KeysetFault::Key(id, fault),
        }
    }
}

impl From<KeyFault> for KeysetKeyFault {
    fn from(fault: KeyFault) -> Self {
        Self::Key(fault)
    }
}

impl From<Malformed> for KeysetKeyFault {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// `Keyset.Key`.
struct KeysetKey<'a> {
    data: Option<&'a [u8]>,
    status: u32,
    id: u32,
    prefix: u32,
}

impl<'a> KeysetKey<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let (mut data, mut status, mut id, mut prefix) = (None, None, None, None);
        let mut reader = MessageReader(message);
        while let Some((number, payload)) = reader.field()? {
            match number {
                1 => set_once(&mut data, payload.bytes()?)?,
                2 => set_once(&mut status, payload.number()?)?,
                3 => set_once(&mut id, payload.number()?)?,
                4 => set_once(&mut prefix, payload.number()?)?,
                _ => {}
            }
        }
        Ok(Self {
            data,
            status: status.unwrap_or(0),
            id: id.unwrap_or(0),
            prefix: prefix.unwrap_or(0),
        })
    }

    /// The key if it is enabled. What is checked of a key that is not is what Tink checks of it.
    fn usable(&self) -> Result<Option<PublicKey>, KeysetKeyFault> {
        if self.id == 0 {
            return Err(KeyFault::IdZero.into());
        }
        let data = KeyData::parse(self.data.ok_or(KeyFault::NoData)?)?;
        let prefix = self.prefix()?;
        // KeyMaterialType: 3 is ASYMMETRIC_PUBLIC, 4 is REMOTE; the others would be secret keys.
        if !matches!(data.material, 3 | 4) {
            return Err(KeyFault::NotPublic.into());
        }
        match self.status {
            1 => {}
            2 | 3 => return Ok(None),
            _ => return Err(KeyFault::Status.into()),
        }
        if data.type_url != HPKE_PUBLIC_KEY {
            return Err(KeyFault::Type.into());
        }
        let material = HpkeKey::parse(data.value)?;
        Ok(Some(PublicKey { prefix, material }))
    }

    /// `OutputPrefixType`: 1 TINK, 2 LEGACY, 3 RAW, 4 CRUNCHY.
    fn prefix(&self) -> Result<Prefix, KeyFault> {
        let first = match self.prefix {
            1 => 1,
            2..=4 => 0,
            _ => return Err(KeyFault::Prefix),
        };
        let [a, b, c, d] = self.id.to_be_bytes();
        Ok(Prefix {
            bytes: [first, a, b, c, d],
            raw: self.prefix == 3,
        })
    }
}

/// `KeyData`.
struct KeyData<'a> {
    type_url: &'a [u8],
    value: &'a [u8],
    material: u32,
}

impl<'a> KeyData<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let (mut type_url, mut value, mut material) = (None, None, None);
        let mut reader = MessageReader(message);
        while let Some((number, payload)) = reader.field()? {
            match number {
                1 => set_once(&mut type_url, payload.bytes()?)?,
                2 => set_once(&mut value, payload.bytes()?)?,
                3 => set_once(&mut material, payload.number()?)?,
                _ => {}
            }
        }
        Ok(Self {
            type_url: type_url.unwrap_or(&[]),
            value: value.unwrap_or(&[]),
            material: material.unwrap_or(0),
        })
    }
}

impl HpkeKey {
    /// Reads an `HpkePublicKey`.
    fn parse(message: &[u8]) -> Result<Self, KeysetKeyFault> {
        let (mut version, mut params, mut key) = (None, None, None);
        let mut reader = MessageReader(message);
        while let Some((number, payload)) = reader.field()? {
            match number {
                1 => set_once(&mut version, payload.number()?)?,
                2 => set_once(&mut params, payload.bytes()?)?,
                3 => set_once(&mut key, payload.bytes()?)?,
                _ => {}
            }
        }
        if let Some(version @ 1..) = version {
            return Err(KeyFault::Version(version).into());
        }
        let aead = suite(params.unwrap_or(&[]))?;
        let key = key.unwrap_or(&[]);
        let point = key.try_into().map_err(|_| KeyFault::Length(key.len()))?;
        if hpke::is_low_order(&point) {
            return Err(KeyFault::LowOrder.into());
        }
        Ok(Self { aead, point })
    }
}

/// Reads `HpkeParams`, of which only the AEAD leaves a choice.
fn suite(message: &[u8]) -> Result<Aead, KeysetKeyFault> {
    let (mut kem, mut kdf, mut aead) = (None, None, None);
    let mut reader = MessageReader(message);
    while let Some((number, payload)) = reader.field()? {
        match number {
            1 => set_once(&mut kem, payload.number()?)?,
            2 => set_once(&mut kdf, payload.number()?)?,
            3 => set_once(&mut aead, payload.number()?)?,
            _ => {}
        }
    }
    if kem != Some(1) {
        return Err(KeyFault::Kem.into());
    }
    if kdf != Some(1) {
        return Err(KeyFault::Kdf.into());
    }
    match aead {
        Some(1) => Ok(Aead::Aes128Gcm),
        Some(2) => Ok(Aead::Aes256Gcm),
        Some(3) => Ok(Aead::ChaCha20Poly1305),
        _ => Err(KeyFault::Aead.into()),
    }
}

/// Bytes that break the encoding, or a field of another type than the schema's.
struct Malformed;

impl From<Malformed> for KeysetFault {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Sets a singular field. Repeats are refused, because protobuf readers disagree on which value wins.
fn set_once<T>(slot: &mut Option<T>, value: T) -> Result<(), Malformed> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed),
    }
}

/// Reads the fields of one message (protobuf encoding). Every step takes at least one byte, so that it ends.
struct MessageReader<'a>(&'a [u8]);

/// The content of one field.
enum Payload<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes; no field of these messages has them.
    Fixed,
}

impl<'a> Payload<'a> {
    /// A `uint32` or an enum.
    fn number(self) -> Result<u32, Malformed> {
        match self {
            Self::Number(number) => u32::try_from(number).map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }

    /// A string, bytes or a message.
    fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed),
        }
    }
}

impl<'a> MessageReader<'a> {
    /// The next field's number and content; `None` at the end of the message.
    fn field(&mut self) -> Result<Option<(u64, Payload<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = tag >> 3;
        // Field numbers are 1 to 2^29 - 1.
        if number == 0 || number >> 29 != 0 {
            return Err(Malformed);
        }
        let payload = match tag & 7 {
            0 => Payload::Number(self.varint()?),
            1 => self.take(8).map(|_| Payload::Fixed)?,
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| Malformed)?;
                Payload::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Payload::Fixed)?,
            // 3 and 4 are groups, which proto3 does not have.
            _ => return Err(Malformed),
        };
        Ok(Some((number, payload)))
    }

    /// Seven bits a byte, the lowest first; at most ten bytes.
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Malformed)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn tink() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/tink.json")).unwrap()
    }

    #[test]
    fn keysets_of_tink_are_read() {
        for vector in tink()["opens"].as_array().unwrap() {
            let key = PublicKey::parse(vector["keyset"].as_str().unwrap()).unwrap();
            let point: String = key.point().iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(point, vector["public"].as_str().unwrap());
            let aead = match vector["aead"].as_str().unwrap() {
                "AES_128_GCM" => Aead::Aes128Gcm,
                "AES_256_GCM" => Aead::Aes256Gcm,
                "CHACHA20_POLY1305" => Aead::ChaCha20Poly1305,
                other => panic!("{other}"),
            };
            assert_eq!(key.aead(), aead);
        }
    }

    #[test]
    fn the_published_keyset_of_the_service_is_read() {
        let text = "COvInMIBEnAKZAo0dHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUuY3J5cHRvLnRpbmsuSHBrZVB1YmxpY0tl\
                    eRIqEgYIARABGAIaIHRaibhtYbpEfh2CSpdDPhh/6lCBnfoO3nqBmZ3VQGJyGAMQARjryJzCASAB";
        let key = PublicKey::parse(text).unwrap();
        assert_eq!(key.prefix(), [1, 0x18, 0x47, 0x24, 0x6b]);
        assert_eq!(key.aead(), Aead::Aes256Gcm);
    }

    #[test]
    fn keysets_that_tink_refuses_are_refused() {
        let tink = tink();
        let refused = tink["refused"].as_array().unwrap();
        assert_eq!(refused.len(), 18);
        for vector in refused {
            let fault = PublicKey::parse(vector["keyset"].as_str().unwrap()).unwrap_err();
            let says = vector["says"].as_str().unwrap();
            assert_eq!(fault.to_string(), says, "{}", vector["name"]);
        }
    }

    /// A protobuf field with a number.
    fn number(field: u8, value: u32) -> Vec<u8> {
        let mut out = vec![field << 3];
        let mut rest = value;
        while rest >= 0x80 {
            out.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        out.push(rest.to_le_bytes()[0]);
        out
    }

    /// A protobuf field with bytes or a message.
    fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
        let mut out = number(field, u32::try_from(content.len()).unwrap());
        out[0] |= 2;
        out.extend_from_slice(content);
        out
    }

    fn material(kem: u32, kdf: u32, aead: u32, point: &[u8]) -> Vec<u8> {
        let params = [number(1, kem), number(2, kdf), number(3, aead)].concat();
        [bytes(2, &params), bytes(3, point)].concat()
    }

    fn value() -> Vec<u8> {
        material(1, 1, 2, &[9; 32])
    }

    fn data(url: &[u8], value: &[u8], material: u32) -> Vec<u8> {
        [bytes(1, url), bytes(2, value), number(3, material)].concat()
    }

    fn good() -> Vec<u8> {
        data(HPKE_PUBLIC_KEY, &value(), 3)
    }

    fn key(data: &[u8], status: u32, id: u32, prefix: u32) -> Vec<u8> {
        let parts = [
            bytes(1, data),
            number(2, status),
            number(3, id),
            number(4, prefix),
        ];
        bytes(2, &parts.concat())
    }

    fn parse(parts: &[Vec<u8>]) -> Result<PublicKey, KeysetFault> {
        PublicKey::parse(&base64::encode(&parts.concat()))
    }

    #[test]
    fn every_prefix() {
        let id = 0x0102_0304;
        for (prefix, expected) in [
            (1, &[1, 1, 2, 3, 4][..]),
            (2, &[0, 1, 2, 3, 4]),
            (3, &[]),
            (4, &[0, 1, 2, 3, 4]),
        ] {
            let read = parse(&[number(1, id), key(&good(), 1, id, prefix)]).unwrap();
            assert_eq!(read.prefix(), expected);
        }
        for prefix in [0, 5] {
            assert_eq!(
                parse(&[number(1, 7), key(&good(), 1, 7, prefix)]),
                Err(KeysetFault::Key(7, KeyFault::Prefix))
            );
        }
    }

    #[test]
    fn the_other_keys_of_a_keyset() {
        let [primary, mine] = [number(1, 7), key(&good(), 1, 7, 1)];
        let fault = |fault| Some(KeysetFault::Key(8, fault));
        let garbage = data(b"other", b"\xff\xff", 3);
        let typed = |material| data(HPKE_PUBLIC_KEY, &value(), material);
        let without_data = bytes(2, &[number(2, 3), number(3, 8), number(4, 1)].concat());
        let id_zero = Some(KeysetFault::Key(0, KeyFault::IdZero));
        let twice = Some(KeysetFault::PrimaryTwice(7));
        for (name, other, expected) in [
            ("another", key(&good(), 1, 8, 1), None),
            ("disabled garbage", key(&garbage, 2, 8, 1), None),
            ("destroyed with data", key(&garbage, 3, 8, 1), None),
            (
                "enabled garbage",
                key(&garbage, 1, 8, 1),
                fault(KeyFault::Type),
            ),
            ("destroyed", without_data, fault(KeyFault::NoData)),
            ("no status", key(&good(), 0, 8, 1), fault(KeyFault::Status)),
            ("status 4", key(&good(), 4, 8, 1), fault(KeyFault::Status)),
            (
                "disabled, no prefix",
                key(&good(), 2, 8, 0),
                fault(KeyFault::Prefix),
            ),
            ("id 0", key(&good(), 1, 0, 1), id_zero),
            ("same id", key(&good(), 1, 7, 1), twice),
            ("same id, disabled", key(&good(), 2, 7, 1), twice),
            ("remote", key(&typed(4), 1, 8, 1), None),
            (
                "private",
                key(&typed(2), 2, 8, 1),
                fault(KeyFault::NotPublic),
            ),
            (
                "symmetric",
                key(&typed(1), 1, 8, 1),
                fault(KeyFault::NotPublic),
            ),
            (
                "unknown",
                key(&typed(0), 1, 8, 1),
                fault(KeyFault::NotPublic),
            ),
        ] {
            let read = parse(&[primary.clone(), mine.clone(), other]);
            assert_eq!(read.err(), expected, "{name}");
        }
        // The order of the fields is free.
        assert!(parse(&[mine.clone(), primary.clone()]).is_ok());
        let absent = parse(&[mine, number(1, 9)]);
        assert_eq!(absent, Err(KeysetFault::PrimaryAbsent(9)));
        let disabled = parse(&[primary, key(&good(), 2, 7, 1)]);
        assert_eq!(disabled, Err(KeysetFault::PrimaryNotEnabled(7)));
    }

    #[test]
    fn one_key_in_detail() {
        let fault = |fault| Some(KeysetFault::Key(7, fault));
        let malformed = Some(KeysetFault::Malformed);
        let point = [9; 32];
        for (value, expected) in [
            (material(1, 1, 1, &point), None),
            (material(1, 1, 3, &point), None),
            (material(0, 1, 1, &point), fault(KeyFault::Kem)),
            (material(2, 1, 1, &point), fault(KeyFault::Kem)),
            (material(1, 0, 1, &point), fault(KeyFault::Kdf)),
            (material(1, 2, 1, &point), fault(KeyFault::Kdf)),
            (material(1, 1, 0, &point), fault(KeyFault::Aead)),
            (material(1, 1, 4, &point), fault(KeyFault::Aead)),
            (material(1, 1, 1, &[9; 31]), fault(KeyFault::Length(31))),
            (material(1, 1, 1, &[9; 33]), fault(KeyFault::Length(33))),
            (material(1, 1, 1, &[0; 32]), fault(KeyFault::LowOrder)),
            (bytes(3, &point), fault(KeyFault::Kem)),
            ([number(1, 0), value()].concat(), None),
            (
                [number(1, 1), value()].concat(),
                fault(KeyFault::Version(1)),
            ),
            ([value(), bytes(3, &point)].concat(), malformed),
            ([value(), bytes(2, &[])].concat(), malformed),
            ([value(), number(2, 1)].concat(), malformed),
            (number(3, 1), malformed),
            (bytes(1, &[0]), malformed),
        ] {
            let data = data(HPKE_PUBLIC_KEY, &value, 3);
            let read = parse(&[number(1, 7), key(&data, 1, 7, 1)]);
            assert_eq!(read.err(), expected, "{value:02x?}");
        }
    }

    #[test]
    fn unknown_fields_are_skipped_and_broken_ones_refused() {
        let keyset = [number(1, 7), key(&good(), 1, 7, 1)].concat();
        let long = [0xff; 9];
        for (extra, ok) in [
            (&[0x78, 0x01][..], true),
            (&[&[0x78][..], &long, &[1]].concat(), true),
            (&[0x79, 1, 2, 3, 4, 5, 6, 7, 8], true),
            (&[0x7a, 2, 0, 0], true),
            (&[0x7d, 1, 2, 3, 4], true),
            // The largest field number, and one past it.
            (&[0xf8, 0xff, 0xff, 0xff, 0x0f, 0], true),
            (&[0x80, 0x80, 0x80, 0x80, 0x10, 0], false),
            (&[0x79, 1, 2, 3, 4, 5, 6, 7], false),
            (&[0x7d, 1, 2, 3], false),
            (&[0x7a, 3, 0, 0], false),
            (&[&[0x7a][..], &long, &[1]].concat(), false),
            (&[&[0x78][..], &long, &[2]].concat(), false),
            (&[&[0x78][..], &long, &[0x81, 0]].concat(), false),
            (&[0x78], false),
            (&[0x78, 0x80], false),
            // Groups, types that do not exist, field number 0.
            (&[0x7b, 0x7c], false),
            (&[0x7e], false),
            (&[0x7f], false),
            (&[0x00, 0x00], false),
            // Known fields: a second time, with another type.
            (&[0x08, 7], false),
            (&[0x10, 0], false),
        ] {
            let expected = (!ok).then_some(KeysetFault::Malformed);
            let read = parse(&[keyset.clone(), extra.to_vec()]);
            assert_eq!(read.err(), expected, "{extra:02x?}");
        }
        // An id beyond 32 bits.
        let wide = [0x08, 0x80, 0x80, 0x80, 0x80, 0x10].to_vec();
        assert_eq!(parse(&[wide]), Err(KeysetFault::Malformed));
    }

    #[test]
    fn the_size_is_bounded() {
        let padded = |characters: usize| {
            let mut keyset = [number(1, 7), key(&good(), 1, 7, 1)].concat();
            // An unknown field takes the rest: a byte of tag, three of length, and the content.
            let content = characters / 4 * 3 - keyset.len() - 4;
            keyset.extend(bytes(15, &vec![0; content]));
            base64::encode(&keyset)
        };
        let largest = padded(65_536);
        assert_eq!(largest.len(), 65_536);
        assert!(PublicKey::parse(&largest).is_ok());
        let longer = padded(65_540);
        assert_eq!(PublicKey::parse(&longer), Err(KeysetFault::TooLong));
    }
}
