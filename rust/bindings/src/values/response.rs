//! `LlmResponse` and `Choice`: frozen views of one reply, whole or so far. Nothing of it is made before it is asked for.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use crate::ground::exit::calling_python;
use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};
use tokenwire_core::error;
use tokenwire_core::http::Head;
use tokenwire_core::message;

use crate::ground::json;
use crate::values::attempt::Attempt;
use crate::values::choice::{
    Choice, choice_message, choice_reasoning, choice_text, choice_tool_calls,
};
use crate::values::logprob::TokenLogprob;
use crate::values::raise::Caller;
use crate::values::reply::Stored;
use crate::values::usage::{Timing, Usage};
use crate::values::value;

/// What a response is a view of.
pub(crate) struct ReplyData {
    pub(crate) reply: message::Reply,
    pub(crate) head: Option<Head>,
    pub(crate) timing: message::Timing,
    pub(crate) attempts: Vec<error::Attempt>,
    pub(crate) raw: Option<Bytes>,
    pub(crate) caller: Caller,
}

/// A reply, whole or so far. What stands at the top is choice 0's.
#[pyclass(frozen, module = "tokenwire", generic)]
pub(crate) struct LlmResponse {
    data: Arc<ReplyData>,
    parse_as: Option<Py<PyAny>>,
    message: PyOnceLock<Py<PyAny>>,
    parsed: PyOnceLock<Py<PyAny>>,
}

impl LlmResponse {
    pub(crate) fn new(data: ReplyData, parse_as: Option<Py<PyAny>>) -> Self {
        Self {
            data: Arc::new(data),
            parse_as,
            message: PyOnceLock::new(),
            parsed: PyOnceLock::new(),
        }
    }

    /// A view of the same reply.
    pub(crate) fn of(data: Arc<ReplyData>) -> Self {
        Self {
            data,
            parse_as: None,
            message: PyOnceLock::new(),
            parsed: PyOnceLock::new(),
        }
    }

    pub(crate) fn data(&self) -> &Arc<ReplyData> {
        &self.data
    }

    /// The type that `response_format=` named.
    pub(crate) fn parse_as(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.parse_as.as_ref().map(|kind| kind.clone_ref(py))
    }

    fn first(&self) -> Option<&message::Choice> {
        self.data.reply.choices.first()
    }
}

#[pymethods]
impl LlmResponse {
    /// The provider's id of the reply.
    #[getter]
    fn id(&self) -> Option<&str> {
        self.data.reply.id.as_deref()
    }

    /// The model that answered, as the provider names it; where it does not say, the one asked for.
    #[getter]
    fn model(&self) -> &str {
        self.data
            .reply
            .model
            .as_deref()
            .unwrap_or(&self.data.caller.model)
    }

    /// Name of the provider's row.
    #[getter]
    fn provider(&self) -> &str {
        &self.data.caller.provider
    }

    /// Unix time in seconds.
    #[getter]
    fn created(&self) -> Option<i64> {
        self.data.reply.created
    }

