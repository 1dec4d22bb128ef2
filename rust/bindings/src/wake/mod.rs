//! How the I/O thread wakes the tasks of an event loop without touching Python. Read `mailbox.rs`
//! first: the part that both threads share. `loop_mailbox.rs` is the same mailbox as its loop's own
//! thread sees it, `waiter.rs` what an await step yields, and `awaitable.rs` how such a step ends.
//! `descriptor.rs` is what the loop watches, and `socket.rs` serves loops that can watch none.

pub(crate) mod awaitable;
pub(crate) mod descriptor;
pub(crate) mod loop_mailbox;
pub(crate) mod mailbox;
pub(crate) mod socket;
pub(crate) mod waiter;
