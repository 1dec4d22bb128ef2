//! The events that `stream.events()` yields, each a small class for `match`.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokenwire_core::message::StreamEvent;

use crate::values::chunk::ToolCallFragment;
use crate::values::tool_call::ToolCall;
use crate::values::usage::Usage;
use crate::values::value::{self, Fields, value_methods};

/// Declares the class of an event, with its constructor and what `match` needs.
macro_rules! event_class {
    (
        $(#[$about:meta])*
        $class:ident {
            $($(#[$about_field:meta])* $field:ident: $kind:ty $(= $default:tt)?,)*
        }
        $($nested:ident = $read:expr)?
    ) => {
        $(#[$about])*
        #[pyclass(frozen, eq, hash, module = "tokenwire")]
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub(crate) struct $class {
            $($(#[$about_field])* #[pyo3(get)] $field: $kind,)*
        }

        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = ($($field $(= $default)?),*))]
            fn py_new($($field: $kind),*) -> Self {
                Self { $($field),* }
            }

            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, Self::FIELDS)
            }
        }

        value_methods!($class: $($field),* $(; $nested = $read)?);
    };
}

/// Declares events that carry a piece of text.
macro_rules! text_events {
    ($($(#[$about:meta])* $class:ident)+) => {$(
        event_class! {
            $(#[$about])*
            $class {
                /// The piece.
                text: String,
                /// Index of the choice that it belongs to.
                index: u32 = 0,
            }
        }
    )+};
}

text_events! {
    /// The next piece of text.
    TextDelta
    /// The next piece of the model's reasoning.
    ReasoningDelta
    /// The next piece of a refusal.
    RefusalDelta
}

event_class! {
    /// The next fragment of a tool call.
    ToolCallDelta {
        /// The fragment.
        fragment: ToolCallFragment,
        /// Index of the choice that it belongs to.
        index: u32 = 0,
    }
    fragment = value::instance::<ToolCallFragment>
}

event_class! {
    /// A tool call is complete. It arrives as soon as that is known, before the stream ends.
    ToolCallDone {
        /// The call.
        call: ToolCall,
        /// Index of the choice that it belongs to.
        index: u32 = 0,
    }
    call = value::instance::<ToolCall>
}

event_class! {
    /// The provider reported token counts.
    UsageReported {
        /// The counts.
        usage: Usage,
    }
    usage = value::instance::<Usage>
}

event_class! {
    /// The stream is complete, and so is `stream.response`.
    End {}
}

/// The Python object of an event.
pub(crate) fn object(py: Python<'_>, event: StreamEvent) -> PyResult<Py<PyAny>> {
    match event {
        StreamEvent::TextDelta { index, text } => TextDelta { text, index }.into_py_any(py),
        StreamEvent::ReasoningDelta { index, text } => {
            ReasoningDelta { text, index }.into_py_any(py)
        }
        StreamEvent::RefusalDelta { index, text } => RefusalDelta { text, index }.into_py_any(py),
        StreamEvent::ToolCallDelta { index, delta } => {
            let fragment = ToolCallFragment(delta);
            ToolCallDelta { fragment, index }.into_py_any(py)
        }
        StreamEvent::ToolCallDone { index, call, .. } => {
            let call = ToolCall(call);
            ToolCallDone { call, index }.into_py_any(py)
        }
        StreamEvent::UsageReported(usage) => {
            let usage = Usage(usage);
            UsageReported { usage }.into_py_any(py)
        }
        StreamEvent::End => End {}.into_py_any(py),
    }
}
