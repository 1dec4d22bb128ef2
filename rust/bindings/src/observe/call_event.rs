//! `CallEvent`: the description of one finished call that callbacks receive.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyBaseException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tokenwire_core::error::ErrorKind;

use crate::ground::caller::Caller;
use crate::ground::exception;
use crate::values::keywords::{TextArgument, named};
use crate::values::response::LlmResponse;
use crate::values::timing::Timing;
use crate::values::usage::Usage;
use crate::values::value;

pub(crate) const CANCELLED: &str = "cancelled";

/// Arguments of `CallEvent(…)`.
const ARGUMENTS: [&str; 12] = [
    "provider",
    "model",
    "elapsed",
    "streamed",
    "error",
    "error_kind",
    "response",
    "started",
    "operation",
    "api",
    "server_address",
    "server_port",
];

/// A finished call, as each callback of `on_call` receives it. A custom client reports its calls
/// with `tokenwire.report_call`, which creates one.
///
/// Args:
///     provider: The provider's name.
///     model: The model that was requested.
///     elapsed: Seconds from the start of the call to its end, however it ended.
///     streamed: Whether the reply was streamed.
///     error: The exception; None if the call succeeded or was abandoned.
///     error_kind: The kind of error, such as `rate_limit`. Defaults to the kind of the error's class.
///         `cancelled` means that the caller abandoned the call.
///     response: The reply, whole or partial.
///     started: When the call began, as Unix time in seconds. Defaults to `elapsed` seconds ago.
///     operation: `chat` or `text_completion`.
///     api: The API that the call spoke. Defaults to that of the response.
///     server_address: Host of the server, or the path of its unix socket.
///     server_port: Port of the server.
///
/// Raises:
///     LlmConfigError: `elapsed` is negative or not finite, or the operation is unknown.
#[pyclass(frozen, get_all, module = "tokenwire")]
pub(crate) struct CallEvent {
    /// The provider's name.
    provider: String,
    /// The model that was requested.
    model: String,
    /// The kind of request: `chat` or `text_completion`.
    operation: &'static str,
    /// The API that the call spoke, such as `chat` or `responses`; None if unknown.
    api: Option<String>,
    /// Host of the server, or the path of its unix socket; None if unknown.
    server_address: Option<String>,
    /// Port of the server; None if unknown, and for a unix socket.
    server_port: Option<u16>,
    /// Whether the reply was streamed.
    streamed: bool,
    /// The kind of error, such as `rate_limit` or `stall_timeout`; None if the call succeeded;
    /// `cancelled` if the caller abandoned it.
    error_kind: Option<Cow<'static, str>>,
    /// The exception; None if the call succeeded or was abandoned.
    error: Option<Py<PyBaseException>>,
    /// The reply, whole or partial; None if nothing arrived.
    response: Option<Py<LlmResponse>>,
    /// Seconds from the start of the call to its end, however it ended.
    elapsed: f64,
    /// When the call began, as Unix time in seconds.
    started: f64,
}

