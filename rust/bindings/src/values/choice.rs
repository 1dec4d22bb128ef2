//! `Choice`: one of the answers of a reply, and the getters that it shares with `LlmResponse`.

use std::borrow::Cow;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};
use tokenwire_core::message;

use crate::values::message::message_of;
use crate::values::reply::ReplyData;
use crate::values::value;

pub(crate) fn choice_text(choice: Option<&message::Choice>) -> Cow<'_, str> {
    choice.map_or(Cow::Borrowed(""), message::Choice::text)
}

/// Adds what a reply and each of its choices have in common, read from the `choice()` and the
/// `text_object()` of the class.
macro_rules! choice_getters {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            /// The text; empty if the model sent no text.
            #[getter]
            fn text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
                self.text_object(py)
            }

            /// The model's reasoning, if the provider shows it.
            #[getter]
            fn reasoning(&self) -> Option<std::borrow::Cow<'_, str>> {
                let reasoning = self.choice().map(message::Choice::reasoning);
                reasoning.filter(|text| !text.is_empty())
            }

            /// The refusal; None if the model did not refuse.
            #[getter]
            fn refusal(&self) -> Option<std::borrow::Cow<'_, str>> {
                self.choice().and_then(message::Choice::refusal)
            }

            /// The tool calls, in order.
            #[getter]
            fn tool_calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                let calls = self
                    .choice()
                    .into_iter()
                    .flat_map(message::Choice::tool_calls);
                let calls = calls.cloned().map($crate::values::tool_call::ToolCall);
                PyTuple::new(py, calls.collect::<Vec<_>>())
            }

            /// Why the model stopped: "stop", "length", "tool_calls", "refusal", "content_filter", "abort",
            /// "error" or "other".
            #[getter]
            fn finish_reason(&self) -> Option<&'static str> {
                let reason = self.choice()?.finish_reason;
                reason.map(message::FinishReason::as_str)
            }

            /// The finish reason as the provider put it.
            #[getter]
            fn provider_finish_reason(&self) -> Option<&str> {
                self.choice()?.provider_finish_reason.as_deref()
            }

            /// What else the provider says about the end, such as why a filter stopped the reply; None if it says
            /// nothing.
            #[getter]
            fn stop_details<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
                let details = self
                    .choice()
                    .and_then(|choice| choice.stop_details.as_ref());
                $crate::values::extra::value(py, details)
            }

            /// The sources that the provider names for `text`, in the order in which it sent them.
            #[getter]
            fn citations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                $crate::values::citation::Citation::tuple(py, self.choice())
            }

            /// Log probabilities of the tokens, if the request asked for them.
            #[getter]
            fn logprobs<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
                let logprobs = self.choice().and_then(|choice| choice.logprobs.as_ref());
                $crate::values::logprob::TokenLogprob::tuple(py, logprobs)
            }
        }
    };
}
pub(crate) use choice_getters;

/// One of the answers of a reply. A request with `n=2` gets two.
#[pyclass(frozen, module = "tokenwire")]
pub(crate) struct Choice {
    data: Arc<ReplyData>,
    position: usize,
}

impl Choice {
    pub(crate) fn new(data: Arc<ReplyData>, position: usize) -> Self {
        Self { data, position }
    }

    fn choice(&self) -> Option<&message::Choice> {
        self.data.reply.choices.get(self.position)
    }

    fn text_object<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &choice_text(self.choice()))
    }
}

choice_getters!(Choice);

#[pymethods]
impl Choice {
    /// Index of the choice. With a list of prompts it is `prompt * n + i`.
    #[getter]
    fn index(&self) -> u32 {
        self.choice().map_or(0, |choice| choice.index)
    }

    /// The answer as a message, its parts in the order in which they arrived.
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        message_of(py, self.choice(), &self.data.caller)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|other| self.choice() == other.get().choice())
    }

    fn __hash__(&self) -> u64 {
        value::hash_of((self.index(), choice_text(self.choice())))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        value::repr::<Self>(slf.as_any())
    }

    /// Returns the choice as a dict of plain values, ready for JSON.
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        value::to_dict::<Self>(slf.as_any())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let json = slf.get().data.to_json()?;
        let arguments = (PyBytes::new(slf.py(), json.as_bytes()), slf.get().position);
        (slf.get_type().getattr("_restore")?, arguments).into_pyobject(slf.py())
    }

    /// Makes a choice from the JSON of its reply and its position. Pickles call it.
    #[classmethod]
    fn _restore(_cls: &Bound<'_, PyType>, json: &[u8], position: usize) -> PyResult<Self> {
        let data = ReplyData::from_json(json, None, "not a pickled Choice")?;
        Ok(Self::new(Arc::new(data), position))
    }
}

value::fields!(
    Choice: index, text, reasoning, refusal, tool_calls, finish_reason, provider_finish_reason,
    stop_details, logprobs
);
