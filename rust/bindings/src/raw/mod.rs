//! Requests of other libraries, for the transports of `tokenwire.httpx2` and `tokenwire.httpx`.
//!
//! `client.rs` is what sends them, `exchange.rs` one of them with its reply, `events.rs` its body as events for
//! `tokenwire.openai`, `step.rs` how an event loop waits for them, and `shared.rs` what these have in common.

pub(crate) mod client;
pub(crate) mod events;
pub(crate) mod exchange;
mod shared;
pub(crate) mod step;
