//! `CallEvent`: what a program learns of one finished call.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyBaseException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tokenwire_core::error::ErrorKind;

use crate::ground::caller::{Caller, Endpoint};
use crate::ground::exception;
use crate::values::response::LlmResponse;
use crate::values::timing::Timing;
use crate::values::usage::Usage;
use crate::values::value::{self, Fields};

pub(crate) const CANCELLED: &str = "cancelled";

/// Arguments of `CallEvent(…)`.
const ARGUMENTS: [&str; 11] = [
    "provider",
    "model",
    "elapsed",
    "streamed",
    "error",
    "error_kind",
    "response",
    "started",
    "operation",
    "server_address",
    "server_port",
];

/// A finished call, as it is passed to each callback of `on_call`. A custom client reports its calls with
/// `report_call`, which creates one.
///
/// Args:
///     provider: Name of the provider's row.
///     model: The model that was asked for.
///     elapsed: Seconds from the start of the call to its end, however it ended.
///     streamed: Whether the reply was streamed.
///     error: The exception; None where the call succeeded or was abandoned.
///     error_kind: Its kind, such as `rate_limit`; without it, that of the error's class. `cancelled`
///         is a call that was abandoned.
///     response: The reply, whole or partial.
///     started: When the call began, as Unix time in seconds; without it, `elapsed` ago.
///     operation: `chat` or `text_completion`.
///     server_address: Host of the server that was asked.
///     server_port: Its port.
///
/// Raises:
///     LlmConfigError: `elapsed` is not a number of seconds, or there is no such operation.
#[pyclass(frozen, module = "tokenwire")]
pub(crate) struct CallEvent {
    pub(crate) caller: Caller,
    /// Whether the reply was streamed.
    #[pyo3(get)]
    streamed: bool,
    pub(crate) error_kind: Option<Cow<'static, str>>,
    /// The error; None where the call succeeded or was abandoned.
    #[pyo3(get)]
    error: Option<Py<PyBaseException>>,
    /// The reply, whole or partial; None where nothing arrived.
    #[pyo3(get)]
    pub(crate) response: Option<Py<LlmResponse>>,
    /// Seconds from the start of the call to its end, however it ended.
    #[pyo3(get)]
    pub(crate) elapsed: f64,
    /// When the call began, as Unix time in seconds.
    #[pyo3(get)]
    pub(crate) started: f64,
}

impl CallEvent {
    /// The event of a call of the engine, which ends now.
    pub(super) fn new(
        caller: &Caller,
        streamed: bool,
        error: Option<(Cow<'static, str>, Option<Py<PyBaseException>>)>,
        response: Option<Py<LlmResponse>>,
        elapsed: f64,
    ) -> Self {
        let (error_kind, error) = error.unzip();
        Self {
            caller: caller.clone(),
            streamed,
            error_kind,
            error: error.flatten(),
            response,
            elapsed,
            started: unix_now() - caller.elapsed(),
        }
    }

    /// How many attempts there were.
    pub(crate) fn attempt_count(&self, py: Python<'_>) -> PyResult<u64> {
        if self.error.is_some() {
            return Ok(self.attempts(py)?.len()? as u64);
        }
        let response = self.response.as_ref();
        Ok(response.map_or(0, |response| response.get().data().attempts.len() as u64))
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        self.caller.endpoint.as_deref()
    }
}

#[pymethods]
impl CallEvent {
    #[new]
    #[pyo3(signature = (*, provider, model, elapsed, streamed=false, error=None, error_kind=None,
        response=None, started=None, operation="chat", server_address=None, server_port=None))]
    #[allow(clippy::too_many_arguments, reason = "the fields, named one by one")]
    fn py_new(
        py: Python<'_>,
        provider: &str,
        model: &str,
        elapsed: f64,
        streamed: bool,
        error: Option<Py<PyBaseException>>,
        error_kind: Option<String>,
        response: Option<Py<LlmResponse>>,
        started: Option<f64>,
        operation: &str,
        server_address: Option<String>,
        server_port: Option<u16>,
    ) -> PyResult<Self> {
        if !(elapsed >= 0.0 && elapsed.is_finite()) {
            let message = format!("CallEvent.elapsed: {elapsed} is not a number of seconds from 0");
            return Err(exception::of_kind(py, ErrorKind::Config, &message));
        }
        let operation = match operation {
            "chat" => "chat",
            "text_completion" => "text_completion",
            _ => {
                let message = "CallEvent.operation: give \"chat\" or \"text_completion\"";
                return Err(exception::of_kind(py, ErrorKind::Config, message));
            }
        };
        let error_kind = match (&error, error_kind) {
            (Some(error), None) => Some(exception::kind_of(error.bind(py).as_any())?),
            (_, kind) => kind,
        };
        let endpoint = Endpoint {
            operation,
            host: server_address.unwrap_or_default(),
            port: server_port,
        };
        Ok(Self {
            caller: Caller {
                endpoint: Some(Arc::new(endpoint)),
                ..Caller::named(provider, model)
            },
            streamed,
            error_kind: error_kind.map(Cow::Owned),
            error,
            response,
            elapsed,
            started: started.unwrap_or_else(|| unix_now() - elapsed),
        })
    }

    /// Name of the provider's row.
    #[getter]
    fn provider(&self) -> &str {
        &self.caller.provider
    }

    /// The model that was asked for.
    #[getter]
    fn model(&self) -> &str {
        &self.caller.model
    }

    /// What was asked for: `chat` or `text_completion`.
    #[getter]
    fn operation(&self) -> &'static str {
        self.endpoint()
            .map_or("chat", |endpoint| endpoint.operation)
    }

    /// Host of the server that was asked, without a path; None where it is not known.
    #[getter]
    fn server_address(&self) -> Option<&str> {
        let endpoint = self.endpoint()?;
        (!endpoint.host.is_empty()).then_some(&endpoint.host)
    }

    /// Its port.
    #[getter]
    fn server_port(&self) -> Option<u16> {
        self.endpoint()?.port
    }

    /// Kind of the error (`rate_limit`, `stall_timeout`, …); None where the call succeeded;
    /// `cancelled` where its task, its stream or its program abandoned it.
    #[getter]
    fn error_kind(&self) -> Option<&str> {
        self.error_kind.as_deref()
    }

    /// Where the time went; None where nothing arrived.
    #[getter]
    fn timing(&self) -> Option<Timing> {
        let data = self.response.as_ref()?.get().data();
        Some(Timing::of(&data.timing, data.reply.usage.as_ref()))
    }

    /// Token counts; None where the provider sent none.
    #[getter]
    fn usage(&self) -> Option<Usage> {
        let data = self.response.as_ref()?.get().data();
        data.reply.usage.as_ref().map(Usage::from)
    }

    /// What the call cost; None where it is not known.
    #[getter]
    fn cost<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(response) = &self.response else {
            return Ok(None);
        };
        let cost = response.bind(py).getattr(intern!(py, "cost"))?;
        Ok((!cost.is_none()).then_some(cost))
    }

    /// Every attempt of the call.
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
        let partial = py.import("functools")?.getattr("partial")?;
        let make = partial.call((slf.get_type(),), Some(&fields))?;
        PyTuple::new(py, [make, PyTuple::empty(py).into_any()])
    }
}

impl Fields for CallEvent {
    const FIELDS: &'static [&'static str] = &[
        "provider",
        "model",
        "operation",
        "streamed",
        "error_kind",
        "elapsed",
        "usage",
        "timing",
    ];
}

fn unix_now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}
