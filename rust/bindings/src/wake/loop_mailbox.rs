//! A mailbox as the loop's thread sees it: the waiting tasks, and the loop's callback.

use std::fmt::Display;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use std::vec::IntoIter;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::stream::Wake;

use crate::ground::raised::keeping_raised;
use crate::ground::{exception, fork, python};
use crate::wake::descriptor::WakeFd;
use crate::wake::mailbox::{Bell, Mailbox, WOKEN};
use crate::wake::socket::{self, SocketWatch};
use crate::wake::waiter::{Callback, Waiter};

// A drain runs the tasks that it wakes. After this long, the rest of the loop gets a turn first.
const DRAIN_BUDGET: Duration = Duration::from_millis(1);

/// The waiters of a loop. The low half of a token is an index into `slots`; the high half is the age of the
/// slot, which goes up each time the slot becomes free.
#[derive(Default)]
struct WaiterSlots {
    slots: Vec<(u32, Option<Py<Waiter>>)>,
    free: Vec<u32>,
}

impl WaiterSlots {
    fn insert(&mut self, waiter: Py<Waiter>) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return u64::MAX;
        };
        slot.1 = Some(waiter);
        u64::from(slot.0) << 32 | u64::from(index)
    }

    /// The index of a token's slot, unless the slot has been freed since.
    fn index(&self, token: u64) -> Option<u32> {
        let index = u32::try_from(token & u64::from(u32::MAX)).ok()?;
        let slot = self.slots.get(index as usize)?;
        (u64::from(slot.0) == token >> 32).then_some(index)
    }

    fn get(&self, token: u64) -> Option<&Py<Waiter>> {
        self.slots.get(self.index(token)? as usize)?.1.as_ref()
    }

    fn take(&mut self, token: u64) -> Option<Py<Waiter>> {
        let index = self.index(token)?;
        let slot = self.slots.get_mut(index as usize)?;
        let waiter = slot.1.take()?;
        slot.0 = slot.0.wrapping_add(1);
        self.free.push(index);
        Some(waiter)
    }
}

/// The waiters of one loop. It holds no reference to the loop. The loop holds the `Drain`, and the mailbox
/// is dead when that is dropped.
pub(crate) struct LoopMailbox {
    shared: Arc<Mailbox>,
    bell: Arc<Bell>,
    waiters: Mutex<WaiterSlots>,
    // For a loop without `add_reader`.
    watch: Option<SocketWatch>,
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
            "tokenwire's async calls need a running asyncio event loop (trio is not supported yet)",
        ));
    }
    Ok(found)
}

impl LoopMailbox {
    /// The mailbox of `running`, created at the loop's first wait.
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

    /// A waiter for an await step of the running loop to yield, with the mailbox and the token that wake it.
    /// `bound` caches the mailbox from one wait to the next.
    pub(crate) fn wait<'py>(
        py: Python<'py>,
        bound: &mut Option<Arc<Self>>,
    ) -> PyResult<(Bound<'py, Waiter>, Arc<Self>, u64)> {
        let running = running_loop(py)?;
        let mailbox = match bound {
            Some(known) if known.is_alive() && known.loop_id == running.as_ptr() as usize => {
                known.clone()
            }
            _ => bound.insert(Self::of(&running)?).clone(),
        };
        let waiter = Bound::new(py, Waiter::new(running.clone().unbind()))?;
        let token = mailbox.waiters.lock().insert(waiter.clone().unbind());
        if let Some(watch) = &mailbox.watch {
            watch.arm(&running)?;
        }
        Ok((waiter, mailbox, token))
    }

    /// What a parked stream keeps so that it can be woken.
    pub(crate) fn bell(&self) -> Arc<dyn Wake> {
        self.bell.clone()
    }

    /// Whether the waiter is still there and its task still waits.
    pub(crate) fn is_waiting(&self, token: u64) -> bool {
        let waiters = self.waiters.lock();
        waiters
            .get(token)
            .is_some_and(|waiter| waiter.get().is_pending())
    }

    /// Takes back a waiter that was not parked after all, or that a drain has reached.
    pub(crate) fn take(&self, token: u64) -> Option<Py<Waiter>> {
        self.waiters.lock().take(token)
    }

    fn is_alive(&self) -> bool {
        !self.shared.is_dead() && self.generation == fork::generation()
    }

    fn make(running: &Bound<'_, PyAny>, loop_id: usize) -> PyResult<Arc<Self>> {
        let py = running.py();
        let (fd, watch) = if socket::is_needed(running)? {
            let watch = SocketWatch::new(py);
            let (fd, watch) = watch.map_err(|error| cannot_wake(py, error.value(py)))?;
            (fd, Some(watch))
        } else {
            (
                WakeFd::new().map_err(|error| cannot_wake(py, &error))?,
                None,
            )
        };
        let shared = Mailbox::new(fd);
        let mailbox = Arc::new(Self {
            bell: Arc::new(Bell(shared.clone())),
            shared,
            waiters: Mutex::default(),
            watch,
            loop_id,
            generation: fork::generation(),
        });
        let drain = Drain {
            mailbox: mailbox.clone(),
        };
        if mailbox.watch.is_some() {
            // Such a loop is a Python object with attributes. The drain lives as long as the loop.
            running.setattr(intern!(py, "_tokenwire_drain"), drain)?;
        } else {
            let fd = mailbox.shared.fd().raw();
            let run = python::RUN_WOKEN.get(py)?;
            running.call_method1(intern!(py, "add_reader"), (fd, run, drain))?;
        }
        let mut known = KNOWN.lock();
        known.retain(|entry| entry.upgrade().is_some_and(|other| other.is_alive()));
        known.push(Arc::downgrade(&mailbox));
        Ok(mailbox)
    }
}

