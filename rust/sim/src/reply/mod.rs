//! What the simulated model answers: a pure function of the request and the script.
//!
//! Read `plan` first: it finds the API that a request is for, and lets the script or that API
//! answer. `api` says what an API must provide; each API has its own folder. The rest is shared by
//! all of them: `body` and `ask` (what a request asks for), `choice` (what the model says to it), `prose`,
//! `tokens`, and `schema` with `scalar` and `pattern` (what that consists of), `events` and `pieces`
//! (in which order a stream sends it, and when), `sealed` (what must come back unchanged) and `json`.
//!
//! A new API is a folder beside `openai`, its `mod` line and its row in `APIS`.

mod anthropic;
mod api;
mod ask;
mod body;
mod choice;
mod events;
mod google;
mod json;
mod openai;
mod pattern;
mod pieces;
mod plan;
mod prose;
mod scalar;
mod schema;
mod sealed;
mod tokens;

pub(crate) use self::api::{Api, ErrorPlace, is_key_header};
pub(crate) use self::events::{Due, Events, is_event_stream};
pub(crate) use self::plan::{Body, Plan, plan};
pub use self::tokens::ledger_token;

/// Every API; the first that claims a request answers it.
const APIS: &[&dyn Api] = &[
    &anthropic::Messages,
    &google::Gemini,
    &google::GeminiArray,
    &openai::OpenAi,
    &openai::Responses,
];

/// Refuses the requests that no API claims, in its own format.
const FALLBACK: &dyn Api = &openai::OpenAi;
