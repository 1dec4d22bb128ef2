//! Hashes and random numbers that are the same on every machine, and ids derived from them.

/// FNV-1a, 64 bits: good enough to tell texts apart.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    fnv_from(0xcbf2_9ce4_8422_2325, bytes)
}

/// Continues an FNV-1a hash with more bytes.
pub(crate) fn fnv_from(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// FNV-1a folded to 32 bits, as 8 hex digits.
pub(crate) fn checksum(text: &str) -> String {
    let hash = fnv(text.as_bytes());
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}

/// Draws the next number of a splitmix64 sequence.
pub(crate) fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns an id: the prefix, then `len` letters and digits.
pub(crate) fn derived_id(prefix: &str, mut seed: u64, len: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut id = String::with_capacity(prefix.len() + len);
    id.push_str(prefix);
    let mut bits = 0;
    for place in 0..len {
        if place % 12 == 0 {
            bits = draw(&mut seed);
        }
        let letter = usize::try_from(bits & 31)
            .ok()
            .and_then(|at| LETTERS.get(at));
        id.push(letter.copied().map_or('a', char::from));
        bits >>= 5;
    }
    id
}
