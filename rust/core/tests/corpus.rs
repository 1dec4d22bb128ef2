//! Replays the corpus of the fuzz targets (`rust/fuzz/corpus`), so that a bug that a fuzzer found does not return.

// The whole file is a test, including its helper functions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

#[path = "claims/framing_split.rs"]
mod framing_split;
#[path = "claims/json_vs_serde.rs"]
mod json_vs_serde;
#[path = "claims/measured.rs"]
mod measured;
#[path = "claims/mutated_reply.rs"]
mod mutated_reply;
#[path = "claims/mutation/mod.rs"]
mod mutation;
#[path = "claims/sse_split.rs"]
mod sse_split;
#[path = "claims/unpack.rs"]
mod unpack;

use mutation::Random;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let entries = std::fs::read_dir(folder).unwrap();
    let inputs: Vec<_> = entries
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert!(!inputs.is_empty(), "the corpus of {target} is empty");
    inputs
}

fn replay(target: &str, holds: fn(&[u8])) {
    for input in corpus(target) {
        holds(&input);
    }
}

#[test]
fn events_do_not_depend_on_the_chunks() {
    replay("sse_split", sse_split::holds);
}

#[test]
fn records_do_not_depend_on_the_chunks() {
    replay("framing_split", framing_split::holds);
}

#[test]
fn compressed_bodies_do_not_depend_on_the_chunks() {
    replay("unpack", unpack::holds);
}

#[test]
fn our_json_reader_agrees_with_serde_json() {
    replay("json_vs_serde", json_vs_serde::holds);
}

#[test]
fn replies_are_read_within_bounds() {
    replay("mutated_reply", mutated_reply::holds);
}

/// A short run of what the fuzzer does for minutes.
#[test]
fn changed_replies_are_read_within_bounds() {
    for seed in corpus("mutated_reply") {
        for number in 0..60 {
            let mut random = Random(number);
            let mut body = seed[1..].to_vec();
            for _ in 0..3 {
                body = mutation::mutated(&body, 8_000, &mut random);
                let size = u8::try_from(random.below(256)).unwrap();
                mutated_reply::holds(&[&[size], &*body].concat());
            }
        }
    }
}
