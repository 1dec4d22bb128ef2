//! Requests of other libraries: what is sent, what is returned, and how each of them ends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is the message of the test that uses it"
)]

mod requests;
mod sender;
mod streams;
#[path = "../support/mod.rs"]
mod support;
