//! API dialects: pure functions between our types and a provider's JSON.
//!
//! A new server that speaks a dialect we have is a row of `providers.rs`, not code. A new dialect is a folder here, its
//! line below, and a row that names it; nothing else in the crate lists dialects.
//!
//! To read first: `dialect.rs` (what a dialect and a provider are), `decoder.rs` (what reads its streams), `providers.rs` (who speaks
//! what), then a dialect, such as `openai/`. What dialects share when they write a request: `params.rs` (what a
//! parameter is), `lookup.rs` (which ones there are), `invalid.rs`, `shown.rs` and `nearest.rs` (their error messages).

mod decoder;
mod dialect;
mod invalid;
mod lookup;
mod nearest;
mod openai;
mod params;
pub mod providers;
mod shown;

pub use decoder::{Step, StreamDecoder};
pub use dialect::{Auth, Dialect, Encoded, Provider, ReasoningBack};
pub use lookup::supported;
pub use openai::{Chat, Completions};
pub use params::Param;
pub use providers::{choose, dialect};

#[cfg(test)]
mod tests;
