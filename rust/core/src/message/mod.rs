//! What all dialects share: a reply, its parts, the pieces of a streamed reply, usage and timing.
//!
//! Read `reply` first: a whole or partial reply, whose choices have a list of `part`s. `delta` is a piece of a streamed
//! one. `fold` adds such pieces to the partial reply: `growth` to a part of a choice, and `order` sorts parts that arrived
//! interleaved. `settle` ends the reply. `events` makes typed events from the pieces. `finish` reads the providers' words
//! for the end of a choice. `logprobs` keeps token probabilities as text, and `extra` what else a provider sends, whose
//! fragments `join` joins. `citations` finds the sources that a choice names, and `grounding` those that Gemini names. `number` writes the numbers that JSON lacks.

mod citations;
mod delta;
mod events;
mod extra;
mod finish;
mod fold;
mod grounding;
mod growth;
mod join;
mod logprobs;
mod number;
mod order;
mod part;
mod reply;
mod settle;

pub use citations::Citation;
pub use delta::{Chunk, ChunkKind, Delta, ToolCallDelta};
pub use events::{StreamEvent, StreamEvents};
pub use extra::{Extra, RawJson};
pub use fold::Fold;
pub use logprobs::Logprobs;
pub use part::Part;
pub use reply::{
    Choice, FinishReason, Reply, ReplyHead, Timing, TokenLogprob, ToolCall, TopLogprob, Usage,
};

#[cfg(test)]
mod tests;
