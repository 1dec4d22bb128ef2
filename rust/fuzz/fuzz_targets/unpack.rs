#![no_main]
//! Compressed bodies give the same bytes or the same error wherever they are cut, and never too many.

#[path = "../../core/tests/claims/unpack.rs"]
mod claim;

libfuzzer_sys::fuzz_target!(|input: &[u8]| claim::holds(input));
