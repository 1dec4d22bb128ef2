//! What an await step yields: the part of `asyncio.Future` that a task uses, and nothing else.
//!
//! A future of the loop itself is woken through `call_soon`. That takes a handle, an entry in the loop's
//! queue and a turn of the loop, and costs more than everything else that this thread does for a paced
//! chunk. The task of a waiter runs directly in the callback that drains the mailbox.

use parking_lot::Mutex;
use pyo3::exceptions::asyncio::{CancelledError, InvalidStateError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::ground::exit::calling_python;

enum Phase {
    Pending,
    Done,
    Cancelled(Option<Py<PyAny>>),
}

/// Called with the waiter when the wait is over, in the given context. For a task, this wakes it.
pub(crate) struct Callback {
    pub(crate) function: Py<PyAny>,
    pub(crate) context: Py<PyAny>,
}

/// The state of a wait, and the callbacks for its end.
struct Wait {
    phase: Phase,
    is_blocking: bool,
    callbacks: Vec<Callback>,
}

/// One wait of one task.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Waiter {
    event_loop: Py<PyAny>,
    state: Mutex<Wait>,
}

impl Waiter {
    /// A waiter that makes the task that gets it wait.
    pub(crate) fn new(event_loop: Py<PyAny>) -> Self {
        Self {
            event_loop,
            state: Mutex::new(Wait {
                phase: Phase::Pending,
                is_blocking: true,
                callbacks: Vec::new(),
            }),
        }
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Pending)
    }

    /// Ends the wait and returns its callbacks, which the caller must run.
    pub(crate) fn end(&self) -> Vec<Callback> {
        let mut state = self.state.lock();
        // It was cancelled meanwhile: its task is gone, and the data waits for the next step.
        if !matches!(state.phase, Phase::Pending) {
            return Vec::new();
        }
        state.phase = Phase::Done;
        std::mem::take(&mut state.callbacks)
    }
}

impl Callback {
    /// Runs the callback in the loop's next turn.
    pub(crate) fn schedule(&self, waiter: &Bound<'_, Waiter>) -> PyResult<()> {
        let py = waiter.py();
        let named = PyDict::new(py);
        named.set_item(intern!(py, "context"), &self.context)?;
        let event_loop = waiter.get().event_loop.bind(py);
        let arguments = (&self.function, waiter);
        calling_python(|| event_loop.call_method(intern!(py, "call_soon"), arguments, Some(&named)))
            .map(drop)
    }
}

#[pymethods]
impl Waiter {
    #[getter(_asyncio_future_blocking)]
    fn is_blocking(&self) -> bool {
        self.state.lock().is_blocking
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, is_blocking: bool) {
        self.state.lock().is_blocking = is_blocking;
    }

    fn get_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    #[pyo3(signature = (function, *, context=None))]
    fn add_done_callback(
        slf: &Bound<'_, Self>,
        function: Py<PyAny>,
        context: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let context = match context {
            Some(context) => context,
            None => py
                .import("contextvars")?
                .call_method0("copy_context")?
                .unbind(),
        };
        let callback = Callback { function, context };
        {
            let mut state = slf.get().state.lock();
            if matches!(state.phase, Phase::Pending) {
                state.callbacks.push(callback);
                return Ok(());
            }
        }
        callback.schedule(slf)
    }

    /// Returns how many callbacks were removed.
    fn remove_done_callback(&self, function: &Bound<'_, PyAny>) -> PyResult<usize> {
        // Not under the lock, because comparing runs Python code.
        let held = std::mem::take(&mut self.state.lock().callbacks);
        let before = held.len();
        let mut kept = Vec::with_capacity(before);
        for callback in held {
            if !callback.function.bind(function.py()).eq(function)? {
                kept.push(callback);
            }
        }
        let removed = before - kept.len();
        self.state.lock().callbacks.splice(0..0, kept);
        Ok(removed)
    }

    /// Ends the wait with a `CancelledError`. Returns False if it was already over.
    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        let callbacks = {
            let mut state = slf.get().state.lock();
            if !matches!(state.phase, Phase::Pending) {
                return Ok(false);
            }
            state.is_blocking = false;
            state.phase = Phase::Cancelled(msg);
            std::mem::take(&mut state.callbacks)
        };
        for callback in callbacks {
            callback.schedule(slf)?;
        }
        Ok(true)
    }

    fn done(&self) -> bool {
        !self.is_pending()
    }

    fn cancelled(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Cancelled(_))
    }

    /// Returns None: the result belongs to the stream, and the await step returns it.
    fn result(&self, py: Python<'_>) -> PyResult<()> {
        match &self.state.lock().phase {
            Phase::Done => Ok(()),
            Phase::Cancelled(Some(message)) => {
                Err(CancelledError::new_err((message.clone_ref(py),)))
            }
            Phase::Cancelled(None) => Err(CancelledError::new_err(())),
            Phase::Pending => Err(InvalidStateError::new_err("the wait is not over")),
        }
    }

    fn exception(&self, py: Python<'_>) -> PyResult<()> {
        self.result(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        // If the lock is held, the waiter is in use, so it is not garbage.
        if let Some(state) = self.state.try_lock() {
            for callback in &state.callbacks {
                visit.call(&callback.function)?;
                visit.call(&callback.context)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let callbacks = std::mem::take(&mut self.state.lock().callbacks);
        drop(callbacks);
    }
}