impl CallEvent {
    /// The event of a call made by the engine that ends now.
    pub(super) fn new(
        caller: &Caller,
        streamed: bool,
        error: Option<(Cow<'static, str>, Option<Py<PyBaseException>>)>,
        response: Option<Py<LlmResponse>>,
        elapsed: f64,
    ) -> Self {
        let (error_kind, error) = error.unzip();
        let endpoint = caller.endpoint.as_deref();
        let host = endpoint.map(|endpoint| endpoint.host.clone());
        Self {
            provider: caller.provider.to_string(),
            model: caller.model.to_string(),
            operation: endpoint.map_or("chat", |endpoint| endpoint.operation),
            api: caller.api.as_deref().map(str::to_owned),
            server_address: host.filter(|host| !host.is_empty()),
            server_port: endpoint.and_then(|endpoint| endpoint.port),
            streamed,
            error_kind,
            error: error.flatten(),
            response,
            elapsed,
            started: unix_now() - caller.elapsed(),
        }
    }
}

#[pymethods]
impl CallEvent {
    #[new]
    #[pyo3(signature = (*, provider, model, elapsed, streamed=false, error=None, error_kind=None,
        response=None, started=None, operation="chat", api=None, server_address=None, server_port=None))]
    #[allow(clippy::too_many_arguments, reason = "the fields, named one by one")]
    fn py_new(
        py: Python<'_>,
        provider: TextArgument,
        model: TextArgument,
        elapsed: f64,
        streamed: bool,
        error: Option<Py<PyBaseException>>,
        error_kind: Option<TextArgument>,
        response: Option<Py<LlmResponse>>,
        started: Option<f64>,
        operation: &str,
        api: Option<TextArgument>,
        server_address: Option<TextArgument>,
        server_port: Option<u16>,
    ) -> PyResult<Self> {
        if !(elapsed >= 0.0 && elapsed.is_finite()) {
            let message =
                format!("CallEvent.elapsed: {elapsed} is not valid; use seconds, 0 or more");
            return Err(exception::of_kind(py, ErrorKind::Config, &message));
        }
        let operations = ["chat", "text_completion"];
        let Some(operation) = operations.into_iter().find(|one| *one == operation) else {
            let message = "CallEvent.operation: use \"chat\" or \"text_completion\"";
            return Err(exception::of_kind(py, ErrorKind::Config, message));
        };
        let error_kind = named(py, error_kind, "CallEvent.error_kind")?;
        let server_address = named(py, server_address, "CallEvent.server_address")?;
        let api = named(py, api, "CallEvent.api")?;
        let provider = provider.named(py, "CallEvent.provider")?;
        let model = model.named(py, "CallEvent.model")?;
        let error_kind = match (&error, error_kind) {
            (Some(error), None) => Some(exception::kind_of(error.bind(py).as_any())?),
            (_, kind) => kind,
        };
        Ok(Self {
            provider,
            model,
            operation,
            api: api.or_else(|| {
                let caller = &response.as_ref()?.get().data().caller;
                caller.api.as_deref().map(str::to_owned)
            }),
            server_address: server_address.filter(|host| !host.is_empty()),
            server_port,
            streamed,
            error_kind: error_kind.map(Cow::Owned),
            error,
            response,
            elapsed,
            started: started.unwrap_or_else(|| unix_now() - elapsed),
        })
    }

    /// How long each stage took; None if nothing arrived.
    #[getter]
    fn timing(&self) -> Option<Timing> {
        let data = self.response.as_ref()?.get().data();
        Some(Timing::of(&data.timing, data.reply.usage.as_ref()))
    }

    /// Token counts; None if the provider sent none.
    #[getter]
    fn usage(&self) -> Option<Usage> {
        let data = self.response.as_ref()?.get().data();
        data.reply.usage.as_ref().map(Usage::from)
    }

    /// What the call cost; None if unknown.
    #[getter]
    fn cost<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(response) = &self.response else {
            return Ok(None);
        };
        let cost = response.bind(py).getattr(intern!(py, "cost"))?;
        Ok((!cost.is_none()).then_some(cost))
    }

    /// Every attempt of the call, retries included.
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let name = intern!(py, "attempts");
        if let Some(error) = &self.error
            && let Some(attempts) = error.bind(py).as_any().getattr_opt(name)?
        {
            return Ok(attempts);
        }
        match &self.response {
            Some(response) => response.bind(py).as_any().getattr(name),
            None => Ok(PyTuple::empty(py).into_any()),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        value::repr::<Self>(slf.as_any())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let fields = PyDict::new(py);
        for name in ARGUMENTS {
            fields.set_item(name, slf.getattr(name)?)?;
        }
        // A pickle calls the constructor with keyword arguments.
        let partial = py.import("functools")?.getattr("partial")?;
        let make = partial.call((slf.get_type(),), Some(&fields))?;
        PyTuple::new(py, [make, PyTuple::empty(py).into_any()])
    }
}

value::fields!(CallEvent: provider, model, operation, api, streamed, error_kind, elapsed, usage, timing);

fn unix_now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}
