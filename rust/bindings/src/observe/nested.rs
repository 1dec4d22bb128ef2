//! Which calls are parts of another one: what a custom client does inside one of its own calls belongs
//! to that call, and is not reported by itself.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::observe::callbacks;

/// A context variable: it follows a call into the tasks that it starts, and is seen by no other call.
static MARK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn mark(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let mark = MARK.get_or_try_init(py, || {
        // The module that contextvars shows, without its import.
        let class = py.import("_contextvars")?.getattr("ContextVar")?;
        PyResult::Ok(class.call1(("tokenwire_inside",))?.unbind())
    })?;
    Ok(mark.bind(py))
}

/// Whether this runs inside a call that will be reported as one.
pub(crate) fn is_nested(py: Python<'_>) -> bool {
    let Some(mark) = MARK.get(py) else {
        return false;
    };
    let found = mark.bind(py).call_method1("get", (false,));
    found.and_then(|found| found.is_truthy()).unwrap_or(false)
}

/// While it lives, calls on this side are parts of one that will be reported; only where anybody listens.
pub(crate) struct NestedCalls<'py>(Python<'py>, Option<Py<PyAny>>);

impl<'py> NestedCalls<'py> {
    pub(crate) fn enter(py: Python<'py>) -> PyResult<Self> {
        Ok(Self(py, enter_call(py)?))
    }
}

impl Drop for NestedCalls<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.1.take()
            && let Err(error) = leave_call(self.0, token)
        {
            error.write_unraisable(self.0, None);
        }
    }
}

/// Begins a call whose parts are not reported; None where nobody listens, or it is part of a call itself.
#[pyfunction]
#[pyo3(name = "_enter_call")]
pub(crate) fn enter_call(py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
    if !callbacks::is_on() || is_nested(py) {
        return Ok(None);
    }
    let token = mark(py)?.call_method1("set", (true,))?;
    Ok(Some(token.unbind()))
}

/// Ends what `_enter_call` began; in the same context.
#[pyfunction]
#[pyo3(name = "_leave_call")]
pub(crate) fn leave_call(py: Python<'_>, token: Py<PyAny>) -> PyResult<()> {
    mark(py)?.call_method1("reset", (token,)).map(drop)
}
