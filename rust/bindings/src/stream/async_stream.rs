//! `AsyncLlmStream`: while there is something in the buffer, a step does not suspend its task, except once in 1 ms, so
//! that a server that never pauses does not keep the loop from its other tasks.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use tokenwire_core::stream::{Interest, pump};

use crate::ground::python;
use crate::observe;
use crate::process;
use crate::stream::custom::CustomReply;
use crate::stream::parking::{Parking, second_reader};
use crate::stream::reading::Mode;
use crate::stream::shared::{Found, Stream};
use crate::values::response::LlmResponse;
use crate::wake::awaitable::{Ready, returned, thrown};
use crate::wake::large_text::{LargeText, Made};
use crate::wake::waiter::Waiter;

/// The reader of a stream, while it waits.
#[derive(Default)]
struct Waiting {
    parking: Parking,
    // The text of a large reply, after the end of the stream.
    making: Option<LargeText>,
}

/// A stream and its waiting reader, shared by the public object, its iterators and its awaitables.
pub(super) struct AsyncStream {
    pub(super) stream: Arc<Stream>,
    waiting: Mutex<Waiting>,
}

impl AsyncStream {
    /// Sends the request, at most once.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        self.stream.begin(py)?;
        let Some(call) = self.stream.take_call() else {
            return Ok(());
        };
        let io = match process::current().io(call.transport()) {
            Ok(io) => io,
            Err(error) => {
                self.stream.put_back(call);
                return Err(self.stream.raise(py, error));
            }
        };
        let (transport, queue) = (io.transport.clone(), self.stream.queue.clone());
        let call = Box::new(call);
        io.handle
            .spawn(async move { pump(&transport, call, queue).await });
        Ok(())
    }

    /// Parks the running task. Returns what to yield, or None if something arrived in the meantime.
    fn park<'py>(
        &self,
        py: Python<'py>,
        interest: Interest,
    ) -> PyResult<Option<Bound<'py, Waiter>>> {
        // Waiting for this lock could deadlock: its holder runs Python code, and may need this thread's GIL.
        let mut waiting = self.waiting.try_lock().ok_or_else(second_reader)?;
        waiting.parking.park(py, &self.stream.queue, interest)
    }

    /// After the end: makes the text of a large reply. Returns what to yield, or None if there is nothing to wait for.
    fn make_text<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Waiter>>> {
        let Some(mut waiting) = self.waiting.try_lock() else {
            return Ok(None);
        };
        if waiting.making.is_none() {
            waiting.making = self.stream.large_text();
        }
        let Some(making) = &mut waiting.making else {
            return Ok(None);
        };
        // Only one task can wait for it; for another one the stream has ended.
        if making.is_waited_for() {
            return Ok(None);
        }
        match making.advance(py)? {
            Made::Wait(waiter) => Ok(Some(waiter)),
            Made::Whole(text) => {
                waiting.making = None;
                self.stream.set_text(text);
                Ok(None)
            }
        }
    }
}

/// A stream for `async with` and `async for`. Any event loop may read it, one task at a time.
///
/// Each step returns an `LlmStreamChunk`. `async with` sends the request and waits for the response
/// head; without `async with`, the first step does so.
///
/// Raises:
///     LlmAPIError: On entering: the provider refused the request, or the connection failed.
///     LlmTimeoutError: A time limit was exceeded; `partial` is the reply so far.
///     LlmStreamingError: While reading: the stream broke off, ended early, or contained an error;
///         `partial` is the reply so far.
#[pyclass(frozen, subclass, module = "tokenwire", weakref)]
pub(crate) struct AsyncLlmStream {
    pub(super) shared: Arc<AsyncStream>,
}

impl AsyncLlmStream {
    pub(crate) fn new(stream: Arc<Stream>) -> Self {
        Self {
            shared: Arc::new(AsyncStream {
                stream,
                waiting: Mutex::default(),
            }),
        }
    }

    pub(super) fn iterate(&self, mode: Mode) -> AsyncStreamIterator {
        AsyncStreamIterator {
            shared: self.shared.clone(),
            mode,
        }
    }
}

#[pymethods]
impl AsyncLlmStream {
    // For the subclass in `custom_stream.py`. Python also passes what its `__init__` takes, the iterator.
    #[new]
    fn py_new(reply: &CustomReply, _source: &Bound<'_, PyAny>) -> Self {
        Self::new(reply.stream.clone())
    }

