//! Replays the corpus of the fuzz targets (`rust/fuzz/corpus`), so that what a fuzzer once found stays found.

// The whole file is a test, also the functions beside those that are run.
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
fn json_is_judged_as_by_serde_json() {
    replay("json_vs_serde", json_vs_serde::holds);
}
