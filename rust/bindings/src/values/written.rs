//! JSON as models write it. The rules are those of `tokenwire_core::json::written`.

use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::json;

use crate::ground::exception;

/// Returns strict JSON of what a model wrote as JSON, if that can mean only one thing.
///
/// Args:
///     text: What it wrote.
///     owner: What is wrong otherwise; the message begins with it.
///     thinks: Whether thoughts may be before the JSON.
///
/// Raises:
///     LlmDecodeError: It is not JSON. The message says what is wrong, and where.
#[pyfunction]
pub(crate) fn written_json(
    text: &Bound<'_, PyString>,
    owner: &str,
    thinks: bool,
) -> PyResult<String> {
    let py = text.py();
    let refused = |problem: &str| {
        let message = format!("{owner}: not JSON: {problem}");
        exception::of_kind(py, ErrorKind::Decode, &message)
    };
    let Ok(text) = text.to_str() else {
        return Err(refused("the text has a lone surrogate"));
    };
    match py.detach(|| json::written(text, thinks)) {
        Ok(json) => Ok(json.into_owned()),
        Err(problem) => Err(refused(&problem.to_string())),
    }
}
