//! `AsyncLlmStream`: an await step that does not suspend while anything is buffered.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyStopAsyncIteration};
use pyo3::prelude::*;
use pyo3::types::PyType;
use tokenwire_core::stream::{Interest, Parker, pump};

use crate::ground::python;
use crate::process;
use crate::stream::custom_source::Resume;
use crate::stream::entering::Entering;
use crate::stream::from_chunks::{self, Described};
use crate::stream::shared::{Mode, Step, Stream};
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
    pub(super) stream: Stream,
    waiting: Mutex<Waiting>,
}

impl AsyncStream {
    /// Sends the request, at most once.
    pub(super) fn start(&self, py: Python<'_>) -> PyResult<()> {
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

    /// Sends the request if need be, and waits for what comes; what to yield, as of `park`.
    fn wait<'py>(
        &self,
        py: Python<'py>,
        interest: Interest,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(source) = &self.stream.source {
            return source.advance_async(py, &self.stream, Resume::Send);
        }
        self.start(py)?;
        Ok(self.park(py, interest)?.map(Bound::into_any))
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
#[pyclass(frozen, module = "tokenwire", weakref)]
pub(crate) struct AsyncLlmStream {
    pub(super) shared: Arc<AsyncStream>,
}

impl AsyncLlmStream {
    pub(crate) fn new(stream: Stream) -> Self {
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
    /// A stream of the chunks that an async iterable gives; see `LlmStream.from_chunks`.
    ///
    /// It runs in the reader's task: to cancel a step cancels it, as with any async generator.
    ///
    /// Raises:
    ///     LlmConfigError: `chunks` is not an async iterable.
    #[classmethod]
    #[pyo3(signature = (chunks, *, provider, model, id=None, created=None, response_format=None))]
    #[allow(clippy::too_many_arguments, reason = "named one by one")]
    fn from_chunks(
        _cls: &Bound<'_, PyType>,
        chunks: &Bound<'_, PyAny>,
        provider: String,
        model: String,
        id: Option<String>,
        created: Option<i64>,
        response_format: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let iterator = from_chunks::iterator(chunks, "__aiter__", "an async iterable")?;
        let described = Described {
            provider,
            model,
            id,
            created,
            response_format,
        };
        Ok(Self::new(described.stream(iterator)))
    }

    /// Sends the request and waits for a 2xx head; errors of connection, status and head are raised here.
    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let py = slf.py();
        if let Some(source) = slf.get().shared.stream.key_source(py) {
            return python::ENTER_WITH_KEY.get(py)?.call1((slf, source));
        }
        Ok(Bound::new(py, Entering::new(slf.unbind()))?.into_any())
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        self.aclose(py)
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
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.shared.stream.close();
        match &self.shared.stream.source {
            Some(source) => source.abandon(py),
            None => Ok(()),
        }
    }

    /// Closes the stream and its connection.
    fn aclose(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.shared.stream.close();
        let source = self.shared.stream.source.as_ref();
        let closing = source.map_or(Ok(None), |source| source.aclose(py))?;
        match closing {
            Some(closing) => Ok(closing.unbind()),
            None => Ok(Py::new(py, Ready)?.into_any()),
        }
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

    /// Ends the call with the refusal of its key: no fresh one can be had.
    fn _end_refused(&self, refusal: Bound<'_, PyAny>) {
        let py = refusal.py();
        self.shared
            .stream
            .end_refused(py, &PyErr::from_value(refusal));
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

    /// A step that is cancelled takes nothing: what comes waits for the next one. `anext(steps, None)`
    /// hands the cancellation on by this method. The source of a stream of `from_chunks` is cancelled.
    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw<'py>(
        &self,
        py: Python<'py>,
        kind: Bound<'py, PyAny>,
        value: Option<Bound<'py, PyAny>>,
        _traceback: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let thrown = thrown(kind, value);
        let stream = &self.shared.stream;
        match &stream.source {
            Some(source) if source.has_step() => {
                let waits_for = source.advance_async(py, stream, Resume::Throw(thrown))?;
                waits_for.map_or_else(|| self.__next__(py), |future| Ok(Some(future)))
            }
            _ => Err(thrown),
        }
    }

    /// Ends a step that is no longer waited for.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match &self.shared.stream.source {
            Some(source) => source.drop_step(py),
            None => Ok(()),
        }
    }

    /// One await step: what to wait for, or StopIteration with the item.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shared = &self.shared;
        // A step of a source goes on before anything else is looked at: a closing waits for its cleaning up.
        if let Some(source) = &shared.stream.source
            && source.has_step()
            && let Some(future) = source.advance_async(py, &shared.stream, Resume::Send)?
        {
            return Ok(Some(future));
        }
        loop {
            match shared.stream.step(py, self.mode)? {
                Step::Item(item) => return returned(item.into_bound(py)),
                Step::End => return Err(PyStopAsyncIteration::new_err(())),
                Step::Wait => {
                    if let Some(future) = shared.wait(py, self.mode.interest())? {
                        return Ok(Some(future));
                    }
                }
            }
        }
    }
}
