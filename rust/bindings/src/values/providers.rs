//! The engine's table of providers as Python reads it, and custom rows beside it.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use tokenwire_core::error::Error;
use tokenwire_core::wire::{Auth, Provider, providers};

use crate::ground::caller::Caller;
use crate::values::raise;

/// What the engine reads of an `LlmProvider`.
#[derive(FromPyObject)]
pub(crate) struct OwnRow {
    name: String,
    key_vars: Vec<String>,
    base_url_vars: Vec<String>,
    key_required: bool,
    auth_header: String,
    max_tokens_field: String,
    stream_options: bool,
}

impl OwnRow {
    /// What it does not name is as for any OpenAI-shaped server.
    fn into_provider(self) -> Result<Provider, Error> {
        let base = providers::find("openai-compatible")?;
        Ok(Provider {
            name: self.name.into(),
            key_vars: self.key_vars.into_iter().map(Into::into).collect(),
            base_url_vars: self.base_url_vars.into_iter().map(Into::into).collect(),
            key_required: self.key_required,
            auth: Auth::in_header(self.auth_header.into()),
            max_tokens_field: self.max_tokens_field.into(),
            stream_options: self.stream_options,
            ..(*base).clone()
        })
    }
}

/// The row that a client is made with: the user's where there is one, else the table's.
pub(crate) fn row(name: &str, own: Option<OwnRow>) -> Result<Arc<Provider>, Error> {
    match own {
        Some(own) => own.into_provider().map(Arc::new),
        None => providers::find(name),
    }
}

/// Whether a provider of this name is known, even if its API is not supported yet.
#[pyfunction]
pub(crate) fn is_provider(name: &Bound<'_, PyString>) -> bool {
    // No provider has a name that UTF-8 cannot carry.
    name.to_str().is_ok_and(providers::is_known)
}

/// Names of the providers that can be called, in the order of the table.
#[pyfunction]
pub(crate) fn provider_names(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, providers::names().collect::<Vec<_>>())
}

/// The APIs that `api=` can name, each with the family of its clients.
#[pyfunction]
pub(crate) fn apis(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let families = PyDict::new(py);
    for dialect in providers::dialects() {
        families.set_item(dialect.name(), dialect.family().as_str())?;
    }
    Ok(families)
}

/// The row of a provider: the fields of `LlmProvider`.
#[pyfunction]
pub(crate) fn provider_row<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyDict>> {
    let row = providers::find(name).map_err(|error| raise::to_py(py, error, &Caller::default()))?;
    let fields = PyDict::new(py);
    fields.set_item("name", &row.name)?;
    fields.set_item("base_url", &row.base_url)?;
    fields.set_item("key_vars", PyTuple::new(py, &row.key_vars)?)?;
    fields.set_item("base_url_vars", PyTuple::new(py, &row.base_url_vars)?)?;
    fields.set_item("key_required", row.key_required)?;
    fields.set_item("auth_header", row.auth.header())?;
    fields.set_item("max_tokens_field", &row.max_tokens_field)?;
    fields.set_item("stream_options", row.stream_options)?;
    Ok(fields)
}

/// What is wrong with a provider's name; None where it is one.
#[pyfunction]
pub(crate) fn provider_problem(name: &Bound<'_, PyString>) -> Option<String> {
    let error = providers::find(&name.to_string_lossy()).err()?;
    Some(error.message().to_owned())
}
