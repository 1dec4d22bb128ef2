//! `Attempt`: one attempt of a call.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokenwire_core::error;

use crate::values::keywords::variant;
use crate::values::value::{getters, value_methods};

/// One attempt of a call. `LlmResponse.attempts` and `LlmError.attempts` list all of them.
#[pyclass(frozen, eq, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct Attempt(error::Attempt);

#[pymethods]
impl Attempt {
    #[new]
    #[pyo3(signature = (*, started=0.0, phase="prepare", status=None, error=None, message=None,
        slept=0.0, maybe_processed=false))]
    #[allow(clippy::too_many_arguments, reason = "one for each field")]
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
            phase: variant(py, "phase", phase)?,
            status,
            error: error.map(|word| variant(py, "error", word)).transpose()?,
            message,
            slept,
            maybe_processed,
        }))
    }

    /// How far the attempt got: "prepare", "connect", "head" or "body"; "backoff" if the call ended during
    /// the wait after it.
    #[getter]
    fn phase(&self) -> &'static str {
        self.0.phase.as_str()
    }

    /// Kind of the error; None for the attempt that succeeded, or is in progress.
    #[getter]
    fn error(&self) -> Option<&'static str> {
        self.0.error.map(error::ErrorKind::as_str)
    }
}

getters!(Attempt {
    /// Seconds from the start of the call to the start of the attempt.
    started: f64,
    /// HTTP status; None if no response arrived.
    status: Option<u16>,
    /// The error message, on one line.
    message: Option<String>,
    /// Seconds slept after the attempt.
    slept: f64,
    /// Whether the server may have processed the request, and billed it.
    maybe_processed: bool,
});
value_methods!(Attempt: started, phase, status, error, message, slept, maybe_processed);

impl Attempt {
    /// All attempts of a call as a tuple.
    pub(crate) fn tuple<'py>(
        py: Python<'py>,
        attempts: &[error::Attempt],
    ) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, attempts.iter().cloned().map(Self).collect::<Vec<_>>())
    }
}