    /// The text; empty where none came.
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &choice_text(self.first()))
    }

    /// The message, its parts in the order in which they came; it goes back as it is.
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let made = self.message.get_or_try_init(py, || {
            choice_message(py, self.first(), &self.data.caller.provider).map(Bound::unbind)
        })?;
        Ok(made.bind(py).clone())
    }

    /// The model's reasoning, where the provider shows it.
    #[getter]
    fn reasoning(&self) -> Option<Cow<'_, str>> {
        choice_reasoning(self.first())
    }

    /// The refusal; None where the model did not refuse.
    #[getter]
    fn refusal(&self) -> Option<Cow<'_, str>> {
        self.first().and_then(message::Choice::refusal)
    }

    /// The tool calls, in order.
    #[getter]
    fn tool_calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        choice_tool_calls(py, self.first())
    }

    /// Why the reply ended: stop, length, tool_calls, refusal, content_filter, abort, error, other.
    #[getter]
    fn finish_reason(&self) -> Option<&'static str> {
        self.first()?
            .finish_reason
            .map(message::FinishReason::as_str)
    }

    /// The provider's own word for it.
    #[getter]
    fn provider_finish_reason(&self) -> Option<&str> {
        self.first()?.provider_finish_reason.as_deref()
    }

    /// All answers, by index.
    #[getter]
    fn choices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let choices = (0..self.data.reply.choices.len())
            .map(|position| Choice::new(self.data.clone(), position));
        PyTuple::new(py, choices.collect::<Vec<_>>())
    }

    /// Token probabilities, where asked for.
    #[getter]
    fn logprobs<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        TokenLogprob::tuple(
            py,
            self.first().and_then(|choice| choice.logprobs.as_deref()),
        )
    }

    /// Token counts; None where the provider sent none.
    #[getter]
    fn usage(&self) -> Option<Usage> {
        self.data.reply.usage.as_ref().map(Usage::from)
    }

    /// The reply read as the type that `response_format=` named; None without one.
    ///
    /// Raises:
    ///     LlmValidationError: The text does not fit the type. The reply itself is not lost.
    #[getter]
    fn parsed<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(kind) = &self.parse_as else {
            return Ok(None);
        };
        let made = self.parsed.get_or_try_init(py, || {
            let text = choice_text(self.first());
            calling_python(|| {
                py.import("tokenwire.parsing")?
                    .call_method1("parse_reply", (kind, text))
                    .map(Bound::unbind)
            })
        })?;
        Ok(Some(made.bind(py).clone()))
    }

    /// What the call cost, the provider's own figure first; None where it is not known.
    #[getter]
    fn cost<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        calling_python(|| {
            slf.py()
                .import("tokenwire.registry")?
                .call_method1("cost_of", (slf,))
        })
    }

    /// The provider's id of the request.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        let head = self
            .data
            .head
            .as_ref()
            .and_then(|head| head.request_id.as_deref());
        head.or(self.data.reply.request_id.as_deref())
    }

    /// The response headers, names in lower case; of a repeated one the values joined by ", ".
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        for (name, value) in self.data.head.iter().flat_map(|head| head.headers.iter()) {
            match headers.get_item(name)? {
                Some(before) => headers.set_item(name, format!("{before}, {value}"))?,
                None => headers.set_item(name, value)?,
            }
        }
        Ok(headers)
    }

    /// Where the time went.
    #[getter]
    fn timing(&self) -> Timing {
        Timing::of(&self.data.timing, self.data.reply.usage.as_ref())
    }

    /// Every attempt, the last one being the one that succeeded.
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(
            py,
            self.data
                .attempts
                .iter()
                .cloned()
                .map(Attempt::from)
                .collect::<Vec<_>>(),
        )
    }

    /// The body as received; None for streams.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.data.raw.as_ref().map(|raw| PyBytes::new(py, raw))
    }

    /// The reply as a dict of plain values; `from_dict` reads it back (without `raw`).
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let json = serde_json::to_string(&slf.get().stored())
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let stored = json::load_json(py, &json)?;
        let dict = PyDict::new(py);
        for name in [
            "id",
            "model",
            "created",
            "text",
            "reasoning",
            "refusal",
            "tool_calls",
            "finish_reason",
            "provider_finish_reason",
            "usage",
            "timing",
        ] {
            dict.set_item(name, value::plain(slf.getattr(name)?)?)?;
        }
        dict.update(stored.cast::<PyDict>()?.as_mapping())?;
        // The derived figure is shown too; reading it back ignores it.
        dict.set_item("timing", value::plain(slf.getattr("timing")?)?)?;
        dict.set_item("choices", stored.get_item("reply")?.get_item("choices")?)?;
        Ok(dict.into_any())
    }

    /// Makes a response from what `to_dict` returned.
    #[classmethod]
    fn from_dict(_cls: &Bound<'_, PyType>, fields: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut json = Vec::new();
        json::write_json(fields.as_any(), "response", &mut json)?;
        let stored: Stored = serde_json::from_slice(&json)
            .map_err(|error| PyValueError::new_err(format!("no LlmResponse dict: {error}")))?;
        Ok(Self::from_stored(stored, None))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let json = serde_json::to_vec(&slf.get().stored())
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let restore = py
            .import("tokenwire._engine")?
            .getattr("_restore_response")?;
        let state = (PyBytes::new(py, &json), slf.get().raw(py)).into_pyobject(py)?;
        PyTuple::new(py, [restore, state.into_any()])
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = &other.get().data;
            // Not the raw body: a reply read from its dict has none.
            self.data.reply == other.reply && self.data.caller.provider == other.caller.provider
        })
    }

    fn __hash__(&self) -> u64 {
        let reply = &self.data.reply;
        hash_of((
            &reply.id,
            &reply.model,
            reply.created,
            choice_text(self.first()),
        ))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = choice_text(self.first());
        let mut shown: String = text.chars().take(60).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Ok(format!(
            "LlmResponse(model={:?}, text={}, finish_reason={:?}, tool_calls={}, choices={})",
            self.model(),
            PyString::new(py, &shown).repr()?,
            self.finish_reason().unwrap_or("None"),
            self.first().map_or(0, |choice| choice.tool_calls().count()),
            self.data.reply.choices.len(),
        ))
    }

    #[classmethod]
    fn __get_pydantic_core_schema__<'py>(
        cls: &Bound<'py, PyType>,
        _source: &Bound<'py, PyAny>,
        _handler: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        value::schema(cls.as_any())
    }
}

/// What is equal has the same hash, wherever it was made.
pub(crate) fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What a pickled response is read with.
#[pyfunction]
#[pyo3(name = "_restore_response")]
pub(crate) fn restore_response(json: &[u8], raw: Option<&[u8]>) -> PyResult<LlmResponse> {
    let stored: Stored = serde_json::from_slice(json)
        .map_err(|error| PyValueError::new_err(format!("no pickled LlmResponse: {error}")))?;
    Ok(LlmResponse::from_stored(stored, raw))
}
