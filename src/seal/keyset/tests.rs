use super::*;
use serde_json::Value;

fn tink() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/tink.json")).unwrap()
}

#[test]
fn keysets_of_tink_are_read() {
    for vector in tink()["opens"].as_array().unwrap() {
        let key = PublicKey::parse(vector["keyset"].as_str().unwrap()).unwrap();
        let point: String = key.point.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(point, vector["public"].as_str().unwrap());
        let aead = match vector["aead"].as_str().unwrap() {
            "AES_128_GCM" => Aead::Aes128Gcm,
            "AES_256_GCM" => Aead::Aes256Gcm,
            "CHACHA20_POLY1305" => Aead::ChaCha20Poly1305,
            other => panic!("{other}"),
        };
        assert_eq!(key.aead, aead);
    }
}

#[test]
fn the_published_keyset_of_the_service_is_read() {
    let text = "COvInMIBEnAKZAo0dHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUuY3J5cHRvLnRpbmsuSHBrZVB1YmxpY0tl\
                    eRIqEgYIARABGAIaIHRaibhtYbpEfh2CSpdDPhh/6lCBnfoO3nqBmZ3VQGJyGAMQARjryJzCASAB";
    let key = PublicKey::parse(text).unwrap();
    assert_eq!(key.prefix, [1, 0x18, 0x47, 0x24, 0x6b]);
    assert_eq!(key.aead, Aead::Aes256Gcm);
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

fn parse(parts: &[Vec<u8>]) -> Result<PublicKey, String> {
    PublicKey::parse(&base64::encode(&parts.concat())).map_err(|error| error.to_string())
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
        assert_eq!(read.prefix, expected);
    }
    for prefix in [0, 5] {
        assert_eq!(
            parse(&[number(1, 7), key(&good(), 1, 7, prefix)]),
            Err("its key 7 has an unknown output prefix".to_owned())
        );
    }
}

#[test]
fn the_other_keys_of_a_keyset() {
    let [primary, mine] = [number(1, 7), key(&good(), 1, 7, 1)];
    let fault = |what| Some(format!("its key 8 {what}"));
    let garbage = data(b"other", b"\xff\xff", 3);
    let typed = |material| data(HPKE_PUBLIC_KEY, &value(), material);
    let without_data = bytes(2, &[number(2, 3), number(3, 8), number(4, 1)].concat());
    let id_zero = Some("its key 0 has an id that is reserved".to_owned());
    let twice = Some("its primary key 7 is in the keyset more than once".to_owned());
    for (name, other, expected) in [
        ("another", key(&good(), 1, 8, 1), None),
        ("disabled garbage", key(&garbage, 2, 8, 1), None),
        ("destroyed with data", key(&garbage, 3, 8, 1), None),
        (
            "enabled garbage",
            key(&garbage, 1, 8, 1),
            fault("is not of type HpkePublicKey"),
        ),
        ("destroyed", without_data, fault("has no data")),
        (
            "no status",
            key(&good(), 0, 8, 1),
            fault("has an unknown status"),
        ),
        (
            "status 4",
            key(&good(), 4, 8, 1),
            fault("has an unknown status"),
        ),
        (
            "disabled, no prefix",
            key(&good(), 2, 8, 0),
            fault("has an unknown output prefix"),
        ),
        ("id 0", key(&good(), 1, 0, 1), id_zero),
        ("same id", key(&good(), 1, 7, 1), twice.clone()),
        ("same id, disabled", key(&good(), 2, 7, 1), twice),
        ("remote", key(&typed(4), 1, 8, 1), None),
        (
            "private",
            key(&typed(2), 2, 8, 1),
            fault("is not a public key"),
        ),
        (
            "symmetric",
            key(&typed(1), 1, 8, 1),
            fault("is not a public key"),
        ),
        (
            "unknown",
            key(&typed(0), 1, 8, 1),
            fault("is not a public key"),
        ),
    ] {
        let read = parse(&[primary.clone(), mine.clone(), other]);
        assert_eq!(read.err(), expected, "{name}");
    }
    // The order of the fields is free.
    assert!(parse(&[mine.clone(), primary.clone()]).is_ok());
    let absent = parse(&[mine, number(1, 9)]);
    assert_eq!(
        absent,
        Err("its primary key 9 is not in the keyset".to_owned())
    );
    let disabled = parse(&[primary, key(&good(), 2, 7, 1)]);
    assert_eq!(disabled, Err("its primary key 7 is not enabled".to_owned()));
}

#[test]
fn one_key_in_detail() {
    let fault = |what| Some(format!("its key 7 {what}"));
    let malformed = Some("it is not a well-formed keyset".to_owned());
    let point = [9; 32];
    for (value, expected) in [
        (material(1, 1, 1, &point), None),
        (material(1, 1, 3, &point), None),
        (
            material(0, 1, 1, &point),
            fault("has a KEM other than X25519 with HKDF-SHA256"),
        ),
        (
            material(2, 1, 1, &point),
            fault("has a KEM other than X25519 with HKDF-SHA256"),
        ),
        (
            material(1, 0, 1, &point),
            fault("has a KDF other than HKDF-SHA256"),
        ),
        (
            material(1, 2, 1, &point),
            fault("has a KDF other than HKDF-SHA256"),
        ),
        (material(1, 1, 0, &point), fault("has an unknown AEAD")),
        (material(1, 1, 4, &point), fault("has an unknown AEAD")),
        (
            material(1, 1, 1, &[9; 31]),
            fault("has 31 bytes instead of 32"),
        ),
        (
            material(1, 1, 1, &[9; 33]),
            fault("has 33 bytes instead of 32"),
        ),
        (
            material(1, 1, 1, &[0; 32]),
            fault("is a point of low order"),
        ),
        (
            bytes(3, &point),
            fault("has a KEM other than X25519 with HKDF-SHA256"),
        ),
        ([number(1, 0), value()].concat(), None),
        (
            [number(1, 1), value()].concat(),
            fault("has the unknown version 1"),
        ),
        ([value(), bytes(3, &point)].concat(), malformed.clone()),
        ([value(), bytes(2, &[])].concat(), malformed.clone()),
        ([value(), number(2, 1)].concat(), malformed.clone()),
        (number(3, 1), malformed.clone()),
        (bytes(1, &[0]), malformed.clone()),
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
        let expected = (!ok).then(|| "it is not a well-formed keyset".to_owned());
        let read = parse(&[keyset.clone(), extra.to_vec()]);
        assert_eq!(read.err(), expected, "{extra:02x?}");
    }
    // An id beyond 32 bits.
    let wide = [0x08, 0x80, 0x80, 0x80, 0x80, 0x10].to_vec();
    assert_eq!(
        parse(&[wide]),
        Err("it is not a well-formed keyset".to_owned())
    );
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
    assert_eq!(
        PublicKey::parse(&longer).unwrap_err().to_string(),
        "it is longer than 65536 characters"
    );
}
