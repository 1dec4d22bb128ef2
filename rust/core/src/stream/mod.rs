//! A stream in flight: `pump` reads the wire on whatever runtime drives the call, `queue` holds
//! what it brings until the reader takes it.
//!
//! Read `pump` first: it receives each attempt's body under the timers of `clock` and hands it to
//! `reader`, which makes chunks of bytes and knows when a stream is whole. `whole` is for servers that
//! answer without streaming. `queue` stands between all of these and the reader in another language.

mod clock;
mod pump;
mod queue;
mod reader;
#[cfg(test)]
mod tests;
mod whole;

pub use pump::pump;
pub use queue::{Interest, Parker, Queue, Taken, Wake};
