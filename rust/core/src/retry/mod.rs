//! Whether and when a failed attempt is made again. Pure: clock and randomness come from the caller.
//!
//! `policy` decides, from the failure, from what the server asks for (`after`) and from the tokens that are
//! left to pay for retries (`bucket`).

mod after;
mod bucket;
mod policy;

pub use after::{Hints, server_hints};
pub use bucket::Bucket;
pub use policy::{Decision, Failure, GaveUp, decide};
