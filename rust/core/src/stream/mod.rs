//! A stream in flight: `pump` reads the wire on whatever runtime drives the call, `queue` holds
//! what it brings until the reader takes it.

mod pump;
mod queue;
#[cfg(test)]
mod queue_tests;
mod reader;
mod whole;

pub use pump::pump;
pub use queue::{Interest, Parker, Queue, Taken, Wake};
