//! Protects an exception that is on its way to its handler while objects are dropped.

use pyo3::prelude::*;

/// Runs `work`, which may call Python, and keeps the exception that is set meanwhile.
///
/// An exception that leaves a frame drops the frame's objects while it is still set. Python code must not
/// run in that state, and would lose the exception.
pub(crate) fn keeping_raised<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    let raised = PyErr::take(py);
    let done = work();
    if let Some(raised) = raised {
        raised.restore(py);
    }
    done
}
