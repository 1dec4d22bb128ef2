//! The small frozen values that a reply is made of.

use crate::ground::exit::calling_python;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::message;

use crate::ground::json;
use crate::values::raise;
use crate::values::value::{Fields, value_methods};

/// Token counts; None where the provider did not say.
#[pyclass(frozen, eq, hash, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Usage {
    /// All input, cached tokens included.
    #[pyo3(get)]
    prompt_tokens: Option<u64>,
    /// All output, reasoning included.
    #[pyo3(get)]
    completion_tokens: Option<u64>,
    /// The provider's total, else the sum where both parts are known.
    #[pyo3(get)]
    total_tokens: Option<u64>,
    /// Input read from the provider's cache.
    #[pyo3(get)]
    cached_tokens: Option<u64>,
    /// Input written to the provider's cache.
    #[pyo3(get)]
    cache_write_tokens: Option<u64>,
    /// Output spent on reasoning.
    #[pyo3(get)]
    reasoning_tokens: Option<u64>,
    /// The provider's own figure for the cost, in US dollars, as text.
    #[pyo3(get)]
    cost_usd: Option<String>,
}

#[pymethods]
impl Usage {
    #[new]
    #[pyo3(signature = (*, prompt_tokens=None, completion_tokens=None, total_tokens=None,
        cached_tokens=None, cache_write_tokens=None, reasoning_tokens=None, cost_usd=None))]
    fn py_new(
        prompt_tokens: Option<u64>,
        completion_tokens: Option<u64>,
        total_tokens: Option<u64>,
        cached_tokens: Option<u64>,
        cache_write_tokens: Option<u64>,
        reasoning_tokens: Option<u64>,
        cost_usd: Option<String>,
    ) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            cost_usd,
        }
    }
}

impl Fields for Usage {
    const FIELDS: &'static [&'static str] = &[
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "cached_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "cost_usd",
    ];
}
value_methods!(Usage);

impl From<&Usage> for message::Usage {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            cached_tokens: usage.cached_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            cost_usd: usage.cost_usd.clone(),
        }
    }
}

impl From<&message::Usage> for Usage {
    fn from(usage: &message::Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            cached_tokens: usage.cached_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            cost_usd: usage.cost_usd.clone(),
        }
    }
}

/// Where a call's time went, in seconds; None where a stage did not happen.
#[pyclass(frozen, eq, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct Timing {
    /// Waiting for a permit, within the last attempt.
    #[pyo3(get)]
    queue: Option<f64>,
    /// Making a connection, within the last attempt; None when one was used again.
    #[pyo3(get)]
    connect: Option<f64>,
    /// From the start of the call, retries included, to the response head.
    #[pyo3(get)]
    first_byte: Option<f64>,
    /// From the start of the call to the first content (streams).
    #[pyo3(get)]
    first_token: Option<f64>,
    /// From the start of the call to the last content (streams).
    #[pyo3(get)]
    last_token: Option<f64>,
    /// From the start of the call to its end.
    #[pyo3(get)]
    total: Option<f64>,
    /// (completion tokens - 1) / (last token - first token); on whole replies completion tokens / total.
    #[pyo3(get)]
    tokens_per_second: Option<f64>,
}

#[pymethods]
impl Timing {
    #[new]
    #[pyo3(signature = (*, queue=None, connect=None, first_byte=None, first_token=None,
        last_token=None, total=None, tokens_per_second=None))]
    fn py_new(
        queue: Option<f64>,
        connect: Option<f64>,
        first_byte: Option<f64>,
        first_token: Option<f64>,
        last_token: Option<f64>,
        total: Option<f64>,
        tokens_per_second: Option<f64>,
    ) -> Self {
        Self {
            queue,
            connect,
            first_byte,
            first_token,
            last_token,
            total,
            tokens_per_second,
        }
    }
}

impl Fields for Timing {
    const FIELDS: &'static [&'static str] = &[
        "queue",
        "connect",
        "first_byte",
        "first_token",
        "last_token",
        "total",
        "tokens_per_second",
    ];
}
value_methods!(Timing);

impl Timing {
    pub(crate) fn of(timing: &message::Timing, usage: Option<&message::Usage>) -> Self {
        Self {
            queue: timing.queue,
            connect: timing.connect,
            first_byte: timing.first_byte,
            first_token: timing.first_token,
            last_token: timing.last_token,
            total: timing.total,
            tokens_per_second: timing.tokens_per_second(usage),
        }
    }
}

impl From<&Timing> for message::Timing {
    fn from(timing: &Timing) -> Self {
        Self {
            queue: timing.queue,
            connect: timing.connect,
            first_byte: timing.first_byte,
            first_token: timing.first_token,
            last_token: timing.last_token,
            total: timing.total,
        }
    }
}

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
            let text = raise::plain(py, ErrorKind::Decode, &message);
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
            slf.py().import("tokenwire.types")?.call_method(
                "tool_message",
                (slf, value),
                Some(&options),
            )
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
