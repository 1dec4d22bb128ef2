//! A streamed call, as Python reads it.
//!
//! Read `shared.rs` first: what both kinds of stream have, which is everything except waiting. `reading.rs` has
//! the items that a reader gets, and `turn.rs` limits how long it takes them without a wait. `sync_stream.rs` waits on the reader's thread, with a leased runtime. `async_stream.rs` waits in an event loop. `custom.rs` is
//! the reply of a stream that `from_chunks` made. `partial.rs` has the typed answers of streams while they grow.

pub(crate) mod async_stream;
pub(crate) mod custom;
pub(crate) mod driver;
pub(crate) mod parking;
mod partial;
mod reading;
pub(crate) mod shared;
pub(crate) mod sync_stream;
pub(crate) mod turn;
