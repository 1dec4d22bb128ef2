//! Where the calls of this process may go while a test says so; `tokenwire.testing` says it.
//!
//! The hub keeps the rules. A forked child has a hub of its own and inherits them: its calls reach the
//! parent's simulator, which goes on listening.

use pyo3::prelude::*;

use crate::ground::caller::Caller;
use crate::process::current::{TEST_RULES, current};
use crate::values::raise;

/// Sends every call to this base URL, without its key; None sends them where they belong.
#[pyfunction]
#[pyo3(name = "intercept", signature = (base_url))]
pub(crate) fn intercept(py: Python<'_>, base_url: Option<String>) -> PyResult<()> {
    current()
        .hub
        .test_rules()
        .intercept(base_url.as_deref())
        .map_err(|error| raise::to_py(py, error, &Caller::default()))?;
    TEST_RULES.lock().base_url = base_url;
    Ok(())
}

/// Whether calls are sent elsewhere.
#[pyfunction]
#[pyo3(name = "is_intercepted")]
pub(crate) fn is_intercepted() -> bool {
    current().hub.test_rules().is_intercepted()
}

/// Refuses connections except to loopback and these hosts; None allows all of them.
#[pyfunction]
#[pyo3(name = "allow_only", signature = (hosts))]
pub(crate) fn allow_only(hosts: Option<Vec<String>>) {
    current().hub.test_rules().allow_only(hosts.clone());
    TEST_RULES.lock().allowed_hosts = hosts;
}
