//! The bounded queue between the producer, which reads the body, and the reader in Python.
//!
//! Both sides decide under one lock, so no wake is lost: either the producer sees a parked reader, or the reader
//! sees the chunks. That lock is held briefly. The reply so far has a lock of its own, which is taken first: adding to a
//! large reply and copying it take long, and the I/O thread must not wait for either.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::attempts::Attempts;
use super::ends::{closed_error, too_large};
use super::parker::{Interest, Parker};
use super::room;
use crate::error::{Attempt, Error};
use crate::http::Head;
use crate::message::{Chunk, ChunkKind, Fold, Reply, ReplyHead, Timing};

/// What [`Queue::take`] found.
#[derive(Debug)]
pub enum Taken {
    /// The caller's buffer has chunks.
    Items,
    /// There is nothing yet.
    Nothing,
    /// The stream is over and every chunk was taken. `None` means that the reply is complete.
    End(Option<Error>),
}

#[derive(Default)]
pub(super) struct Buffer {
    items: VecDeque<Chunk>,
    bytes: usize,
    // Whether `items` have content.
    has_content: bool,
    head: Option<Head>,
    has_reply: bool,
    // The reply, once the stream has ended. All who ask for it share it.
    pub(super) reply: Option<Arc<Reply>>,
    timing: Timing,
    attempts: Attempts,
    end: Option<Result<(), Error>>,
    parked: Option<(Parker, Interest)>,
    // The producer, while it waits for room or for the reader to close the stream.
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

/// See the module's description.
pub struct Queue {
    pub(super) state: Mutex<Buffer>,
    pub(super) reply: Mutex<Fold>,
    buffer_bytes: usize,
    most_kept: usize,
    started: Instant,
    closed: AtomicBool,
    wants_raw: AtomicBool,
    // When a sync reader left, in nanoseconds after `started`; 0 while it is here.
    left: AtomicU64,
    // How many nanoseconds it has been elsewhere in all.
    away: AtomicU64,
}

// What a chunk takes besides its text: its slot in the deque.
const ITEM_OVERHEAD_BYTES: usize = size_of::<Chunk>();

impl Queue {
    /// Makes a queue that stops its producer when it has `buffer_bytes`, and that keeps a reply of up to `most_kept`
    /// bytes. `started` is when the call began.
    #[must_use]
    pub fn new(buffer_bytes: usize, most_kept: usize, started: Instant) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            reply: Mutex::default(),
            buffer_bytes,
            most_kept,
            started,
            closed: AtomicBool::new(false),
            wants_raw: AtomicBool::new(true),
            left: AtomicU64::new(0),
            away: AtomicU64::new(0),
        })
    }

    /// Producer: notes what has become of the attempts.
    pub(super) fn note(&self, change: impl FnOnce(&mut Attempts)) {
        change(&mut self.state.lock().attempts);
    }

    /// Producer: sets the response head. A retry of the stream replaces it.
    pub fn publish_head(&self, head: Head) {
        let mut state = self.state.lock();
        let at = self.seconds();
        state.timing.first_byte = Some(at);
        state.attempts.answered(head.status);
        state.head = Some(head);
        state.wake_if(|_| true);
    }

    /// Producer: delivers the chunks of one read, and adds them to the partial reply.
    ///
    /// Fails with `ResponseTooLarge` if that makes the reply too large. The chunks after the one that did are dropped.
    pub fn publish(&self, chunks: &mut Vec<Chunk>, head: Option<&ReplyHead>) -> Result<(), Error> {
        let mut any_text = false;
        let mut any_content = false;
        let mut bytes = 0;
        let mut fitting = 0;
        let mut reply = self.reply.lock();
        // A worker may be late: the call has ended at a limit while it was busy.
        if self.is_over() {
            chunks.clear();
            return Ok(());
        }
        if let Some(head) = head {
            reply.set_head(head);
        }
        for chunk in &*chunks {
            let size = match &chunk.kind {
                ChunkKind::Text(text) => {
                    any_text |= !text.is_empty();
                    text.len()
                }
                ChunkKind::Delta(delta) => {
                    any_text |= !delta.text.is_empty();
                    any_content |= delta.has_content();
                    delta.bytes()
                }
            };
            reply.apply(&chunk.kind);
            bytes += ITEM_OVERHEAD_BYTES + size + chunk.raw.as_ref().map_or(0, |raw| raw.len());
            fitting += 1;
            if reply.kept() > self.most_kept {
                break;
            }
        }
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.has_reply = !reply.is_empty();
        state.bytes += bytes;
        state.items.extend(chunks.drain(..fitting));
        chunks.clear();
        if any_text || any_content {
            state.has_content = true;
            let at = self.seconds();
            state.timing.first_token.get_or_insert(at);
            state.timing.last_token = Some(at);
        }
        // A full queue wakes any reader, because the producer waits until it is emptied.
        let wakes_all = any_text || state.bytes >= self.buffer_bytes;
        state.wake_if(|interest| interest == Interest::Any || wakes_all);
        if reply.kept() > self.most_kept {
            return Err(too_large(self.most_kept));
        }
        Ok(())
    }

    /// Producer: ends the stream. An error gets the partial reply.
    pub fn finish(&self, end: Result<(), Error>, timing: Timing, attempts: Vec<Attempt>) {
        let mut reply = self.reply.lock();
        if self.is_over() {
            return;
        }
        match end {
            Ok(()) => reply.conclude(),
            Err(_) => reply.settle(),
        }
        let is_empty = reply.is_empty();
        let whole = Arc::new(reply.take());
        let end = end.map_err(|error| {
            let error = error.with_attempts(attempts.clone());
            if is_empty {
                // A reply that was not streamed is in its error.
                return error;
            }
            error.with_partial(Some(Arc::clone(&whole)))
        });
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.timing = Timing {
            first_byte: timing.first_byte.or(state.timing.first_byte),
            first_token: state.timing.first_token,
            last_token: state.timing.last_token,
            ..timing
        };
        state.attempts.over(attempts);
        state.reply = Some(whole);
        state.end = Some(end);
        state.wake_if(|_| true);
    }

    /// Reader: forgets a failed start, so that the same stream can be opened again.
    pub fn restart(&self) {
        let mut reply = self.reply.lock();
        let mut state = self.state.lock();
        if !state.has_reply && state.items.is_empty() {
            *reply = Fold::default();
            *state = Buffer::default();
        }
    }

    /// Producer: waits until there is room. Returns false if the reader has closed the stream.
    pub async fn room(&self) -> bool {
        let ready = |buffer: &Buffer| self.is_closed() || buffer.bytes < self.buffer_bytes;
        self.wait(ready).await;
        !self.is_closed()
    }

    /// Producer: whether there is room now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.state.lock().bytes < self.buffer_bytes
    }

    /// Producer: whether the reader has content to take.
    pub(super) fn has_content(&self) -> bool {
        self.state.lock().has_content
    }

    /// Producer: waits until the reader closes the stream.
    pub async fn closed(&self) {
        self.wait(|_| self.is_closed()).await;
    }

    async fn wait(&self, ready: impl Fn(&Buffer) -> bool) {
        poll_fn(|context| {
            let mut state = self.state.lock();
            if ready(&state) {
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

    /// Whether the reader may ask for the raw bytes of an event.
    #[must_use]
    pub fn wants_raw(&self) -> bool {
        self.wants_raw.load(Ordering::Relaxed)
    }

    /// Reader: says that it will not ask for raw bytes.
    pub fn forgo_raw(&self) {
        self.wants_raw.store(false, Ordering::Relaxed);
    }

    /// How long a sync reader has been elsewhere. This time does not count as the server's silence.
    #[must_use]
    pub fn away(&self) -> Duration {
        Duration::from_nanos(self.away.load(Ordering::Relaxed))
    }

    /// Reader: leaves, so that nothing drives the connection until it returns.
    pub fn leave(&self) {
        self.left.store(self.nanos(), Ordering::Relaxed);
    }

    /// Reader: returns to the stream.
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

    /// Reader: takes all chunks into `buffer`, which must be empty.
    pub fn take(&self, buffer: &mut VecDeque<Chunk>) -> Taken {
        let mut state = self.state.lock();
        if !state.items.is_empty() {
            std::mem::swap(buffer, &mut state.items);
            let was_full = state.bytes >= self.buffer_bytes;
            state.bytes = 0;
            state.has_content = false;
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
            None => {
                room::free([buffer, &mut state.items]);
                Taken::Nothing
            }
        }
    }

    /// Reader: parks, unless there is something to take. Returns whether it parked.
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

    /// Reader: the response head, or the error of a stream that failed before its first chunk; `None` if there is
    /// neither yet.
    pub fn head(&self) -> Option<Result<Head, Error>> {
        let state = self.state.lock();
        match (&state.head, &state.end) {
            // An error before any chunk is raised when the stream is opened, not when it is read.
            (_, Some(Err(error))) if state.items.is_empty() && !state.has_reply => {
                Some(Err(error.clone()))
            }
            (Some(head), _) => Some(Ok(head.clone())),
            (None, Some(end)) => Some(Err(end.clone().err().unwrap_or_else(closed_error))),
            (None, None) if self.is_closed() => Some(Err(closed_error())),
            (None, None) => None,
        }
    }

    /// Reader: closes the stream. The producer drops the connection, and a parked reader wakes.
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

    /// Whether the stream has ended. There may still be chunks to take.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.lock().end.is_some()
    }

    /// The reply so far with its timing, attempts and head. The attempt in progress is the last one. Until the stream
    /// has ended, the reply is a copy.
    #[must_use]
    pub fn snapshot(&self) -> (Arc<Reply>, Timing, Vec<Attempt>, Option<Head>) {
        let fold = self.reply.lock();
        let ended = self.state.lock().reply.clone();
        let reply = ended.unwrap_or_else(|| Arc::new(fold.reply()));
        drop(fold);
        let state = self.state.lock();
        let attempts = state.attempts.so_far();
        (reply, state.timing, attempts, state.head.clone())
    }

    /// About how many bytes the reply so far takes; the largest number while a worker adds to it or a reader copies it.
    #[must_use]
    pub fn reply_bytes(&self) -> usize {
        self.reply
            .try_lock()
            .map_or(usize::MAX, |reply| reply.kept())
    }

    /// How long each stage has taken.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.state.lock().timing
    }

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
