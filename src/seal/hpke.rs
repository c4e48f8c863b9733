//! HPKE in base mode, one message a context (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and three AEADs on the
//! primitives of ring, which no other file names.

use crate::secret::SecretBytes;
use ring::aead::{self, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, X25519};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk};
use ring::hmac::{self, HMAC_SHA256, Tag};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;

/// The operating system's randomness, from which the ephemeral key of an envelope comes.
pub struct Random(SystemRandom);

impl Random {
    /// Draws a byte. The standard library and rustls need random numbers too, and panic without: this comes first.
    ///
    /// # Errors
    /// If the operating system gives no random bytes.
    pub fn new() -> Result<Self, SealError> {
        let random = SystemRandom::new();
        match random.fill(&mut [0]) {
            Ok(()) => Ok(Self(random)),
            Err(_) => Err(SealError::RANDOM),
        }
    }
}

/// Why a plaintext could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealError(&'static str);

impl SealError {
    const RANDOM: Self = Self("the operating system gave no random bytes");
    const AGREEMENT: Self = Self("the public key agrees on no secret");
    /// Longer than the cipher takes, about 64 GiB.
    const TOO_LONG: Self = Self("the value is too long for the cipher");
    /// The caller's buffer would have moved, and left the plaintext behind.
    const NO_ROOM: Self = Self("the envelope's buffer is too small");
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Bytes of an X25519 public key, and of the encapsulated key, which is one (RFC 9180 section 7.1: Npk, Nenc).
pub(super) const POINT: usize = 32;
/// Bytes of a tag, the same for the three AEADs (RFC 9180 section 7.3: Nt).
pub(super) const TAG: usize = 16;
/// Bytes of a nonce (Nn).
const NONCE: usize = 12;
/// Bytes of the shared secret (Nsecret).
const SECRET: usize = 32;

/// DHKEM(X25519, HKDF-SHA256) (RFC 9180 section 4.1).
const KEM_SUITE: &[u8] = b"KEM\x00\x20";

/// The points whose multiples by a clamped scalar are all zero, with the top bit clear (RFC 7748 section 5: it is
/// ignored): the orders 1, 2, 4 and 8 of the curve and its twist, each in all its encodings below 2^255. A key that
/// is one of them agrees on a secret that everybody knows.
const LOW_ORDER: [[u8; POINT]; 7] = [
    point(0x00, 0x00),
    point(0x01, 0x00),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    // p - 1, p and p + 1, where p = 2^255 - 19.
    point(0xec, 0xff),
    point(0xed, 0xff),
    point(0xee, 0xff),
];

/// A little-endian number below 2^255 whose bytes but the first are all alike.
const fn point(first: u8, rest: u8) -> [u8; POINT] {
    let mut bytes = [rest; POINT];
    let [low, .., high] = &mut bytes;
    *low = first;
    *high = rest & 0x7f;
    bytes
}

/// Whether every agreement with this key fails.
pub(super) fn is_low_order(key: &[u8; POINT]) -> bool {
    let mut masked = *key;
    if let Some(high) = masked.last_mut() {
        *high &= 0x7f;
    }
    LOW_ORDER.contains(&masked)
}

/// The authenticated cipher of a suite (RFC 9180 section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aead {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

impl Aead {
    fn algorithm(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes128Gcm => &aead::AES_128_GCM,
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }

    /// "HPKE" and the ids of KEM, KDF and AEAD (RFC 9180 section 5.1).
    fn suite(self) -> &'static [u8] {
        match self {
            Self::Aes128Gcm => b"HPKE\x00\x20\x00\x01\x00\x01",
            Self::Aes256Gcm => b"HPKE\x00\x20\x00\x01\x00\x02",
            Self::ChaCha20Poly1305 => b"HPKE\x00\x20\x00\x01\x00\x03",
        }
    }
}

