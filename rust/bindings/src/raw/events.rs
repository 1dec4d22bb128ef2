//! `HttpEvents`: the events of a reply, each built into an object by a function that Python gives.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit, intern};
use tokenwire_core::config::Limits;
use tokenwire_core::error::Error;
use tokenwire_core::raw::{EventCutter, RawEvent};
use tokenwire_core::stream::Taken;

use crate::raw::shared::{Found, Shared, Want};
use crate::raw::step::ExchangeStep;
use crate::stream::parking::second_reader;
use crate::stream::turn::{ITEMS_PER_LOOK, Turn};
use crate::wake::awaitable::Ready;

/// What ends a stream of openai's.
const DONE: &[u8] = b"[DONE]";

/// Events of an API that are built otherwise.
const THREAD: &[u8] = b"thread.";

/// How the data of an event most often begin if it has a type.
const TYPE: &[u8] = b"{\"type\":\"";

/// An object of openai's takes about as long as this many items of a `ChatClient` stream.
const ITEMS_PER_EVENT: u32 = 8;

/// The events of a reply that were taken and not returned yet.
struct Reading {
    pieces: VecDeque<Bytes>,
    cutter: EventCutter,
    turn: Turn,
}

/// The events of a reply, as the objects of openai's own classes. It is a sync and an async iterator with one reader, and
/// ends at `[DONE]` or at the end of the body.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct HttpEvents {
    pub(super) shared: Arc<Shared>,
    reading: Mutex<Reading>,
    is_over: AtomicBool,
    /// Whether the mark has come, and the end of the body will say what is missing.
    is_short: AtomicBool,
    /// Validates data, or a dict of such functions by the event's type.
    validate: Py<PyAny>,
    strict: Py<PyDict>,
    other: Py<PyAny>,
    failed: Py<PyAny>,
    finish: Py<PyAny>,
}

impl HttpEvents {
    pub(super) fn new(
        py: Python<'_>,
        shared: Arc<Shared>,
        [validate, other, failed, finish]: [Py<PyAny>; 4],
    ) -> PyResult<Self> {
        let strict = PyDict::new(py);
        strict.set_item(intern!(py, "strict"), true)?;
        Ok(Self {
            shared,
            reading: Mutex::new(Reading {
                pieces: VecDeque::new(),
                cutter: EventCutter::new(Limits::default().max_event_bytes),
                turn: Turn::default(),
            }),
            is_over: AtomicBool::new(false),
            is_short: AtomicBool::new(false),
            validate,
            strict: strict.unbind(),
            other,
            failed,
            finish,
        })
    }

