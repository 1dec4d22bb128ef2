//! What the dialects agree on: a reply, its parts, the pieces it streams in, usage and timing.

mod delta;
mod events;
mod fold;
mod reply;

pub use delta::{Chunk, ChunkKind, Delta, ToolCallDelta};
pub use events::{StreamEvent, StreamEvents};
pub use reply::{
    Choice, FinishReason, Part, Reply, Timing, TokenLogprob, ToolCall, TopLogprob, Usage,
};

#[cfg(test)]
mod tests;
