//! A secret in hex, base64 and UTF-16.

use std::fmt::Write;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// No encoding of a secret of this length is shorter.
pub(super) fn least(length: usize) -> usize {
    // The shortest is base64 with one byte before the secret.
    length.saturating_mul(8).saturating_sub(4) / 6
}

/// The encodings of a secret, each without what depends on the text around it.
pub(super) fn of(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    let mut encoded = vec![hex.to_ascii_uppercase().into_bytes(), hex.into_bytes()];
    // The secret may begin at any of three places in a group of bytes: so many of its bits share a character with
    // what is before it.
    for shared in [0, 4, 2] {
        let standard = base64(bytes, shared);
        let url_safe = standard.iter().map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            byte => *byte,
        });
        encoded.push(url_safe.collect());
        encoded.push(standard);
    }
    // Both byte orders of UTF-16 and UTF-32.
    for zeros in [1, 3] {
        let mut wide: Vec<u8> = Vec::with_capacity(bytes.len() * (zeros + 1));
        for byte in bytes {
            wide.push(*byte);
            wide.resize(wide.len() + zeros, 0);
        }
        wide.truncate(wide.len() - zeros);
        encoded.push(wide);
    }
    encoded.sort();
    encoded.dedup();
    encoded
}

/// The characters of base64 (RFC 4648, section 4) that only `bytes` decide, without their first `shared` bits.
fn base64(bytes: &[u8], mut shared: u32) -> Vec<u8> {
    let mut characters = Vec::with_capacity(bytes.len() * 4 / 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8 - std::mem::take(&mut shared);
        while held >= 6 {
            held -= 6;
            let six = usize::try_from((bits >> held) & 63).unwrap_or_default();
            characters.extend(BASE64.get(six));
        }
    }
    characters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_secret_in_base64_does_not_depend_on_what_is_around_it() {
        // "sk-canary" alone, after "a" and after "ab".
        assert_eq!(base64(b"sk-canary", 0), b"c2stY2FuYXJ5");
        assert_eq!(base64(b"sk-canary", 4), b"NrLWNhbmFye");
        assert_eq!(base64(b"sk-canary", 2), b"zay1jYW5hcn");
        for length in 4..20 {
            let shortest = of(&vec![b'x'; length]).iter().map(Vec::len).min();
            assert_eq!(shortest, Some(least(length)), "{length}");
        }
    }
}
