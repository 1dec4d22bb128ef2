//! What other libraries call our settings and parameters.

use pyo3::prelude::*;
use tokenwire_core::wire::other_names::{advice, all};

/// What to write instead of a name of another library; None if it is not one that we know.
#[pyfunction]
#[pyo3(name = "_other_name")]
pub(crate) fn other_name(name: &str) -> Option<String> {
    advice(name)
}

/// All names that `_other_name` knows, each with ours.
#[pyfunction]
#[pyo3(name = "_other_names")]
pub(crate) fn other_names() -> Vec<(&'static str, &'static str)> {
    all().collect()
}
