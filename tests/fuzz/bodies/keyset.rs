//! A keyset is refused, or it holds a key that seals.

use crate::base64;
use crate::seal::{PublicKey, Random, SealingContext};
use crate::secret::{KINDS, SecretBytes, SecretName};

pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    check(&base64::encode(data));
}

fn check(text: &str) {
    match PublicKey::parse(text) {
        Err(fault) => assert!(!fault.to_string().is_empty()),
        Ok(key) => {
            let name = SecretName::parse("N").unwrap();
            let context = SealingContext {
                actor: "a",
                name: &name,
                kind: &KINDS[0],
            };
            let sealed = key.seal(
                &context,
                &SecretBytes::new(vec![0; 10]),
                &Random::new().unwrap(),
            );
            let bytes = base64::decode(&sealed.unwrap()).unwrap();
            assert!([58, 63].contains(&bytes.len()));
        }
    }
}
