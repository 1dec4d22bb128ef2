//! What is between the task that reads a body and the reader in Python: bounded, with a reader that parks.
//!
//! Both sides decide under one lock, so no wake is lost: either the producer sees a parked reader, or the reader
//! sees the items. That lock is held briefly.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::ends::closed_error;
use super::parker::{Interest, Parker};
use super::room;
use crate::error::Error;

/// What goes through a channel.
pub trait Cargo {
    /// What the reader takes.
    type Item;
    /// The head of the response.
    type Head: Clone;
    /// What else the lock guards.
    type Notes: Notes;
}

/// What a channel knows besides its items.
pub trait Notes: Default {
    /// The reader has taken all items.
    fn taken(&mut self) {}

    /// Whether a reader need not wait any longer to send another piece of the request.
    fn is_sending_due(&self) -> bool {
        false
    }
}

/// What [`Channel::take`] found.
#[derive(Debug)]
pub enum Taken {
    /// The caller's buffer has items.
    Items,
    /// There is nothing yet.
    Nothing,
    /// The stream is over and every item was taken. `None` means that the reply is complete.
    End(Option<Error>),
}

/// The state of a channel.
pub struct Buffer<C: Cargo> {
    pub(crate) items: VecDeque<C::Item>,
    pub(crate) bytes: usize,
    pub(crate) head: Option<C::Head>,
    pub(crate) end: Option<Result<(), Error>>,
    pub(crate) notes: C::Notes,
    parked: Option<(Parker, Interest)>,
    // The producer, while it waits for room or for the reader to close the stream.
    producer: Option<Waker>,
}

impl<C: Cargo> Default for Buffer<C> {
    fn default() -> Self {
        Self {
            items: VecDeque::new(),
            bytes: 0,
            head: None,
            end: None,
            notes: C::Notes::default(),
            parked: None,
            producer: None,
        }
    }
}

impl<C: Cargo> Buffer<C> {
    /// Wakes the parked reader if `wakes` says so. This happens under the lock, which is fine: a mailbox only
    /// notes the token, and a task waker only schedules.
    pub(crate) fn wake_if(&mut self, wakes: impl Fn(Interest) -> bool) {
        if let Some((parker, _)) = self.parked.take_if(|(_, interest)| wakes(*interest)) {
            parker.wake();
        }
    }
}

/// See the module's description.
pub struct Channel<C: Cargo> {
    state: Mutex<Buffer<C>>,
    pub(crate) buffer_bytes: usize,
    started: Instant,
    closed: AtomicBool,
    // When a sync reader left, in nanoseconds after `started`; 0 while it is here.
    left: AtomicU64,
    // How many nanoseconds it has been elsewhere in all.
    away: AtomicU64,
}

impl<C: Cargo> Channel<C> {
    /// Makes a channel that stops its producer when it has `buffer_bytes`. `started` is when the call began.
    #[must_use]
    pub fn new(buffer_bytes: usize, started: Instant) -> Self {
        Self {
            state: Mutex::default(),
            buffer_bytes,
            started,
            closed: AtomicBool::new(false),
            left: AtomicU64::new(0),
            away: AtomicU64::new(0),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Buffer<C>> {
        self.state.lock()
    }

    /// Producer: waits until there is room. Returns false if the reader has closed the stream.
    pub async fn room(&self) -> bool {
        let ready = |buffer: &Buffer<C>| self.is_closed() || buffer.bytes < self.buffer_bytes;
        poll_fn(|cx| self.poll_until(cx, ready)).await;
        !self.is_closed()
    }

    /// Producer: whether there is room now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.lock().bytes < self.buffer_bytes
    }

    /// Producer: waits until the reader closes the stream.
    pub async fn closed(&self) {
        poll_fn(|cx| self.poll_until(cx, |_| self.is_closed())).await;
    }

    fn poll_until(
        &self,
        context: &Context<'_>,
        ready: impl FnOnce(&Buffer<C>) -> bool,
    ) -> Poll<()> {
        let mut state = self.lock();
        if ready(&state) {
            return Poll::Ready(());
        }
        match &state.producer {
            Some(waker) if waker.will_wake(context.waker()) => {}
            _ => state.producer = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Whether the reader has closed the stream.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
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

    /// Reader: takes all items into `buffer`, which must be empty.
    pub fn take(&self, buffer: &mut VecDeque<C::Item>) -> Taken {
        let mut state = self.lock();
        if !state.items.is_empty() {
            std::mem::swap(buffer, &mut state.items);
            let was_full = state.bytes >= self.buffer_bytes;
            state.bytes = 0;
            state.notes.taken();
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
        let mut state = self.lock();
        let has_something = match interest {
            Interest::Head => state.head.is_some(),
            Interest::Any | Interest::Text => !state.items.is_empty(),
            Interest::Sending => state.notes.is_sending_due(),
        };
        if has_something || state.end.is_some() || self.is_closed() {
            return false;
        }
        state.parked = Some((parker, interest));
        true
    }

    /// Reader: closes the stream. The producer drops the connection, and a parked reader wakes.
    pub fn close(&self) {
        let mut state = self.lock();
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

    /// Whether the stream has ended. There may still be items to take.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.lock().end.is_some()
    }

    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
