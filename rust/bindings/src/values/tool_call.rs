//! `ToolCall`: a complete tool call.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tokenwire_core::error::ErrorKind;
use tokenwire_core::json::written;
use tokenwire_core::message;

use crate::ground::exit::calling_python;
use crate::ground::{exception, json, python};
use crate::values::extra;
use crate::values::keywords::{TextArgument, named};
use crate::values::value::{getters, value_methods};

/// A tool call of the model.
#[pyclass(frozen, eq, hash, from_py_object, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToolCall(pub(crate) message::ToolCall);

#[pymethods]
impl ToolCall {
    #[new]
    #[pyo3(signature = (id, name, arguments=TextArgument::default(), extra=None))]
    fn py_new(
        py: Python<'_>,
        id: Option<TextArgument>,
        name: TextArgument,
        arguments: TextArgument,
        extra: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Ok(Self(message::ToolCall {
            id: named(py, id, "id")?,
            name: name.named(py, "name")?,
            arguments: arguments.named(py, "arguments")?,
            extra: extra::read(extra.as_ref())?,
        }))
    }

    /// What else the provider sent with the call, such as a signature; None if there is nothing. It is sent back with
    /// the call. Keys of its function are in the dict `function`. A dict `custom` instead means a custom tool, whose
    /// arguments are plain text. A dict `item` has the id and the other keys of an item of Responses.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        extra::object(py, &self.0.extra)
    }
}

getters!(ToolCall {
    /// The id of the call. The engine makes one up if the provider sent none.
    id: Option<String>,
    /// The tool's name.
    name: String,
    /// The arguments as JSON text, exactly as received. Empty for a tool without arguments; cut off if
    /// the reply was cut off.
    arguments: String,
});
value_methods!(ToolCall: id, name, arguments, extra);

#[pymethods]
impl ToolCall {
    /// The arguments as Python values; `{}` if the text is empty or `null`. Line ends and tabs in strings are read, and so
    /// is a comma before the end of an object or array, and an object that was written as a JSON string.
    ///
    /// Raises:
    ///     LlmDecodeError: The text is not JSON, for example because the token limit cut off the reply. The message says
    ///         what is wrong, and where.
    #[getter]
    fn parsed_arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.0.arguments.trim().is_empty() {
            return Ok(PyDict::new(py).into_any());
        }
        let values = read(py, &self.0.arguments).map_err(|(problem, cause)| {
            let message = format!(
                "the arguments of tool call {:?} are not JSON: {problem}",
                self.0.name
            );
            let unreadable = exception::of_kind(py, ErrorKind::Decode, &message);
            unreadable.set_cause(py, Some(cause));
            unreadable
        })?;
        if values.is_none() {
            return Ok(PyDict::new(py).into_any());
        }
        let inner = values.cast::<PyString>().ok().and_then(|inner| {
            let inner = read(py, inner.to_str().ok()?).ok()?;
            inner.is_instance_of::<PyDict>().then_some(inner)
        });
        Ok(inner.unwrap_or(values))
    }

    /// Returns the message that answers this call: `messages += [reply.message, call.result(value)]`.
    ///
    /// Args:
    ///     value: What the tool returned. A str or a part is sent as it is, an exception as its class and
    ///         text, anything else as JSON.
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

/// The values of JSON that a model wrote; otherwise what is wrong with it, and Python's error.
fn read<'py>(py: Python<'py>, text: &str) -> Result<Bound<'py, PyAny>, (String, PyErr)> {
    let error = match json::load_json(py, text) {
        Ok(values) => return Ok(values),
        Err(error) => error,
    };
    match written(text, false) {
        Ok(repaired) if *repaired != *text => {
            json::load_json(py, &repaired).map_err(|error| (error.to_string(), error))
        }
        Ok(_) => Err((error.to_string(), error)),
        Err(problem) => Err((problem.to_string(), error)),
    }
}
