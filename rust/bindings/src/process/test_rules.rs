//! Where a test lets the calls of this process go, and over which transport they went. `tokenwire.testing` sets
//! these rules.
//!
//! The hub applies the rules. A forked child has its own hub but inherits the rules: its calls reach the
//! parent's simulator, which is still listening.

use pyo3::prelude::*;

use crate::ground::caller::Caller;
use crate::process::current::{TEST_RULES, current, existing};
use crate::values::raise;

/// Sends every call to this base URL, without its key. Requests of other libraries that are not calls are refused. None
/// ends this.
///
/// Raises:
///     LlmConfigError: It is not a URL.
#[pyfunction]
pub(crate) fn intercept(py: Python<'_>, base_url: Option<String>) -> PyResult<()> {
    current()
        .hub
        .test_rules()
        .intercept(base_url.as_deref())
        .map_err(|error| raise::to_py(py, error, &Caller::default()))?;
    TEST_RULES.lock().base_url = base_url;
    Ok(())
}

/// Returns whether `intercept` is in effect.
#[pyfunction]
pub(crate) fn is_intercepted() -> bool {
    current().hub.test_rules().is_intercepted()
}

/// Refuses connections to hosts other than these and loopback. None allows all hosts.
#[pyfunction]
pub(crate) fn allow_only(hosts: Option<Vec<String>>) {
    current().hub.test_rules().allow_only(hosts.clone());
    TEST_RULES.lock().allowed_hosts = hosts;
}

/// How many attempts the direct and the general transport of this process have made.
#[pyfunction]
#[pyo3(name = "_attempts")]
pub(crate) fn attempts() -> (u64, u64) {
    // Asking must not start anything.
    existing().map_or((0, 0), |process| process.hub.test_rules().attempts())
}
