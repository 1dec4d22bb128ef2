//! `AsyncLlmStream`: an await step that does not suspend while anything is buffered.

use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyStopAsyncIteration};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use tokenwire_core::stream::{Interest, Parker, pump};

use crate::ground::python;
use crate::process;
use crate::stream::custom::CustomReply;
use crate::stream::entering::Entering;
use crate::stream::shared::{Mode, Stream};
use crate::values::response::LlmResponse;
use crate::wake::awaitable::{Ready, returned, thrown};
use crate::wake::loop_mailbox::LoopMailbox;
use crate::wake::waiter::Waiter;

/// The one reader of a stream, while it waits.
#[derive(Default)]
struct Waiting {
    mailbox: Option<Arc<LoopMailbox>>,
    parked: Option<(Arc<LoopMailbox>, u64)>,
}

/// A stream and its waiting reader, shared by the public object, its iterators and its awaitables.
pub(super) struct AsyncStream {
    pub(super) stream: Arc<Stream>,
    waiting: Mutex<Waiting>,
}

impl AsyncStream {
    /// Sends the request, at most once.
    pub(super) fn start(&self, py: Python<'_>) -> PyResult<()> {
        self.stream.begin(py)?;
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
    pub(super) fn park<'py>(
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

impl Drop for AsyncStream {
    fn drop(&mut self) {
        if let Some((mailbox, token)) = self.waiting.lock().parked.take() {
            drop(mailbox.take(token));
        }
    }
}

/// A stream for `async with` and `async for`; it may be read from any event loop, by one task at a time.
///
/// Each step gives an `LlmStreamChunk`. `async with` sends the request and waits for the answer's head;
/// without it the first step does.
///
/// Raises:
///     LlmAPIError: On entering: the provider refused, or there was no usable connection.
///     LlmTimeoutError: A limit ran out; `partial` is the reply so far.
///     LlmStreamingError: While reading: the stream broke off, ended early, or brought an error;
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

    fn iterate(&self, mode: Mode) -> AsyncStreamIterator {
        AsyncStreamIterator {
            shared: self.shared.clone(),
            mode,
        }
    }
}

#[pymethods]
impl AsyncLlmStream {
    #[new]
    fn py_new(reply: &CustomReply, _source: &Bound<'_, PyAny>) -> Self {
        Self::new(reply.stream.clone())
    }

    /// A stream of the chunks that an async iterable gives; see `LlmStream.from_chunks`.
    ///
    /// It runs in the reader's task: to cancel a step cancels it, as with any async generator.
    ///
    /// Raises:
    ///     LlmConfigError: `chunks` is not an async iterable.
    #[classmethod]
    #[pyo3(
        signature = (chunks, **fields),
        text_signature = "(chunks, *, provider, model, id=None, created=None, response_format=None)"
    )]
    fn from_chunks<'py>(
        cls: &Bound<'py, PyType>,
        chunks: &Bound<'py, PyAny>,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        python::FROM_CHUNKS.get(cls.py())?.call((cls, chunks), fields)
    }

    /// Sends the request and waits for a 2xx head; errors of connection, status and head are raised here.
    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let py = slf.py();
        if let Some(source) = slf.get().shared.stream.key_source(py) {
            return python::ENTER_WITH_KEY_ASYNC.get(py)?.call1((slf, source));
        }
        Ok(Bound::new(py, Entering::new(slf.unbind()))?.into_any())
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

    /// Typed events: `TextDelta`, `ReasoningDelta`, `RefusalDelta`, `ToolCallDelta`, `ToolCallDone`,
    /// `UsageReported`, and `End` when the stream is whole.
    fn events(&self) -> AsyncStreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Events)
    }

    /// Lists of chunks, at least one in each: a step brings all that has arrived.
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
    #[pyo3(signature = (*, api_key, may_renew=false))]
    fn _enter_with(
        slf: Bound<'_, Self>,
        api_key: String,
        may_renew: bool,
    ) -> PyResult<Bound<'_, PyAny>> {
        let py = slf.py();
        slf.get().shared.stream.set_key(py, api_key, may_renew)?;
        Ok(Bound::new(py, Entering::new(slf.unbind()))?.into_any())
    }

    /// Ends the call with the refusal of its key, because there is no fresh key.
    #[pyo3(signature = (refusal, *, abandoned))]
    fn _end_refused(&self, refusal: Bound<'_, PyAny>, abandoned: bool) {
        let (py, stream) = (refusal.py(), &self.shared.stream);
        stream.end_refused(py, &PyErr::from_value(refusal), abandoned);
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
        return python::FIRST_STEP_WITH_KEY
            .get(py)?
            .call1((opener, source, iterator));
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

    /// Cancels a step, which has taken nothing: the next step gets what arrives. `anext(steps, None)` needs
    /// this method and the next one.
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

    /// One step of `await`: what to wait for, or `StopIteration` with the item.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shared = &self.shared;
        loop {
            match shared.stream.step(py, self.mode)? {
                Poll::Ready(Some(item)) => return returned(item.into_bound(py)),
                Poll::Ready(None) => return Err(PyStopAsyncIteration::new_err(())),
                Poll::Pending => {
                    shared.start(py)?;
                    if let Some(waiter) = shared.park(py, self.mode.interest())? {
                        return Ok(Some(waiter.into_any()));
                    }
                }
            }
        }
    }
}
