//! The dialects of `OpenAI`, which servers of many names speak.
//!
//! `chat/` and `completions.rs` are the two dialects. They share `params.rs` (which parameters there are, and how they
//! are written) and `usage.rs`, which both kinds of reply have.

mod chat;
mod completions;
mod params;
mod usage;

pub use chat::Chat;
pub use completions::Completions;

#[cfg(test)]
mod tests;
