//! A call for a whole reply, from its arguments to what Python gets.
//!
//! Read in this order:
//! - `arguments.rs`: Python values become an encoded request.
//! - `whole.rs`: makes the call, on the caller's thread if the call is sync, and turns its outcome into a
//!   response or an exception.
//! - `pending.rs`: the same call awaited by an event loop.
//! - `many.rs`: many such calls at once, for `map`.

pub(crate) mod arguments;
pub(crate) mod many;
pub(crate) mod pending;
pub(crate) mod whole;