/// Appends the encapsulated key, the ciphertext and its tag to `out`, which must have the room: the plaintext is
/// encrypted in place, and a buffer that moved would leave it behind.
///
/// # Errors
/// [`SealError`]; `out` may then hold the plaintext.
pub(super) fn seal(
    aead: Aead,
    recipient: &[u8; POINT],
    info: &[u8],
    plaintext: &SecretBytes,
    random: &Random,
    out: &mut SecretBytes,
) -> Result<(), SealError> {
    let ephemeral =
        EphemeralPrivateKey::generate(&X25519, &random.0).map_err(|_| SealError::RANDOM)?;
    let public = ephemeral
        .compute_public_key()
        .map_err(|_| SealError::AGREEMENT)?;
    let peer = UnparsedPublicKey::new(&X25519, recipient);
    // ring refuses an all-zero result, as RFC 9180 section 7.1.4 demands.
    let shared = agreement::agree_ephemeral(ephemeral, &peer, |dh| {
        shared_secret(dh, public.as_ref(), recipient)
    })
    .map_err(|_| SealError::AGREEMENT)??;
    let (key, nonce) = key_schedule(aead, &shared, info)?;

    let out = out.expose_mut();
    let room = out.capacity().saturating_sub(out.len());
    if room < POINT + plaintext.len() + TAG {
        return Err(SealError::NO_ROOM);
    }
    out.extend_from_slice(public.as_ref());
    let start = out.len();
    out.extend_from_slice(plaintext.expose());
    let (_, text) = out.split_at_mut_checked(start).ok_or(SealError::TOO_LONG)?;
    let tag = encrypt(aead, &key, nonce, &[], text)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// `ExtractAndExpand` (RFC 9180 section 4.1).
fn shared_secret(
    dh: &[u8],
    encapsulated: &[u8],
    recipient: &[u8; POINT],
) -> Result<SecretBytes, SealError> {
    let prk = extract(&[], KEM_SUITE, b"eae_prk", dh);
    expand(
        &prk,
        KEM_SUITE,
        b"shared_secret",
        &[encapsulated, recipient],
        SECRET,
    )
}

/// `KeySchedule` in base mode: the key, and the nonce of the first and only message (RFC 9180 section 5.1).
fn key_schedule(
    aead: Aead,
    shared: &SecretBytes,
    info: &[u8],
) -> Result<(SecretBytes, [u8; NONCE]), SealError> {
    const BASE_MODE: [u8; 1] = [0];
    let suite = aead.suite();
    let psk_id_hash = extract(&[], suite, b"psk_id_hash", &[]);
    let info_hash = extract(&[], suite, b"info_hash", info);
    let context = [&BASE_MODE[..], psk_id_hash.as_ref(), info_hash.as_ref()];
    let secret = extract(shared.expose(), suite, b"secret", &[]);
    let key_len = aead.algorithm().key_len();
    let key = expand(&secret, suite, b"key", &context, key_len)?;
    let nonce = expand(&secret, suite, b"base_nonce", &context, NONCE)?;
    let nonce = nonce.expose().try_into().map_err(|_| SealError::TOO_LONG)?;
    Ok((key, nonce))
}

/// Encrypts in place.
fn encrypt(
    aead: Aead,
    key: &SecretBytes,
    nonce: [u8; NONCE],
    additional: &[u8],
    text: &mut [u8],
) -> Result<aead::Tag, SealError> {
    let key = UnboundKey::new(aead.algorithm(), key.expose()).map_err(|_| SealError::TOO_LONG)?;
    LessSafeKey::new(key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(additional),
            text,
        )
        .map_err(|_| SealError::TOO_LONG)
}

/// `LabeledExtract` (RFC 9180 section 4); HKDF-Extract is HMAC with the salt as its key (RFC 5869 section 2.2).
fn extract(salt: &[u8], suite: &[u8], label: &[u8], material: &[u8]) -> Tag {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, salt));
    for part in [b"HPKE-v1", suite, label, material] {
        mac.update(part);
    }
    mac.sign()
}

/// `LabeledExpand` (RFC 9180 section 4).
fn expand(
    prk: &Tag,
    suite: &[u8],
    label: &[u8],
    info: &[&[u8]],
    len: usize,
) -> Result<SecretBytes, SealError> {
    let length = u16::try_from(len)
        .map_err(|_| SealError::TOO_LONG)?
        .to_be_bytes();
    let mut parts: [&[u8]; 7] = [&length, b"HPKE-v1", suite, label, &[], &[], &[]];
    for (slot, part) in parts.iter_mut().skip(4).zip(info) {
        *slot = part;
    }
    let mut out = SecretBytes::new(vec![0; len]);
    Prk::new_less_safe(HKDF_SHA256, prk.as_ref())
        .expand(&parts, Length(len))
        .and_then(|okm| okm.fill(out.expose_mut()))
        .map_err(|_| SealError::TOO_LONG)?;
    Ok(out)
}

/// How ring is told a length.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests;
