//! Replays the corpus of the fuzz targets (`rust/fuzz/corpus`), so that a bug that a fuzzer found does not return.

// The whole file is a test, including its helper functions.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "claims/json_vs_serde.rs"]
mod json_vs_serde;
#[path = "claims/sse_split.rs"]
mod sse_split;

fn replay(target: &str, holds: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        holds(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "the corpus of {target} is empty");
}

#[test]
fn events_do_not_depend_on_the_chunks() {
    replay("sse_split", sse_split::holds);
}

#[test]
fn our_json_reader_agrees_with_serde_json() {
    replay("json_vs_serde", json_vs_serde::holds);
}
