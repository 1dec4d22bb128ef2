//! `HttpExchange`: one request of another library with its reply.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;
use tokenwire_core::raw::RawCall;

use crate::raw::events::HttpEvents;
use crate::raw::shared::{Shared, Want};
use crate::raw::step::ExchangeStep;

/// One request with its reply. It is used either by the sync or by the async methods, and has one reader. The first
/// method that waits sends the request.
///
/// Errors are what `raised` makes of them.
#[pyclass(frozen, module = "tokenwire._engine", weakref)]
pub(crate) struct HttpExchange {
    shared: Arc<Shared>,
}

impl HttpExchange {
    pub(super) fn new(call: RawCall, raised: Py<PyAny>) -> Self {
        Self {
            shared: Arc::new(Shared::new(call, raised)),
        }
    }

    fn sync_step<'py>(&self, py: Python<'py>, want: Want) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shared = &self.shared;
        shared.sync_step(py, want, |py| shared.look(py, want, false))
    }

    fn step(&self, want: Want) -> ExchangeStep {
        ExchangeStep::new(self.shared.clone(), want)
    }
}

#[pymethods]
impl HttpExchange {
    /// Waits until another piece of the request is wanted, or none is any more.
    fn wants(&self, py: Python<'_>) -> PyResult<bool> {
        let wants = self.sync_step(py, Want::Sending)?;
        wants.map_or(Ok(false), |wants| wants.extract())
    }

    /// The same for an event loop.
    fn wants_async(&self) -> ExchangeStep {
        self.step(Want::Sending)
    }

    /// Brings the piece that is wanted.
    fn push(&self, piece: &[u8]) {
        self.shared.exchange.push(Bytes::copy_from_slice(piece));
    }

    /// Says that the request is whole.
    fn end(&self) {
        self.shared.exchange.end_request();
    }

    /// Waits for the head: status, reason, version and headers.
    fn head<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.sync_step(py, Want::Head)
    }

    /// The same for an event loop.
    fn head_async(&self) -> ExchangeStep {
        self.step(Want::Head)
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.sync_step(py, Want::Bytes)
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(&self) -> ExchangeStep {
        self.step(Want::Bytes)
    }

    /// Returns the body as events. It is not to be read as bytes as well.
    ///
    /// Args:
    ///     validate: Builds an object of the data of an event, or raises ValueError; or a dict of such functions by the
    ///         event's type. It is called with `strict=True`.
    ///     other: Builds one of data and name that `validate` refuses; NotImplemented leaves the event out.
    ///     failed: Returns the exception to raise for that of the exchange.
    ///     finish: Called once, at the end, whatever the reason.
    fn events(
        &self,
        py: Python<'_>,
        validate: Py<PyAny>,
        other: Py<PyAny>,
        failed: Py<PyAny>,
        finish: Py<PyAny>,
    ) -> PyResult<HttpEvents> {
        let shared = self.shared.clone();
        HttpEvents::new(py, shared, [validate, other, failed, finish])
    }

    /// Ends the exchange, from any thread. Its connection closes, unless the body was read to its end.
    fn close(&self, py: Python<'_>) {
        self.shared.close(py);
    }
}
