//! The bounded queue between the task that reads the wire and the reader in Python.
//!
//! Both sides decide under one lock, so no wake is lost: either the producer sees a parked reader,
//! or the reader sees the items.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::{Attempt, Error, ErrorKind};
use crate::http::Head;
use crate::message::{Chunk, ChunkKind, Reply, ReplyHead, Timing};

/// Wakes a reader that waits outside this crate (an event loop's mailbox).
pub trait Wake: Send + Sync {
    /// Called once for a parked reader, from the producer's thread; must not block.
    fn wake(&self, token: u64);
}

/// How a parked reader is woken.
pub enum Parker {
    /// A task on the runtime that also drives the stream (sync lanes).
    Task(Waker),
    /// A reader elsewhere, by its token.
    Mailbox(Arc<dyn Wake>, u64),
}

impl Parker {
    fn wake(self) {
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
    /// Any event.
    Any,
    /// Text; other events are taken along, and wake nobody before the queue is full of them.
    Text,
}

/// What [`Queue::take`] found.
#[derive(Debug)]
pub enum Taken {
    /// The caller's buffer now holds items.
    Items,
    /// Nothing yet.
    Nothing,
    /// The stream is over and every item was taken; `None` is a whole reply.
    End(Option<Error>),
}

#[derive(Default)]
struct Buffer {
    items: VecDeque<Chunk>,
    bytes: usize,
    head: Option<Head>,
    reply: Reply,
    timing: Timing,
    attempts: Vec<Attempt>,
    end: Option<Result<(), Error>>,
    parked: Option<(Parker, Interest)>,
    // The producer waits here, for room or for the reader's close.
    producer: Option<Waker>,
}

impl Buffer {
    /// Wakes the parked reader if `wakes` says so. This happens under the lock, which is fine: a mailbox only
    /// notes the token, and a task waker only schedules.
    fn wake_if(&mut self, wakes: impl Fn(Interest) -> bool) {
        if let Some((parker, _)) = self.parked.take_if(|(_, interest)| wakes(*interest)) {
            parker.wake();
        }
    }
}

/// See the module.
pub struct Queue {
    state: Mutex<Buffer>,
    buffer_bytes: usize,
    started: Instant,
    closed: AtomicBool,
    wants_raw: AtomicBool,
    // Nanoseconds after `started` at which a sync reader left; 0 while it is here.
    left: AtomicU64,
    // Nanoseconds that it spent elsewhere in all.
    away: AtomicU64,
}

// What an item costs beside its text: the slot and its share of the deque.
const ITEM_OVERHEAD_BYTES: usize = size_of::<Chunk>();

impl Queue {
    /// A queue that asks its producer to stop once `buffer_bytes` wait in it; `started` is when the call began.
    #[must_use]
    pub fn new(buffer_bytes: usize, started: Instant) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            buffer_bytes,
            started,
            closed: AtomicBool::new(false),
            wants_raw: AtomicBool::new(true),
            left: AtomicU64::new(0),
            away: AtomicU64::new(0),
        })
    }

    /// Producer: hands over the response head. A retry of the stream replaces it.
    pub fn publish_head(&self, head: Head) {
        let mut state = self.state.lock();
        let at = self.seconds();
        state.timing.first_byte = Some(at);
        state.head = Some(head);
        state.wake_if(|_| true);
    }

    /// Producer: hands over what one read brought, and folds it into the reply so far.
    pub fn publish(&self, chunks: &mut Vec<Chunk>, head: Option<&ReplyHead>) {
        let mut any_text = false;
        let mut any_content = false;
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if let Some(head) = head {
            head.fold_into(&mut state.reply);
        }
        for chunk in chunks.drain(..) {
            let size = match &chunk.kind {
                ChunkKind::Text(text) => {
                    any_text |= !text.is_empty();
                    text.len()
                }
                ChunkKind::Delta(delta) => {
                    any_text |= !delta.text.is_empty();
                    any_content |= delta.has_content();
                    delta.text.len() + delta.reasoning.len()
                }
            };
            state.reply.apply(&chunk.kind);
            state.bytes +=
                ITEM_OVERHEAD_BYTES + size + chunk.raw.as_ref().map_or(0, |raw| raw.len());
            state.items.push_back(chunk);
        }
        if any_text || any_content {
            let at = self.seconds();
            state.timing.first_token.get_or_insert(at);
            state.timing.last_token = Some(at);
        }
        // A full queue wakes any reader: the producer stands still until it is emptied.
        let wakes_all = any_text || state.bytes >= self.buffer_bytes;
        state.wake_if(|interest| interest == Interest::Any || wakes_all);
    }

    /// Producer: the stream is over. An error gets the reply so far as its partial.
    pub fn finish(&self, end: Result<(), Error>, timing: Timing, attempts: Vec<Attempt>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.end.is_some() {
            return;
        }
        state.timing = Timing {
            first_byte: timing.first_byte.or(state.timing.first_byte),
            first_token: state.timing.first_token,
            last_token: state.timing.last_token,
            ..timing
        };
        match end {
            Ok(()) => state.reply.conclude(),
            Err(_) => state.reply.settle(),
        }
        let end = end.map_err(|error| {
            let partial = (!state.reply.choices.is_empty()).then(|| Box::new(state.reply.clone()));
            error.with_attempts(attempts.clone()).with_partial(partial)
        });
        state.attempts = attempts;
        state.end = Some(end);
        state.wake_if(|_| true);
    }

    /// Reader: forgets a failed opening, so that the same stream can be opened again.
    pub fn restart(&self) {
        let mut state = self.state.lock();
        if state.reply.choices.is_empty() && state.items.is_empty() {
            *state = Buffer::default();
        }
    }

    /// Producer: waits until there is room; false once the reader has closed the stream.
    pub async fn room(&self) -> bool {
        poll_fn(|context| {
            let mut state = self.state.lock();
            if self.is_closed() {
                return Poll::Ready(false);
            }
            if state.bytes < self.buffer_bytes {
                return Poll::Ready(true);
            }
            state.producer = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Producer: whether there is room now, without waiting.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.state.lock().bytes < self.buffer_bytes
    }

    /// Producer: waits until the reader closes the stream.
    pub async fn closed(&self) {
        poll_fn(|context| {
            let mut state = self.state.lock();
            if self.is_closed() {
                return Poll::Ready(());
            }
            match &state.producer {
                Some(waker) if waker.will_wake(context.waker()) => {}
                _ => state.producer = Some(context.waker().clone()),
            }
            Poll::Pending
        })
        .await;
    }

    /// Whether the reader has closed the stream.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether anybody may ask for an event's raw bytes.
    #[must_use]
    pub fn wants_raw(&self) -> bool {
        self.wants_raw.load(Ordering::Relaxed)
    }

    /// Reader: says that nobody will ask for raw bytes.
    pub fn forgo_raw(&self) {
        self.wants_raw.store(false, Ordering::Relaxed);
    }

    /// Time that a sync reader spent elsewhere, which is not the server's silence.
    #[must_use]
    pub fn away(&self) -> Duration {
        Duration::from_nanos(self.away.load(Ordering::Relaxed))
    }

    /// Reader: leaves, so that nobody drives the connection until it comes back.
    pub fn leave(&self) {
        self.left.store(self.nanos(), Ordering::Relaxed);
    }

    /// Reader: comes back to the stream after time spent elsewhere.
    pub fn resume(&self) {
        let left = self.left.swap(0, Ordering::Relaxed);
        if left > 0 {
            self.away
                .fetch_add(self.nanos().saturating_sub(left), Ordering::Relaxed);
        }
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Reader: takes all that waits into `buffer`, which must be empty.
    pub fn take(&self, buffer: &mut VecDeque<Chunk>) -> Taken {
        let mut state = self.state.lock();
        if !state.items.is_empty() {
            std::mem::swap(buffer, &mut state.items);
            let was_full = state.bytes >= self.buffer_bytes;
            state.bytes = 0;
            let producer = state.producer.take_if(|_| was_full);
            drop(state);
            if let Some(waker) = producer {
                waker.wake();
            }
            return Taken::Items;
        }
        match &state.end {
            Some(end) => Taken::End(end.clone().err()),
            None if self.is_closed() => Taken::End(Some(closed_error())),
            None => Taken::Nothing,
        }
    }

    /// Reader: parks unless something came in the meantime. True when parked.
    pub fn park(&self, parker: Parker, interest: Interest) -> bool {
        let mut state = self.state.lock();
        let has_something = match interest {
            Interest::Head => state.head.is_some(),
            Interest::Any | Interest::Text => !state.items.is_empty(),
        };
        if has_something || state.end.is_some() || self.is_closed() {
            return false;
        }
        state.parked = Some((parker, interest));
        true
    }

    /// Reader: the head, an early end, or nothing yet.
    pub fn head(&self) -> Option<Result<Head, Error>> {
        let state = self.state.lock();
        match (&state.head, &state.end) {
            // An end before any item is the entering caller's to hear of, not a reader's later on.
            (_, Some(Err(error))) if state.items.is_empty() && state.reply.choices.is_empty() => {
                Some(Err(error.clone()))
            }
            (Some(head), _) => Some(Ok(head.clone())),
            (None, Some(end)) => Some(Err(end.clone().err().unwrap_or_else(closed_error))),
            (None, None) if self.is_closed() => Some(Err(closed_error())),
            (None, None) => None,
        }
    }

    /// Reader: closes the stream; the producer drops the connection, a parked reader wakes.
    pub fn close(&self) {
        let mut state = self.state.lock();
        self.closed.store(true, Ordering::Release);
        let producer = state.producer.take();
        let parked = state.parked.take();
        drop(state);
        if let Some(waker) = producer {
            waker.wake();
        }
        if let Some((parker, _)) = parked {
            parker.wake();
        }
    }

    /// Whether the end is known (items may still wait).
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.lock().end.is_some()
    }

    /// The reply so far with its timing, attempts and head.
    #[must_use]
    pub fn snapshot(&self) -> (Reply, Timing, Vec<Attempt>, Option<Head>) {
        let state = self.state.lock();
        (
            state.reply.clone(),
            state.timing,
            state.attempts.clone(),
            state.head.clone(),
        )
    }

    /// How long each stage took so far.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.state.lock().timing
    }

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

pub(super) fn closed_error() -> Error {
    Error::new(
        ErrorKind::ClientClosed,
        "the stream was closed before it ended",
    )
}
