//! Envelopes as Tink's HPKE makes them: base64 of the key's prefix, the encapsulated key, the ciphertext and its tag.
//! Each is bound to one actor, name and type.

use crate::base64;
use crate::seal::hpke::{self, Random, SealError};
use crate::seal::keyset::PublicKey;
use crate::secret::{Kind, SecretBytes, SecretName};

/// What an envelope is bound to: it opens only for the same three.
#[derive(Clone, Copy)]
pub struct SealingContext<'a> {
    /// The uid of the caller's profile, verbatim.
    pub actor: &'a str,
    pub name: &'a SecretName,
    pub kind: &'a Kind,
}

impl SealingContext<'_> {
    /// The `info` of HPKE: version 1 of the format, without any escaping.
    fn info(&self) -> String {
        let Self { actor, name, kind } = self;
        format!(
            "1:{actor}:{}:{}",
            name.as_str(),
            kind.wire.to_ascii_lowercase()
        )
    }
}

impl PublicKey {
    /// Seals a plaintext. The text is what the service takes as `encryptedValue`.
    ///
    /// # Errors
    /// [`SealError`]; for a key that was parsed and a plaintext that fits in memory, only if the operating system
    /// gives no random bytes.
    pub fn seal(
        &self,
        context: &SealingContext<'_>,
        plaintext: &SecretBytes,
        random: &Random,
    ) -> Result<String, SealError> {
        let capacity = self.prefix.len() + hpke::POINT + plaintext.len() + hpke::TAG;
        // Holds the plaintext until it is encrypted in place.
        let mut envelope = SecretBytes::with_capacity(capacity);
        envelope.expose_mut().extend_from_slice(&self.prefix);
        let info = context.info();
        hpke::seal(
            self.aead,
            &self.point,
            info.as_bytes(),
            plaintext,
            random,
            &mut envelope,
        )?;
        Ok(base64::encode(envelope.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::hpke::aead::{AesGcm128, AesGcm256, ChaCha20Poly1305};
    use ::hpke::kdf::HkdfSha256;
    use ::hpke::kem::X25519HkdfSha256;
    use ::hpke::{Deserializable, Kem, OpModeR, single_shot_open};
    use serde_json::Value;

    /// Opens with an independent implementation of RFC 9180.
    struct Opener {
        aead: String,
        prefix: Vec<u8>,
        private: <X25519HkdfSha256 as Kem>::PrivateKey,
    }

    impl Opener {
        fn new(vector: &Value) -> Self {
            let text = |key: &str| vector[key].as_str().unwrap();
            let id = u32::try_from(vector["primary"].as_u64().unwrap()).unwrap();
            let first: &[u8] = match text("prefix") {
                "TINK" => &[1],
                "CRUNCHY" | "LEGACY" => &[0],
                "RAW" => &[],
                other => panic!("{other}"),
            };
            let mut prefix = first.to_vec();
            if !first.is_empty() {
                prefix.extend(id.to_be_bytes());
            }
            let private: Vec<u8> = (0..32)
                .map(|at| u8::from_str_radix(&text("private")[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            Self {
                aead: text("aead").to_owned(),
                prefix,
                private: Deserializable::from_bytes(&private).unwrap(),
            }
        }

        fn open(&self, info: &str, envelope: &str) -> Option<String> {
            type Kem = X25519HkdfSha256;
            let bytes = base64::decode(envelope)?;
            let (encapsulated, text) =
                bytes.strip_prefix(&self.prefix[..])?.split_at_checked(32)?;
            let encapsulated = Deserializable::from_bytes(encapsulated).unwrap();
            let open = match self.aead.as_str() {
                "AES_128_GCM" => single_shot_open::<AesGcm128, HkdfSha256, Kem>,
                "AES_256_GCM" => single_shot_open::<AesGcm256, HkdfSha256, Kem>,
                "CHACHA20_POLY1305" => single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>,
                other => panic!("{other}"),
            };
            let mode = OpModeR::Base;
            open(
                &mode,
                &self.private,
                &encapsulated,
                info.as_bytes(),
                text,
                b"",
            )
            .ok()
            .map(|bytes| String::from_utf8(bytes).unwrap())
        }
    }

    fn tink() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/tink.json")).unwrap()
    }

    fn service() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/service.json")).unwrap()
    }

    fn seal(keyset: &Value, context: &SealingContext<'_>, plaintext: &str) -> String {
        let plaintext = SecretBytes::new(plaintext.into());
        PublicKey::parse(keyset.as_str().unwrap())
            .unwrap()
            .seal(context, &plaintext, &Random::new().unwrap())
            .unwrap()
    }

    #[test]
    fn other_peoples_envelopes_open() {
        let (tink, service) = (tink(), service());
        let of_service = service["opens"].as_array().unwrap();
        assert_eq!(of_service.len(), 6);
        let of_tink = tink["opens"].as_array().unwrap();
        assert_eq!(of_tink.len(), 9);
        for (key, vector) in of_tink
            .iter()
            .map(|vector| (vector, vector))
            .chain(of_service.iter().map(|vector| (&service, vector)))
        {
            let context = vector["context"].as_str().unwrap();
            let opened = Opener::new(key).open(context, vector["envelope"].as_str().unwrap());
            assert_eq!(opened.as_deref(), vector["plaintext"].as_str(), "{context}");
        }
    }

    #[test]
    fn ours_open_for_every_cipher_and_prefix() {
        let name = SecretName::parse("MY_SECRET").unwrap();
        let context = SealingContext {
            actor: "user-1",
            name: &name,
            kind: Kind::from_wire("RAW_VALUE").unwrap(),
        };
        for vector in tink()["opens"].as_array().unwrap() {
            let opener = Opener::new(vector);
            for plaintext in ["", "{}", "{\"value\":\"grüße\"}", &"x".repeat(131_072)] {
                let envelope = seal(&vector["keyset"], &context, plaintext);
                let bytes = opener.prefix.len() + 32 + plaintext.len() + 16;
                assert_eq!(envelope.len(), bytes.div_ceil(3) * 4);
                let opened = opener.open("1:user-1:MY_SECRET:raw_value", &envelope);
                assert_eq!(opened.as_deref(), Some(plaintext), "{}", vector["name"]);
            }
        }
    }

    #[test]
    fn an_envelope_is_bound_to_its_context() {
        let service = service();
        let opener = Opener::new(&service);
        let name = SecretName::parse("N:ä").unwrap();
        for kind in crate::secret::KINDS {
            let context = SealingContext {
                actor: "serviceAccount:abc",
                name: &name,
                kind,
            };
            let envelope = seal(&service["keyset"], &context, "text");
            let right = format!(
                "1:serviceAccount:abc:N:ä:{}",
                kind.wire.to_ascii_lowercase()
            );
            assert_eq!(opener.open(&right, &envelope).as_deref(), Some("text"));
            for wrong in [
                right.replace("abc", "abd"),
                right.replace('ä', "a"),
                right.replace("1:s", "2:s"),
                right.replace(&kind.wire.to_ascii_lowercase(), "dotenvx"),
                String::new(),
            ] {
                assert_eq!(opener.open(&wrong, &envelope), None, "{wrong}");
            }
        }
    }

    #[test]
    fn no_two_envelopes_are_alike() {
        let name = SecretName::parse("N").unwrap();
        let context = SealingContext {
            actor: "a",
            name: &name,
            kind: Kind::from_wire("RAW_VALUE").unwrap(),
        };
        let keyset = &service()["keyset"];
        let [one, two] =
            [(); 2].map(|()| base64::decode(&seal(keyset, &context, "same text")).unwrap());
        // The prefix is the same; neither the encapsulated key nor the ciphertext may be.
        assert_eq!(one[..5], two[..5]);
        assert_ne!(one[5..37], two[5..37]);
        assert_ne!(one[37..], two[37..]);
    }
}
