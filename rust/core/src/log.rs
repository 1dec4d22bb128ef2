//! Events for the log. The engine's threads only append here, because they never touch Python. The bindings drain
//! the log during a call from Python.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::ErrorKind;

/// How many events wait for the bindings. If there are more, the oldest are dropped.
const CAPACITY: usize = 1024;

/// One event. No variant holds a key or a query string; only `Body` holds a body.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A failed attempt will be retried (INFO).
    Retry {
        /// Name of the provider.
        provider: Cow<'static, str>,
        /// Number of the failed attempt; the first is 1.
        attempt: u32,
        /// Why it failed.
        kind: ErrorKind,
        /// The HTTP status, if there was a response.
        status: Option<u16>,
        /// The wait before the next attempt.
        wait: Duration,
    },
    /// A call has waited over a second for a free connection (WARNING, once for each origin).
    LongPoolWait {
        /// Host and port.
        origin: String,
        /// How many connections the origin may have.
        max_connections: usize,
    },
    /// A key is sent over plain http to a host that is neither loopback nor private (WARNING, once for each
    /// origin).
    PlainHttpKey {
        /// Host and port.
        origin: String,
    },
    /// A call begins (DEBUG).
    CallStart {
        /// Name of the provider.
        provider: Cow<'static, str>,
        /// Host and port.
        origin: String,
        /// Path below the origin.
        path: String,
        /// Whether the reply is streamed.
        stream: bool,
    },
    /// A body that was sent or received (DEBUG, if bodies are on). The key is masked.
    Body {
        /// Name of the provider.
        provider: Cow<'static, str>,
        /// Whether we sent it.
        sent: bool,
        /// The body. For a stream: the reply, or the partial reply, as JSON.
        text: String,
    },
    /// A call ended (DEBUG).
    CallEnd {
        /// Name of the provider.
        provider: Cow<'static, str>,
        /// Why it failed; `None` if it succeeded.
        error: Option<ErrorKind>,
        /// The number of attempts.
        attempts: usize,
        /// How long it took, including waits.
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
    /// Turns debug events on or off. They start off.
    pub fn set_debug(&self, on: bool) {
        self.debug.store(on, Ordering::Relaxed);
    }

    /// Turns bodies among the debug events on or off. They start off.
    pub fn set_bodies(&self, on: bool) {
        self.bodies.store(on, Ordering::Relaxed);
    }

    /// Removes and returns all events, the oldest first.
    pub fn drain(&self) -> Vec<Event> {
        self.ring.lock().drain(..).collect()
    }

    /// Whether there is nothing to drain. Takes one uncontended lock.
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
    fn events_that_are_not_drained_push_the_oldest_out() {
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
