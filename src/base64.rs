//! Base64 in the standard alphabet with padding (RFC 4648 section 4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes with padding. The text is a multiple of four characters, about a third longer than the bytes.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    let (groups, rest) = bytes.as_chunks::<3>();
    for &[a, b, c] in groups {
        let group = u32::from_be_bytes([0, a, b, c]);
        for shift in [18, 12, 6, 0] {
            out.push(character(group >> shift));
        }
    }
    match *rest {
        [a] => {
            let group = u32::from_be_bytes([0, a, 0, 0]);
            out.push(character(group >> 18));
            out.push(character(group >> 12));
            out.push_str("==");
        }
        [a, b] => {
            let group = u32::from_be_bytes([0, a, b, 0]);
            out.push(character(group >> 18));
            out.push(character(group >> 12));
            out.push(character(group >> 6));
            out.push('=');
        }
        _ => {}
    }
    out
}

/// The character of the lowest six bits.
fn character(bits: u32) -> char {
    let [.., low] = bits.to_be_bytes();
    ALPHABET
        .get(usize::from(low & 63))
        .map_or('=', |&byte| char::from(byte))
}

/// Decodes strictly: no white space, padding where it belongs and nowhere else, and no stray bits under it, so that
/// each byte string has exactly one spelling (RFC 4648 sections 3.2, 3.3 and 3.5). `None` otherwise.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(groups.len().saturating_mul(3));
    let Some((last, full)) = groups.split_last() else {
        return Some(out);
    };
    for &[a, b, c, d] in full {
        let [_, x, y, z] = join([a, b, c, d])?.to_be_bytes();
        out.extend_from_slice(&[x, y, z]);
    }
    match *last {
        [a, b, b'=', b'='] => {
            let [_, x, y, z] = join([a, b, b'A', b'A'])?.to_be_bytes();
            if (y, z) != (0, 0) {
                return None;
            }
            out.push(x);
        }
        [a, b, c, b'='] => {
            let [_, x, y, z] = join([a, b, c, b'A'])?.to_be_bytes();
            if z != 0 {
                return None;
            }
            out.extend_from_slice(&[x, y]);
        }
        group => {
            let [_, x, y, z] = join(group)?.to_be_bytes();
            out.extend_from_slice(&[x, y, z]);
        }
    }
    Some(out)
}

/// Four characters as 24 bits.
fn join(group: [u8; 4]) -> Option<u32> {
    let mut bits = 0;
    for byte in group {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn every_byte_survives_at_every_offset() {
        let all: Vec<u8> = (0..=255).collect();
        for start in 0..4 {
            let bytes = &all[start..];
            assert_eq!(decode(&encode(bytes)).as_deref(), Some(bytes));
        }
        assert_eq!(encode(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn one_spelling_only() {
        for text in [
            "Zg",
            "Zg=",
            "Zg===",
            "=",
            "====",
            "Z===",
            "Zg==Zg==",
            "Zh==",
            "Zm9=",
            "Zm9v\n",
            " Zm9",
            "Zm9-",
            "Zm9_",
            "Zm=v",
            "Zm8=Zm8=",
            "Zm9\u{e9}",
            "Zg=A",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
