//! One mailbox per event loop: many streams and calls, one wake.
//!
//! The I/O thread never touches Python. It notes which waiters have something to read and rings the loop's
//! descriptor once a turn. The loop's own thread, which holds the GIL anyway, ends the waits.
//!
//! Why no wake is lost: `wake` pushes a token before `ring` swaps `armed` to true. If that swap finds true,
//! the later swap to false in `open` reads from the same chain of read-modify-writes, so the push happens
//! before `open` takes the list. If it finds false, the descriptor is rung and another drain follows. A plain
//! store in `open` would not be enough: the lock after it could be reordered before it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokenwire_core::stream::Wake;

use crate::wake::descriptor::WakeFd;

// A busy runtime never parks, so a batch is also flushed when it gets this large or this old.
const FLUSH_TOKENS: usize = 64;
const FLUSH_AGE: Duration = Duration::from_micros(200);

/// Counters for benchmarks: wakes of loops and waiters woken by them.
pub(crate) static RINGS: AtomicU64 = AtomicU64::new(0);
pub(crate) static WOKEN: AtomicU64 = AtomicU64::new(0);

/// The mailboxes that received something since the I/O thread last rang.
struct FlushBatch {
    dirty: Vec<Arc<Mailbox>>,
    noted: usize,
    since: Option<Instant>,
}

thread_local! {
    static IS_IO: Cell<bool> = const { Cell::new(false) };
    static BATCH: RefCell<FlushBatch> =
        const { RefCell::new(FlushBatch { dirty: Vec::new(), noted: 0, since: None }) };
}

/// Marks this thread as the one that flushes at the end of its turns.
pub(crate) fn this_is_the_io_thread() {
    IS_IO.set(true);
}

/// Rings every mailbox that received something. Called when the I/O runtime is about to block.
pub(crate) fn flush() {
    BATCH.with_borrow_mut(|batch| {
        for mailbox in batch.dirty.drain(..) {
            mailbox.ring();
        }
        batch.noted = 0;
        batch.since = None;
    });
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
        let first = {
            let mut ready = self.0.ready.lock();
            ready.push(token);
            ready.len() == 1
        };
        if !IS_IO.get() {
            self.0.ring();
            return;
        }
        let full = BATCH.with_borrow_mut(|batch| {
            if first {
                batch.dirty.push(self.0.clone());
            }
            batch.noted += 1;
            let since = *batch.since.get_or_insert_with(Instant::now);
            batch.noted >= FLUSH_TOKENS || since.elapsed() >= FLUSH_AGE
        });
        if full {
            flush();
        }
    }
}
