//! `LlmStreamChunk`: one choice's share of one event. Its parts are made when asked for.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use tokenwire_core::message::{self, Chunk, ChunkKind, Delta};

use crate::values::logprob::TokenLogprob;
use crate::values::usage::Usage;
use crate::values::value::{self, Fields, value_methods};
use crate::values::word;

/// A fragment of a tool call.
#[pyclass(frozen, eq, hash, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToolCallFragment {
    /// Which call of the choice this belongs to: 0, 1, … in the order in which they began.
    #[pyo3(get)]
    index: u32,
    /// The provider's id, on the fragment that brings it.
    #[pyo3(get)]
    id: Option<String>,
    /// The tool's name, on the fragment that brings it.
    #[pyo3(get)]
    name: Option<String>,
    /// The next piece of the arguments' JSON text.
    #[pyo3(get)]
    arguments: String,
}

#[pymethods]
impl ToolCallFragment {
    #[new]
    #[pyo3(signature = (index, id=None, name=None, arguments=String::new()))]
    fn py_new(index: u32, id: Option<String>, name: Option<String>, arguments: String) -> Self {
        Self {
            index,
            id,
            name,
            arguments,
        }
    }
}

impl Fields for ToolCallFragment {
    const FIELDS: &'static [&'static str] = &["index", "id", "name", "arguments"];
}
value_methods!(ToolCallFragment);

impl From<&message::ToolCallDelta> for ToolCallFragment {
    fn from(delta: &message::ToolCallDelta) -> Self {
        Self {
            index: delta.index,
            id: delta.id.clone(),
            name: delta.name.clone(),
            arguments: delta.arguments.clone(),
        }
    }
}

/// One choice's share of one event of a stream.
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
    #[pyo3(signature = (*, text="", reasoning=None, refusal=None, tool_calls=Vec::new(),
        finish_reason=None, provider_finish_reason=None, index=0, usage=None, logprobs=None, raw=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "one for each field, for unpickling and for tests"
    )]
    fn py_new(
        py: Python<'_>,
        text: &str,
        reasoning: Option<String>,
        refusal: Option<String>,
        tool_calls: Vec<PyRef<'_, ToolCallFragment>>,
        finish_reason: Option<&str>,
        provider_finish_reason: Option<String>,
        index: u32,
        usage: Option<PyRef<'_, Usage>>,
        logprobs: Option<Vec<PyRef<'_, TokenLogprob>>>,
        raw: Option<&[u8]>,
    ) -> PyResult<Self> {
        let delta = Delta {
            index,
            text: text.into(),
            reasoning: reasoning.unwrap_or_default(),
            refusal,
            tool_calls: tool_calls
                .iter()
                .map(|fragment| message::ToolCallDelta {
                    index: fragment.index,
                    id: fragment.id.clone(),
                    name: fragment.name.clone(),
                    arguments: fragment.arguments.clone(),
                })
                .collect(),
            finish_reason: word::optional(py, "finish_reason", finish_reason)?,
            provider_finish_reason,
            usage: usage.map(|usage| Box::new((&*usage).into())),
            logprobs: logprobs.map(|tokens| tokens.iter().map(|token| token.0.clone()).collect()),
            ..Delta::default()
        };
        Ok(Self(Chunk {
            kind: ChunkKind::Delta(Box::new(delta)),
            raw: raw.map(Into::into),
        }))
    }

    /// The next piece of text; empty where the event brought none.
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match &self.0.kind {
            ChunkKind::Text(text) => PyString::new(py, text),
            ChunkKind::Delta(delta) => PyString::new(py, &delta.text),
        }
    }

    /// The next piece of reasoning.
    #[getter]
    fn reasoning(&self) -> Option<&str> {
        self.delta()
            .map(|delta| delta.reasoning.as_str())
            .filter(|text| !text.is_empty())
    }

    /// The next piece of a refusal.
    #[getter]
    fn refusal(&self) -> Option<&str> {
        self.delta()?.refusal.as_deref()
    }

    /// Fragments of tool calls.
    #[getter]
    fn tool_calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let fragments = self.delta().into_iter().flat_map(|delta| &delta.tool_calls);
        PyTuple::new(
            py,
            fragments.map(ToolCallFragment::from).collect::<Vec<_>>(),
        )
    }

    /// Why the choice ended, on the event that says so.
    #[getter]
    fn finish_reason(&self) -> Option<&'static str> {
        self.delta()?
            .finish_reason
            .map(message::FinishReason::as_str)
    }

    /// The provider's own word for it.
    #[getter]
    fn provider_finish_reason(&self) -> Option<&str> {
        self.delta()?.provider_finish_reason.as_deref()
    }

    /// The choice that this belongs to.
    #[getter]
    fn index(&self) -> u32 {
        self.delta().map_or(0, |delta| delta.index)
    }

    /// Token counts, on the event that brings them.
    #[getter]
    fn usage(&self) -> Option<Usage> {
        self.delta()?.usage.as_deref().map(Usage::from)
    }

    /// Probabilities of this piece's tokens.
    #[getter]
    fn logprobs<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        TokenLogprob::tuple(py, self.delta().and_then(|delta| delta.logprobs.as_deref()))
    }

    /// The event's data as received.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.raw.as_deref().map(|raw| PyBytes::new(py, raw))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|other| self.same(&other.get().0))
    }

    fn __hash__(&self) -> u32 {
        self.index()
    }
}

impl LlmStreamChunk {
    fn same(&self, other: &Chunk) -> bool {
        self.0.raw == other.raw && normal(&self.0.kind) == normal(&other.kind)
    }
}

/// The one form in which two chunks that show the same are equal.
fn normal(kind: &ChunkKind) -> Delta {
    match kind {
        ChunkKind::Text(text) => Delta {
            text: text.clone(),
            ..Delta::default()
        },
        ChunkKind::Delta(delta) => Delta {
            reasoning_field: None,
            signature: None,
            opaque: Vec::new(),
            ..(**delta).clone()
        },
    }
}

impl Fields for LlmStreamChunk {
    const FIELDS: &'static [&'static str] = &[
        "text",
        "reasoning",
        "refusal",
        "tool_calls",
        "finish_reason",
        "provider_finish_reason",
        "index",
        "usage",
        "logprobs",
        "raw",
    ];

    fn revive<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(Some(match name {
            "usage" => value::instance::<Usage>(value)?,
            "tool_calls" => value::each(value, value::instance::<ToolCallFragment>)?,
            "logprobs" => value::each(value, value::instance::<TokenLogprob>)?,
            "raw" => match value.cast::<PyList>() {
                Ok(bytes) => PyBytes::new(value.py(), &bytes.extract::<Vec<u8>>()?).into_any(),
                Err(_) => return Ok(None),
            },
            _ => return Ok(None),
        }))
    }
}
value_methods!(LlmStreamChunk);
