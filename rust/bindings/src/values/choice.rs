//! `Choice`: one of the answers of a reply, and what it shares with the reply's top.

use std::borrow::Cow;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tokenwire_core::message;

use crate::ground::python;
use crate::values::logprob::TokenLogprob;
use crate::values::message::message_of;
use crate::values::reply::ReplyData;
use crate::values::response::LlmResponse;
use crate::values::tool_call::ToolCall;
use crate::values::value;

pub(crate) fn choice_text(choice: Option<&message::Choice>) -> Cow<'_, str> {
    choice.map_or(Cow::Borrowed(""), message::Choice::text)
}

pub(crate) fn choice_reasoning(choice: Option<&message::Choice>) -> Option<Cow<'_, str>> {
    choice
        .map(message::Choice::reasoning)
        .filter(|text| !text.is_empty())
}

pub(crate) fn choice_tool_calls<'py>(
    py: Python<'py>,
    choice: Option<&message::Choice>,
) -> PyResult<Bound<'py, PyTuple>> {
    let calls = choice
        .into_iter()
        .flat_map(message::Choice::tool_calls)
        .map(ToolCall::from);
    PyTuple::new(py, calls.collect::<Vec<_>>())
}

/// One of the answers of a reply.
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
}

#[pymethods]
impl Choice {
    /// Its number; prompt lists number them `prompt * n + i`.
    #[getter]
    fn index(&self) -> u32 {
        self.choice().map_or(0, |choice| choice.index)
    }

    /// The text; empty where none came.
    #[getter]
    fn text(&self) -> Cow<'_, str> {
        choice_text(self.choice())
    }

    /// The message, its parts in the order in which they came.
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        message_of(py, self.choice(), &self.data.caller.provider)
    }

    /// The model's reasoning, where the provider shows it.
    #[getter]
    fn reasoning(&self) -> Option<Cow<'_, str>> {
        choice_reasoning(self.choice())
    }

    /// The refusal; None where the model did not refuse.
    #[getter]
    fn refusal(&self) -> Option<Cow<'_, str>> {
        self.choice().and_then(message::Choice::refusal)
    }

    /// The tool calls, in order.
    #[getter]
    fn tool_calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        choice_tool_calls(py, self.choice())
    }

    /// Why it ended.
    #[getter]
    fn finish_reason(&self) -> Option<&'static str> {
        self.choice()?
            .finish_reason
            .map(message::FinishReason::as_str)
    }

    /// The provider's own word for it.
    #[getter]
    fn provider_finish_reason(&self) -> Option<&str> {
        self.choice()?.provider_finish_reason.as_deref()
    }

    /// Token probabilities, where asked for.
    #[getter]
    fn logprobs<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        TokenLogprob::tuple(
            py,
            self.choice().and_then(|choice| choice.logprobs.as_deref()),
        )
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

    /// The answer as a dict of plain values.
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        value::to_dict::<Self>(slf.as_any())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let choice = slf.get();
        let response = LlmResponse::of(choice.data.clone());
        let restore = python::own_function(py, "_restore_choice")?;
        let state = (Py::new(py, response)?, choice.position).into_pyobject(py)?;
        PyTuple::new(py, [restore, state.into_any()])
    }
}

impl value::Fields for Choice {
    const FIELDS: &'static [&'static str] = &[
        "index",
        "text",
        "reasoning",
        "refusal",
        "tool_calls",
        "finish_reason",
        "provider_finish_reason",
        "logprobs",
    ];
}

/// What a pickled choice is read with.
#[pyfunction]
#[pyo3(name = "_restore_choice")]
pub(crate) fn restore_choice(response: &LlmResponse, position: usize) -> Choice {
    Choice::new(response.data().clone(), position)
}
