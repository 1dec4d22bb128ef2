//! One streamed call.

pub(crate) mod async_stream;
pub(crate) mod custom_source;
pub(crate) mod from_chunks;
pub(crate) mod shared;
pub(crate) mod sync_stream;
