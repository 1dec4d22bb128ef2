//! What else a provider sent, as a dict or another JSON value.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::message::{Extra, RawJson};

use crate::ground::json;

/// The keys of a dict.
pub(crate) fn read(extra: Option<&Bound<'_, PyDict>>) -> PyResult<Extra> {
    let Some(extra) = extra else {
        return Ok(Extra::default());
    };
    let mut text = Vec::new();
    json::write_json(extra.as_any(), "extra", &mut text)?;
    // What was just written can be read.
    Ok(serde_json::from_slice(&text).unwrap_or_default())
}

/// The dict; None if it has no keys.
pub(crate) fn object<'py>(py: Python<'py>, extra: &Extra) -> PyResult<Option<Bound<'py, PyAny>>> {
    if extra.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(extra).unwrap_or_default();
    json::load_json(py, &text).map(Some)
}

/// The JSON value of a dict; `name` names it in errors.
pub(crate) fn read_value(
    dict: Option<&Bound<'_, PyDict>>,
    name: &str,
) -> PyResult<Option<RawJson>> {
    let Some(dict) = dict else {
        return Ok(None);
    };
    let mut text = Vec::new();
    json::write_json(dict.as_any(), name, &mut text)?;
    Ok(RawJson::read(&String::from_utf8_lossy(&text)))
}

/// The Python value of a JSON value.
pub(crate) fn value<'py>(
    py: Python<'py>,
    json: Option<&RawJson>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    json.map(|json| json::load_json(py, json.get())).transpose()
}
