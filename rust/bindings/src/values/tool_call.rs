//! `ToolCall`: a call of a tool, whole.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::message;

use crate::ground::exit::calling_python;
use crate::ground::{exception, json, python};
use crate::values::value::{Fields, value_methods};

/// A tool call of the model.
#[pyclass(frozen, eq, hash, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToolCall {
    /// The provider's id; None where it sent none.
    #[pyo3(get)]
    id: Option<String>,
    /// The tool's name.
    #[pyo3(get)]
    name: String,
    /// JSON text as sent; empty for a tool without arguments, cut where the reply was cut.
    #[pyo3(get)]
    arguments: String,
}

#[pymethods]
impl ToolCall {
    #[new]
    #[pyo3(signature = (id, name, arguments=String::new()))]
    fn py_new(id: Option<String>, name: String, arguments: String) -> Self {
        Self {
            id,
            name,
            arguments,
        }
    }

    /// The arguments as Python values; an empty text reads as `{}`.
    ///
    /// Raises:
    ///     LlmDecodeError: The text is not JSON (a reply cut by the token limit, for instance).
    #[getter]
    fn parsed_arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.arguments.trim().is_empty() {
            return Ok(PyDict::new(py).into_any());
        }
        json::load_json(py, &self.arguments).map_err(|error| {
            let message = format!(
                "the arguments of tool call {:?} are not JSON: {error}",
                self.name
            );
            let text = exception::of_kind(py, ErrorKind::Decode, &message);
            text.set_cause(py, Some(error));
            text
        })
    }

    /// The message that answers this call: `messages += [reply.message, call.result(value)]`.
    ///
    /// Args:
    ///     value: What the tool returned; anything but a str is sent as JSON.
    ///     error: Whether the tool failed.
    #[pyo3(signature = (value, error=false))]
    fn result<'py>(
        slf: &Bound<'py, Self>,
        value: &Bound<'py, PyAny>,
        error: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = PyDict::new(slf.py());
        options.set_item("error", error)?;
        calling_python(|| {
            python::TOOL_RESULT
                .get(slf.py())?
                .call((slf, value), Some(&options))
        })
    }
}

impl Fields for ToolCall {
    const FIELDS: &'static [&'static str] = &["id", "name", "arguments"];
}
value_methods!(ToolCall);

impl From<&message::ToolCall> for ToolCall {
    fn from(call: &message::ToolCall) -> Self {
        Self {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        }
    }
}

impl From<&ToolCall> for message::ToolCall {
    fn from(call: &ToolCall) -> Self {
        Self {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        }
    }
}
