//! Streamed replies: a producer reads the body and fills a queue, and a reader in Python takes chunks from it.
//!
//! Read `pump` first. It is the producer: it receives the body of each attempt under the timers of `clock`. `reader`
//! makes chunks from the bytes and knows when a stream is complete. `whole` makes chunks from the whole reply of a
//! server that does not stream. `queue` is between the producer and the reader, over a `channel`, `growing` returns the text of its reply so
//! far, `ends` has the errors by which it ends, `attempts` what the reader can know while it waits, `room` the memory that
//! it keeps, and `parker` wakes a reader that waits.

mod attempts;
mod channel;
mod clock;
mod ends;
mod growing;
mod parker;
mod pump;
mod queue;
mod reader;
mod room;
#[cfg(test)]
mod tests;
mod whole;

pub use channel::{Buffer, Cargo, Channel, Notes, Taken};
pub(crate) use clock::Clock;
pub(crate) use ends::closed_error;
pub use parker::{Interest, Parker, Wake};
pub(crate) use pump::DRAIN;
pub use pump::pump;
pub use queue::{Chunks, Progress, Queue};
