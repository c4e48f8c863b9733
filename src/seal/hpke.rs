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
    /// [`SealFault::Random`].
    pub fn new() -> Result<Self, SealFault> {
        let random = SystemRandom::new();
        match random.fill(&mut [0]) {
            Ok(()) => Ok(Self(random)),
            Err(_) => Err(SealFault::Random),
        }
    }
}

/// Why a plaintext could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealFault {
    /// The operating system gave no random bytes.
    Random,
    /// The public key agrees on no secret.
    Agreement,
    /// Longer than the cipher takes, about 64 GiB.
    TooLong,
    /// The caller's buffer would have moved, and left the plaintext behind.
    NoRoom,
}

impl fmt::Display for SealFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "the operating system gave no random bytes",
            Self::Agreement => "the public key agrees on no secret",
            Self::TooLong => "the value is too long for the cipher",
            Self::NoRoom => "the envelope's buffer is too small",
        })
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
/// [`SealFault`]; `out` may then hold the plaintext.
pub(super) fn seal(
    aead: Aead,
    recipient: &[u8; POINT],
    info: &[u8],
    plaintext: &SecretBytes,
    random: &Random,
    out: &mut SecretBytes,
) -> Result<(), SealFault> {
    let ephemeral =
        EphemeralPrivateKey::generate(&X25519, &random.0).map_err(|_| SealFault::Random)?;
    let public = ephemeral
        .compute_public_key()
        .map_err(|_| SealFault::Agreement)?;
    let peer = UnparsedPublicKey::new(&X25519, recipient);
    // ring refuses an all-zero result, as RFC 9180 section 7.1.4 demands.
    let shared = agreement::agree_ephemeral(ephemeral, &peer, |dh| {
        shared_secret(dh, public.as_ref(), recipient)
    })
    .map_err(|_| SealFault::Agreement)??;
    let (key, nonce) = key_schedule(aead, &shared, info)?;

    let out = out.expose_mut();
    let room = out.capacity().saturating_sub(out.len());
    if room < POINT + plaintext.len() + TAG {
        return Err(SealFault::NoRoom);
    }
    out.extend_from_slice(public.as_ref());
    let start = out.len();
    out.extend_from_slice(plaintext.expose());
    let (_, text) = out.split_at_mut_checked(start).ok_or(SealFault::TooLong)?;
    let tag = encrypt(aead, &key, nonce, &[], text)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// `ExtractAndExpand` (RFC 9180 section 4.1).
fn shared_secret(
    dh: &[u8],
    encapsulated: &[u8],
    recipient: &[u8; POINT],
) -> Result<SecretBytes, SealFault> {
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
) -> Result<(SecretBytes, [u8; NONCE]), SealFault> {
    const BASE_MODE: [u8; 1] = [0];
    let suite = aead.suite();
    let psk_id_hash = extract(&[], suite, b"psk_id_hash", &[]);
    let info_hash = extract(&[], suite, b"info_hash", info);
    let context = [&BASE_MODE[..], psk_id_hash.as_ref(), info_hash.as_ref()];
    let secret = extract(shared.expose(), suite, b"secret", &[]);
    let key_len = aead.algorithm().key_len();
    let key = expand(&secret, suite, b"key", &context, key_len)?;
    let nonce = expand(&secret, suite, b"base_nonce", &context, NONCE)?;
    let nonce = nonce.expose().try_into().map_err(|_| SealFault::TooLong)?;
    Ok((key, nonce))
}

/// Encrypts in place.
fn encrypt(
    aead: Aead,
    key: &SecretBytes,
    nonce: [u8; NONCE],
    additional: &[u8],
    text: &mut [u8],
) -> Result<aead::Tag, SealFault> {
    let key = UnboundKey::new(aead.algorithm(), key.expose()).map_err(|_| SealFault::TooLong)?;
    LessSafeKey::new(key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(additional),
            text,
        )
        .map_err(|_| SealFault::TooLong)
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
) -> Result<SecretBytes, SealFault> {
    let length = u16::try_from(len)
        .map_err(|_| SealFault::TooLong)?
        .to_be_bytes();
    let mut parts: [&[u8]; 7] = [&length, b"HPKE-v1", suite, label, &[], &[], &[]];
    for (slot, part) in parts.iter_mut().skip(4).zip(info) {
        *slot = part;
    }
    let mut out = SecretBytes::new(vec![0; len]);
    Prk::new_less_safe(HKDF_SHA256, prk.as_ref())
        .expand(&parts, Length(len))
        .and_then(|okm| okm.fill(out.expose_mut()))
        .map_err(|_| SealFault::TooLong)?;
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
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_would_move_is_refused() {
        let recipient: [u8; POINT] = bytes(VECTORS[0].recipient).try_into().unwrap();
        let plaintext = SecretBytes::new(b"plaintext".to_vec());
        let needed = POINT + plaintext.len() + TAG;
        for (room, expected) in [(needed, Ok(())), (needed - 1, Err(SealFault::NoRoom))] {
            let mut out = SecretBytes::with_capacity(room);
            assert_eq!(out.expose_mut().capacity(), room);
            let random = Random::new().unwrap();
            let result = seal(
                Aead::Aes128Gcm,
                &recipient,
                b"",
                &plaintext,
                &random,
                &mut out,
            );
            assert_eq!(result, expected);
            assert_eq!(out.is_empty(), expected.is_err());
        }
        assert_eq!(
            SealFault::NoRoom.to_string(),
            "the envelope's buffer is too small"
        );
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    }

    /// RFC 9180 appendices A.1.1 and A.2.1; `dh` is X25519 of their skEm and pkRm, which they do not print.
    struct Vector {
        aead: Aead,
        dh: &'static str,
        encapsulated: &'static str,
        recipient: &'static str,
        shared_secret: &'static str,
        key: &'static str,
        base_nonce: &'static str,
        ciphertext: &'static str,
    }

    const VECTORS: [Vector; 2] = [
        Vector {
            aead: Aead::Aes128Gcm,
            dh: "b3b5c19eab3f088ac18f23f774ff6414ba4fde45404d10085efc3e4dc9c72e35",
            encapsulated: "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
            recipient: "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
            shared_secret: "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc",
            key: "4531685d41d65f03dc48f6b8302c05b0",
            base_nonce: "56d890e5accaaf011cff4b7d",
            ciphertext: "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9\
                         6d8770ac83d07bea87e13c512a",
        },
        Vector {
            aead: Aead::ChaCha20Poly1305,
            dh: "abcb90ca2fce0148743e01e11bdad631767e47ba4d10947ddf0db562cbd65b74",
            encapsulated: "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
            recipient: "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
            shared_secret: "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7",
            key: "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91",
            base_nonce: "5c4d98150661b848853b547f",
            ciphertext: "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db\
                         21993c62ce81883d2dd1b51a28",
        },
    ];

    #[test]
    fn vectors_of_rfc_9180() {
        for vector in &VECTORS {
            let recipient = bytes(vector.recipient).try_into().unwrap();
            let shared = shared_secret(&bytes(vector.dh), &bytes(vector.encapsulated), &recipient);
            let shared = shared.ok().unwrap();
            assert_eq!(shared.expose(), bytes(vector.shared_secret));
            let (key, nonce) = key_schedule(vector.aead, &shared, b"Ode on a Grecian Urn")
                .ok()
                .unwrap();
            assert_eq!(key.expose(), bytes(vector.key));
            assert_eq!(nonce.as_slice(), bytes(vector.base_nonce));
            let mut text = b"Beauty is truth, truth beauty".to_vec();
            let tag = encrypt(vector.aead, &key, nonce, b"Count-0", &mut text).unwrap();
            text.extend_from_slice(tag.as_ref());
            assert_eq!(text, bytes(vector.ciphertext));
            assert_eq!(tag.as_ref().len(), TAG);
        }
    }

    #[test]
    fn low_order_points_are_those_that_agree_on_nothing() {
        let random = Random::new().unwrap();
        let agrees = |key: &[u8; POINT]| {
            let mut out = SecretBytes::with_capacity(POINT + TAG);
            let empty = SecretBytes::new(Vec::new());
            seal(Aead::Aes256Gcm, key, b"", &empty, &random, &mut out)
        };
        for low in LOW_ORDER {
            let mut high = low;
            high[POINT - 1] |= 0x80;
            for key in [low, high] {
                assert!(is_low_order(&key), "{key:02x?}");
                assert_eq!(agrees(&key), Err(SealFault::Agreement), "{key:02x?}");
            }
        }
        for first in 2..=0xeb {
            for key in [point(first, 0), point(first, 0xff)] {
                assert!(!is_low_order(&key), "{key:02x?}");
            }
        }
        assert_eq!(agrees(&point(9, 0)), Ok(()));
        assert_eq!(LOW_ORDER[1], {
            let mut one = [0; POINT];
            one[0] = 1;
            one
        });
        assert_eq!(LOW_ORDER[5][..2], [0xed, 0xff]);
        assert_eq!(LOW_ORDER[5][30..], [0xff, 0x7f]);
    }
}
