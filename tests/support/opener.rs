//! The service's side of sealing: keysets as the service publishes them, and envelopes opened with the `hpke` crate (RFC 9180,
//! tink.proto, hpke.proto).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::{AesGcm128, AesGcm256, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};

/// Length of an encapsulated X25519 key in bytes (RFC 9180 section 7.1, Nenc).
const ENCAPSULATED_LEN: usize = 32;

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Public = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// `HpkeAead` of `hpke.proto`; the discriminants are its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aead {
    Aes128Gcm = 1,
    #[default]
    Aes256Gcm = 2,
    ChaCha20Poly1305 = 3,
}

/// `OutputPrefixType` of `tink.proto`; the discriminants are its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefix {
    #[default]
    Tink = 1,
    Legacy = 2,
    Raw = 3,
    Crunchy = 4,
}

/// One HPKE key pair as the service keeps it.
#[derive(Clone)]
pub struct Keyset {
    pub key_id: u32,
    pub aead: Aead,
    pub prefix: Prefix,
    private: [u8; 32],
}

impl Keyset {
    /// A key pair that is the same in every run: `seed` is stretched by the KEM's own key derivation
    /// (RFC 9180 section 7.1.3).
    #[must_use]
    pub fn from_seed(seed: &str) -> Self {
        let mut material = [0; 32];
        for (slot, byte) in material.iter_mut().zip(seed.bytes()) {
            *slot = byte;
        }
        let (private, public) = X25519HkdfSha256::derive_keypair(&material);
        let id = public.to_bytes();
        Self {
            // Any non-zero number; from the public key, so that two keysets differ.
            key_id: u32::from_be_bytes([id[0], id[1], id[2], id[3]]) | 1,
            aead: Aead::default(),
            prefix: Prefix::default(),
            private: private.to_bytes().into(),
        }
    }

    /// A key pair that is known, such as a published test vector's.
    #[must_use]
    pub fn from_private(private: [u8; 32], key_id: u32) -> Self {
        Self {
            key_id,
            aead: Aead::default(),
            prefix: Prefix::default(),
            private,
        }
    }

    #[must_use]
    pub fn aead(mut self, aead: Aead) -> Self {
        self.aead = aead;
        self
    }

    #[must_use]
    pub fn prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }

    fn private(&self) -> Private {
        Private::from_bytes(&self.private).expect("32 bytes are a private key")
    }

    fn public(&self) -> Public {
        X25519HkdfSha256::sk_to_pk(&self.private())
    }

    /// `publicKey` of the schema: base64 of a binary `Keyset` with this one key.
    #[must_use]
    pub fn published(&self) -> String {
        let mut params = Vec::new();
        number(&mut params, 1, 1); // kem: DHKEM_X25519_HKDF_SHA256
        number(&mut params, 2, 1); // kdf: HKDF_SHA256
        number(&mut params, 3, self.aead as u32);
        let mut public = Vec::new();
        bytes(&mut public, 2, &params);
        bytes(&mut public, 3, &self.public().to_bytes());
        let mut data = Vec::new();
        bytes(&mut data, 1, PUBLIC_KEY_TYPE.as_bytes());
        bytes(&mut data, 2, &public);
        number(&mut data, 3, 3); // key_material_type: ASYMMETRIC_PUBLIC
        let mut key = Vec::new();
        bytes(&mut key, 1, &data);
        number(&mut key, 2, 1); // status: ENABLED
        number(&mut key, 3, self.key_id);
        number(&mut key, 4, self.prefix as u32);
        let mut keyset = Vec::new();
        number(&mut keyset, 1, self.key_id);
        bytes(&mut keyset, 2, &key);
        STANDARD.encode(keyset)
    }

    /// The bytes in front of every ciphertext of this key.
    fn output_prefix(&self) -> Vec<u8> {
        let first = match self.prefix {
            Prefix::Raw => return Vec::new(),
            Prefix::Tink => 1,
            Prefix::Legacy | Prefix::Crunchy => 0,
        };
        let mut prefix = vec![first];
        prefix.extend(self.key_id.to_be_bytes());
        prefix
    }

    /// Opens `encryptedValue`, sealed for this key in `context`.
    ///
    /// # Errors
    /// The layer that failed, without any of the content.
    pub fn open(&self, envelope: &str, context: &str) -> Result<Vec<u8>, &'static str> {
        let raw = STANDARD
            .decode(envelope)
            .map_err(|_| "not padded standard base64")?;
        let rest = raw
            .strip_prefix(self.output_prefix().as_slice())
            .ok_or("sealed for another key")?;
        let (encapsulated, ciphertext) = rest
            .split_at_checked(ENCAPSULATED_LEN)
            .ok_or("shorter than an encapsulated key")?;
        let encapsulated =
            Encapsulated::from_bytes(encapsulated).map_err(|_| "no encapsulated key")?;
        match self.aead {
            Aead::Aes128Gcm => self.open_with::<AesGcm128>(&encapsulated, context, ciphertext),
            Aead::Aes256Gcm => self.open_with::<AesGcm256>(&encapsulated, context, ciphertext),
            Aead::ChaCha20Poly1305 => {
                self.open_with::<ChaCha20Poly1305>(&encapsulated, context, ciphertext)
            }
        }
    }

    fn open_with<A: hpke::aead::Aead>(
        &self,
        encapsulated: &Encapsulated,
        context: &str,
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, &'static str> {
        hpke::single_shot_open::<A, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private(),
            encapsulated,
            context.as_bytes(),
            ciphertext,
            &[],
        )
        .map_err(|_| "does not open in this context")
    }

    /// Seals as a client would: for tests of the server, and for peers that cannot seal.
    #[must_use]
    pub fn seal(&self, plaintext: &[u8], context: &str) -> String {
        let (encapsulated, ciphertext) = match self.aead {
            Aead::Aes128Gcm => self.seal_with::<AesGcm128>(plaintext, context),
            Aead::Aes256Gcm => self.seal_with::<AesGcm256>(plaintext, context),
            Aead::ChaCha20Poly1305 => self.seal_with::<ChaCha20Poly1305>(plaintext, context),
        };
        let mut raw = self.output_prefix();
        raw.extend(encapsulated.to_bytes());
        raw.extend(ciphertext);
        STANDARD.encode(raw)
    }

    fn seal_with<A: hpke::aead::Aead>(
        &self,
        plaintext: &[u8],
        context: &str,
    ) -> (Encapsulated, Vec<u8>) {
        hpke::single_shot_seal::<A, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &self.public(),
            context.as_bytes(),
            plaintext,
            &[],
        )
        .expect("sealing")
    }
}

/// The context string of the service: `1:{actor}:{name}:{type}`, with the type in lower case.
#[must_use]
pub fn context(actor: &str, name: &str, kind: &str) -> String {
    format!("1:{actor}:{name}:{}", kind.to_ascii_lowercase())
}

const PUBLIC_KEY_TYPE: &str = "type.googleapis.com/google.crypto.tink.HpkePublicKey";

/// A protobuf field of wire type 0, a varint.
fn number(out: &mut Vec<u8>, field: u32, value: u32) {
    varint(out, field << 3);
    varint(out, value);
}

/// A protobuf field of wire type 2, length-delimited.
fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, u32::try_from(value.len()).expect("a short field"));
    out.extend_from_slice(value);
}

fn varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
