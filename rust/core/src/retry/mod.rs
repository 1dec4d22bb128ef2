//! Whether and when a failed attempt is retried. Pure: clock and randomness come from the caller.
//!
//! `policy` decides. It looks at the failure, at what the server asks for (`after`), and at the tokens that are left
//! for retries (`bucket`).

mod after;
mod bucket;
mod policy;

pub use after::{Hints, server_hints};
pub use bucket::Bucket;
pub use policy::{Decision, GaveUp, decide};
