//! The only place where an engine error becomes a Python exception: by kind, never by text.

use std::sync::Arc;
use std::time::Instant;

use crate::ground::exit::calling_python;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::message::Timing;

use crate::values::attempt::Attempt;
use crate::values::response::{LlmResponse, ReplyData};

static KINDS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// Whose call it was; every error says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) provider: Arc<str>,
    pub(crate) model: Arc<str>,
    /// What was asked of whom; None before a client is made.
    pub(crate) asked: Option<Arc<Asked>>,
    /// When the call began; None before there is one.
    pub(crate) started: Option<Instant>,
    /// Whether a key that is refused is followed by a fresh one: the call is not over then.
    pub(crate) may_renew: bool,
}

/// What a client asks of whom.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The operation by its name in OpenTelemetry.
    pub(crate) operation: &'static str,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Caller {
    /// Provider and model.
    pub(crate) fn key(&self) -> (Arc<str>, Arc<str>) {
        (self.provider.clone(), self.model.clone())
    }

    /// Seconds since the call began.
    pub(crate) fn elapsed(&self) -> f64 {
        self.started
            .map_or(0.0, |started| started.elapsed().as_secs_f64())
    }
}

/// The kind's name, as `tokenwire.errors.KINDS` has it.
pub(crate) fn name(kind: ErrorKind) -> String {
    let quoted = serde_json::to_string(&kind).unwrap_or_default();
    quoted.trim_matches('"').to_owned()
}

fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyAny>> {
    let kinds = KINDS
        .get_or_try_init(py, || {
            let found = py.import("tokenwire.errors")?.getattr("KINDS")?;
            PyResult::Ok(found.cast_into::<PyDict>()?.unbind())
        })?
        .bind(py);
    let name = name(kind);
    match kinds.get_item(&name)? {
        Some(class) => Ok(class),
        None => kinds.as_any().get_item("engine"),
    }
}

/// The exception of an error that has no call behind it yet.
pub(crate) fn plain(py: Python<'_>, kind: ErrorKind, message: &str) -> PyErr {
    to_py(py, Error::new(kind, message), &Caller::default())
}

/// The exception of an error.
pub(crate) fn to_py(py: Python<'_>, error: Error, caller: &Caller) -> PyErr {
    build(py, error, caller).unwrap_or_else(|broken| broken)
}

/// Whether a fresh key may help.
pub(crate) fn is_unauthorized(py: Python<'_>, error: &PyErr) -> bool {
    let status = error.value(py).getattr_opt("status_code").ok().flatten();
    status.and_then(|status| status.extract::<u16>().ok()) == Some(401)
}

fn build(py: Python<'_>, error: Error, caller: &Caller) -> PyResult<PyErr> {
    let fields = PyDict::new(py);
    let attempts: Vec<Attempt> = error
        .attempts()
        .iter()
        .cloned()
        .map(Attempt::from)
        .collect();
    if !attempts.is_empty() {
        fields.set_item("attempts", PyTuple::new(py, attempts)?)?;
    }
    fields.set_item("retryable", error.is_retryable())?;
    fields.set_item("phase", error.phase().as_str())?;
    if error.is_retry_budget_exhausted() {
        fields.set_item("retry_budget_exhausted", true)?;
    }
    let some = |name: &str, value: Option<&str>| match value {
        Some(value) if !value.is_empty() => fields.set_item(name, value),
        _ => Ok(()),
    };
    some("request_id", error.request_id())?;
    some("provider", Some(&caller.provider))?;
    some("model", Some(&caller.model))?;
    if let Some(partial) = error.partial() {
        let data = ReplyData {
            reply: partial.clone(),
            head: None,
            timing: Timing::default(),
            attempts: Vec::new(),
            raw: None,
            caller: caller.clone(),
        };
        fields.set_item("partial", LlmResponse::new(data, None))?;
    }
    if let Some(api) = error.api() {
        if let Some(status) = api.status {
            fields.set_item("status_code", status)?;
        }
        some("type", api.error_type.as_deref())?;
        some("code", api.code.as_deref())?;
        some("param", api.param.as_deref())?;
        if !api.body.is_empty() {
            fields.set_item("body", PyBytes::new(py, &api.body))?;
        }
        if let Some(after) = api.retry_after {
            fields.set_item("retry_after", after.as_secs_f64())?;
        }
    }
    let class = class(py, error.kind())?;
    let made = calling_python(|| class.call((error.message(),), Some(&fields)))?;
    Ok(PyErr::from_value(made))
}
