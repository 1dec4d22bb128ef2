//! What all dialects share: a reply, its parts, the pieces of a streamed reply, usage and timing.
//!
//! Read `reply` first: a whole or partial reply. `delta` is a piece of a streamed one, and `fold` adds such pieces to
//! the partial reply. `events` makes typed events from the pieces.

mod delta;
mod events;
mod fold;
mod reply;

pub use delta::{Chunk, ChunkKind, Delta, ToolCallDelta};
pub use events::{StreamEvent, StreamEvents};
pub use fold::Fold;
pub use reply::{
    Choice, FinishReason, Part, RawJson, Reply, ReplyHead, Timing, TokenLogprob, ToolCall,
    TopLogprob, Usage,
};

#[cfg(test)]
mod tests;
