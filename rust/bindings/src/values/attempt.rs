//! `Attempt`: one of the tries that a call took.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokenwire_core::error;

use crate::values::value::{Fields, value_methods};
use crate::values::word;

/// One attempt of a call.
#[pyclass(frozen, eq, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct Attempt(error::Attempt);

#[pymethods]
impl Attempt {
    #[new]
    #[pyo3(signature = (*, started=0.0, phase="prepare", status=None, error=None, message=None,
        slept=0.0, maybe_processed=false))]
    #[allow(clippy::too_many_arguments, reason = "the fields, named one by one")]
    fn py_new(
        py: Python<'_>,
        started: f64,
        phase: &str,
        status: Option<u16>,
        error: Option<&str>,
        message: Option<String>,
        slept: f64,
        maybe_processed: bool,
    ) -> PyResult<Self> {
        Ok(Self(error::Attempt {
            started,
            phase: word::variant(py, "phase", phase)?,
            status,
            error: word::optional(py, "error", error)?,
            message,
            slept,
            maybe_processed,
        }))
    }

    /// Seconds from the start of the call.
    #[getter]
    fn started(&self) -> f64 {
        self.0.started
    }

    /// How far it came: prepare, connect, head, body.
    #[getter]
    fn phase(&self) -> &'static str {
        self.0.phase.as_str()
    }

    /// HTTP status; None where none came.
    #[getter]
    fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Kind of the error; None for the attempt that succeeded.
    #[getter]
    fn error(&self) -> Option<&'static str> {
        self.0.error.map(error::ErrorKind::as_str)
    }

    /// The error's one-line text.
    #[getter]
    fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Seconds slept after it.
    #[getter]
    fn slept(&self) -> f64 {
        self.0.slept
    }

    /// Whether the server may have worked on it, and billed it.
    #[getter]
    fn maybe_processed(&self) -> bool {
        self.0.maybe_processed
    }
}

impl Fields for Attempt {
    const FIELDS: &'static [&'static str] = &[
        "started",
        "phase",
        "status",
        "error",
        "message",
        "slept",
        "maybe_processed",
    ];
}
value_methods!(Attempt);

impl Attempt {
    /// All of a call's, as a tuple.
    pub(crate) fn tuple<'py>(
        py: Python<'py>,
        attempts: &[error::Attempt],
    ) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, attempts.iter().cloned().map(Self).collect::<Vec<_>>())
    }
}
