//! `AsyncLlmStream`: an await step that does not suspend while anything is buffered.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopAsyncIteration, PyStopIteration};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokenwire_core::stream::{Interest, Parker, pump};

use crate::process;
use crate::reply::LlmResponse;
use crate::stream::{Mode, Step, Stream};
use crate::waiter::Waiter;
use crate::waiters::LoopMailbox;

/// The one reader of a stream, while it waits.
#[derive(Default)]
struct Waiting {
    mailbox: Option<Arc<LoopMailbox>>,
    parked: Option<(Arc<LoopMailbox>, u64)>,
}

struct Shared {
    stream: Stream,
    waiting: Mutex<Waiting>,
}

impl Shared {
    /// Sends the request, at most once.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        self.stream.check_generation(py)?;
        let Some(call) = self.stream.take_call() else {
            return Ok(());
        };
        let io = match process::current().io() {
            Ok(io) => io,
            Err(error) => {
                self.stream.put_back(call);
                return Err(self.stream.raise(py, error));
            }
        };
        let (transport, queue) = (io.transport.clone(), self.stream.queue.clone());
        io.handle
            .spawn(async move { pump(&transport, call, queue).await });
        Ok(())
    }

    /// Parks the running task; what to yield, or None when something came in the meantime.
    fn park<'py>(
        &self,
        py: Python<'py>,
        interest: Interest,
    ) -> PyResult<Option<Bound<'py, Waiter>>> {
        let second_reader = || {
            PyRuntimeError::new_err(
                "this stream is being read by another task; a stream has one reader",
            )
        };
        // Never waited for: the thread that holds it runs Python code and may want the GIL of this one.
        let mut waiting = self.waiting.try_lock().ok_or_else(second_reader)?;
        if let Some((mailbox, token)) = waiting.parked.take() {
            if mailbox.is_waiting(token) {
                waiting.parked = Some((mailbox, token));
                return Err(second_reader());
            }
            drop(mailbox.take(token));
        }
        let (waiter, mailbox, token) = LoopMailbox::wait(py, &mut waiting.mailbox)?;
        if self
            .stream
            .queue
            .park(Parker::Mailbox(mailbox.bell(), token), interest)
        {
            waiting.parked = Some((mailbox, token));
            return Ok(Some(waiter));
        }
        drop(mailbox.take(token));
        Ok(None)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some((mailbox, token)) = self.waiting.lock().parked.take() {
            drop(mailbox.take(token));
        }
    }
}

/// A stream for `async with` and `async for`; it may be read from any event loop, by one task at a time.
#[pyclass(frozen, module = "tokenwire", weakref)]
pub(crate) struct AsyncLlmStream {
    shared: Arc<Shared>,
}

impl AsyncLlmStream {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            shared: Arc::new(Shared {
                stream,
                waiting: Mutex::default(),
            }),
        }
    }

    fn iterate(&self, mode: Mode) -> AsyncStreamIterator {
        AsyncStreamIterator {
            shared: self.shared.clone(),
            mode,
        }
    }
}

#[pymethods]
impl AsyncLlmStream {
    /// Sends the request and waits for a 2xx head; errors of connection, status and head are raised here.
    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let py = slf.py();
        if let Some(source) = slf.get().shared.stream.key_source(py) {
            return py
                .import("tokenwire.keys")?
                .call_method1("enter_with_key", (slf, source));
        }
        Ok(Bound::new(
            py,
            Entering {
                stream: slf.unbind(),
            },
        )?
        .into_any())
    }

    fn __aexit__(
        &self,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> Ready {
        self.aclose()
    }

    fn __aiter__(&self) -> AsyncStreamIterator {
        self.iterate(Mode::Chunks)
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        next_of(Bound::new(slf.py(), slf.get().iterate(Mode::Chunks))?)
    }

    /// The text of choice 0 as it comes, one `str` for each delta.
    #[getter]
    fn text_stream(&self) -> AsyncStreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Text)
    }

    /// Typed events: `TextDelta`, `ReasoningDelta`, `ToolCallDone`, …
    fn events(&self) -> AsyncStreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Events)
    }

    /// Lists of chunks: each step brings all that has come.
    fn batches(&self) -> AsyncStreamIterator {
        self.iterate(Mode::Batches)
    }

    /// The reply as received so far; complete once the stream has been read to its end.
    #[getter]
    fn response(&self, py: Python<'_>) -> PyResult<LlmResponse> {
        self.shared.stream.response(py)
    }

    /// Closes the stream and its connection. A task that waits for it gets `LlmClientClosedError`.
    fn close(&self) {
        self.shared.stream.close();
    }

    /// Closes the stream and its connection.
    fn aclose(&self) -> Ready {
        self.close();
        Ready
    }

    /// Puts a fresh key into a request that has not gone out, and waits for its head.
    fn _enter_with(slf: Bound<'_, Self>, key: String) -> PyResult<Bound<'_, PyAny>> {
        let py = slf.py();
        slf.get().shared.stream.set_key(py, key)?;
        Ok(Bound::new(
            py,
            Entering {
                stream: slf.unbind(),
            },
        )?
        .into_any())
    }

    fn __repr__(&self) -> String {
        let stream = &self.shared.stream;
        format!(
            "AsyncLlmStream(model={:?}, state={})",
            &*stream.caller.model,
            stream.state()
        )
    }
}

