//! One mailbox per event loop: many streams and calls, one wake.
//!
//! The I/O thread never touches Python. It notes which waiters have something and rings the loop's
//! descriptor once a turn; the loop's own thread, which holds the GIL anyway, sets their futures.
//!
//! Why no wake is lost: `post` pushes before it swaps `armed` to true. If that swap found true, the
//! drain's later swap to false reads from the same chain of read-modify-writes, so the push happens
//! before the drain takes the list. If it found false, the descriptor is rung and another drain
//! follows. A plain store in `drain` would not do: the lock after it may be reordered before it.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokenwire_core::stream::Wake;

use crate::fork;
use crate::wakefd::WakeFd;

// A busy runtime never parks, so a batch is also flushed when it is this large or this old.
const FLUSH_TOKENS: usize = 64;
const FLUSH_AGE: Duration = Duration::from_micros(200);
// Longer drains let the loop breathe in between.
const DRAIN_BUDGET: usize = 512;

/// Counters for benchmarks: wakes of loops and waiters woken by them.
pub(crate) static RINGS: AtomicU64 = AtomicU64::new(0);
pub(crate) static WOKEN: AtomicU64 = AtomicU64::new(0);

struct Turn {
    dirty: Vec<Arc<Mailbox>>,
    noted: usize,
    since: Option<Instant>,
}

thread_local! {
    static IS_IO: Cell<bool> = const { Cell::new(false) };
    static TURN: RefCell<Turn> =
        const { RefCell::new(Turn { dirty: Vec::new(), noted: 0, since: None }) };
}

/// Says that this thread flushes at the end of its turns.
pub(crate) fn this_is_the_io_thread() {
    IS_IO.set(true);
}

/// Rings every mailbox that has something. Called when the I/O runtime is about to block.
pub(crate) fn flush() {
    TURN.with_borrow_mut(|turn| {
        for mailbox in turn.dirty.drain(..) {
            mailbox.ring();
        }
        turn.noted = 0;
        turn.since = None;
    });
}

/// The part of a mailbox that other threads see. It holds no Python object.
pub(crate) struct Mailbox {
    ready: Mutex<Vec<u64>>,
    armed: AtomicBool,
    dead: AtomicBool,
    fd: WakeFd,
}

impl Mailbox {
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

/// What tokio tasks hold of a mailbox.
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
        let full = TURN.with_borrow_mut(|turn| {
            if first {
                turn.dirty.push(self.0.clone());
            }
            turn.noted += 1;
            let since = *turn.since.get_or_insert_with(Instant::now);
            turn.noted >= FLUSH_TOKENS || since.elapsed() >= FLUSH_AGE
        });
        if full {
            flush();
        }
    }
}

#[derive(Default)]
struct Waiters {
    // Index into `slots` is the low half of a token, the slot's age the high half.
    slots: Vec<(u32, Option<Py<PyAny>>)>,
    free: Vec<u32>,
}

/// A mailbox as its own loop's thread sees it. It holds no reference to the loop; the loop holds
/// the `Drain`, whose end is the mailbox's.
pub(crate) struct LoopMailbox {
    shared: Arc<Mailbox>,
    waiters: Mutex<Waiters>,
    loop_id: usize,
    generation: u64,
}

static KNOWN: Mutex<Vec<Weak<LoopMailbox>>> = Mutex::new(Vec::new());
static GET_RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The event loop that runs on this thread.
fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let found = GET_RUNNING_LOOP
        .get_or_try_init(py, || {
            PyResult::Ok(py.import("asyncio")?.getattr("_get_running_loop")?.unbind())
        })?
        .bind(py)
        .call0()?;
    if found.is_none() {
        // Trio and curio run coroutines without an asyncio loop.
        return Err(PyRuntimeError::new_err(
            "tokenwire's async calls need a running asyncio event loop (trio is not served yet)",
        ));
    }
    Ok(found)
}

impl LoopMailbox {
    /// The mailbox of `running`, made at the loop's first wait.
    fn of(running: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let id = running.as_ptr() as usize;
        let found = KNOWN
            .lock()
            .iter()
            .filter_map(Weak::upgrade)
            .find(|known| known.loop_id == id && known.is_alive());
        match found {
            Some(mailbox) => Ok(mailbox),
            None => Self::make(running, id),
        }
    }

