//! A stream in flight: `pump` reads the wire on whatever runtime drives the call, `queue` holds
//! what it brings until the reader takes it.

mod clock;
mod pump;
mod queue;
mod reader;
#[cfg(test)]
mod tests;
mod whole;

pub use pump::pump;
pub use queue::{Interest, Parker, Queue, Taken, Wake};
