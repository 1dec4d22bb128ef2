//! Turns an error of the engine into a Python exception, by its kind and never by its text.
//!
//! `values/raise.rs` adds the attempts and the partial reply, which are classes of a higher floor.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::error::{Error, ErrorKind};

use crate::ground::exit::calling_python;
use crate::ground::python;

/// The kind of any exception, also of one that is not ours.
pub(crate) fn kind_of(error: &Bound<'_, PyAny>) -> PyResult<String> {
    python::KIND_OF.get(error.py())?.call1((error,))?.extract()
}

/// An exception of this kind, for an error that happens before there is a call.
pub(crate) fn of_kind(py: Python<'_>, kind: ErrorKind, message: &str) -> PyErr {
    let error = Error::new(kind, message);
    fields_of(py, &error)
        .and_then(|fields| make(py, &error, &fields))
        .unwrap_or_else(|broken| broken)
}

/// The keyword arguments that all our exceptions take.
pub(crate) fn fields_of<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("retryable", error.is_retryable())?;
    fields.set_item("phase", error.phase().as_str())?;
    Ok(fields)
}

/// Creates the exception of the error's kind from its message and these keyword arguments.
pub(crate) fn make(py: Python<'_>, error: &Error, fields: &Bound<'_, PyDict>) -> PyResult<PyErr> {
    let kinds = python::KINDS.get(py)?;
    let class = kinds
        .get_item(error.kind().as_str())
        .or_else(|_| kinds.get_item("engine"))?;
    let exception = calling_python(|| class.call((error.message(),), Some(fields)))?;
    Ok(PyErr::from_value(exception))
}

/// Looks up the classes before the first error: the import opens a file, and the error may be that no
/// file descriptor is left.
pub(crate) fn look_up_classes(py: Python<'_>) -> PyResult<()> {
    python::KINDS.get(py).map(drop)
}
