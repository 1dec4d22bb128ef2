//! `LlmStream`: a sync stream holds a lane until it ends. A task on that lane, the pump, reads the body.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use tokenwire_core::stream::{Interest, pump};

use crate::ground::exit::calling_python;
use crate::ground::python;
use crate::observe;
use crate::process;
use crate::stream::custom::CustomReply;
use crate::stream::driver::Driver;
use crate::stream::reading::Mode;
use crate::stream::shared::{Found, Stream};
use crate::values::response::LlmResponse;

/// A stream and its lane, shared by the public object and its iterators.
pub(super) struct SyncStream {
    pub(super) stream: Arc<Stream>,
    // Locked while a reader waits, so that there is one reader at a time.
    driver: Mutex<Option<Driver>>,
}

impl SyncStream {
    /// Sends the request, at most once.
    fn start(self: &Arc<Self>, py: Python<'_>) -> PyResult<()> {
        self.stream.begin(py)?;
        if let Some(source) = self.stream.key_source(py) {
            let shared = self.clone();
            let entering = (LlmStream { shared }, source);
            calling_python(|| python::ENTER_WITH_KEY.get(py)?.call1(entering))?;
            return Ok(());
        }
        let Some(call) = self.stream.take_call() else {
            return Ok(());
        };
        let lease = match Driver::lease(py) {
            Ok(lease) => lease,
            Err(error) => {
                self.stream.put_back(call);
                return Err(self.stream.raise(py, error));
            }
        };
        let queue = self.stream.queue.clone();
        *self.driver.lock() = Driver::start(lease, |transport| async move {
            pump(&transport, call, queue).await;
        });
        Ok(())
    }

    /// Waits for the response head.
    fn head(&self, py: Python<'_>) -> PyResult<()> {
        loop {
            match self.stream.queue.head() {
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => return Err(self.stream.fail(py, error)),
                None => self.wait(py, Interest::Head)?,
            }
        }
    }

    /// Drives the lane until there is something for the reader.
    fn wait(&self, py: Python<'_>, interest: Interest) -> PyResult<()> {
        let queue = &self.stream.queue;
        let drive = || {
            let mut driver = self.driver.try_lock()?;
            let Some(running) = driver.as_ref() else {
                return Some(Ok(()));
            };
            let waited = running.wait(queue, interest);
            if waited.is_err() || queue.is_closed() {
                Driver::release(driver.take());
            }
            Some(waited)
        };
        let waited = py.detach(|| process::with_enough_stack(drive));
        let waited = waited.map_err(|error| self.stream.raise(py, error))?;
        waited.unwrap_or_else(|| {
            // Another thread is closing the stream. The next step raises the error for that.
            if queue.is_closed() {
                return Ok(());
            }
            Err(PyRuntimeError::new_err(
                "this stream is being read by another thread; a stream has one reader",
            ))
        })?;
        self.check_signals(py)
    }

    /// Ends the stream if a signal handler raises. While chunks keep arriving, no wait lasts long enough to check for
    /// signals, and `list(stream)` runs no Python code that would.
    fn check_signals(&self, py: Python<'_>) -> PyResult<()> {
        py.check_signals().map_err(|signal| {
            let closed = self.close(py);
            observe::error_or_interrupt(py, signal, closed)
        })
    }

    /// Frees the lane, unless a reader holds it; that reader frees it.
    fn finish(&self, py: Python<'_>) {
        py.detach(|| {
            if let Some(mut driver) = self.driver.try_lock() {
                Driver::release(driver.take());
            }
        });
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let closed = self.stream.close(py);
        self.finish(py);
        closed
    }

    fn next(self: &Arc<Self>, py: Python<'_>, mode: Mode) -> PyResult<Option<Py<PyAny>>> {
        loop {
            match self.stream.step(py, mode) {
                Ok(Found::Item(item)) => return Ok(Some(item)),
                Ok(Found::Rest) => self.check_signals(py)?,
                Ok(Found::End) => {
                    self.finish(py);
                    return Ok(None);
                }
                Ok(Found::Nothing) => {
                    self.start(py)?;
                    self.wait(py, mode.interest())?;
                }
                Err(error) => {
                    self.finish(py);
                    return Err(error);
                }
            }
        }
    }

