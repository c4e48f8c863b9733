//! Reads Tink keysets: base64 of a protobuf `Keyset` (tink.proto) with `HpkePublicKey`s (hpke.proto).
//!
//! A [`PublicKey`] that exists is usable. The rules are those of Tink itself: every key must be well-formed, every
//! enabled key must be one this client can use, and the primary one is used.

use crate::base64;
use crate::seal::hpke::{self, Aead, POINT};
use std::borrow::Cow;
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

/// Why a text holds no usable key: what is to be said of the keyset, as `it is empty`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysetError(Cow<'static, str>);

impl KeysetError {
    fn of_key(id: u32, what: &str) -> Self {
        Self(format!("its key {id} {what}").into())
    }

    fn of_primary_key(id: u32, what: &str) -> Self {
        Self(format!("its primary key {id} {what}").into())
    }
}

impl From<&'static str> for KeysetError {
    fn from(what: &'static str) -> Self {
        Self(Cow::Borrowed(what))
    }
}

impl fmt::Display for KeysetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PublicKey {
    /// Reads a public keyset, and from it the primary key.
    ///
    /// # Errors
    /// [`KeysetError`] for whatever Tink refuses too, for any type of key but `HpkePublicKey`, and for public keys
    /// that no sender can agree on a secret with.
    pub fn parse(text: &str) -> Result<Self, KeysetError> {
        if text.is_empty() {
            return Err("it is empty".into());
        }
        if text.len() > MAX_KEYSET {
            return Err(KeysetError(
                format!("it is longer than {MAX_KEYSET} characters").into(),
            ));
        }
        let bytes = base64::decode(text).ok_or("it is not base64")?;
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
            let key = entry.usable()?;
            if id == primary_id {
                if primary.is_some() {
                    return Err(KeysetError::of_primary_key(
                        id,
                        "is in the keyset more than once",
                    ));
                }
                primary = Some(key);
            }
        }
        match primary {
            Some(Some(key)) => Ok(key),
            Some(None) => Err(KeysetError::of_primary_key(primary_id, "is not enabled")),
            None if any => Err(KeysetError::of_primary_key(
                primary_id,
                "is not in the keyset",
            )),
            None => Err("it holds no keys".into()),
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
fn primary_id(keyset: &[u8]) -> Result<u32, KeysetError> {
    let mut id = None;
    let mut reader = MessageReader(keyset);
    while let Some((number, payload)) = reader.field()? {
        if number == 1 {
            set_once(&mut id, payload.number()?)?;
        }
    }
    Ok(id.unwrap_or(0))
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
    fn usable(&self) -> Result<Option<PublicKey>, KeysetError> {
        if self.id == 0 {
            return Err(self.error("has an id that is reserved"));
        }
        let data = KeyData::parse(self.data.ok_or_else(|| self.error("has no data"))?)?;
        let prefix = self.prefix()?;
        // KeyMaterialType: 3 is ASYMMETRIC_PUBLIC, 4 is REMOTE; the others would be secret keys.
        if !matches!(data.material, 3 | 4) {
            return Err(self.error("is not a public key"));
        }
        match self.status {
            1 => {}
            2 | 3 => return Ok(None),
            _ => return Err(self.error("has an unknown status")),
        }
        if data.type_url != HPKE_PUBLIC_KEY {
            return Err(self.error("is not of type HpkePublicKey"));
        }
        let material = HpkeKey::parse(data.value, self.id)?;
        Ok(Some(PublicKey { prefix, material }))
    }

    fn error(&self, what: &str) -> KeysetError {
        KeysetError::of_key(self.id, what)
    }

    /// `OutputPrefixType`: 1 TINK, 2 LEGACY, 3 RAW, 4 CRUNCHY.
    fn prefix(&self) -> Result<Prefix, KeysetError> {
        let first = match self.prefix {
            1 => 1,
            2..=4 => 0,
            _ => return Err(self.error("has an unknown output prefix")),
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
    /// Reads the `HpkePublicKey` of the key `id`.
    fn parse(message: &[u8], id: u32) -> Result<Self, KeysetError> {
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
            let what = format!("has the unknown version {version}");
            return Err(KeysetError::of_key(id, &what));
        }
        let aead = suite(params.unwrap_or(&[]), id)?;
        let key = key.unwrap_or(&[]);
        let point = key.try_into().map_err(|_| {
            let what = format!("has {} bytes instead of {POINT}", key.len());
            KeysetError::of_key(id, &what)
        })?;
        if hpke::is_low_order(&point) {
            return Err(KeysetError::of_key(id, "is a point of low order"));
        }
        Ok(Self { aead, point })
    }
}

/// Reads `HpkeParams`, of which only the AEAD leaves a choice.
fn suite(message: &[u8], id: u32) -> Result<Aead, KeysetError> {
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
    let error = |what| Err(KeysetError::of_key(id, what));
    if kem != Some(1) {
        return error("has a KEM other than X25519 with HKDF-SHA256");
    }
    if kdf != Some(1) {
        return error("has a KDF other than HKDF-SHA256");
    }
    match aead {
        Some(1) => Ok(Aead::Aes128Gcm),
        Some(2) => Ok(Aead::Aes256Gcm),
        Some(3) => Ok(Aead::ChaCha20Poly1305),
        _ => error("has an unknown AEAD"),
    }
}

/// Bytes that break the encoding, or a field of another type than the schema's.
struct Malformed;

impl From<Malformed> for KeysetError {
    fn from(_: Malformed) -> Self {
        "it is not a well-formed keyset".into()
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
mod tests;
