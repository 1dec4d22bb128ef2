//! `ToolCall`: a complete tool call.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::message;

use crate::ground::exit::calling_python;
use crate::ground::{exception, json, python};
use crate::values::value::value_class;

value_class! {
    /// A tool call of the model.
    ToolCall(message::ToolCall) new() {
        /// The provider's id of the call; None if it sent none.
        id: Option<String>,
        /// The tool's name.
        name: String,
        /// The arguments as JSON text, exactly as received. Empty for a tool without arguments; cut off if
        /// the reply was cut off.
        arguments: String = { String::new() },
    }
}

#[pymethods]
impl ToolCall {
    /// The arguments as Python values; `{}` if the text is empty.
    ///
    /// Raises:
    ///     LlmDecodeError: The text is not JSON, for example because the token limit cut off the reply.
    #[getter]
    fn parsed_arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.0.arguments.trim().is_empty() {
            return Ok(PyDict::new(py).into_any());
        }
        json::load_json(py, &self.0.arguments).map_err(|error| {
            let message = format!(
                "the arguments of tool call {:?} are not JSON: {error}",
                self.0.name
            );
            let unreadable = exception::of_kind(py, ErrorKind::Decode, &message);
            unreadable.set_cause(py, Some(error));
            unreadable
        })
    }

    /// Returns the message that answers this call: `messages += [reply.message, call.result(value)]`.
    ///
    /// Args:
    ///     value: What the tool returned. A str is sent as it is, anything else as JSON.
    ///     error: True if the tool failed.
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
