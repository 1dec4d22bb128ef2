//! What the simulated model answers: a pure function of the request and the script.

mod choice;
mod openai;
mod plan;
mod schema;
mod tokens;

pub(crate) use self::openai::stream::{Due, EventStream};
pub(crate) use self::plan::{Body, Plan, plan, plan_for};
pub use self::tokens::{ledger_checksum, ledger_token};

/// FNV-1a, 64 bits: the same on every machine, and good enough to tell texts apart.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    fnv_from(0xcbf2_9ce4_8422_2325, bytes)
}

/// FNV-1a continued from an earlier hash.
pub(crate) fn fnv_from(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The next number of a splitmix64 sequence.
pub(crate) fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
