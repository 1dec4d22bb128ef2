//! The frozen values that Python sees, most of them one class a file, and how they are checked and raised.
//!
//! `value.rs` first: what every class has (`to_dict`, `repr`, pickling); `word.rs` reads the words that
//! stand for enums. A reply is `reply.rs` (the data) under `response.rs` and `choice.rs` (its views), and
//! `message.rs` turns its parts into an `LlmMessage` and back; a stream gives `chunk.rs` or `events.rs`. The
//! smaller ones are parts of these. Settings are in `limits.rs`, checked by `keywords.rs`; `providers.rs` is
//! the engine's table. `raise.rs` stands on top: it makes the exception of a call's error.

pub(crate) mod value;

pub(crate) mod logprob;
pub(crate) mod timing;
pub(crate) mod tool_call;
pub(crate) mod usage;

pub(crate) mod chunk;
pub(crate) mod events;

pub(crate) mod attempt;
pub(crate) mod choice;
pub(crate) mod message;
pub(crate) mod reply;
pub(crate) mod response;

pub(crate) mod keywords;
pub(crate) mod limits;
pub(crate) mod providers;

pub(crate) mod raise;
