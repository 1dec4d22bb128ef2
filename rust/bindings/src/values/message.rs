//! Turns the parts of a reply into an `LlmMessage` and back.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::message::{self, Extra, Part};

use crate::ground::caller::Caller;
use crate::ground::exit::calling_python;
use crate::ground::{exception, json, python};

/// The `LlmMessage` of a choice, its parts in the order in which they arrived.
pub(crate) fn message_of<'py>(
    py: Python<'py>,
    choice: Option<&message::Choice>,
    caller: &Caller,
) -> PyResult<Bound<'py, PyAny>> {
    let parts: &[Part] = choice.map_or(&[], |choice| &choice.parts);
    let json =
        serde_json::to_string(parts).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let parts = json::load_json(py, &json)?;
    calling_python(|| {
        python::MESSAGE.get(py)?.call1((
            parts,
            &*caller.provider,
            &*caller.model,
            caller.api.as_deref(),
        ))
    })
}

/// The parts of a reply: those of the message, or else the pieces, in the order of a provider's reply.
pub(crate) fn content(
    message: Option<&Bound<'_, PyAny>>,
    reasoning: Option<String>,
    text: Option<String>,
    refusal: Option<String>,
    calls: impl Iterator<Item = message::ToolCall>,
) -> PyResult<Vec<Part>> {
    let mut parts = Vec::new();
    parts.extend(reasoning.map(|text| Part::Reasoning {
        text,
        signature: None,
        field: None,
        extra: Extra::default(),
    }));
    let extra = Extra::default;
    parts.extend(text.map(|text| Part::Text {
        text,
        extra: extra(),
    }));
    parts.extend(refusal.map(|text| Part::Refusal {
        text,
        extra: extra(),
    }));
    parts.extend(calls.map(Part::ToolCall));
    match message {
        None => Ok(parts),
        Some(message) if parts.is_empty() => parts_of(message),
        Some(message) => {
            let why = "message: it replaces text, reasoning, refusal and tool_calls; give it alone";
            Err(exception::of_kind(message.py(), ErrorKind::Config, why))
        }
    }
}

/// The parts of an assistant's `LlmMessage`.
fn parts_of(message: &Bound<'_, PyAny>) -> PyResult<Vec<Part>> {
    let py = message.py();
    let refused =
        |why: &str| exception::of_kind(py, ErrorKind::Validation, &format!("message: {why}"));
    let Some(json) = message.getattr_opt("__tokenwire_json__")? else {
        return Err(refused(&format!(
            "give an LlmMessage, not {}",
            message.get_type().name()?
        )));
    };
    let fields = json.call0()?;
    if !fields.get_item("role")?.eq("assistant")? {
        return Err(refused("the role of a reply is \"assistant\""));
    }
    let Ok(parts) = fields.get_item("parts") else {
        let text = fields.get_item("content")?.cast_into::<PyString>()?;
        let surrogate = |_| refused("the text holds a lone surrogate, which UTF-8 cannot carry");
        let text = text.to_str().map_err(surrogate)?.to_owned();
        let extra = Extra::default();
        return Ok(vec![Part::Text { text, extra }]);
    };
    let mut json = Vec::new();
    json::write_json(&parts, "message.content", &mut json)?;
    serde_json::from_slice(&json).map_err(|_| {
        refused("a reply holds only text, reasoning, refusals, tool calls and opaque parts")
    })
}
