//! `LlmResponse(…)`: a reply that a client of somebody's own makes.

use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::http::Head;
use tokenwire_core::message::{self, FinishReason, Part};

use crate::call::arguments::pairs;
use crate::ground::json;
use crate::values::logprob::TokenLogprob;
use crate::values::raise::{self, Caller};
use crate::values::response::{LlmResponse, ReplyData};
use crate::values::usage::{Timing, ToolCall, Usage};

const FINISH_REASONS: &str =
    "stop, length, tool_calls, refusal, content_filter, abort, error, other";

/// The reason of that name.
pub(crate) fn finish_reason(py: Python<'_>, name: Option<&str>) -> PyResult<Option<FinishReason>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let reason = serde_json::from_value(name.into()).map_err(|_| {
        let problem = format!("finish_reason: {name:?} is none of {FINISH_REASONS}");
        raise::plain(py, ErrorKind::Validation, &problem)
    })?;
    Ok(Some(reason))
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
        let mut parts = Vec::new();
        parts.extend(reasoning.map(|text| Part::Reasoning {
            text,
            signature: None,
            field: None,
        }));
        parts.extend(text.map(|text| Part::Text { text }));
        parts.extend(refusal.map(|text| Part::Refusal { text }));
        parts.extend(
            tool_calls
                .iter()
                .map(|call| Part::ToolCall((&**call).into())),
        );
        if let Some(message) = message {
            if !parts.is_empty() {
                let problem =
                    "message: it stands for text, reasoning, refusal and tool_calls; give it alone";
                return Err(raise::plain(py, ErrorKind::Config, problem));
            }
            parts = parts_of(&message)?;
        }
        let choice = message::Choice {
            index: 0,
            parts,
            finish_reason: self::finish_reason(py, finish_reason)?,
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
        let head = headers
            .map(|headers| {
                PyResult::Ok(Head {
                    status: 200,
                    headers: pairs(&headers, "headers")?.into(),
                    request_id: None,
                })
            })
            .transpose()?;
        let data = ReplyData {
            reply,
            head,
            timing: timing.map(|timing| (&*timing).into()).unwrap_or_default(),
            attempts: Vec::new(),
            raw: None,
            caller: Caller {
                provider: provider.into(),
                model: model.into(),
                ..Caller::default()
            },
        };
        Ok(Self::new(data, response_format))
    }

    /// The same reply, with what the call took in all where the reply does not say so.
    fn _timed(slf: Bound<'_, Self>, seconds: f64) -> PyResult<Bound<'_, Self>> {
        let py = slf.py();
        let data = slf.get().data();
        if data.timing.total.is_some() {
            return Ok(slf);
        }
        let timed = ReplyData {
            reply: data.reply.clone(),
            head: data.head.clone(),
            timing: message::Timing {
                total: Some(seconds),
                ..data.timing
            },
            attempts: data.attempts.clone(),
            raw: data.raw.clone(),
            caller: data.caller.clone(),
        };
        Bound::new(py, Self::new(timed, slf.get().parse_as(py)))
    }
}

/// The parts of an assistant's `LlmMessage`.
fn parts_of(message: &Bound<'_, PyAny>) -> PyResult<Vec<Part>> {
    let py = message.py();
    let refused =
        |problem: &str| raise::plain(py, ErrorKind::Validation, &format!("message: {problem}"));
    let Some(json) = message.getattr_opt("__tokenwire_json__")? else {
        return Err(refused(&format!(
            "give an LlmMessage, not {}",
            message.get_type().name()?
        )));
    };
    let fields = json.call0()?;
    if !fields.get_item("role")?.eq("assistant")? {
        return Err(refused("a reply's role is \"assistant\""));
    }
    let Ok(parts) = fields.get_item("parts") else {
        let text = fields.get_item("content")?.cast_into::<PyString>()?;
        let text = text.to_str()?.to_owned();
        return Ok(vec![Part::Text { text }]);
    };
    let mut json = Vec::new();
    json::write_json(&parts, "message.content", &mut json)?;
    serde_json::from_slice(&json).map_err(|_| {
        refused(
            "a reply holds text, reasoning, refusals, tool calls and opaque parts, and no other",
        )
    })
}
