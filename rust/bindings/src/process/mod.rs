//! What belongs to one process and is shared by all its clients.
//!
//! Read in this order:
//! - `current.rs`: the connections, the I/O threads of async calls, and what a fork does to both.
//! - `sync_runtime.rs`: the lanes, on which sync calls run on their caller's thread.
//! - `stack.rs`: how they run if that thread has too small a stack.
//! - `test_rules.rs`: how tests redirect all calls.

mod current;
mod stack;
mod sync_runtime;
pub(crate) mod test_rules;

pub(crate) use current::{current, shutdown};
pub(crate) use stack::with_enough_stack;
pub(crate) use sync_runtime::{Lease, SIGNAL_TICK};
