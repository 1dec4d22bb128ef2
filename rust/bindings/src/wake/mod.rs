//! How the I/O thread wakes the tasks of an event loop without touching Python.
//!
//! Read in this order:
//! - `mailbox.rs`: the part that the I/O thread and the loop's thread share.
//! - `loop_mailbox.rs`: the same mailbox as the loop's thread sees it.
//! - `waiter.rs`: what an await step yields. `awaitable.rs`: how such a step ends.
//! - `descriptor.rs`: what the loop watches. `socket.rs`: for loops that cannot watch a descriptor.
//! - `large_text.rs`: how a large `str` is made without stopping the loop. `no_large_text.rs`: not at all, for the stable
//!   ABI.

pub(crate) mod awaitable;
pub(crate) mod descriptor;
#[cfg_attr(feature = "abi3", path = "no_large_text.rs")]
pub(crate) mod large_text;
pub(crate) mod loop_mailbox;
pub(crate) mod mailbox;
pub(crate) mod socket;
pub(crate) mod waiter;
