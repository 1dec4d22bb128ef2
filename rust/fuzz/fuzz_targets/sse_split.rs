#![no_main]
//! Any bytes, cut anywhere, give the same items, and the chat decoder reads them without a panic.

#[path = "../../core/tests/claims/sse_split.rs"]
mod claim;

libfuzzer_sys::fuzz_target!(|input: &[u8]| claim::holds(input));
