//! The dialects of `OpenAI`, which servers of many names speak.
//!
//! `chat/`, `completions.rs` and `responses/` are the dialects. The first two share `params.rs` (which parameters there are, and how they
//! are written) and `usage.rs`, which both kinds of reply
//! have.

mod chat;
mod completions;
mod params;
mod responses;
mod usage;

pub use chat::Chat;
pub use completions::Completions;
pub use responses::Responses;

#[cfg(test)]
mod tests;
