//! API dialects: pure functions between our types and a provider's JSON.
//!
//! Read `dialect.rs` first: what a dialect is, and what reads its streams. `providers.rs` is the table of
//! providers and of the dialects that each of them speaks. Then read a dialect, such as `openai/`.
//!
//! Dialects share the rest: `params.rs` (request parameters: their names, types and error messages), `body.rs`
//! (how a request body is written) and `errors.rs` (how error bodies are read).
//!
//! A new server that speaks a dialect we have is a row of `providers.rs`. A new dialect is a folder here, a line
//! below, and a row that names it; nothing else in the crate lists dialects.

mod body;
mod dialect;
mod errors;
mod openai;
mod params;
pub mod providers;

pub use dialect::{Dialect, Encoded, Step, StreamDecoder};
pub use openai::{Chat, Completions};
pub use params::{Param, supported};
pub use providers::{Auth, OutputMode, Provider, ReasoningBack, choose, dialect};

#[cfg(test)]
mod tests;
