//! What the simulated model answers: a pure function of the request and the script.
//!
//! `plan` is the way in: it finds the API that a request is for, and lets the script or that API
//! answer. `api` says what an API has to provide; each API has a folder of its own. All of them
//! share the rest, best read in this order: `ask` (what a request comes to), `choice` (what the
//! model says to it), `tokens` and `schema` (what that is made of), `events` and `pieces` (in
//! which order a stream sends it, and when), `hash` and `json`.
//!
//! A new API is a folder beside `openai`, its `mod` line and its row in `APIS`.

mod api;
mod ask;
mod choice;
mod events;
mod hash;
mod json;
mod openai;
mod pieces;
mod plan;
mod schema;
mod tokens;

pub(crate) use self::api::{Api, is_key_header};
pub(crate) use self::events::{Due, Events};
pub(crate) use self::hash::{draw, fnv};
pub(crate) use self::plan::{Body, Plan, plan, plan_for};
pub use self::tokens::{ledger_checksum, ledger_token};

/// Every API; the first that claims a request answers it.
const APIS: &[&dyn Api] = &[&openai::OpenAi];

/// Refuses, in its own shape, what no API claims.
const FALLBACK: &dyn Api = &openai::OpenAi;
