//! What a key may be, and what happens when the provider refuses one.
//!
//! A client may get its key from a callable. If the provider refuses that key (401), the callable is called
//! again, and the request is sent again with the new key. The first refusal is reported only if there is no
//! new key; otherwise the second request decides how the call ends.

use pyo3::prelude::*;
use tokenwire_core::client::{key_problem, missing_key};

/// Whether the error says that the provider refused the key, so that a fresh one may help.
#[pyfunction]
#[pyo3(name = "_is_key_refused")]
pub(crate) fn is_refused(error: &Bound<'_, PyAny>) -> bool {
    let status = error.getattr_opt("status_code").ok().flatten();
    status.and_then(|status| status.extract::<u16>().ok()) == Some(401)
}

/// The error message for a missing key; `variables` are the environment variables that may hold it.
#[pyfunction]
#[pyo3(name = "_missing_key")]
pub(crate) fn missing(provider: &str, variables: Vec<String>) -> String {
    missing_key(provider, &variables)
}

/// What is wrong with a text that is meant to be a key, without any part of it; None if it may be one.
#[pyfunction]
#[pyo3(name = "_key_problem")]
pub(crate) fn problem(key: &str) -> Option<String> {
    key_problem(key)
}
