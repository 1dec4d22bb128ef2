//! What the dialects agree on: a reply, its parts, the pieces it streams in, usage and timing.
//!
//! `reply` is a whole reply; `delta` is a piece of one that is streamed, and `fold` adds it to the reply so
//! far. `events` makes typed events of the pieces.

mod delta;
mod events;
mod fold;
mod reply;

pub use delta::{Chunk, ChunkKind, Delta, ToolCallDelta};
pub use events::{StreamEvent, StreamEvents};
pub use reply::{
    Choice, FinishReason, Part, RawJson, Reply, ReplyHead, Timing, TokenLogprob, ToolCall,
    TopLogprob, Usage,
};

#[cfg(test)]
mod tests;
