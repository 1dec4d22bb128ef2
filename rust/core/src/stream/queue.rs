//! The [`Channel`] of a streamed reply, with the reply so far.
//!
//! The reply has a lock of its own, which is taken before that of the channel: adding to a large reply and copying it take
//! long, and the I/O thread must not wait for either.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::attempts::Attempts;
use super::channel::{Cargo, Channel, Notes};
use super::ends::{closed_error, too_large};
use super::parker::Interest;
use crate::error::{Attempt, Error};
use crate::http::Head;
use crate::message::{Chunk, ChunkKind, Fold, Reply, ReplyHead, Timing};

/// Chunks of a reply.
pub struct Chunks;

impl Cargo for Chunks {
    type Item = Chunk;
    type Head = Head;
    type Notes = Progress;
}

/// How far a reply has come.
#[derive(Default)]
pub struct Progress {
    // Whether the chunks in the channel have content.
    has_content: bool,
    has_reply: bool,
    // The reply, once the stream has ended. All who ask for it share it.
    pub(super) reply: Option<Arc<Reply>>,
    timing: Timing,
    attempts: Attempts,
}

impl Notes for Progress {
    fn taken(&mut self) {
        self.has_content = false;
    }
}

/// See the module's description.
pub struct Queue {
    channel: Channel<Chunks>,
    pub(super) reply: Mutex<Fold>,
    most_kept: usize,
    wants_raw: AtomicBool,
}

impl Deref for Queue {
    type Target = Channel<Chunks>;

    fn deref(&self) -> &Channel<Chunks> {
        &self.channel
    }
}

// What a chunk takes besides its text: its slot in the deque.
const ITEM_OVERHEAD_BYTES: usize = size_of::<Chunk>();

impl Queue {
    /// Makes a queue that stops its producer when it has `buffer_bytes`, and that keeps a reply of up to `most_kept`
    /// bytes. `started` is when the call began.
    #[must_use]
    pub fn new(buffer_bytes: usize, most_kept: usize, started: Instant) -> Arc<Self> {
        Arc::new(Self {
            channel: Channel::new(buffer_bytes, started),
            reply: Mutex::default(),
            most_kept,
            wants_raw: AtomicBool::new(true),
        })
    }

    /// Producer: notes what has become of the attempts.
    pub(super) fn note(&self, change: impl FnOnce(&mut Attempts)) {
        change(&mut self.lock().notes.attempts);
    }

    /// Producer: sets the response head. A retry of the stream replaces it.
    pub fn publish_head(&self, head: Head) {
        let mut state = self.lock();
        let at = self.seconds();
        state.notes.timing.first_byte = Some(at);
        state.notes.attempts.answered(head.status);
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
        let mut guard = self.lock();
        let state = &mut *guard;
        state.notes.has_reply = !reply.is_empty();
        state.bytes += bytes;
        state.items.extend(chunks.drain(..fitting));
        chunks.clear();
        if any_text || any_content {
            state.notes.has_content = true;
            let at = self.seconds();
            state.notes.timing.first_token.get_or_insert(at);
            state.notes.timing.last_token = Some(at);
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
        let mut guard = self.lock();
        let state = &mut *guard;
        state.notes.timing = Timing {
            first_byte: timing.first_byte.or(state.notes.timing.first_byte),
            first_token: state.notes.timing.first_token,
            last_token: state.notes.timing.last_token,
            ..timing
        };
        state.notes.attempts.over(attempts);
        state.notes.reply = Some(whole);
        state.end = Some(end);
        state.wake_if(|_| true);
    }

    /// Reader: forgets a failed start, so that the same stream can be opened again.
    pub fn restart(&self) {
        let mut reply = self.reply.lock();
        let mut state = self.lock();
        if !state.notes.has_reply && state.items.is_empty() {
            *reply = Fold::default();
            *state = super::channel::Buffer::default();
        }
    }

    /// Producer: whether the reader has content to take.
    pub(super) fn has_content(&self) -> bool {
        self.lock().notes.has_content
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

    /// Reader: the response head, or the error of a stream that failed before its first chunk; `None` if there is
    /// neither yet.
    pub fn head(&self) -> Option<Result<Head, Error>> {
        let state = self.lock();
        match (&state.head, &state.end) {
            // An error before any chunk is raised when the stream is opened, not when it is read.
            (_, Some(Err(error))) if state.items.is_empty() && !state.notes.has_reply => {
                Some(Err(error.clone()))
            }
            (Some(head), _) => Some(Ok(head.clone())),
            (None, Some(end)) => Some(Err(end.clone().err().unwrap_or_else(closed_error))),
            (None, None) if self.is_closed() => Some(Err(closed_error())),
            (None, None) => None,
        }
    }

    /// The reply so far with its timing, attempts and head. The attempt in progress is the last one. Until the stream
    /// has ended, the reply is a copy.
    #[must_use]
    pub fn snapshot(&self) -> (Arc<Reply>, Timing, Vec<Attempt>, Option<Head>) {
        let fold = self.reply.lock();
        let ended = self.lock().notes.reply.clone();
        let reply = ended.unwrap_or_else(|| Arc::new(fold.reply()));
        drop(fold);
        let state = self.lock();
        let attempts = state.notes.attempts.so_far();
        (reply, state.notes.timing, attempts, state.head.clone())
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
        self.lock().notes.timing
    }
}