    fn enter(self: &Arc<Self>, py: Python<'_>) -> PyResult<()> {
        self.start(py)?;
        self.head(py).inspect_err(|_| self.finish(py))
    }
}

impl Drop for SyncStream {
    fn drop(&mut self) {
        self.stream.close_in_drop();
        let driver = self.driver.lock().take();
        Driver::release(driver);
    }
}

/// A stream for `with` and `for`. It may move between threads, and has one reader at a time.
///
/// Each step returns an `LlmStreamChunk`. `with` sends the request and waits for the response head;
/// without `with`, the first step does so.
///
/// Raises:
///     LlmAPIError: On entering: the provider refused the request, or the connection failed.
///     LlmTimeoutError: A time limit was exceeded; `partial` is the reply so far.
///     LlmStreamingError: While reading: the stream broke off, ended early, or contained an error;
///         `partial` is the reply so far.
#[pyclass(frozen, subclass, module = "tokenwire", weakref)]
pub(crate) struct LlmStream {
    pub(super) shared: Arc<SyncStream>,
}

impl LlmStream {
    pub(crate) fn new(stream: Arc<Stream>) -> Self {
        Self {
            shared: Arc::new(SyncStream {
                stream,
                driver: Mutex::new(None),
            }),
        }
    }

    pub(super) fn iterate(&self, mode: Mode) -> StreamIterator {
        StreamIterator {
            shared: self.shared.clone(),
            mode,
        }
    }
}

#[pymethods]
impl LlmStream {
    // For the subclass in `custom_stream.py`. Python also passes what its `__init__` takes, the iterator.
    #[new]
    fn py_new(reply: &CustomReply, _source: &Bound<'_, PyAny>) -> Self {
        Self::new(reply.stream.clone())
    }

    /// Returns a stream of the chunks of an iterable, for your own client.
    ///
    /// The iterable runs in the reader's thread, and only when the stream is read. If it has `close()`,
    /// it is closed with the stream. Its last chunk needs a `finish_reason`; otherwise the stream ends
    /// with an `LlmStreamIncompleteError`.
    ///
    /// Args:
    ///     chunks: An iterable of `LlmStreamChunk`, or of `str` for text; usually a generator.
    ///     provider: Name of the provider, for the reply and errors.
    ///     model: The model that was asked.
    ///     id: The provider's id of the reply.
    ///     created: Unix time in seconds.
    ///     response_format: The type of `response.parsed`.
    ///     api: The API that it came by, such as "responses", if the chunks are those of another client.
    ///     status: See `LlmResponse.status`.
    ///
    /// Raises:
    ///     LlmConfigError: `chunks` is not iterable, or it is a str.
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
    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().shared.enter(slf.py())?;
        Ok(slf)
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.shared.next(py, Mode::Chunks)
    }

    /// The text of choice 0 as it arrives, one `str` for each delta.
    #[getter]
    fn text_stream(&self) -> StreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Text)
    }

    /// Typed events: `TextDelta`, `ReasoningDelta`, `RefusalDelta`, `ToolCallDelta`, `ToolCallDone`,
    /// `UsageReported`, and `End` after a complete stream.
    fn events(&self) -> StreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Events)
    }

    /// Lists of chunks. Each step returns all that have arrived, at least one and at most 1,024.
    fn batches(&self) -> StreamIterator {
        self.iterate(Mode::Batches)
    }

    /// The reply so far. It is complete after the stream was read to its end.
    #[getter]
    fn response(&self, py: Python<'_>) -> PyResult<LlmResponse> {
        self.shared.stream.response(py)
    }

    /// Closes the stream and its connection, from any thread. A waiting reader gets `LlmClientClosedError`.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.shared.close(py)
    }

    /// Enters the stream with this key in its request.
    #[pyo3(signature = (*, api_key, may_renew=false))]
    fn _enter_with(&self, py: Python<'_>, api_key: String, may_renew: bool) -> PyResult<()> {
        self.shared.stream.set_key(py, api_key, may_renew)?;
        self.shared.enter(py)
    }

    fn __repr__(&self) -> String {
        format!("LlmStream({})", self.shared.stream)
    }
}

/// Iterates over a stream in one form.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct StreamIterator {
    shared: Arc<SyncStream>,
    mode: Mode,
}

#[pymethods]
impl StreamIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.shared.next(py, self.mode)
    }
}
