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
    /// What Tink puts before a ciphertext to tell which key it is for: nothing, or a byte and the big-endian key id.
    pub(super) prefix: Vec<u8>,
    pub(super) aead: Aead,
    pub(super) point: [u8; POINT],
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
        let keyset = base64::decode(text).ok_or("it is not base64")?;
        let (mut primary_id, mut keys) = (None, Vec::new());
        let mut reader = MessageReader(&keyset);
        // The fields of a message may come in any order.
        while let Some((number, payload)) = reader.field()? {
            match number {
                1 => set_once(&mut primary_id, payload)?,
                2 => keys.push(payload),
                _ => {}
            }
        }
        let primary_id = number(primary_id)?;
        let mut primary = None;
        for key in &keys {
            let (id, key) = parse_key(bytes(Some(*key))?)?;
            if id == primary_id && primary.replace(key).is_some() {
                return Err(KeysetError::of_primary_key(
                    id,
                    "is in the keyset more than once",
                ));
            }
        }
        match primary {
            Some(Some(key)) => Ok(key),
            Some(None) => Err(KeysetError::of_primary_key(primary_id, "is not enabled")),
            None if keys.is_empty() => Err("it holds no keys".into()),
            None => Err(KeysetError::of_primary_key(
                primary_id,
                "is not in the keyset",
            )),
        }
    }
}

/// Reads a `Keyset.Key`: its id, and the key if it is enabled. What is checked of a key that is not is what Tink checks
/// of it.
fn parse_key(message: &[u8]) -> Result<(u32, Option<PublicKey>), KeysetError> {
    let [data, status, id, prefix] = fields(message)?;
    let has_data = data.is_some();
    let (data, status) = (bytes(data)?, number(status)?);
    let (id, prefix) = (number(id)?, number(prefix)?);
    let error = |what| KeysetError::of_key(id, what);
    if id == 0 {
        return Err(error("has an id that is reserved"));
    }
    if !has_data {
        return Err(error("has no data"));
    }
    let [type_url, value, material] = fields(data)?;
    let (type_url, value, material) = (bytes(type_url)?, bytes(value)?, number(material)?);
    // OutputPrefixType: 1 is TINK, 2 LEGACY, 3 RAW, 4 CRUNCHY.
    let [a, b, c, d] = id.to_be_bytes();
    let prefix = match prefix {
        1 => vec![1, a, b, c, d],
        2 | 4 => vec![0, a, b, c, d],
        3 => Vec::new(),
        _ => return Err(error("has an unknown output prefix")),
    };
    // KeyMaterialType: 3 is ASYMMETRIC_PUBLIC, 4 is REMOTE; the others would be secret keys.
    if !matches!(material, 3 | 4) {
        return Err(error("is not a public key"));
    }
    match status {
        1 => {}
        2 | 3 => return Ok((id, None)),
        _ => return Err(error("has an unknown status")),
    }
    if type_url != HPKE_PUBLIC_KEY {
        return Err(error("is not of type HpkePublicKey"));
    }
    let (aead, point) = parse_hpke_key(value, id)?;
    Ok((
        id,
        Some(PublicKey {
            prefix,
            aead,
            point,
        }),
    ))
}

/// Reads the `HpkePublicKey` of the key `id`.
fn parse_hpke_key(message: &[u8], id: u32) -> Result<(Aead, [u8; POINT]), KeysetError> {
    let error = |what: &str| KeysetError::of_key(id, what);
    let [version, params, key] = fields(message)?;
    let (version, params, key) = (number(version)?, bytes(params)?, bytes(key)?);
    if version != 0 {
        return Err(error(&format!("has the unknown version {version}")));
    }
    let [kem, kdf, aead] = fields(params)?;
    let (kem, kdf, aead) = (number(kem)?, number(kdf)?, number(aead)?);
    if kem != 1 {
        return Err(error("has a KEM other than X25519 with HKDF-SHA256"));
    }
    if kdf != 1 {
        return Err(error("has a KDF other than HKDF-SHA256"));
    }
    let aead = match aead {
        1 => Aead::Aes128Gcm,
        2 => Aead::Aes256Gcm,
        3 => Aead::ChaCha20Poly1305,
        _ => return Err(error("has an unknown AEAD")),
    };
    let point = key
        .try_into()
        .map_err(|_| error(&format!("has {} bytes instead of {POINT}", key.len())))?;
    if hpke::is_low_order(&point) {
        return Err(error("is a point of low order"));
    }
    Ok((aead, point))
}

/// Bytes that break the encoding, or a field of another type than the schema's.
struct Malformed;

impl From<Malformed> for KeysetError {
    fn from(_: Malformed) -> Self {
        "it is not a well-formed keyset".into()
    }
}

/// The fields 1 to `N` of a message, none of which is repeated.
fn fields<const N: usize>(message: &[u8]) -> Result<[Option<Payload<'_>>; N], Malformed> {
    let mut fields = [None; N];
    let mut reader = MessageReader(message);
    while let Some((number, payload)) = reader.field()? {
        if let Some(slot) = fields.get_mut(number - 1) {
            set_once(slot, payload)?;
        }
    }
    Ok(fields)
}

/// Sets a singular field. Repeats are refused, because protobuf readers disagree on which value wins.
fn set_once<T>(slot: &mut Option<T>, value: T) -> Result<(), Malformed> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed),
    }
}

/// The content of one field.
#[derive(Clone, Copy)]
enum Payload<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes; no field of these messages has them.
    Fixed,
}

/// A `uint32` or an enum, 0 where it is absent.
fn number(field: Option<Payload<'_>>) -> Result<u32, Malformed> {
    match field {
        None => Ok(0),
        Some(Payload::Number(number)) => u32::try_from(number).map_err(|_| Malformed),
        Some(_) => Err(Malformed),
    }
}

/// A string, bytes or a message, empty where it is absent.
fn bytes(field: Option<Payload<'_>>) -> Result<&[u8], Malformed> {
    match field {
        None => Ok(&[]),
        Some(Payload::Bytes(bytes)) => Ok(bytes),
        Some(_) => Err(Malformed),
    }
}

/// Reads the fields of one message (protobuf encoding). Every step takes at least one byte, so that it ends.
struct MessageReader<'a>(&'a [u8]);

impl<'a> MessageReader<'a> {
    /// The next field's number and content; `None` at the end of the message.
    fn field(&mut self) -> Result<Option<(usize, Payload<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = usize::try_from(tag >> 3).map_err(|_| Malformed)?;
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
