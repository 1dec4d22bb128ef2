//! How an event loop waits for a step of an exchange.

use std::sync::Arc;

use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;

use crate::raw::events::HttpEvents;
use crate::raw::shared::{Found, Shared, Want};
use crate::wake::awaitable::{returned, thrown};

/// The awaitable of one step. Cancelling the task that waits ends the exchange.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct ExchangeStep {
    shared: Arc<Shared>,
    want: Want,
    events: Option<Py<HttpEvents>>,
}

impl ExchangeStep {
    pub(super) fn new(shared: Arc<Shared>, want: Want) -> Self {
        Self {
            shared,
            want,
            events: None,
        }
    }

    pub(super) fn of_events(shared: Arc<Shared>, events: Py<HttpEvents>) -> Self {
        Self {
            shared,
            want: Want::Bytes,
            events: Some(events),
        }
    }

    fn look<'py>(&self, py: Python<'py>, takes_turns: bool) -> PyResult<Found<'py>> {
        match &self.events {
            Some(events) => events.get().look(py, takes_turns),
            None => self.shared.look(py, self.want, takes_turns),
        }
    }
}

#[pymethods]
impl ExchangeStep {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            match self.look(py, true)? {
                Found::Value(value) => return returned(value),
                Found::End => return Err(PyStopAsyncIteration::new_err(())),
                // A task that yields None runs again in the loop's next turn.
                Found::Rest => return Ok(Some(py.None().into_bound(py))),
                Found::Nothing => {
                    self.shared.start_async(py)?;
                    if let Some(waiter) = self.shared.park(py, self.want)? {
                        return Ok(Some(waiter.into_any()));
                    }
                }
            }
        }
    }

    /// As `__next__`. With it, this is a coroutine to asyncio, so that `create_task(anext(stream))` works.
    fn send<'py>(&self, py: Python<'py>, _value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match self.__next__(py)? {
            Some(waiter) => Ok(waiter),
            // The result is in the StopIteration that is set.
            None => Err(PyErr::take(py).unwrap_or_else(|| PyStopIteration::new_err(()))),
        }
    }

    /// Takes a step in an event loop other than asyncio's.
    ///
    /// Returns:
    ///     (None, the result), or (a descriptor, None): call it again when the descriptor is readable. Call `close` to
    ///     stop waiting.
    fn advance<'py>(&self, py: Python<'py>) -> PyResult<(Option<i64>, Option<Bound<'py, PyAny>>)> {
        loop {
            match self.look(py, false)? {
                Found::Value(value) => return Ok((None, Some(value))),
                Found::End => return Err(PyStopAsyncIteration::new_err(())),
                Found::Rest => {}
                Found::Nothing => {
                    self.shared.start_async(py)?;
                    if let Some(descriptor) = self.shared.park_at_descriptor(py, self.want)? {
                        return Ok((Some(descriptor), None));
                    }
                }
            }
        }
    }

    /// Ends the exchange: the waiting task was cancelled.
    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.close(kind.py());
        Err(thrown(kind, value))
    }

    /// Ends the exchange.
    fn close(&self, py: Python<'_>) {
        match &self.events {
            Some(events) => events.get().close(py),
            None => self.shared.close(py),
        }
    }
}
