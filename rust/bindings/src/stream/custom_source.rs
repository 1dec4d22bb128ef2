//! What brings the chunks of a stream that is not the engine's: an iterator, from a custom client.
//!
//! It runs in its reader's thread or task, one step at a time, as any generator does. The queue behind it folds
//! the chunks, keeps time and reports the end to readers, as it does for what comes off the wire.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use pyo3::exceptions::{PyException, PyRuntimeError, PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString};
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::message::{Chunk, ChunkKind, Reply, Timing};

use crate::ground::exception;
use crate::ground::exit::calling_python;
use crate::observe::nested::NestedCalls;
use crate::stream::shared::Stream;
use crate::values::chunk::LlmStreamChunk;

/// An iterator, and how far it has come.
pub(crate) struct CustomSource {
    started: Instant,
    begun: AtomicBool,
    // Set while Python code of the iterator runs.
    is_busy: AtomicBool,
    held: Mutex<Held>,
    failure: Mutex<Option<PyErr>>,
}

#[derive(Default)]
struct Held {
    iterator: Option<Py<PyAny>>,
    // The step of an async iterator that has begun, and the future that it waits for.
    step: Option<Py<PyAny>>,
    waits_for: Option<Py<PyAny>>,
    // Whether the closing has cancelled that step: what it waits for since then is its own cleaning up.
    is_cancelled: bool,
}

/// How a step that has begun goes on.
pub(crate) enum Resume {
    Send,
    Throw(PyErr),
}

/// The right to run the iterator; one step at a time.
struct BusyGuard<'a>(&'a CustomSource);

impl Drop for BusyGuard<'_> {
    fn drop(&mut self) {
        self.0.is_busy.store(false, Ordering::Release);
    }
}

impl CustomSource {
    pub(crate) fn new(iterator: Bound<'_, PyAny>, started: Instant) -> Self {
        Self {
            started,
            begun: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            held: Mutex::new(Held {
                iterator: Some(iterator.unbind()),
                ..Held::default()
            }),
            failure: Mutex::new(None),
        }
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// What the iterator raised.
    pub(crate) fn failure(&self, py: Python<'_>) -> Option<PyErr> {
        let failure = self.failure.lock();
        failure.as_ref().map(|failure| failure.clone_ref(py))
    }

    fn busy(&self) -> Option<BusyGuard<'_>> {
        (!self.is_busy.swap(true, Ordering::AcqRel)).then(|| BusyGuard(self))
    }

