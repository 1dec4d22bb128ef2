//! Requests of other libraries, for the transports of `tokenwire.httpx2` and `tokenwire.httpx`.
//!
//! `client.rs` is what sends them, `exchange.rs` one of them with its reply, `events.rs` its body as events for
//! `tokenwire.openai`, and `step.rs` how an event loop waits for them.

pub(crate) mod client;
pub(crate) mod events;
pub(crate) mod exchange;
pub(crate) mod step;
