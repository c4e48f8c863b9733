use super::*;
use ml_kem::{Decapsulate, DecapsulationKey, EncapsulationKey, KeyExport, MlKem768};
use rustls::crypto::ring::default_provider;
use serde_json::Value;
use std::sync::Mutex;

const EK_LEN: usize = 1184;
const POINT: usize = 32;

/// Randomness that is known: the bytes of d, then those of z.
#[derive(Debug)]
struct Known(Mutex<Vec<u8>>);

impl Known {
    fn new(seed: &[u8]) -> Self {
        Self(Mutex::new(seed.to_vec()))
    }
}

impl SecureRandom for Known {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        let mut left = self.0.lock().unwrap();
        if left.len() < buffer.len() {
            return Err(GetRandomFailed);
        }
        buffer.copy_from_slice(&left[..buffer.len()]);
        left.drain(..buffer.len());
        Ok(())
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    text.chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/ml-kem.json")).unwrap()
}

fn started(seed: &[u8]) -> Box<Active> {
    Box::new(Active::start(X25519.start().unwrap(), &Known::new(seed)).unwrap())
}

fn random() -> [u8; 64] {
    let mut seed = [0; 64];
    default_provider().secure_random.fill(&mut seed).unwrap();
    seed
}

/// What the peer adds for X25519: its point, and the secret.
fn agreed(active: &Active) -> (Vec<u8>, SharedSecret) {
    let peer = X25519.start().unwrap();
    let point = peer.pub_key().to_vec();
    (point, peer.complete(active.x25519.pub_key()).unwrap())
}

#[test]
fn keys_of_known_seeds() {
    let vectors = vectors();
    let tests = vectors["keygen"]["tests"].as_array().unwrap();
    assert_eq!(tests.len(), 3);
    for test in tests {
        let active = started(&[bytes(&test["d"]), bytes(&test["z"])].concat());
        let (key, point) = active.pub_key().split_at(EK_LEN);
        assert_eq!(key, bytes(&test["ek"]));
        assert_eq!(point, active.x25519.pub_key());
        assert_eq!(active.group(), NamedGroup::X25519MLKEM768);
    }
}

#[test]
fn the_secret_of_a_known_ciphertext() {
    let test = &vectors()["decapsulation"];
    let key = bytes(&test["dk"]).try_into().unwrap();
    let active = Box::new(Active {
        ml_kem: Box::new(DecapsKey::try_from_bytes(key).unwrap()),
        ..*started(&random())
    });
    let (point, x25519) = agreed(&active);
    let secret = active.complete(&[bytes(&test["c"]), point].concat());
    assert_eq!(
        secret.unwrap().secret_bytes(),
        [&bytes(&test["K"]), x25519.secret_bytes()].concat()
    );
}

/// Against another implementation, with the right ciphertext and with one that somebody changed.
#[test]
fn agrees_with_another_implementation() {
    for _ in 0..16 {
        let (seed, message) = (random(), random());
        let other = DecapsulationKey::<MlKem768>::from_seed(seed.into());
        let message = <[u8; 32]>::try_from(&message[..32]).unwrap();
        let key = other.encapsulation_key().to_bytes();
        assert_eq!(started(&seed).pub_key()[..EK_LEN], key[..]);
        let key = EncapsulationKey::<MlKem768>::new(&key).unwrap();
        let (ciphertext, secret) = key.encapsulate_deterministic(&message.into());
        let mut changed = ciphertext;
        changed[usize::from(message[0])] ^= 1;
        let rejected = other.decapsulate(&changed);
        assert_ne!(rejected, secret);
        for (ciphertext, ml_kem) in [(ciphertext, secret), (changed, rejected)] {
            let active = started(&seed);
            let (point, x25519) = agreed(&active);
            let secret = active.complete(&[&ciphertext[..], &point].concat());
            assert_eq!(
                secret.unwrap().secret_bytes(),
                [&ml_kem[..], x25519.secret_bytes()].concat()
            );
        }
    }
}

#[test]
fn the_same_x25519_key_serves_alone() {
    let active = started(&random());
    let (group, share) = active.hybrid_component().unwrap();
    assert_eq!(group, NamedGroup::X25519);
    assert_eq!(share, &active.pub_key()[EK_LEN..]);
    let (point, x25519) = agreed(&active);
    let secret = active.complete_hybrid_component(&point).unwrap();
    assert_eq!(secret.secret_bytes(), x25519.secret_bytes());
}

#[track_caller]
fn refused(result: Result<SharedSecret, Error>) {
    let error = result.err().expect("an error");
    let expected = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
    assert_eq!(error, expected);
}

#[test]
fn shares_of_a_wrong_length_are_refused() {
    let (point, _) = agreed(&started(&random()));
    for length in [0, POINT, CT_LEN - 1, CT_LEN, CT_LEN + 1, CT_LEN + POINT - 1] {
        let share = [vec![7; CT_LEN], point.clone()].concat();
        refused(started(&random()).complete(&share[..length]));
    }
    let longer = [vec![7; CT_LEN], point.clone(), vec![7]].concat();
    refused(started(&random()).complete(&longer));
    // A ciphertext that is a byte short or long moves the point.
    assert!(
        started(&random())
            .complete(&[vec![7; CT_LEN], point.clone()].concat())
            .is_ok()
    );
    refused(started(&random()).complete_hybrid_component(&point[1..]));
}

#[test]
fn points_that_agree_on_zero_are_refused() {
    for first in [0, 1] {
        let mut point = [0; POINT];
        point[0] = first;
        refused(started(&random()).complete(&[&[7; CT_LEN][..], &point].concat()));
        refused(started(&random()).complete_hybrid_component(&point));
    }
}

#[test]
fn no_randomness_is_an_error() {
    for length in [0, 32, 63] {
        let random = Known::new(&vec![7; length]);
        let result = Active::start(X25519.start().unwrap(), &random);
        assert!(result.is_err(), "{length}");
    }
}