    fn iterator<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let held = self.held.lock();
        held.iterator.as_ref().map(|held| held.bind(py).clone())
    }

    fn take_iterator<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let taken = self.held.lock().iterator.take();
        taken.map(|taken| taken.into_bound(py))
    }

    fn timing(&self) -> Timing {
        Timing {
            total: Some(self.started.elapsed().as_secs_f64()),
            ..Timing::default()
        }
    }

    /// Closes a sync iterator, unless a step of it runs: that one does so at its end.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.busy() {
            Some(_busy) => self.release(py),
            None => Ok(()),
        }
    }

    fn release(&self, py: Python<'_>) -> PyResult<()> {
        let Some(iterator) = self.take_iterator(py) else {
            return Ok(());
        };
        match iterator.getattr_opt("close")? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }

    /// Closes an async iterator: what is to be awaited, where no step of it runs. A step that waits is
    /// cancelled, and ends.
    pub(crate) fn aclose<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(busy) = self.busy() else {
            return Ok(None);
        };
        if self.has_step() {
            drop(busy);
            self.cancel_step(py)?;
            return Ok(None);
        }
        let Some(iterator) = self.take_iterator(py) else {
            return Ok(None);
        };
        match iterator.getattr_opt("aclose")? {
            Some(aclose) => aclose.call0().map(Some),
            None => Ok(None),
        }
    }

    /// Drops an async iterator from code that does not await; the loop closes a generator.
    pub(crate) fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        let Some(busy) = self.busy() else {
            return Ok(());
        };
        if self.has_step() {
            drop(busy);
            return self.cancel_step(py);
        }
        drop(self.take_iterator(py));
        Ok(())
    }

    /// Cancels what a step waits for. Once the loop knows, the reader may run the step, so a closing thread no
    /// longer holds the right to.
    fn cancel_step(&self, py: Python<'_>) -> PyResult<()> {
        let mut held = self.held.lock();
        let waits_for = held.waits_for.as_ref().map(|it| it.clone_ref(py));
        let Some(waits_for) = waits_for.filter(|it| !it.is_none(py) && !held.is_cancelled) else {
            return Ok(());
        };
        held.is_cancelled = true;
        drop(held);
        // The closing may come from any thread.
        let cancel = waits_for.getattr(py, "cancel")?;
        let owner = waits_for.call_method0(py, "get_loop")?;
        owner.call_method1(py, "call_soon_threadsafe", (cancel,))?;
        Ok(())
    }

    /// Ends a step that is no longer waited for.
    pub(crate) fn drop_step(&self, py: Python<'_>) -> PyResult<()> {
        let step = {
            let mut held = self.held.lock();
            (held.step.take(), held.waits_for.take())
        };
        match step.0 {
            Some(step) => step.call_method0(py, "close").map(drop),
            None => Ok(()),
        }
    }

    pub(crate) fn has_step(&self) -> bool {
        self.held.lock().step.is_some()
    }

    /// Whether the step that has begun is another reader's, who waits.
    fn is_waited_for(&self, py: Python<'_>) -> PyResult<bool> {
        let waits_for = {
            let held = self.held.lock();
            held.waits_for.as_ref().map(|it| it.clone_ref(py))
        };
        match waits_for.filter(|it| !it.is_none(py)) {
            Some(future) => Ok(!future.call_method0(py, "done")?.is_truthy(py)?),
            None => Ok(false),
        }
    }

    fn hold(&self, step: Option<Py<PyAny>>, waits_for: Option<Py<PyAny>>) {
        let before = {
            let mut held = self.held.lock();
            (
                std::mem::replace(&mut held.step, step),
                std::mem::replace(&mut held.waits_for, waits_for),
            )
        };
        drop(before);
    }

    /// Enters a stream that waits for no head.
    pub(crate) fn enter(&self, py: Python<'_>, stream: &Stream) -> PyResult<()> {
        stream.check_generation(py)?;
        self.begin();
        match stream.queue.head() {
            Some(Err(error)) => Err(stream.fail(py, error)),
            _ => Ok(()),
        }
    }

    /// Takes a chunk out of a sync iterator.
    pub(crate) fn advance(&self, py: Python<'_>, stream: &Stream) -> PyResult<()> {
        let Some(_busy) = self.busy() else {
            return Err(PyRuntimeError::new_err(
                "this stream is being read by another thread; a stream has one reader",
            ));
        };
        self.begin();
        let Some(iterator) = self.iterator(py) else {
            return Ok(());
        };
        let mut iterator = iterator.cast_into::<PyIterator>()?;
        let inside = NestedCalls::enter(py)?;
        let next = calling_python(|| iterator.next());
        drop(inside);
        match next {
            Some(Ok(item)) => self.took(py, stream, &item)?,
            Some(Err(error)) => self.failed(py, stream, error)?,
            None => self.ended(stream),
        }
        if stream.queue.is_over() || stream.queue.is_closed() {
            self.release(py)?;
        }
        Ok(())
    }

    /// Goes on with a step of an async iterator; a future where it has to wait.
    pub(crate) fn advance_async<'py>(
        &self,
        py: Python<'py>,
        stream: &Stream,
        resume: Resume,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let second_reader = || {
            PyRuntimeError::new_err(
                "this stream is being read by another task; a stream has one reader",
            )
        };
        let _busy = self.busy().ok_or_else(second_reader)?;
        self.begin();
        let held = self.held.lock().step.as_ref().map(|it| it.clone_ref(py));
        if held.is_some() && matches!(resume, Resume::Send) && self.is_waited_for(py)? {
            return Err(second_reader());
        }
        let Some(iterator) = self.iterator(py) else {
            return Ok(None);
        };
        let (step, outcome) = {
            let _inside = NestedCalls::enter(py)?;
            calling_python(|| {
                let step = match held {
                    Some(step) => Ok(step.into_bound(py)),
                    None => (iterator.call_method0("__anext__"))
                        .and_then(|awaitable| awaitable.call_method0("__await__")),
                };
                match (step, resume) {
                    (Err(error), _) => (None, Err(error)),
                    (Ok(step), Resume::Send) => (Some(step.clone()), step.call_method0("__next__")),
                    (Ok(step), Resume::Throw(error)) => {
                        let thrown = step.call_method1("throw", (error.into_value(py),));
                        (Some(step), thrown)
                    }
                }
            })
        };
        let error = match outcome {
            Ok(waits_for) => {
                self.hold(step.map(Bound::unbind), Some(waits_for.clone().unbind()));
                if stream.queue.is_closed() {
                    self.cancel_step(py)?;
                }
                return Ok(Some(waits_for));
            }
            Err(error) => error,
        };
        self.hold(None, None);
        if error.is_instance_of::<PyStopIteration>(py) {
            self.took(py, stream, &error.value(py).getattr("value")?)?;
        } else if error.is_instance_of::<PyStopAsyncIteration>(py) {
            self.ended(stream);
        } else if stream.queue.is_closed() && is_cancellation(py, &error) {
            // The closing cancelled the step; the reader gets the error of a closed stream.
        } else {
            self.failed(py, stream, error)?;
        }
        Ok(None)
    }

    fn took(&self, py: Python<'_>, stream: &Stream, item: &Bound<'_, PyAny>) -> PyResult<()> {
        let chunk = match (item.cast::<LlmStreamChunk>(), item.cast::<PyString>()) {
            (Ok(chunk), _) => Ok(chunk.get().chunk().clone()),
            (_, Ok(text)) => text.to_str().map(|text| Chunk {
                kind: ChunkKind::Text(text.into()),
                raw: None,
            }),
            _ => {
                let kind = item.get_type().name()?;
                let problem =
                    format!("the source of a stream gives LlmStreamChunk or str, not {kind}");
                Err(exception::of_kind(py, ErrorKind::Validation, &problem))
            }
        };
        match chunk {
            Ok(chunk) => {
                stream.queue.publish(&mut vec![chunk], None);
                Ok(())
            }
            Err(error) => self.failed(py, stream, error),
        }
    }

    fn ended(&self, stream: &Stream) {
        let (reply, ..) = stream.queue.snapshot();
        let end = if is_whole(&reply) {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::StreamIncomplete,
                "the source of the stream ended without a finish_reason, so the reply may be cut; \
                 its last chunk says finish_reason=\"stop\" or another reason",
            ))
        };
        stream.queue.finish(end, self.timing(), Vec::new());
    }

    /// Ends the stream with what its source raised. What is not an `Exception` (an interrupt, a
    /// cancellation) ends the step alone.
    fn failed(&self, py: Python<'_>, stream: &Stream, error: PyErr) -> PyResult<()> {
        if !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
        let ended = Error::new(
            ErrorKind::StreamInterrupted,
            "the source of the stream failed",
        );
        stream.queue.finish(Err(ended), self.timing(), Vec::new());
        complete_error(py, stream, &error)?;
        *self.failure.lock() = Some(error);
        Ok(())
    }
}

