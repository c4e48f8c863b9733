use super::*;

#[test]
fn a_buffer_that_would_move_is_refused() {
    let recipient: [u8; POINT] = bytes(VECTORS[0].recipient).try_into().unwrap();
    let plaintext = SecretBytes::new(b"plaintext".to_vec());
    let needed = POINT + plaintext.len() + TAG;
    for (room, expected) in [(needed, Ok(())), (needed - 1, Err(SealError::NO_ROOM))] {
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
        SealError::NO_ROOM.to_string(),
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
            assert_eq!(agrees(&key), Err(SealError::AGREEMENT), "{key:02x?}");
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
