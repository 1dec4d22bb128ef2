//! What belongs to one process and is shared by all of its clients.
//!
//! Read `current.rs` first: the hub of connections, the I/O thread of async calls, and what a fork does
//! to both. `sync_runtime.rs` holds the lanes, on which sync calls run on their caller's thread, and
//! `lease.rs` lends one to a call. `test_rules.rs` is how tests send all calls elsewhere.

mod current;
mod lease;
mod sync_runtime;
pub(crate) mod test_rules;

pub(crate) use current::{current, shutdown};
pub(crate) use lease::Lease;
pub(crate) use sync_runtime::SIGNAL_TICK;
