//! `LlmResponse`: a frozen view of one reply, complete or partial. Its parts become Python objects when
//! they are read.

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
use crate::values::choice::{Choice, choice_getters, choice_text};
use crate::values::extra;
use crate::values::headers;
use crate::values::keywords::{TextArgument, named, pairs, variant};
use crate::values::logprob::TokenLogprob;
use crate::values::message::{content, message_of};
use crate::values::reply::ReplyData;
use crate::values::timing::Timing;
use crate::values::tool_call::ToolCall;
use crate::values::usage::Usage;
use crate::values::value;

/// The reply to a call, complete or partial. It is immutable.
///
/// `text`, `message`, `tool_calls` and the other attributes of an answer belong to the first choice;
/// `choices` has all of them. A client that you write yourself creates a response from keyword arguments;
/// `message` replaces `text`, `reasoning`, `refusal` and `tool_calls`.
#[pyclass(frozen, module = "tokenwire", generic)]
pub(crate) struct LlmResponse {
    data: Arc<ReplyData>,
    parse_as: Option<Py<PyAny>>,
    // A large text, if it was made in advance.
    text: Option<Py<PyString>>,
    message: PyOnceLock<Py<PyAny>>,
    parsed: PyOnceLock<Py<PyAny>>,
}

impl LlmResponse {
    pub(crate) fn new(data: ReplyData, parse_as: Option<Py<PyAny>>) -> Self {
        Self {
            data: Arc::new(data),
            parse_as,
            text: None,
            message: PyOnceLock::new(),
            parsed: PyOnceLock::new(),
        }
    }

    /// The same with its text as a `str` that was made in advance.
    pub(crate) fn with_text(mut self, text: Option<Py<PyString>>) -> Self {
        self.text = text;
        self
    }

    fn text_object<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match &self.text {
            Some(text) => text.bind(py).clone(),
            None => PyString::new(py, &choice_text(self.choice())),
        }
    }

    pub(crate) fn data(&self) -> &Arc<ReplyData> {
        &self.data
    }

    fn choice(&self) -> Option<&message::Choice> {
        self.data.reply.choices.first()
    }
}

choice_getters!(LlmResponse);