    /// Returns a stream of the chunks of an async iterable; see `LlmStream.from_chunks`.
    ///
    /// The iterable runs in the reader's task, so cancelling a step cancels it.
    ///
    /// Raises:
    ///     LlmConfigError: `chunks` is not an async iterable.
    #[classmethod]
    #[pyo3(
        signature = (chunks, **fields),
        text_signature = "(chunks, *, provider, model, id=None, created=None, response_format=None, api=None, status=None)"
    )]
    fn from_chunks<'py>(
        cls: &Bound<'py, PyType>,
        chunks: &Bound<'py, PyAny>,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        python::FROM_CHUNKS
            .get(cls.py())?
            .call((cls, chunks), fields)
    }

    /// Sends the request and waits for a response head. Connection errors and error statuses are raised here.
    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let py = slf.py();
        if let Some(source) = slf.get().shared.stream.key_source(py) {
            let enter = python::ENTER_WITH_KEY_ASYNC.get(py)?;
            return enter.call1((slf, source, py.None()));
        }
        let stream = slf.unbind();
        Ok(Bound::new(py, Entering { stream })?.into_any())
    }

    #[pyo3(signature = (*_error))]
    fn __aexit__(&self, py: Python<'_>, _error: &Bound<'_, PyTuple>) -> PyResult<Ready> {
        self.aclose(py)
    }

    fn __aiter__(&self) -> AsyncStreamIterator {
        self.iterate(Mode::Chunks)
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        next_of(Bound::new(slf.py(), slf.get().iterate(Mode::Chunks))?)
    }

    /// The text of choice 0 as it arrives, one `str` for each delta.
    #[getter]
    fn text_stream(&self) -> AsyncStreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Text)
    }

    /// Typed events: `TextDelta`, `ReasoningDelta`, `RefusalDelta`, `ToolCallDelta`, `ToolCallDone`,
    /// `UsageReported`, and `End` after a complete stream.
    fn events(&self) -> AsyncStreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Events)
    }

    /// Lists of chunks. Each step returns all that have arrived, at least one and at most 1,024.
    fn batches(&self) -> AsyncStreamIterator {
        self.iterate(Mode::Batches)
    }

    /// The reply so far. It is complete after the stream was read to its end.
    #[getter]
    fn response(&self, py: Python<'_>) -> PyResult<LlmResponse> {
        self.shared.stream.response(py)
    }

    /// Closes the stream and its connection. A waiting task gets `LlmClientClosedError`.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.shared.stream.close(py)
    }

    /// Closes the stream and its connection.
    fn aclose(&self, py: Python<'_>) -> PyResult<Ready> {
        self.close(py)?;
        Ok(Ready)
    }

    /// Enters the stream with this key in its request.
    #[pyo3(signature = (*, api_key, may_renew=false))]
    fn _enter_with(
        slf: Bound<'_, Self>,
        api_key: String,
        may_renew: bool,
    ) -> PyResult<Bound<'_, PyAny>> {
        let py = slf.py();
        slf.get().shared.stream.set_key(py, api_key, may_renew)?;
        let stream = slf.unbind();
        Ok(Bound::new(py, Entering { stream })?.into_any())
    }

    fn __repr__(&self) -> String {
        format!("AsyncLlmStream({})", self.shared.stream)
    }
}

/// Iterates over a stream in one form. It is also the awaitable of each step: `__anext__` returns itself.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct AsyncStreamIterator {
    shared: Arc<AsyncStream>,
    mode: Mode,
}

fn next_of(iterator: Bound<'_, AsyncStreamIterator>) -> PyResult<Bound<'_, PyAny>> {
    let py = iterator.py();
    if let Some(source) = iterator.get().shared.stream.key_source(py) {
        let opener = AsyncLlmStream {
            shared: iterator.get().shared.clone(),
        };
        let opener = Bound::new(py, opener)?;
        let enter = python::ENTER_WITH_KEY_ASYNC.get(py)?;
        return enter.call1((opener, source, iterator));
    }
    Ok(iterator.into_any())
}

#[pymethods]
impl AsyncStreamIterator {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        // Hot path: nothing is allocated, unless a callable returns the key.
        next_of(slf)
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// `asyncio.wait_for` delegates to a step by `yield from`.
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Cancels a step. No item is lost: the next step returns it. `anext(iterator, None)` needs this method
    /// and `close`.
    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        Err(thrown(kind, value))
    }

    /// Abandons a step.
    fn close(&self) {}

    /// One step of `await`: returns what to wait for, or raises `StopIteration` with the item.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shared = &self.shared;
        loop {
            match shared.stream.step(py, self.mode)? {
                Found::Item(item) => return returned(item.into_bound(py)),
                Found::End => match shared.make_text(py)? {
                    Some(waiter) => return Ok(Some(waiter.into_any())),
                    None => return Err(PyStopAsyncIteration::new_err(())),
                },
                // A task that yields None runs again in the loop's next turn.
                Found::Rest => return Ok(Some(py.None().into_bound(py))),
                Found::Nothing => {
                    shared.start(py)?;
                    if let Some(waiter) = shared.park(py, self.mode.interest())? {
                        return Ok(Some(waiter.into_any()));
                    }
                }
            }
        }
    }
}

/// What `async with stream` awaits: it sends the request and waits for the response head.
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

    /// Cancels the waiting task. `__aexit__` will not run, so the request ends here.
    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = kind.py();
        let closed = self.close(py);
        Err(observe::error_or_interrupt(py, thrown(kind, value), closed))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.stream.get().shared.stream.close(py)
    }
}
