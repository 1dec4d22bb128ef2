//! The typed events of a stream, each a small class for `match`.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokenwire_core::message::StreamEvent;

use crate::values::chunk::ToolCallFragment;
use crate::values::tool_call::ToolCall;
use crate::values::usage::Usage;
use crate::values::value::{self, Fields, value_methods};

macro_rules! text_event {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[pyclass(frozen, eq, hash, module = "tokenwire")]
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub(crate) struct $name {
            /// The piece.
            #[pyo3(get)]
            text: String,
            /// The choice.
            #[pyo3(get)]
            index: u32,
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (text, index=0))]
            fn py_new(text: String, index: u32) -> Self {
                Self { text, index }
            }

            #[classattr]
            fn __match_args__() -> (&'static str, &'static str) {
                ("text", "index")
            }
        }

        impl Fields for $name {
            const FIELDS: &'static [&'static str] = &["text", "index"];
        }
        value_methods!($name);
    };
}

text_event!(TextDelta, "More text.");
text_event!(ReasoningDelta, "More of the model's reasoning.");
text_event!(RefusalDelta, "More of a refusal.");

/// A fragment of a tool call.
#[pyclass(frozen, eq, hash, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToolCallDelta {
    /// The fragment.
    #[pyo3(get)]
    fragment: ToolCallFragment,
    /// The choice.
    #[pyo3(get)]
    index: u32,
}

#[pymethods]
impl ToolCallDelta {
    #[new]
    #[pyo3(signature = (fragment, index=0))]
    fn py_new(fragment: &ToolCallFragment, index: u32) -> Self {
        Self {
            fragment: fragment.clone(),
            index,
        }
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("fragment", "index")
    }
}

impl Fields for ToolCallDelta {
    const FIELDS: &'static [&'static str] = &["fragment", "index"];

    fn revive<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        (name == "fragment")
            .then(|| value::instance::<ToolCallFragment>(value))
            .transpose()
    }
}
value_methods!(ToolCallDelta);

/// A tool call is whole; it comes as soon as that is known, before the stream ends.
#[pyclass(frozen, eq, hash, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToolCallDone {
    /// The call.
    #[pyo3(get)]
    call: ToolCall,
    /// The choice.
    #[pyo3(get)]
    index: u32,
}

#[pymethods]
impl ToolCallDone {
    #[new]
    #[pyo3(signature = (call, index=0))]
    fn py_new(call: &ToolCall, index: u32) -> Self {
        Self {
            call: call.clone(),
            index,
        }
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("call", "index")
    }
}

impl Fields for ToolCallDone {
    const FIELDS: &'static [&'static str] = &["call", "index"];

    fn revive<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        (name == "call")
            .then(|| value::instance::<ToolCall>(value))
            .transpose()
    }
}
value_methods!(ToolCallDone);

/// Token counts came.
#[pyclass(frozen, eq, hash, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct UsageReported {
    /// The counts.
    #[pyo3(get)]
    usage: Usage,
}

#[pymethods]
impl UsageReported {
    #[new]
    fn py_new(usage: &Usage) -> Self {
        Self {
            usage: usage.clone(),
        }
    }

    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["usage"])
    }
}

impl Fields for UsageReported {
    const FIELDS: &'static [&'static str] = &["usage"];

    fn revive<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        (name == "usage")
            .then(|| value::instance::<Usage>(value))
            .transpose()
    }
}
value_methods!(UsageReported);

/// The stream is whole; `stream.response` is complete.
#[pyclass(frozen, eq, hash, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct End;

#[pymethods]
impl End {
    #[new]
    fn py_new() -> Self {
        Self
    }

    #[classattr]
    fn __match_args__(py: Python<'_>) -> Bound<'_, PyTuple> {
        PyTuple::empty(py)
    }
}

impl Fields for End {
    const FIELDS: &'static [&'static str] = &[];
}
value_methods!(End);

/// The Python object of an event.
pub(crate) fn object(py: Python<'_>, event: StreamEvent) -> PyResult<Py<PyAny>> {
    Ok(match event {
        StreamEvent::TextDelta { index, text } => {
            Py::new(py, TextDelta { text, index })?.into_any()
        }
        StreamEvent::ReasoningDelta { index, text } => {
            Py::new(py, ReasoningDelta { text, index })?.into_any()
        }
        StreamEvent::RefusalDelta { index, text } => {
            Py::new(py, RefusalDelta { text, index })?.into_any()
        }
        StreamEvent::ToolCallDelta { index, delta } => Py::new(
            py,
            ToolCallDelta {
                fragment: (&delta).into(),
                index,
            },
        )?
        .into_any(),
        StreamEvent::ToolCallDone { index, call, .. } => Py::new(
            py,
            ToolCallDone {
                call: (&call).into(),
                index,
            },
        )?
        .into_any(),
        StreamEvent::UsageReported(usage) => Py::new(
            py,
            UsageReported {
                usage: (&usage).into(),
            },
        )?
        .into_any(),
        StreamEvent::End => Py::new(py, End)?.into_any(),
    })
}
