//! The dialects of `OpenAI`, which servers of many names speak.
//!
//! `chat/`, `completions.rs` and `responses/` are the dialects. The first two share `params.rs` (which parameters there
//! are, and how they are written). All share `usage.rs` (token counts), and `families.rs` is what is known of families of models.

mod chat;
mod completions;
mod families;
mod params;
mod responses;
mod usage;

pub use chat::Chat;
pub use completions::Completions;
pub use responses::Responses;

pub(super) use chat::{is_error, is_failure};
pub(super) use families::takes_breakpoints;

#[cfg(test)]
mod tests;
