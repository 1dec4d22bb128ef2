//! Whether and when a failed attempt is retried. Pure: clock and randomness come from the caller.
//!
//! `policy` decides. It looks at the failure, at what the server asks for (`after`, `body`), and at the tokens that are
//! left for retries (`bucket`).

mod after;
mod body;
mod bucket;
mod policy;

pub use after::{Hints, server_hints};
pub use body::wait_in_body;
pub use bucket::Bucket;
pub use policy::{Decision, GaveUp, decide};