    /// A future of the running loop, to be yielded by an await step, with the mailbox and the token
    /// that set it. `bound` caches the mailbox from one wait to the next.
    pub(crate) fn wait<'py>(
        py: Python<'py>,
        bound: &mut Option<Arc<Self>>,
    ) -> PyResult<(Bound<'py, PyAny>, Arc<Self>, u64)> {
        let running = running_loop(py)?;
        let mailbox = match bound {
            Some(known) if known.is_alive() && known.loop_id == running.as_ptr() as usize => {
                known.clone()
            }
            _ => bound.insert(Self::of(&running)?).clone(),
        };
        let future = running.call_method0(intern!(py, "create_future"))?;
        future.setattr(intern!(py, "_asyncio_future_blocking"), true)?;
        let token = mailbox.insert(future.clone().unbind());
        Ok((future, mailbox, token))
    }

    /// What a parked stream keeps to be woken by.
    pub(crate) fn bell(&self) -> Arc<dyn Wake> {
        Arc::new(Bell(self.shared.clone()))
    }

    fn insert(&self, future: Py<PyAny>) -> u64 {
        let mut waiters = self.waiters.lock();
        let index = waiters.free.pop().unwrap_or_else(|| {
            waiters.slots.push((0, None));
            u32::try_from(waiters.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let Some(slot) = waiters.slots.get_mut(index as usize) else {
            return u64::MAX;
        };
        slot.1 = Some(future);
        u64::from(slot.0) << 32 | u64::from(index)
    }

    /// Whether the waiter is still there and its task has not left.
    pub(crate) fn is_waiting(&self, py: Python<'_>, token: u64) -> PyResult<bool> {
        let future = {
            let waiters = self.waiters.lock();
            let slot = u32::try_from(token & u64::from(u32::MAX))
                .ok()
                .and_then(|index| waiters.slots.get(index as usize));
            slot.filter(|slot| u64::from(slot.0) == token >> 32)
                .and_then(|slot| slot.1.as_ref())
                .map(|future| future.clone_ref(py))
        };
        match future {
            Some(future) => Ok(!future
                .bind(py)
                .call_method0(intern!(py, "done"))?
                .is_truthy()?),
            None => Ok(false),
        }
    }

    /// Takes back a waiter that was not parked after all, or that a drain has reached.
    pub(crate) fn take(&self, token: u64) -> Option<Py<PyAny>> {
        let mut waiters = self.waiters.lock();
        let index = u32::try_from(token & u64::from(u32::MAX)).ok()?;
        let slot = waiters.slots.get_mut(index as usize)?;
        if u64::from(slot.0) != token >> 32 {
            return None;
        }
        let future = slot.1.take()?;
        slot.0 = slot.0.wrapping_add(1);
        waiters.free.push(index);
        Some(future)
    }

    fn is_alive(&self) -> bool {
        !self.shared.dead.load(Ordering::Acquire) && self.generation == fork::generation()
    }

    fn make(running: &Bound<'_, PyAny>, loop_id: usize) -> PyResult<Arc<Self>> {
        let py = running.py();
        let mailbox = Arc::new(Self {
            shared: Arc::new(Mailbox {
                ready: Mutex::default(),
                armed: AtomicBool::new(false),
                dead: AtomicBool::new(false),
                fd: WakeFd::new()?,
            }),
            waiters: Mutex::default(),
            loop_id,
            generation: fork::generation(),
        });
        let drain = Py::new(
            py,
            Drain {
                mailbox: mailbox.clone(),
            },
        )?;
        running.call_method1(intern!(py, "add_reader"), (mailbox.shared.fd.raw(), drain))?;
        let mut known = KNOWN.lock();
        known.retain(|entry| entry.upgrade().is_some_and(|other| other.is_alive()));
        known.push(Arc::downgrade(&mailbox));
        Ok(mailbox)
    }
}

/// The loop's callback: sets the futures of those that have something.
#[pyclass(frozen, module = "tokenwire._engine")]
struct Drain {
    mailbox: Arc<LoopMailbox>,
}

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let shared = &self.mailbox.shared;
        shared.fd.clear();
        shared.armed.swap(false, Ordering::AcqRel);
        let mut tokens = std::mem::take(&mut *shared.ready.lock());
        let rest = tokens.split_off(tokens.len().min(DRAIN_BUDGET));
        if !rest.is_empty() {
            shared.ready.lock().splice(0..0, rest);
            shared.ring();
        }
        WOKEN.fetch_add(tokens.len() as u64, Ordering::Relaxed);
        for (done, token) in tokens.iter().enumerate() {
            let Some(future) = self.mailbox.take(*token) else {
                continue;
            };
            if let Err(error) = set(future.bind(py)) {
                shared.ready.lock().extend(tokens.iter().skip(done + 1));
                shared.ring();
                return Err(error);
            }
        }
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // A lock that is held means that the waiters are in use, so nothing of them is garbage.
        if let Some(waiters) = self.mailbox.waiters.try_lock() {
            for future in waiters.slots.iter().filter_map(|slot| slot.1.as_ref()) {
                visit.call(future)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let slots = std::mem::take(&mut self.mailbox.waiters.lock().slots);
        drop(slots);
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.mailbox.shared.dead.store(true, Ordering::Release);
        // Futures are dropped outside the lock: that may run Python code.
        let waiters = std::mem::take(&mut *self.mailbox.waiters.lock());
        drop(waiters);
    }
}

fn set(future: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = future.py();
    // Cancelled in the meantime: its task has left, the data waits for the next step.
    if future.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    future.call_method1(intern!(py, "set_result"), (py.None(),))?;
    Ok(())
}
