//! An error of the engine becomes a Python exception: by kind, never by text.
//!
//! Attempts and the partial reply are values of their own; `values/raise.rs` adds them.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::error::{Error, ErrorKind};

use crate::ground::exit::calling_python;
use crate::ground::python;

/// The kind of an exception, whoever raised it.
pub(crate) fn kind_of(error: &Bound<'_, PyAny>) -> PyResult<String> {
    python::KIND_OF.get(error.py())?.call1((error,))?.extract()
}

/// The exception of a kind, for an error that has no call behind it yet.
pub(crate) fn of_kind(py: Python<'_>, kind: ErrorKind, message: &str) -> PyErr {
    let error = Error::new(kind, message);
    fields_of(py, &error)
        .and_then(|fields| make(py, &error, &fields))
        .unwrap_or_else(|broken| broken)
}

/// The keyword arguments that every exception of ours gets.
pub(crate) fn fields_of<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("retryable", error.is_retryable())?;
    fields.set_item("phase", error.phase().as_str())?;
    Ok(fields)
}

/// Calls the class of the error's kind with its message and these keyword arguments.
pub(crate) fn make(py: Python<'_>, error: &Error, fields: &Bound<'_, PyDict>) -> PyResult<PyErr> {
    let class = class(py, error.kind())?;
    let exception = calling_python(|| class.call((error.message(),), Some(fields)))?;
    Ok(PyErr::from_value(exception))
}

/// Looks the classes up ahead of the first error: an import opens a file, and what the error reports
/// may be that no descriptor is left.
pub(crate) fn look_up_classes(py: Python<'_>) -> PyResult<()> {
    python::KINDS.get(py).map(drop)
}

fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyAny>> {
    let kinds = python::KINDS.get(py)?.cast::<PyDict>()?;
    match kinds.get_item(kind.as_str())? {
        Some(class) => Ok(class),
        None => kinds.as_any().get_item("engine"),
    }
}
