//! `LlmStreamChunk`: what one event of a stream adds to one choice. Its parts become Python objects when
//! they are read.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};
use tokenwire_core::message::{self, Chunk, ChunkKind, Delta};

use crate::values::extra;
use crate::values::keywords::{TextArgument, named, variant};
use crate::values::logprob::TokenLogprob;
use crate::values::usage::Usage;
use crate::values::value::{self, getters, value_methods};

/// A fragment of a tool call in a stream.
#[pyclass(frozen, eq, hash, from_py_object, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToolCallFragment(pub(crate) message::ToolCallDelta);

#[pymethods]
impl ToolCallFragment {
    #[new]
    #[pyo3(signature = (index, id=None, name=None, arguments=TextArgument::default(), extra=None))]
    fn py_new(
        py: Python<'_>,
        index: u32,
        id: Option<TextArgument>,
        name: Option<TextArgument>,
        arguments: TextArgument,
        extra: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Ok(Self(message::ToolCallDelta {
            index,
            id: named(py, id, "id")?,
            name: named(py, name, "name")?,
            arguments: arguments.named(py, "arguments")?,
            extra: extra::read(extra.as_ref())?,
            ends: None,
        }))
    }

    /// What else the provider sent with this fragment; see `ToolCall.extra`.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        extra::object(py, &self.0.extra)
    }
}

getters!(ToolCallFragment {
    /// Which call of the choice it belongs to: 0, 1, … in the order in which the calls began.
    index: u32,
    /// The id of the call, on the fragment that carries it. If the provider sends none, the engine makes one up.
    id: Option<String>,
    /// The tool's name, on the fragment that carries it.
    name: Option<String>,
    /// The next piece of the arguments' JSON text.
    arguments: String,
});
value_methods!(ToolCallFragment: index, id, name, arguments, extra);

/// What one event of a stream adds to one choice.
#[pyclass(frozen, module = "tokenwire")]
pub(crate) struct LlmStreamChunk(Chunk);

impl From<Chunk> for LlmStreamChunk {
    fn from(chunk: Chunk) -> Self {
        Self(chunk)
    }
}

impl LlmStreamChunk {
    pub(crate) fn chunk(&self) -> &Chunk {
        &self.0
    }

    fn delta(&self) -> Option<&Delta> {
        match &self.0.kind {
            ChunkKind::Text(_) => None,
            ChunkKind::Delta(delta) => Some(delta),
        }
    }
}

#[pymethods]
impl LlmStreamChunk {
    #[new]
    #[pyo3(signature = (*, text=TextArgument::default(), reasoning=None, refusal=None, tool_calls=Vec::new(),
        finish_reason=None, provider_finish_reason=None, index=0, usage=None, logprobs=None, raw=None))]
    #[allow(clippy::too_many_arguments, reason = "one for each field")]
    fn py_new(
        py: Python<'_>,
        text: TextArgument,
        reasoning: Option<TextArgument>,
        refusal: Option<TextArgument>,
        tool_calls: Vec<ToolCallFragment>,
        finish_reason: Option<TextArgument>,
        provider_finish_reason: Option<TextArgument>,
        index: u32,
        usage: Option<Usage>,
        logprobs: Option<Vec<TokenLogprob>>,
        raw: Option<Vec<u8>>,
    ) -> PyResult<Self> {
        let finish_reason = named(py, finish_reason, "finish_reason")?;
        let delta = Delta {
            index,
            text: text.named(py, "text")?.into(),
            reasoning: named(py, reasoning, "reasoning")?.unwrap_or_default(),
            refusal: named(py, refusal, "refusal")?,
            tool_calls: tool_calls.into_iter().map(|call| call.0).collect(),
            finish_reason: finish_reason
                .map(|word| variant(py, "finish_reason", &word))
                .transpose()?,
            provider_finish_reason: named(py, provider_finish_reason, "provider_finish_reason")?,
            usage: usage.map(|usage| Box::new(usage.0)),
            logprobs: logprobs.map(TokenLogprob::logprobs),
            ..Delta::default()
        };
        Ok(Self(Chunk {
            kind: ChunkKind::Delta(Box::new(delta)),
            raw: raw.map(Into::into),
        }))
    }

    /// The next piece of text; empty if the event has none.
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match &self.0.kind {
            ChunkKind::Text(text) => PyString::new(py, text),
            ChunkKind::Delta(delta) => PyString::new(py, &delta.text),
        }
    }

    /// The next piece of reasoning, if the event has one.
    #[getter]
    fn reasoning(&self) -> Option<&str> {
        self.delta()
            .map(|delta| delta.reasoning.as_str())
            .filter(|text| !text.is_empty())
    }

    /// The next piece of a refusal, if the event has one.
    #[getter]
    fn refusal(&self) -> Option<&str> {
        self.delta()?.refusal.as_deref()
    }

    /// Fragments of tool calls; usually empty.
    #[getter]
    fn tool_calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let fragments = self.delta().map_or(&[][..], |delta| &delta.tool_calls);
        PyTuple::new(py, fragments.iter().cloned().map(ToolCallFragment))
    }

    /// Why the choice ended, on the event that says so; see `LlmResponse.finish_reason`.
    #[getter]
    fn finish_reason(&self) -> Option<&'static str> {
        self.delta()?
            .finish_reason
            .map(message::FinishReason::as_str)
    }

    /// The same as the provider put it.
    #[getter]
    fn provider_finish_reason(&self) -> Option<&str> {
        self.delta()?.provider_finish_reason.as_deref()
    }

    /// Index of the choice that the chunk belongs to.
    #[getter]
    fn index(&self) -> u32 {
        self.delta().map_or(0, |delta| delta.index)
    }

    /// Token counts, on the event that carries them.
    #[getter]
    fn usage(&self) -> Option<Usage> {
        self.delta()?.usage.as_deref().map(Usage::from)
    }

    /// Log probabilities of the tokens of this chunk, if the request asked for them.
    #[getter]
    fn logprobs<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        TokenLogprob::tuple(py, self.delta().and_then(|delta| delta.logprobs.as_ref()))
    }

    /// The data of the event as received.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.raw.as_deref().map(|raw| PyBytes::new(py, raw))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = &other.get().0;
            self.0.raw == other.raw && as_shown(&self.0.kind) == as_shown(&other.kind)
        })
    }

    fn __hash__(&self) -> u32 {
        self.index()
    }
}

/// A chunk as Python sees it: chunks that look the same have the same form.
fn as_shown(kind: &ChunkKind) -> Delta {
    match kind {
        ChunkKind::Text(text) => Delta {
            text: text.clone(),
            ..Delta::default()
        },
        ChunkKind::Delta(delta) => Delta {
            reasoning_field: None,
            rank: None,
            signature: None,
            extra: message::Extra::default(),
            opaque: Vec::new(),
            part: None,
            ends: false,
            stop_details: None,
            tool_calls: unmarked(&delta.tool_calls),
            ..(**delta).clone()
        },
    }
}

/// The fragments without the marks of their ends, which have no attribute.
fn unmarked(fragments: &[message::ToolCallDelta]) -> Vec<message::ToolCallDelta> {
    let unmarked = fragments.iter().map(|fragment| message::ToolCallDelta {
        ends: None,
        ..fragment.clone()
    });
    unmarked.collect()
}

value_methods!(
    LlmStreamChunk: text, reasoning, refusal, tool_calls, finish_reason, provider_finish_reason,
    index, usage, logprobs, raw;
    usage = value::instance::<Usage>, tool_calls = value::instances::<ToolCallFragment>,
    logprobs = value::instances::<TokenLogprob>
);
