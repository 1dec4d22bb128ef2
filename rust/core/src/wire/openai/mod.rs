//! The dialects of `OpenAI`, which servers of many names speak.
//!
//! `chat/`, `completions.rs` and `responses/` are the dialects. The first two share `params.rs` (which parameters there
//! are, and how they are written). All share `usage.rs` (token counts), `document.rs` (what the body of a whole reply
//! is), `stray.rs` (what arrives where a reply or a stream should be) and `most.rs` (how many items a reply may have).
//! `families.rs` is what is known of families of models.

mod chat;
mod completions;
mod document;
mod families;
mod most;
mod params;
mod responses;
mod stray;
mod usage;

pub use chat::Chat;
pub use completions::Completions;
pub use responses::Responses;

pub(super) use families::takes_breakpoints;

#[cfg(test)]
mod tests;
