#![no_main]
//! Bytes give the same items wherever they are cut, and the chat decoder never panics on them.

#[path = "../../core/tests/claims/sse_split.rs"]
mod claim;

libfuzzer_sys::fuzz_target!(|input: &[u8]| claim::holds(input));
