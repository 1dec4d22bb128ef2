#![no_main]
//! What is JSON, and what its strings say, is judged as by `serde_json`.

#[path = "../../core/tests/claims/json_vs_serde.rs"]
mod claim;

libfuzzer_sys::fuzz_target!(|input: &[u8]| claim::holds(input));
