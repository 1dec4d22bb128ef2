//! `LlmStream`: a sync stream holds its lane until it ends; its body pump is a task on that lane.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use tokenwire_core::stream::{Interest, Parker, pump};
use tokio::task::JoinHandle;

use crate::ground::exit::calling_python;
use crate::ground::{fork, python};
use crate::process::Lease;
use crate::stream::custom::CustomReply;
use crate::stream::shared::{Mode, Stream};
use crate::values::response::LlmResponse;

/// The lane of a running stream, and the task that reads the wire on it.
struct Driver {
    lease: Lease,
    pump: JoinHandle<()>,
    generation: u64,
}

impl Driver {
    /// Lets the pump end (drain after the terminal mark, or drop the body), then frees the lane.
    fn settle(&mut self) {
        if self.generation == fork::generation()
            && let Some(lane) = self.lease.lane()
        {
            lane.settle(&mut self.pump);
        }
    }
}

/// A stream and the lane that drives it, shared by the public object and its iterators.
struct SyncStream {
    stream: Arc<Stream>,
    // Locked while a reader waits; the key to "one reader at a time".
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
        let lease = match py.detach(Lease::new) {
            Ok(lease) => lease,
            Err(error) => {
                self.stream.put_back(call);
                return Err(self.stream.raise(py, error));
            }
        };
        let Some(lane) = lease.lane() else {
            return Ok(());
        };
        let (transport, queue) = (lane.transport.clone(), self.stream.queue.clone());
        let pump = lane.spawn(async move { pump(&transport, call, queue).await });
        *self.driver.lock() = Some(Driver {
            lease,
            pump,
            generation: fork::generation(),
        });
        Ok(())
    }

    /// Waits for the head.
    fn head(&self, py: Python<'_>) -> PyResult<()> {
        loop {
            match self.stream.queue.head() {
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => return Err(self.stream.fail(py, error)),
                None => self.wait(py, Interest::Head)?,
            }
        }
    }

    /// Drives the lane until there is something for this reader.
    fn wait(&self, py: Python<'_>, interest: Interest) -> PyResult<()> {
        let queue = &self.stream.queue;
        let waited = py.detach(|| {
            let mut driver = self.driver.try_lock()?;
            let Some(Driver { lease, .. }) = driver.as_ref() else {
                return Some(Ok(()));
            };
            let lane = lease.lane()?;
            queue.resume();
            let waited = lane.drive(poll_fn(|context| {
                if queue.park(Parker::Task(context.waker().clone()), interest) {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            }));
            queue.leave();
            // A signal handler raised: the stream ends here, and its connection with it.
            if waited.is_err() {
                queue.close();
            }
            if waited.is_err() || queue.is_closed() {
                Self::release(&mut driver);
            }
            Some(waited)
        });
        waited.unwrap_or_else(|| {
            // Another thread closes the stream and frees its lane; the next step says so.
            if queue.is_closed() {
                return Ok(());
            }
            Err(PyRuntimeError::new_err(
                "this stream is being read by another thread; a stream has one reader",
            ))
        })?;
        // A stream that flows ends each wait before its tick, and `list(stream)` runs no Python code.
        py.check_signals().inspect_err(|_| {
            self.stream.close();
            self.finish(py);
        })
    }

    fn release(driver: &mut Option<Driver>) {
        if let Some(mut driver) = driver.take() {
            driver.settle();
        }
    }

    /// Frees the lane, unless a reader holds it and will.
    fn finish(&self, py: Python<'_>) {
        py.detach(|| {
            if let Some(mut driver) = self.driver.try_lock() {
                Self::release(&mut driver);
            }
        });
    }

    fn next(self: &Arc<Self>, py: Python<'_>, mode: Mode) -> PyResult<Option<Py<PyAny>>> {
        loop {
            match self.stream.step(py, mode) {
                Ok(Poll::Ready(Some(item))) => return Ok(Some(item)),
                Ok(Poll::Ready(None)) => {
                    self.finish(py);
                    return Ok(None);
                }
                Ok(Poll::Pending) => {
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

    fn close(&self, py: Python<'_>) {
        self.stream.close();
        self.finish(py);
    }
}

impl Drop for SyncStream {
    fn drop(&mut self) {
        let Some(mut driver) = self.driver.lock().take() else {
            return;
        };
        if driver.generation == fork::generation() {
            self.stream.close();
            driver.settle();
        } else {
            // The task's runtime is the parent's.
            std::mem::forget(driver);
        }
    }
}

/// A stream for `with` and `for`; it may move between threads, one reader at a time.
///
/// Each step gives an `LlmStreamChunk`. `with` sends the request and waits for the answer's head;
/// without it the first step does.
///
/// Raises:
///     LlmAPIError: On entering: the provider refused, or there was no usable connection.
///     LlmTimeoutError: A limit ran out; `partial` is the reply so far.
///     LlmStreamingError: While reading: the stream broke off, ended early, or brought an error;
///         `partial` is the reply so far.
#[pyclass(frozen, subclass, module = "tokenwire", weakref)]
pub(crate) struct LlmStream {
    shared: Arc<SyncStream>,
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

    fn iterate(&self, mode: Mode) -> StreamIterator {
        StreamIterator {
            shared: self.shared.clone(),
            mode,
        }
    }
}

#[pymethods]
impl LlmStream {
    #[new]
    fn py_new(reply: &CustomReply, _source: &Bound<'_, PyAny>) -> Self {
        Self::new(reply.stream.clone())
    }

    /// A stream of the chunks that an iterable gives; for clients of your own.
    ///
    /// Nothing of it runs before the stream is entered or read. It runs in the reader's thread, is
    /// closed with the stream where it has `close()`, and its last chunk has to say a
    /// `finish_reason`: an end without one is an `LlmStreamIncompleteError`.
    ///
    /// Args:
    ///     chunks: Gives `LlmStreamChunk`, or `str` for text alone; a generator, most often.
    ///     provider: Name of the provider, for the reply, errors and events.
    ///     model: The model that was asked for.
    ///     id: The provider's id of the reply.
    ///     created: Unix time in seconds.
    ///     response_format: The type that `response.parsed` reads the text as.
    ///
    /// Raises:
    ///     LlmConfigError: `chunks` is not iterable, or a str.
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
    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().shared.enter(slf.py())?;
        Ok(slf)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.shared.close(py);
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.shared.next(py, Mode::Chunks)
    }

    /// The text of choice 0 as it comes, one `str` for each delta.
    #[getter]
    fn text_stream(&self) -> StreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Text)
    }

    /// Typed events: `TextDelta`, `ReasoningDelta`, `RefusalDelta`, `ToolCallDelta`, `ToolCallDone`,
    /// `UsageReported`, and `End` when the stream is whole.
    fn events(&self) -> StreamIterator {
        self.shared.stream.queue.forgo_raw();
        self.iterate(Mode::Events)
    }

    /// Lists of chunks, at least one in each: a step brings all that has arrived.
    fn batches(&self) -> StreamIterator {
        self.iterate(Mode::Batches)
    }

    /// The reply as received so far; complete once the stream has been read to its end.
    #[getter]
    fn response(&self, py: Python<'_>) -> PyResult<LlmResponse> {
        self.shared.stream.response(py)
    }

    /// Closes the stream and its connection, from any thread. A reader that waits gets `LlmClientClosedError`.
    fn close(&self, py: Python<'_>) {
        self.shared.close(py);
    }

    /// Enters with a fresh key in a request that was not sent.
    #[pyo3(signature = (*, api_key, may_renew=false))]
    fn _enter_with(&self, py: Python<'_>, api_key: String, may_renew: bool) -> PyResult<()> {
        self.shared.stream.set_key(py, api_key, may_renew)?;
        self.shared.enter(py)
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
            "LlmStream(model={:?}, state={})",
            &*stream.caller.model,
            stream.state()
        )
    }
}

/// Iterates a stream in one of its forms.
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
