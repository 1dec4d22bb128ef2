//! What is worth a log line. The engine's threads only append here; the bindings drain it on a
//! Python call, because a thread of the engine never touches Python.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::ErrorKind;

/// Events kept until the bindings drain them; beyond it the oldest are dropped.
const CAPACITY: usize = 1024;

/// One thing that happened. No variant holds a key, a query string or a body.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A failed attempt is made again (INFO).
    Retry {
        /// Name of the provider's row.
        provider: Cow<'static, str>,
        /// Number of the attempt that failed, 1 for the first.
        attempt: u32,
        /// Why it failed.
        kind: ErrorKind,
        /// HTTP status, where one came.
        status: Option<u16>,
        /// The wait before the next attempt.
        wait: Duration,
    },
    /// A call has waited over a second for a free connection (WARNING, once an origin).
    LongPoolWait {
        /// Host and port.
        origin: String,
        /// How many connections the origin may have.
        max_connections: usize,
    },
    /// A key goes over plain http to a host that is neither loopback nor private (WARNING, once an origin).
    PlainHttpKey {
        /// Host and port.
        origin: String,
    },
    /// A call begins (DEBUG).
    CallStart {
        /// Name of the provider's row.
        provider: Cow<'static, str>,
        /// Host and port.
        origin: String,
        /// Path below the origin.
        path: String,
        /// Whether the reply is streamed.
        stream: bool,
    },
    /// A body, sent or received (DEBUG, where bodies are switched on). The key is cut out of it.
    Body {
        /// Name of the provider's row.
        provider: Cow<'static, str>,
        /// Whether we sent it.
        sent: bool,
        /// The body; of a streamed reply what had come of it, as JSON.
        text: String,
    },
    /// A call ended (DEBUG).
    CallEnd {
        /// Name of the provider's row.
        provider: Cow<'static, str>,
        /// Why it failed; `None` where it succeeded.
        error: Option<ErrorKind>,
        /// Attempts made.
        attempts: usize,
        /// How long it took, waits included.
        took: Duration,
    },
}

/// A bounded ring of [`Event`]s.
#[derive(Debug, Default)]
pub struct LogSink {
    ring: Mutex<VecDeque<Event>>,
    debug: AtomicBool,
    bodies: AtomicBool,
}

impl LogSink {
    /// Turns debug events on or off; they are off at first.
    pub fn set_debug(&self, on: bool) {
        self.debug.store(on, Ordering::Relaxed);
    }

    /// Turns bodies on or off among the debug events; they are off at first.
    pub fn set_bodies(&self, on: bool) {
        self.bodies.store(on, Ordering::Relaxed);
    }

    /// Takes everything out, oldest first.
    pub fn drain(&self) -> Vec<Event> {
        self.ring.lock().drain(..).collect()
    }

    /// Whether there is nothing to drain. Costs one uncontended lock.
    pub fn is_empty(&self) -> bool {
        self.ring.lock().is_empty()
    }

    pub(crate) fn shows_bodies(&self) -> bool {
        self.is_debug() && self.bodies.load(Ordering::Relaxed)
    }

    pub(crate) fn is_debug(&self) -> bool {
        self.debug.load(Ordering::Relaxed)
    }

    pub(crate) fn push(&self, event: Event) {
        let mut ring = self.ring.lock();
        if ring.len() == CAPACITY {
            ring.pop_front();
        }
        ring.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_drains_pushes_the_oldest_out() {
        let sink = LogSink::default();
        let warned = |at: usize| Event::PlainHttpKey {
            origin: at.to_string(),
        };
        for at in 0..CAPACITY + 2 {
            sink.push(warned(at));
        }
        let kept = sink.drain();
        assert_eq!((kept.len(), &kept[0]), (CAPACITY, &warned(2)));
        assert!(sink.is_empty());
    }
}