/// Writes into an `LlmError` what its source did not: whose it is, and the reply so far.
fn complete_error(py: Python<'_>, stream: &Stream, error: &PyErr) -> PyResult<()> {
    let error = error.value(py).as_any();
    let lacks = |name| {
        let found = error.getattr_opt(name);
        PyResult::Ok(found?.is_some_and(|found: Bound<'_, PyAny>| found.is_none()))
    };
    if lacks("partial")? {
        let (reply, ..) = stream.queue.snapshot();
        if !reply.choices.is_empty() {
            error.setattr("partial", stream.response(py)?)?;
        }
    }
    if lacks("provider")? {
        error.setattr("provider", &*stream.caller.provider)?;
    }
    if lacks("model")? {
        error.setattr("model", &*stream.caller.model)?;
    }
    Ok(())
}

/// Whether every choice that began has said why it ended.
fn is_whole(reply: &Reply) -> bool {
    let mut choices = reply.choices.iter();
    !reply.choices.is_empty() && choices.all(|choice| choice.finish_reason.is_some())
}

fn is_cancellation(py: Python<'_>, error: &PyErr) -> bool {
    let cancelled = py
        .import("asyncio")
        .and_then(|asyncio| asyncio.getattr("CancelledError"));
    cancelled.is_ok_and(|cancelled| error.is_instance(py, &cancelled))
}
