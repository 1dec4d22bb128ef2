//! The dialects of `OpenAI`, which servers of many names speak.
//!
//! `chat/`, `completions.rs` and `responses/` are the dialects. The first two share `params.rs` (which parameters there
//! are, and how they are written) and `usage.rs`, which both kinds of reply have. `families.rs` is what is known of
//! families of models, and `cached.rs` how the end of a cached prefix is marked.

mod cached;
mod chat;
mod completions;
mod families;
mod params;
mod responses;
mod usage;

pub use chat::Chat;
pub use completions::Completions;
pub use responses::Responses;

#[cfg(test)]
mod tests;
