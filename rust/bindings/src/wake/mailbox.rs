//! One mailbox per event loop: many streams and calls, one wake.
//!
//! An I/O thread never touches Python. It notes which waiters have something to read and rings the loop's
//! descriptor once a turn. The loop's own thread, which holds the GIL anyway, ends the waits. A turn ends when every
//! task that was ready has run, whether or not the runtime then blocks: a server that floods one stream keeps the
//! runtime busy for as long as it likes.
//!
//! Why no wake is lost: `wake` pushes a token before `ring` swaps `armed` to true. If that swap finds true,
//! the later swap to false in `open` reads from the same chain of read-modify-writes, so the push happens
//! before `open` takes the list. If it finds false, the descriptor is rung and another drain follows. A plain
//! store in `open` would not be enough: the lock after it could be reordered before it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokenwire_core::stream::Wake;

use crate::wake::descriptor::WakeFd;

// A turn may be long, so a batch is also flushed when it gets this large or this old.
const FLUSH_TOKENS: usize = 64;
const FLUSH_AGE: Duration = Duration::from_micros(200);

/// Counters for benchmarks: wakes of loops and waiters woken by them.
pub(crate) static RINGS: AtomicU64 = AtomicU64::new(0);
pub(crate) static WOKEN: AtomicU64 = AtomicU64::new(0);

/// The mailboxes that received something from this thread since it last rang.
struct FlushBatch {
    // The task that flushes; `None` on other threads.
    flusher: Option<Waker>,
    dirty: Vec<Arc<Mailbox>>,
    noted: usize,
    since: Option<Instant>,
}

thread_local! {
    static BATCH: RefCell<FlushBatch> = const {
        RefCell::new(FlushBatch { flusher: None, dirty: Vec::new(), noted: 0, since: None })
    };
}

/// The task of an I/O thread that rings, at the end of each turn, every mailbox that received something. The first
/// wake of a turn puts it at the end of the line of tasks.
pub(crate) fn flush_each_turn() -> impl Future<Output = ()> {
    poll_fn(|context| {
        BATCH.with_borrow_mut(|batch| {
            batch.flush();
            batch.flusher.get_or_insert_with(|| context.waker().clone());
        });
        Poll::Pending
    })
}

impl FlushBatch {
    fn flush(&mut self) {
        for mailbox in self.dirty.drain(..) {
            mailbox.ring();
        }
        self.noted = 0;
        self.since = None;
    }
}

/// The part of a mailbox that other threads see. It holds no Python objects.
pub(crate) struct Mailbox {
    ready: Mutex<Vec<u64>>,
    armed: AtomicBool,
    dead: AtomicBool,
    fd: WakeFd,
}

impl Mailbox {
    pub(crate) fn new(fd: WakeFd) -> Arc<Self> {
        Arc::new(Self {
            ready: Mutex::default(),
            armed: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            fd,
        })
    }

    pub(crate) fn fd(&self) -> &WakeFd {
        &self.fd
    }

    /// Loop side: takes what is ready. The next wake rings again.
    pub(crate) fn open(&self) -> Vec<u64> {
        self.fd.clear();
        self.armed.swap(false, Ordering::AcqRel);
        std::mem::take(&mut *self.ready.lock())
    }

    /// Loop side: puts back, at the front, what this drain did not reach.
    pub(crate) fn put_back(&self, tokens: impl IntoIterator<Item = u64>) {
        self.ready.lock().splice(0..0, tokens);
        self.ring();
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Loop side: the loop is gone, so nothing will be drained again.
    pub(crate) fn bury(&self) {
        self.dead.store(true, Ordering::Release);
    }

    fn ring(&self) {
        if !self.dead.load(Ordering::Acquire)
            && !self.ready.lock().is_empty()
            && !self.armed.swap(true, Ordering::AcqRel)
        {
            RINGS.fetch_add(1, Ordering::Relaxed);
            self.fd.ring();
        }
    }
}

/// The handle by which tokio tasks wake waiters of a mailbox.
pub(crate) struct Bell(pub(crate) Arc<Mailbox>);

impl Wake for Bell {
    fn wake(&self, token: u64) {
        self.0.ready.lock().push(token);
        BATCH.with_borrow_mut(|batch| {
            let Some(flusher) = &batch.flusher else {
                self.0.ring();
                return;
            };
            if batch.noted == 0 {
                flusher.wake_by_ref();
            }
            // Each thread rings for what it has pushed: the turn of another one may be long.
            let mut dirty = batch.dirty.iter();
            if !dirty.any(|mailbox| Arc::ptr_eq(mailbox, &self.0)) {
                batch.dirty.push(self.0.clone());
            }
            batch.noted += 1;
            let since = *batch.since.get_or_insert_with(Instant::now);
            if batch.noted >= FLUSH_TOKENS || since.elapsed() >= FLUSH_AGE {
                batch.flush();
            }
        });
    }
}
