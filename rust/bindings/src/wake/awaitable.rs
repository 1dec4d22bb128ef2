//! How an await step ends.

use pyo3::exceptions::{PyBaseException, PyStopIteration};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Ends an await step with its result, in a StopIteration.
///
/// A `PyErr` would create the exception object first, which is more than a third of the cost of a buffered
/// step. CPython up to 3.11 takes the bare value, and 3.12 creates the object by itself.
pub(crate) fn returned(value: Bound<'_, PyAny>) -> PyResult<Option<Bound<'_, PyAny>>> {
    // A tuple would be taken for the arguments of the exception, an exception for the exception itself.
    if value.is_instance_of::<PyTuple>() || value.is_instance_of::<PyBaseException>() {
        return Err(PyStopIteration::new_err((value.unbind(),)));
    }
    // SAFETY: a `Bound` proves that this thread is attached, and both objects are alive. Returning no value
    // with this error set is how the `next` of an iterator ends.
    unsafe { ffi::PyErr_SetObject(ffi::PyExc_StopIteration, value.as_ptr()) };
    Ok(None)
}

/// The exception that the arguments of `throw` describe: an instance, or a class and its value.
pub(crate) fn thrown(kind: Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyErr {
    PyErr::from_value(value.filter(|value| !value.is_none()).unwrap_or(kind))
}

/// An awaitable that is already done.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Ready;

#[pymethods]
impl Ready {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> Option<Py<PyAny>> {
        None
    }
}
