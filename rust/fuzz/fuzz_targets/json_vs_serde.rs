#![no_main]
//! The JSON reader agrees with `serde_json` on what is JSON and on what its strings say.

#[path = "../../core/tests/claims/json_vs_serde.rs"]
mod claim;

libfuzzer_sys::fuzz_target!(|input: &[u8]| claim::holds(input));
