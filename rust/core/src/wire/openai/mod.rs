//! What OpenAI's APIs are made of; servers of many names speak them.
//!
//! `chat/` and `completions.rs` are the two dialects. Below them: `body.rs` writes a request's JSON, `params.rs` says
//! which parameters there are, `errors.rs`, `usage.rs` and `logprobs.rs` read what both kinds of reply share.

mod body;
mod chat;
mod completions;
pub(super) mod errors;
mod logprobs;
mod usage;

pub use chat::Chat;
pub(crate) use chat::reasoning_field;
pub use completions::Completions;

#[cfg(test)]
mod tests;
