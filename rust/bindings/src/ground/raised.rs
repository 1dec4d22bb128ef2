//! An exception that is on its way to its handler.

use pyo3::prelude::*;

/// Runs `work`, which may call Python, and leaves an exception alone that is on its way meanwhile.
///
/// An object is dropped in the middle of that way when the frame that holds it is left by an exception.
/// Python code must not run with one set, and would lose it.
pub(crate) fn keeping_raised<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    let raised = PyErr::take(py);
    let done = work();
    if let Some(raised) = raised {
        raised.restore(py);
    }
    done
}
