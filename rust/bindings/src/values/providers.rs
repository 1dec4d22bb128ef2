//! The engine's table of providers as Python reads it, and custom providers.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use tokenwire_core::config::Secret;
use tokenwire_core::error::Error;
use tokenwire_core::wire::{Auth, Provider, ReasoningBack, providers};

use crate::ground::caller::Caller;
use crate::values::keywords::secret_pairs;
use crate::values::raise;

/// The fields of an `LlmProvider` that the engine reads.
#[derive(FromPyObject)]
pub(crate) struct CustomProvider {
    name: String,
    key_vars: Vec<String>,
    base_url_vars: Vec<String>,
    key_required: bool,
    auth_header: String,
    api: Option<String>,
    #[pyo3(from_py_with = headers)]
    headers: Vec<(String, Secret)>,
    max_tokens_field: String,
    stream_options: bool,
    reasoning_back: String,
    output_mode: String,
}

impl CustomProvider {
    /// Everything else is as for any OpenAI-compatible server.
    fn into_provider(self) -> Result<Provider, Error> {
        let base = providers::find("openai-compatible")?;
        Ok(Provider {
            name: self.name.into(),
            key_vars: self.key_vars.into_iter().map(Into::into).collect(),
            base_url_vars: self.base_url_vars.into_iter().map(Into::into).collect(),
            key_required: self.key_required,
            auth: Auth::in_header(self.auth_header.into()),
            api: self.api.map(Into::into),
            headers: self
                .headers
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
            max_tokens_field: self.max_tokens_field.into(),
            stream_options: self.stream_options,
            reasoning_back: ReasoningBack::named(self.reasoning_back),
            output_mode: self.output_mode.parse().unwrap_or(base.output_mode),
            ..(*base).clone()
        })
    }
}

/// Headers of a provider. No error shows a value.
fn headers(value: &Bound<'_, PyAny>) -> PyResult<Vec<(String, Secret)>> {
    secret_pairs(value, "headers")
}

/// The provider of a client: a custom one, or else one of the table.
pub(crate) fn provider(name: &str, custom: Option<CustomProvider>) -> Result<Arc<Provider>, Error> {
    match custom {
        Some(custom) => custom.into_provider().map(Arc::new),
        None => providers::find(name),
    }
}

/// Returns whether the engine knows a provider of this name, even one whose API is not supported yet.
#[pyfunction]
pub(crate) fn is_provider(name: &Bound<'_, PyString>) -> bool {
    // A name with a lone surrogate is not one of ours.
    name.to_str().is_ok_and(providers::is_known)
}

/// Returns the names of the supported providers, in the order of the table.
#[pyfunction]
pub(crate) fn provider_names(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, providers::names().collect::<Vec<_>>())
}

/// Returns the APIs that `api=` can name, each with the family of clients that speaks it: `{api: family}`.
#[pyfunction]
pub(crate) fn apis(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let families = PyDict::new(py);
    for dialect in providers::dialects() {
        families.set_item(dialect.name(), dialect.family().as_str())?;
    }
    Ok(families)
}

/// Returns the fields of `LlmProvider` for one of the engine's providers.
///
/// Raises:
///     LlmConfigError: The engine does not support a provider of this name.
#[pyfunction]
pub(crate) fn provider_row<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyDict>> {
    let row = providers::find(name).map_err(|error| raise::to_py(py, error, &Caller::default()))?;
    let fields = PyDict::new(py);
    fields.set_item("name", &row.name)?;
    fields.set_item("base_url", &row.base_url)?;
    let address_vars = PyDict::new(py);
    for (place, variables) in &row.address_vars {
        address_vars.set_item(place, PyTuple::new(py, variables)?)?;
    }
    fields.set_item("address_vars", address_vars)?;
    fields.set_item("key_vars", PyTuple::new(py, &row.key_vars)?)?;
    fields.set_item("base_url_vars", PyTuple::new(py, &row.base_url_vars)?)?;
    fields.set_item("key_required", row.key_required)?;
    fields.set_item("auth_header", row.auth.header())?;
    fields.set_item("api", &row.api)?;
    let headers = PyDict::new(py);
    for (name, value) in &row.headers {
        headers.set_item(name, value.expose())?;
    }
    fields.set_item("headers", headers)?;
    fields.set_item("header_vars", PyTuple::new(py, &row.header_vars)?)?;
    fields.set_item("max_tokens_field", &row.max_tokens_field)?;
    fields.set_item("stream_options", row.stream_options)?;
    fields.set_item("reasoning_back", row.reasoning_back.word())?;
    fields.set_item("output_mode", row.output_mode.as_str())?;
    Ok(fields)
}

/// Returns the APIs that a provider speaks at its own address, in the order of preference. At another address, all may be
/// spoken.
///
/// Raises:
///     LlmConfigError: The engine does not support a provider of this name.
#[pyfunction]
pub(crate) fn provider_apis<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyTuple>> {
    let row = providers::find(name).map_err(|error| raise::to_py(py, error, &Caller::default()))?;
    let names = row.dialects.iter().map(|dialect| dialect.name());
    PyTuple::new(py, names.collect::<Vec<_>>())
}

/// Returns why a provider cannot be used; None if it can.
#[pyfunction]
pub(crate) fn provider_problem(name: &Bound<'_, PyString>) -> Option<String> {
    let error = providers::find(&name.to_string_lossy()).err()?;
    Some(error.message().to_owned())
}