/// Iterates a stream in one of its forms. It is its own awaitable: `__anext__` returns itself.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct AsyncStreamIterator {
    shared: Arc<Shared>,
    mode: Mode,
}

fn next_of(iterator: Bound<'_, AsyncStreamIterator>) -> PyResult<Bound<'_, PyAny>> {
    let py = iterator.py();
    if let Some(source) = iterator.get().shared.stream.key_source(py) {
        let opener = AsyncLlmStream {
            shared: iterator.get().shared.clone(),
        };
        let opener = Bound::new(py, opener)?;
        return py
            .import("tokenwire.keys")?
            .call_method1("first_step_with_key", (opener, source, iterator));
    }
    Ok(iterator.into_any())
}

#[pymethods]
impl AsyncStreamIterator {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        // Hot path: no key source, nothing but the reference goes back.
        next_of(slf)
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// What is awaited may also be delegated to: `asyncio.wait_for` does so with a step.
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// A step that is cancelled takes nothing: what comes waits for the next one. `anext(steps, None)`
    /// hands the cancellation on by this method.
    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        Err(thrown(kind, value))
    }

    /// Ends a step that nobody waits for any more.
    fn close(&self) {}

    /// One await step: what to wait for, or StopIteration with the item.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shared = &self.shared;
        loop {
            match shared.stream.step(py, self.mode)? {
                Step::Item(item) => return returned(item.into_bound(py)),
                Step::End => return Err(PyStopAsyncIteration::new_err(())),
                Step::Wait => {
                    shared.start(py)?;
                    if let Some(waiter) = shared.park(py, self.mode.interest())? {
                        return Ok(Some(waiter.into_any()));
                    }
                }
            }
        }
    }
}

/// Ends an await step with its result: a StopIteration that holds it.
///
/// A `PyErr` would make the exception object first, which is more than a third of what a buffered
/// step costs. CPython up to 3.11 takes the bare value, and 3.12 makes the object by itself.
pub(crate) fn returned(value: Bound<'_, PyAny>) -> PyResult<Option<Bound<'_, PyAny>>> {
    // The first would be taken for the exception's arguments, the second for the exception.
    if value.is_instance_of::<PyTuple>() || value.is_instance_of::<PyBaseException>() {
        return Err(PyStopIteration::new_err((value.unbind(),)));
    }
    // SAFETY: a `Bound` says that this thread is attached, and both objects live. No value and this
    // error is how an iterator's `next` ends.
    unsafe { ffi::PyErr_SetObject(ffi::PyExc_StopIteration, value.as_ptr()) };
    Ok(None)
}

/// The exception that the arguments of `throw` stand for: an instance, or a class and its value.
pub(crate) fn thrown(kind: Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyErr {
    PyErr::from_value(value.filter(|value| !value.is_none()).unwrap_or(kind))
}

/// Waits for the head; what `async with` awaits.
#[pyclass(frozen, module = "tokenwire._engine")]
struct Entering {
    stream: Py<AsyncLlmStream>,
}

#[pymethods]
impl Entering {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shared = &self.stream.get().shared;
        shared.start(py)?;
        loop {
            match shared.stream.queue.head() {
                Some(Ok(_)) => {
                    return returned(self.stream.bind(py).clone().into_any());
                }
                Some(Err(error)) => return Err(shared.stream.fail(py, error)),
                None => {
                    if let Some(waiter) = shared.park(py, Interest::Head)? {
                        return Ok(Some(waiter.into_any()));
                    }
                }
            }
        }
    }

    /// The task that waits is cancelled: `__aexit__` will not run, so the request ends here.
    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.close();
        Err(thrown(kind, value))
    }

    fn close(&self) {
        self.stream.get().close();
    }
}

/// An awaitable that is done.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Ready;

#[pymethods]
impl Ready {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> Option<Py<PyAny>> {
        None
    }
}