#[pymethods]
impl LlmResponse {
    #[new]
    #[pyo3(signature = (*, provider, model, text=None, reasoning=None, refusal=None,
        tool_calls=Vec::new(), message=None, finish_reason=None, provider_finish_reason=None,
        usage=None, logprobs=None, timing=None, id=None, created=None, request_id=None,
        headers=None, response_format=None, api=None, status=None, stop_details=None))]
    #[allow(clippy::too_many_arguments, reason = "one for each field")]
    fn py_new(
        py: Python<'_>,
        provider: TextArgument,
        model: TextArgument,
        text: Option<TextArgument>,
        reasoning: Option<TextArgument>,
        refusal: Option<TextArgument>,
        tool_calls: Vec<ToolCall>,
        message: Option<Bound<'_, PyAny>>,
        finish_reason: Option<TextArgument>,
        provider_finish_reason: Option<TextArgument>,
        usage: Option<Usage>,
        logprobs: Option<Vec<TokenLogprob>>,
        timing: Option<Timing>,
        id: Option<TextArgument>,
        created: Option<i64>,
        request_id: Option<TextArgument>,
        headers: Option<Bound<'_, PyAny>>,
        response_format: Option<Py<PyAny>>,
        api: Option<TextArgument>,
        status: Option<TextArgument>,
        stop_details: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let text = named(py, text, "text")?;
        let reasoning = named(py, reasoning, "reasoning")?;
        let refusal = named(py, refusal, "refusal")?;
        let finish_reason = named(py, finish_reason, "finish_reason")?;
        let calls = tool_calls.into_iter().map(|call| call.0);
        let choice = message::Choice {
            index: 0,
            parts: content(message.as_ref(), reasoning, text, refusal, calls)?,
            finish_reason: finish_reason
                .map(|word| variant(py, "finish_reason", &word))
                .transpose()?,
            provider_finish_reason: named(py, provider_finish_reason, "provider_finish_reason")?,
            stop_details: extra::read_value(stop_details.as_ref(), "stop_details")?,
            logprobs: logprobs.map(TokenLogprob::logprobs),
        };
        let mut reply = message::Reply {
            id: named(py, id, "id")?,
            model: None,
            created,
            status: named(py, status, "status")?,
            choices: vec![choice],
            usage: usage.map(|usage| usage.0),
            request_id: named(py, request_id, "request_id")?,
        };
        // A tool call or a refusal implies the finish reason, as in replies of the engine.
        reply.conclude();
        let headers = headers.map(|headers| pairs(&headers, "headers"));
        let head = headers.transpose()?.map(|headers| Head {
            status: 200,
            headers: headers.into(),
            request_id: None,
        });
        let caller = Caller {
            api: named(py, api, "api")?.map(Into::into),
            ..Caller::named(provider.named(py, "provider")?, model.named(py, "model")?)
        };
        let data = ReplyData {
            head,
            timing: timing.map(|timing| timing.0).unwrap_or_default(),
            ..ReplyData::of(Arc::new(reply), caller)
        };
        Ok(Self::new(data, response_format))
    }

    /// The id that the provider gave the reply.
    #[getter]
    fn id(&self) -> Option<&str> {
        self.data.reply.id.as_deref()
    }

    /// The model that answered, as named by the provider; if it does not say, the one requested.
    #[getter]
    fn model(&self) -> &str {
        self.data.model()
    }

    /// Name of the provider, such as "openai".
    #[getter]
    fn provider(&self) -> &str {
        &self.data.caller.provider
    }

    /// The API that the call spoke, such as "chat" or "responses"; None if unknown, as for the replies of most custom
    /// clients and those that an earlier version stored.
    #[getter]
    fn api(&self) -> Option<&str> {
        self.data.caller.api.as_deref()
    }

    /// How far the provider is with the reply, in its own word, such as "completed" or "queued"; None in an API that
    /// does not say, such as "chat".
    #[getter]
    fn status(&self) -> Option<&str> {
        self.data.reply.status.as_deref()
    }

    /// When the reply was created, as Unix time in seconds.
    #[getter]
    fn created(&self) -> Option<i64> {
        self.data.reply.created
    }

    /// The answer as a message, its parts in the order in which they arrived. Append it to your messages to
    /// continue the conversation.
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let message = self.message.get_or_try_init(py, || {
            message_of(py, self.choice(), &self.data.caller).map(Bound::unbind)
        })?;
        Ok(message.bind(py).clone())
    }

    /// All answers, in order.
    #[getter]
    fn choices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let choices = (0..self.data.reply.choices.len())
            .map(|position| Choice::new(self.data.clone(), position));
        PyTuple::new(py, choices.collect::<Vec<_>>())
    }

    /// Token counts; None if the provider sent none.
    #[getter]
    fn usage(&self) -> Option<Usage> {
        self.data.reply.usage.as_ref().map(Usage::from)
    }

    /// The text parsed as the type passed as `response_format`; None without one.
    ///
    /// Raises:
    ///     LlmValidationError: The text does not fit the type. The rest of the response stays usable.
    ///     LlmModelError: The token limit cut the text off.
    #[getter]
    fn parsed<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, response) = (slf.py(), slf.get());
        let Some(kind) = &response.parse_as else {
            return Ok(None);
        };
        let parsed = response.parsed.get_or_try_init(py, || {
            let read = || python::PARSED.get(py)?.call1((kind, slf));
            calling_python(read).map(Bound::unbind)
        })?;
        Ok(Some(parsed.bind(py).clone()))
    }

    /// The cost of the call: the provider's own figure, or else computed from known prices. None if
    /// neither is known.
    #[getter]
    fn cost<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        calling_python(|| python::COST.get(slf.py())?.call1((slf,)))
    }

    /// The id that the provider gave the request. Quote it in support requests.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.data.request_id()
    }

    /// The response headers, with names in lower case. The values of a repeated header are joined by ", ".
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let head = self.data.head.as_ref();
        headers::dict(py, head.map_or(&[], |head| &head.headers))
    }

    /// How long the stages of the call took.
    #[getter]
    fn timing(&self) -> Timing {
        Timing::of(&self.data.timing, self.data.reply.usage.as_ref())
    }

    /// All attempts of the call. The last one succeeded. While a stream is read or opened, the last one may
    /// be in progress: its `error` is None, and its `phase` says what it waits for.
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        Attempt::tuple(py, &self.data.attempts)
    }

    /// What was left out of the request because the API or the provider does not accept it: parts of your messages, as
    /// paths such as `messages[1].content[0]`, and with `drop_unsupported` names of parameters. Usually empty; otherwise
    /// mostly reasoning of another provider.
    #[getter]
    fn dropped<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.data.caller.dropped())
    }

    /// The response body as received; None for a stream.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.data.reply.raw().map(|raw| PyBytes::new(py, raw))
    }

    /// Returns the reply as a dict of plain values, ready for JSON and for `from_dict`. It lacks `raw`.
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let stored = json::load_json(py, &slf.get().data.to_json()?)?;
        let dict = value::to_dict::<Self>(slf.as_any())?;
        dict.update(stored.cast::<PyDict>()?.as_mapping())?;
        // With the derived figure, which `from_dict` ignores.
        dict.set_item("timing", value::plain(slf.getattr("timing")?)?)?;
        dict.set_item("choices", stored.get_item("reply")?.get_item("choices")?)?;
        Ok(dict.into_any())
    }

    /// Creates a response from a dict that `to_dict` returned.
    ///
    /// Raises:
    ///     ValueError: The dict is not one of a response.
    #[classmethod]
    fn from_dict(_cls: &Bound<'_, PyType>, fields: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut json = Vec::new();
        json::write_json(fields.as_any(), "response", &mut json)?;
        let data = ReplyData::from_json(&json, None, "not a dict of an LlmResponse")?;
        Ok(Self::new(data, None))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let json = slf.get().data.to_json()?;
        let arguments = (
            PyBytes::new(slf.py(), json.as_bytes()),
            slf.get().raw(slf.py()),
        );
        (slf.get_type().getattr("_restore")?, arguments).into_pyobject(slf.py())
    }

    /// Makes a response from its JSON and its raw body. Pickles call it.
    #[classmethod]
    fn _restore(_cls: &Bound<'_, PyType>, json: &[u8], raw: Option<&[u8]>) -> PyResult<Self> {
        let data = ReplyData::from_json(json, raw, "not a pickled LlmResponse")?;
        Ok(Self::new(data, None))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = &other.get().data;
            // The answer and who gave it, but not how it arrived: a reply read from its dict has no raw body.
            *self.data.reply == *other.reply && self.data.caller.provider == other.caller.provider
        })
    }

    fn __hash__(&self) -> u64 {
        let reply = &self.data.reply;
        value::hash_of((
            &reply.id,
            &reply.model,
            reply.created,
            choice_text(self.choice()),
        ))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = choice_text(self.choice());
        let mut shown: String = text.chars().take(60).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Ok(format!(
            "LlmResponse(model={}, text={}, finish_reason={}, tool_calls={}, choices={})",
            self.model().into_pyobject(py)?.repr()?,
            PyString::new(py, &shown).repr()?,
            self.finish_reason().into_pyobject(py)?.repr()?,
            self.choice()
                .map_or(0, |choice| choice.tool_calls().count()),
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

/// Whether a reply has audio. Reading its message would show it, but takes long for a large reply.
#[pyfunction]
#[pyo3(name = "_has_audio")]
pub(crate) fn has_audio(reply: &Bound<'_, PyAny>) -> bool {
    let is_audio = |part: &message::Part| matches!(part, message::Part::Opaque { field, .. } if field == "audio");
    let parts = |reply: &LlmResponse| {
        reply
            .choice()
            .map(|choice| choice.parts.iter().any(is_audio))
    };
    let reply = reply.cast::<LlmResponse>();
    reply.is_ok_and(|reply| parts(reply.get()).unwrap_or(false))
}

// What `to_dict` shows in addition to the stored data.
value::fields!(
    LlmResponse: id, model, created, text, reasoning, refusal, tool_calls, finish_reason,
    provider_finish_reason, stop_details, status, usage, timing
);
