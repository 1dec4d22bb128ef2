//! `LlmResponse`: a frozen view of one reply, whole or so far. Its values are made when they are asked for.

use std::borrow::Cow;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};
use tokenwire_core::http::Head;
use tokenwire_core::message;

use crate::ground::caller::Caller;
use crate::ground::exit::calling_python;
use crate::ground::{json, python};
use crate::values::attempt::Attempt;
use crate::values::choice::{Choice, choice_reasoning, choice_text, choice_tool_calls};
use crate::values::keywords::pairs;
use crate::values::logprob::TokenLogprob;
use crate::values::message::{content, message_of};
use crate::values::reply::ReplyData;
use crate::values::timing::Timing;
use crate::values::tool_call::ToolCall;
use crate::values::usage::Usage;
use crate::values::value::{self, Fields};
use crate::values::word;

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
            parse_as,
            ..Self::of(Arc::new(data))
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

    fn first(&self) -> Option<&message::Choice> {
        self.data.reply.choices.first()
    }
}

#[pymethods]
impl LlmResponse {
    #[new]
    #[pyo3(signature = (*, provider, model, text=None, reasoning=None, refusal=None,
        tool_calls=Vec::new(), message=None, finish_reason=None, provider_finish_reason=None,
        usage=None, logprobs=None, timing=None, id=None, created=None, request_id=None,
        headers=None, response_format=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "one for each field that a client can know"
    )]
    fn py_new(
        py: Python<'_>,
        provider: &str,
        model: &str,
        text: Option<String>,
        reasoning: Option<String>,
        refusal: Option<String>,
        tool_calls: Vec<PyRef<'_, ToolCall>>,
        message: Option<Bound<'_, PyAny>>,
        finish_reason: Option<&str>,
        provider_finish_reason: Option<String>,
        usage: Option<PyRef<'_, Usage>>,
        logprobs: Option<Vec<PyRef<'_, TokenLogprob>>>,
        timing: Option<PyRef<'_, Timing>>,
        id: Option<String>,
        created: Option<i64>,
        request_id: Option<String>,
        headers: Option<Bound<'_, PyAny>>,
        response_format: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let calls = tool_calls.iter().map(|call| (&**call).into());
        let choice = message::Choice {
            index: 0,
            parts: content(message.as_ref(), reasoning, text, refusal, calls)?,
            finish_reason: word::optional(py, "finish_reason", finish_reason)?,
            provider_finish_reason,
            logprobs: logprobs.map(|tokens| tokens.iter().map(|token| token.0.clone()).collect()),
        };
        let mut reply = message::Reply {
            id,
            model: None,
            created,
            choices: vec![choice],
            usage: usage.map(|usage| (&*usage).into()),
            request_id,
        };
        // A tool call or a refusal says why the reply ended, as it does for the engine's.
        reply.conclude();
        let headers = headers.map(|headers| pairs(&headers, "headers"));
        let head = headers.transpose()?.map(|headers| Head {
            status: 200,
            headers: headers.into(),
            request_id: None,
        });
        let data = ReplyData {
            head,
            timing: timing.map(|timing| (&*timing).into()).unwrap_or_default(),
            ..ReplyData::of(reply, Caller::named(provider, model))
        };
        Ok(Self::new(data, response_format))
    }

    /// The provider's id of the reply.
    #[getter]
    fn id(&self) -> Option<&str> {
        self.data.reply.id.as_deref()
    }

    /// The model that answered, as the provider names it; where it does not say, the one asked for.
    #[getter]
    fn model(&self) -> &str {
        self.data.model()
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
        let message = self.message.get_or_try_init(py, || {
            message_of(py, self.first(), &self.data.caller.provider).map(Bound::unbind)
        })?;
        Ok(message.bind(py).clone())
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
        let parsed = self.parsed.get_or_try_init(py, || {
            let read = || {
                python::PARSED
                    .get(py)?
                    .call1((kind, choice_text(self.first())))
            };
            calling_python(read).map(Bound::unbind)
        })?;
        Ok(Some(parsed.bind(py).clone()))
    }

    /// What the call cost, the provider's own figure first; None where it is not known.
    #[getter]
    fn cost<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        calling_python(|| python::COST.get(slf.py())?.call1((slf,)))
    }

    /// The provider's id of the request.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.data.request_id()
    }

    /// The response headers, names in lower case; of a repeated one the values joined by ", ".
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.data.headers(py)
    }

    /// Where the time went.
    #[getter]
    fn timing(&self) -> Timing {
        Timing::of(&self.data.timing, self.data.reply.usage.as_ref())
    }

    /// Every attempt, the last one being the one that succeeded.
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        Attempt::tuple(py, &self.data.attempts)
    }

    /// What of the messages was left out of the request, because the provider does not take it: paths
    /// such as `messages[1].content[0]`. Mostly reasoning of another provider; empty for most replies.
    #[getter]
    fn dropped<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.data.caller.dropped())
    }

    /// The body as received; None for streams.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.data.raw.as_ref().map(|raw| PyBytes::new(py, raw))
    }

    /// The reply as a dict of plain values; `from_dict` reads it back (without `raw`).
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let stored = json::load_json(py, &slf.get().data.to_json()?)?;
        let dict = value::to_dict::<Self>(slf.as_any())?;
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
        let data = ReplyData::from_json(&json, None, "no LlmResponse dict")?;
        Ok(Self::new(data, None))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let json = slf.get().data.to_json()?;
        let restore = python::own_function(py, "_restore_response")?;
        let state = (PyBytes::new(py, json.as_bytes()), slf.get().raw(py)).into_pyobject(py)?;
        PyTuple::new(py, [restore, state.into_any()])
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = &other.get().data;
            // What was answered, and by whom; not how it came. A reply read from its dict has no raw body.
            self.data.reply == other.reply && self.data.caller.provider == other.caller.provider
        })
    }

    fn __hash__(&self) -> u64 {
        let reply = &self.data.reply;
        value::hash_of((
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

impl Fields for LlmResponse {
    const FIELDS: &'static [&'static str] = &[
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
    ];
}

/// What a pickled response is read with.
#[pyfunction]
#[pyo3(name = "_restore_response")]
pub(crate) fn restore_response(json: &[u8], raw: Option<&[u8]>) -> PyResult<LlmResponse> {
    let data = ReplyData::from_json(json, raw, "no pickled LlmResponse")?;
    Ok(LlmResponse::new(data, None))
}
