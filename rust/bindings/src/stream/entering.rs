//! `Entering`: what `async with stream` awaits.

use pyo3::prelude::*;
use tokenwire_core::stream::Interest;

use crate::stream::async_stream::AsyncLlmStream;
use crate::wake::awaitable::{returned, thrown};

/// Sends the request and waits for the answer's head.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(super) struct Entering {
    stream: Py<AsyncLlmStream>,
}

impl Entering {
    pub(super) fn new(stream: Py<AsyncLlmStream>) -> Self {
        Self { stream }
    }
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
        self.stream.get().shared.stream.close();
    }
}
