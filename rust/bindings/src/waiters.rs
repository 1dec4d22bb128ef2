//! A mailbox as its own loop's thread sees it: the futures of those who wait, and the loop's callback.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokenwire_core::stream::Wake;

use crate::fork;
use crate::mailbox::{Bell, Mailbox, WOKEN};
use crate::wakefd::WakeFd;
use crate::watch::{self, Watch};

// Longer drains let the loop breathe in between.
const DRAIN_BUDGET: usize = 512;

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
    bell: Arc<Bell>,
    waiters: Mutex<Waiters>,
    // Where the loop has no `add_reader`.
    watch: Option<Watch>,
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
        if let Some(watch) = &mailbox.watch {
            watch.arm(&running)?;
        }
        Ok((future, mailbox, token))
    }

    /// What a parked stream keeps to be woken by.
    pub(crate) fn bell(&self) -> Arc<dyn Wake> {
        self.bell.clone()
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
        !self.shared.is_dead() && self.generation == fork::generation()
    }

    fn make(running: &Bound<'_, PyAny>, loop_id: usize) -> PyResult<Arc<Self>> {
        let py = running.py();
        let watched = watch::is_needed(running)?;
        let (shared, watch) = if watched {
            let (fd, watch) = Watch::new(py)?;
            (Mailbox::new(fd), Some(watch))
        } else {
            (Mailbox::new(WakeFd::new()?), None)
        };
        let mailbox = Arc::new(Self {
            bell: Arc::new(Bell(shared.clone())),
            shared,
            waiters: Mutex::default(),
            watch,
            loop_id,
            generation: fork::generation(),
        });
        let drain = Py::new(
            py,
            Drain {
                mailbox: mailbox.clone(),
            },
        )?;
        if watched {
            // Such a loop is a Python object with attributes; the drain lives as long as it does.
            running.setattr(intern!(py, "_tokenwire_drain"), drain)?;
        } else {
            let fd = mailbox.shared.fd().raw();
            running.call_method1(intern!(py, "add_reader"), (fd, drain))?;
        }
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
        let mut tokens = shared.open();
        let rest = tokens.split_off(tokens.len().min(DRAIN_BUDGET));
        if !rest.is_empty() {
            shared.put_back(rest);
        }
        WOKEN.fetch_add(tokens.len() as u64, Ordering::Relaxed);
        for (done, token) in tokens.iter().enumerate() {
            let Some(future) = self.mailbox.take(*token) else {
                continue;
            };
            if let Err(error) = set(future.bind(py)) {
                shared.put_back(tokens.iter().skip(done + 1).copied());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether a reader waits, for the watch.
    fn is_waited_for(&self) -> bool {
        let waiters = self.mailbox.waiters.lock();
        waiters.slots.len() > waiters.free.len()
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
        let waiters = std::mem::take(&mut *self.mailbox.waiters.lock());
        drop(waiters);
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.mailbox.shared.bury();
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
