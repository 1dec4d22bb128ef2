//! What a refused key means, and how a fresh one is had.
//!
//! A client may get its key from a callable. Where the provider refuses that key (401), the callable is asked
//! once more and the request goes out again with the new key. The first refusal is reported only if there is
//! no new key; otherwise what the second request meets is the end of the call.

use pyo3::prelude::*;
use tokenwire_core::client::missing_key;

/// Whether the error says that the provider refused the key, so that a fresh one may help.
#[pyfunction]
#[pyo3(name = "_is_key_refused")]
pub(crate) fn is_refused(error: &Bound<'_, PyAny>) -> bool {
    let status = error.getattr_opt("status_code").ok().flatten();
    status.and_then(|status| status.extract::<u16>().ok()) == Some(401)
}

/// What is said where a provider's key is missing; `variables` may hold it.
#[pyfunction]
#[pyo3(name = "_missing_key")]
pub(crate) fn missing(provider: &str, variables: Vec<String>) -> String {
    missing_key(provider, &variables)
}
