//! How a reader waits for a queue, and how it is woken.

use std::sync::Arc;
use std::task::Waker;

/// Wakes a reader outside of this crate (the mailbox of an event loop).
pub trait Wake: Send + Sync {
    /// Called once for a parked reader, on the thread of the producer. Must not block.
    fn wake(&self, token: u64);
}

/// How a parked reader is woken.
pub enum Parker {
    /// The reader is a task on the runtime that also drives the stream (sync).
    Task(Waker),
    /// The reader is elsewhere, and known by its token (async).
    Mailbox(Arc<dyn Wake>, u64),
}

impl Parker {
    pub(super) fn wake(self) {
        match self {
            Self::Task(waker) => waker.wake(),
            Self::Mailbox(mailbox, token) => mailbox.wake(token),
        }
    }
}

/// What a parked reader waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// The response head.
    Head,
    /// To be asked for another piece of the request.
    Sending,
    /// Any chunk.
    Any,
    /// Text. Other chunks do not wake the reader before the queue is full.
    Text,
}
