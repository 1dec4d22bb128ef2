//! One streamed call, as Python reads it.
//!
//! `shared.rs` first: a stream without its way of waiting. `sync_stream.rs` waits on a lane, on the reader's
//! thread; `async_stream.rs` on an event loop, and `entering.rs` is what `async with` awaits there.
//! `custom_source.rs` and `from_chunks.rs` let a custom client bring the chunks of such a stream.

pub(crate) mod async_stream;
pub(crate) mod custom_source;
pub(crate) mod entering;
pub(crate) mod from_chunks;
pub(crate) mod shared;
pub(crate) mod sync_stream;
