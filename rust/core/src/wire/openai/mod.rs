//! The dialects of `OpenAI`, which servers of many names speak.
//!
//! `chat/` and `completions.rs` are the two dialects. Below them: `body.rs` writes a request's JSON, `params.rs` says
//! which parameters there are, `errors.rs`, `usage.rs` and `logprobs.rs` read what both kinds of reply share.

mod body;
mod chat;
mod completions;
mod errors;
mod logprobs;
mod params;
mod usage;

pub use chat::Chat;
pub use completions::Completions;

#[cfg(test)]
mod tests;
