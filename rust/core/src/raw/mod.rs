//! Requests of other libraries, passed on as they are: what the transports for httpx send.
//!
//! A [`RawClient`] checks a request and makes a [`RawCall`] of it. [`pass`] carries that out, and fills an [`Exchange`],
//! from which the reader in Python takes the head and the bytes. Nothing is retried but a request that met the end of
//! an idle connection, no redirect is followed, nothing is unpacked, and a reply may be of any size.
//!
//! - `call`: a request that is ready to be sent; `intercept`: how it changes when a test intercepts it
//! - `exchange`: what is between the task that carries it out and the reader
//! - `pass`: the task, under the limits of `limits`
//! - `events`: the events of a body, for the client of openai
//! - `judge`: whether an event stream of a known API is whole, as `asked` by the request

mod asked;
mod call;
mod events;
mod exchange;
mod intercept;
mod judge;
mod limits;
mod pass;

pub use call::{RawCall, RawClient, RawRequest};
pub use events::{EventCutter, RawEvent};
pub use exchange::{Exchange, RawHead};
pub use limits::RawLimits;
pub use pass::pass;
