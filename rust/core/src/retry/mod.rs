//! Whether and when a failed attempt is made again. Pure: clock and randomness come from the caller.

mod after;
mod bucket;
mod policy;

pub use after::{Hints, server_hints};
pub use bucket::Bucket;
pub use policy::{Decision, Failure, GaveUp, decide};