    /// What there is, without a wait. `takes_turns` is for event loops.
    pub(super) fn look<'py>(&self, py: Python<'py>, takes_turns: bool) -> PyResult<Found<'py>> {
        let is_ours = self.shared.check_process(py);
        is_ours.map_err(|error| self.failed(py, &error))?;
        loop {
            if let Some(found) = self.step(py, takes_turns)? {
                return Ok(found);
            }
        }
    }

    /// One event; `None` if openai ignores it.
    fn step<'py>(&self, py: Python<'py>, takes_turns: bool) -> PyResult<Option<Found<'py>>> {
        if self.is_over.load(Ordering::Acquire) {
            return Ok(Some(Found::End));
        }
        let event = match self.take(takes_turns)? {
            Next::Event(_) if self.is_short.load(Ordering::Acquire) => return Ok(None),
            Next::Event(event) => event,
            Next::Rest => return Ok(Some(Found::Rest)),
            Next::Nothing => return Ok(Some(Found::Nothing)),
            Next::End(error) => {
                // What happens to the connection after the end mark does not matter.
                let error = error.filter(|_| !self.shared.exchange.is_whole());
                let raised = error.map(|error| self.failed(py, &self.shared.raise(py, error)));
                self.end(py)?;
                return raised.map_or(Ok(Some(Found::End)), Err);
            }
        };
        if event.data.starts_with(DONE) {
            if self.shared.exchange.is_short() {
                self.is_short.store(true, Ordering::Release);
                return Ok(None);
            }
            self.shared.close_read(py);
            self.end(py)?;
            return Ok(Some(Found::End));
        }
        match self.build(py, &event) {
            Ok(built) if built.is(py.NotImplemented()) => Ok(None),
            Ok(built) => Ok(Some(Found::Value(built))),
            Err(error) => {
                self.end(py)?;
                Err(error)
            }
        }
    }

    /// What a reader sees for an exception of the exchange.
    fn failed(&self, py: Python<'_>, raised: &PyErr) -> PyErr {
        let seen = self.failed.bind(py).call1((raised.value(py),));
        seen.map_or_else(|broken| broken, PyErr::from_value)
    }

    fn take(&self, takes_turns: bool) -> PyResult<Next> {
        // Waiting for this lock could deadlock: its holder may need this thread's GIL.
        let mut reading = self.reading.try_lock().ok_or_else(second_reader)?;
        let Reading {
            pieces,
            cutter,
            turn,
        } = &mut *reading;
        loop {
            // Bytes without an event, such as comments, may arrive as fast as they are read.
            if takes_turns && !pieces.is_empty() && turn.is_over(ITEMS_PER_EVENT) {
                return Ok(Next::Rest);
            }
            match cutter.next(pieces) {
                Ok(Some(event)) => {
                    turn.count_text(event.data.len());
                    return Ok(Next::Event(event));
                }
                Ok(None) if !pieces.is_empty() => {
                    turn.taken += ITEMS_PER_LOOK;
                    continue;
                }
                Ok(None) => {}
                Err(error) => return Ok(Next::End(Some(error))),
            }
            match self.shared.exchange.take(pieces) {
                Taken::Items => {}
                Taken::Nothing => return Ok(Next::Nothing),
                Taken::End(error) => return Ok(Next::End(error)),
            }
        }
    }

    fn build<'py>(&self, py: Python<'py>, event: &RawEvent) -> PyResult<Bound<'py, PyAny>> {
        let data = PyBytes::new(py, &event.data);
        if let Some(validate) = self.validator(py, event)? {
            match validate.call((&data,), Some(self.strict.bind(py))) {
                Ok(built) if !is_error(&built)? => return Ok(built),
                Ok(_) => {}
                // The data do not fit the class.
                Err(error) if error.is_instance_of::<PyValueError>(py) => {}
                Err(error) => return Err(error),
            }
        }
        self.other
            .bind(py)
            .call1((data, PyBytes::new(py, &event.name)))
    }

    fn validator<'py>(
        &self,
        py: Python<'py>,
        event: &RawEvent,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if event.name.starts_with(THREAD) {
            return Ok(None);
        }
        let validate = self.validate.bind(py);
        let Ok(by_type) = validate.cast::<PyDict>() else {
            return Ok(Some(validate.clone()));
        };
        // If this is wrong, the class with that type refuses the data.
        let of_data = event.data.strip_prefix(TYPE).and_then(|rest| {
            let end = rest.iter().position(|&byte| byte == b'"')?;
            rest.get(..end)
        });
        let kind = std::str::from_utf8(of_data.unwrap_or(&event.name)).unwrap_or_default();
        by_type.get_item(PyString::new(py, kind))
    }

    /// The end of the stream, whatever the reason. Python closes the response.
    fn end(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_over.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.shared.close(py);
        self.finish.bind(py).call0().map(drop)
    }

    /// The same, where it may be another process's.
    pub(super) fn close(&self, py: Python<'_>) {
        if self.shared.is_ours()
            && let Err(error) = self.end(py)
        {
            error.write_unraisable(py, None);
        }
    }
}

/// What comes next in a body.
enum Next {
    Event(RawEvent),
    Rest,
    Nothing,
    End(Option<Error>),
}

/// Whether it has an `error` besides the fields of its class.
fn is_error(built: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = built.py();
    let Some(extra) = built.getattr_opt(intern!(py, "__pydantic_extra__"))? else {
        return Ok(false);
    };
    let Ok(extra) = extra.cast::<PyDict>() else {
        return Ok(false);
    };
    if extra.is_empty() {
        return Ok(false);
    }
    let error = extra.get_item(intern!(py, "error"))?;
    error.map_or(Ok(false), |error| error.is_truthy())
}

#[pymethods]
impl HttpEvents {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let step = self
            .shared
            .sync_step(py, Want::Bytes, |py| self.look(py, false));
        // A signal handler that raised has closed the exchange.
        step.inspect_err(|_| {
            if self.shared.exchange.is_closed() {
                self.close(py);
            }
        })
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Py<Self>) -> ExchangeStep {
        let shared = slf.get().shared.clone();
        ExchangeStep::of_events(shared, slf)
    }

    /// Ends the stream, as that of a generator does.
    #[pyo3(name = "close")]
    fn py_close(&self, py: Python<'_>) -> PyResult<()> {
        self.end(py)
    }

    /// The same, as that of an async generator does.
    fn aclose(&self, py: Python<'_>) -> PyResult<Ready> {
        self.end(py).map(|()| Ready)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.validate)?;
        visit.call(&self.other)?;
        visit.call(&self.failed)?;
        visit.call(&self.finish)
    }
}

impl Drop for HttpEvents {
    fn drop(&mut self) {
        if !*self.is_over.get_mut() && self.shared.is_ours() {
            self.shared.exchange.close();
        }
    }
}
