#![no_main]
//! A body gives the same records wherever it is cut, and the records of an array are its elements.

#[path = "../../core/tests/claims/framing_split.rs"]
mod claim;

libfuzzer_sys::fuzz_target!(|input: &[u8]| claim::holds(input));
