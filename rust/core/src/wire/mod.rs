//! API dialects: pure functions between our types and a provider's JSON.
//!
//! Read `dialect.rs` first: what a dialect is, and what reads its streams. `providers.rs` is the table of
//! providers and of the dialects that each of them speaks, `choice.rs` says which of them a call is made in (by what
//! `model_name.rs` reads from the name of a model), and `auth.rs` how each is given its key. Then read a dialect: `openai/` has three of
//! them, `anthropic/` and `gemini/` one each.
//!
//! Dialects share the rest. To write: `messages/` (the caller's messages, read into parts), `params.rs` (request
//! parameters: their names, types and error messages), `other_names.rs` (what other libraries call them), `other_tools.rs`
//! (the tools of another API), `body.rs` (a request body), `cache_marks.rs` (how the end of a cached prefix is marked),
//! `call_arguments.rs` (the arguments of a call where they must be an object) and `reasoning.rs` (what a provider takes
//! back of reasoning). To read: `reading.rs` (what a call changes of how its reply is read: `think_tags` makes reasoning of
//! thoughts in the text, `answer_tool` makes text of the call that is the answer, both choice by choice, as in
//! `by_choice.rs`), `document.rs` (what
//! the body of a whole reply is), `stray.rs` (what arrives where a reply or a stream should be), `most.rs` (how many items a
//! reply may have), `parts.rs` (the pieces of numbered parts), `by_index.rs` (what is
//! remembered of each choice), `call_id.rs` (the ids of calls that came without one), `usage_details.rs` (what
//! a provider counts beyond the common counts), `repeat.rs` (a shortcut for events that differ only in their
//! text), `other_form.rs` (the reply of another API is recognised) and `errors.rs` (the error that a body describes). Of that, `complaint.rs` reads
//! what the body says, with what `markup.rs` knows of HTML and XML, and `classes` has the table of kinds.
//!
//! A new server that speaks a dialect we have is a row of `providers.rs`. A new dialect is a folder here, a line
//! below, and a row that names it; nothing else in the crate lists dialects.

mod answer_tool;
mod anthropic;
mod auth;
mod body;
mod by_choice;
mod by_index;
mod cache_marks;
mod call_arguments;
mod call_id;
mod choice;
mod classes;
mod complaint;
mod dialect;
mod document;
mod errors;
mod gemini;
mod markup;
mod messages;
mod model_name;
mod most;
mod openai;
mod other_form;
pub mod other_names;
mod other_tools;
mod params;
mod parts;
pub mod providers;
mod reading;
mod reasoning;
mod repeat;
mod stray;
mod think_tags;
mod usage_details;

pub use anthropic::Messages;
pub use auth::{Auth, KeyOrToken};
pub use cache_marks::CacheMarks;
pub use choice::{At, Newer, choose};
pub use dialect::{Dialect, Encoded, Step, StreamDecoder};
pub use gemini::Gemini;
pub use openai::{Chat, Completions, Responses};
pub use params::{Param, supported};
pub use providers::{OutputMode, PathOf, Provider, dialect};
pub use reading::Reading;
pub use reasoning::{Needed, ReasoningBack};

#[cfg(test)]
mod tests;