/// The error of a call that there is no descriptor for.
fn cannot_wake(py: Python<'_>, error: &dyn Display) -> PyErr {
    let problem = format!("cannot wait in this event loop: {error}");
    exception::of_kind(py, ErrorKind::Engine, &problem)
}

/// What the loop's callback, `run_woken` of `tokenwire._bridge`, iterates over: the woken tasks.
#[pyclass(frozen, module = "tokenwire._engine")]
struct Drain {
    mailbox: Arc<LoopMailbox>,
}

/// One run of the callback. What its budget or Ctrl-C leaves over goes to the next run.
#[pyclass(frozen, module = "tokenwire._engine")]
struct DrainRun {
    mailbox: Arc<LoopMailbox>,
    // A task cannot run inside another one, so the loop's next turn runs the woken tasks.
    runs_in_task: bool,
    left: Mutex<(IntoIter<u64>, Vec<Ended>)>,
    started: Instant,
}

// A waiter whose wait is over, and the callback to run for it.
type Ended = (Py<Waiter>, Callback);
// The context to run in, the function to run, and its argument.
type Woken = (Py<PyAny>, Py<PyAny>, Py<Waiter>);

#[pymethods]
impl DrainRun {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Woken>> {
        loop {
            let (waiter, callback) = {
                let mut left = self.left.lock();
                if let Some(next) = left.1.pop() {
                    next
                } else {
                    if self.started.elapsed() > DRAIN_BUDGET {
                        return Ok(None);
                    }
                    let Some(token) = left.0.next() else {
                        return Ok(None);
                    };
                    WOKEN.fetch_add(1, Ordering::Relaxed);
                    if let Some(waiter) = self.mailbox.take(token) {
                        let callbacks = waiter.get().end();
                        let waiting = callbacks.into_iter().rev();
                        left.1
                            .extend(waiting.map(|one| (waiter.clone_ref(py), one)));
                    }
                    continue;
                }
            };
            if !self.runs_in_task {
                return Ok(Some((callback.context, callback.function, waiter)));
            }
            callback.schedule(waiter.bind(py))?;
        }
    }
}

impl Drop for DrainRun {
    fn drop(&mut self) {
        let (tokens, callbacks) = self.left.get_mut();
        let tokens = std::mem::replace(tokens, Vec::new().into_iter());
        if tokens.len() > 0 {
            self.mailbox.shared.put_back(tokens);
        }
        let callbacks = callbacks.drain(..).rev();
        Python::attach(|py| {
            keeping_raised(py, || {
                for (waiter, callback) in callbacks {
                    callback.schedule(waiter.bind(py)).ok();
                }
            });
        });
    }
}

#[pymethods]
impl Drain {
    fn __iter__(&self, py: Python<'_>) -> PyResult<DrainRun> {
        let running = running_loop(py)?;
        Ok(DrainRun {
            mailbox: self.mailbox.clone(),
            // In a nested run of a loop, the tasks of the outer run would wait until the inner run ends.
            runs_in_task: self.mailbox.watch.is_some()
                || running.hasattr(intern!(py, "_nest_patched"))?,
            left: Mutex::new((self.mailbox.shared.open().into_iter(), Vec::new())),
            started: Instant::now(),
        })
    }

    /// Whether a task waits; the task that reads the wake socket asks.
    fn is_waited_for(&self) -> bool {
        let waiters = self.mailbox.waiters.lock();
        waiters.slots.len() > waiters.free.len()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // If the lock is held, the waiters are in use, so none of them is garbage.
        if let Some(waiters) = self.mailbox.waiters.try_lock() {
            for waiter in waiters.slots.iter().filter_map(|slot| slot.1.as_ref()) {
                visit.call(waiter)?;
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
        // The waiters are dropped outside the lock, because that may run Python code.
        let waiters = std::mem::take(&mut *self.mailbox.waiters.lock());
        drop(waiters);
    }
}
