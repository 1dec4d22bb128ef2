//! One call for a whole reply, from its arguments to what Python gets.
//!
//! `arguments.rs` turns Python values into a request, and `dropped.rs` says what was left out of it.
//! `whole.rs` makes the call and ends it, on the caller's thread where that is sync. `pending.rs` is the same
//! call for an event loop, and `many.rs` for the many of a `map`.

pub(crate) mod arguments;
mod dropped;
pub(crate) mod many;
pub(crate) mod pending;
pub(crate) mod whole;
