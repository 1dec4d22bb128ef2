//! `partial` of both streams: their typed answers while they grow.
//!
//! `python/tokenwire/interface/partial.py` makes the values. It takes the text from here, in all that has arrived at a time.

use pyo3::prelude::*;

use crate::ground::exit::calling_python;
use crate::ground::python;
use crate::stream::async_stream::{AsyncLlmStream, AsyncStreamIterator};
use crate::stream::reading::Mode;
use crate::stream::shared::Stream;
use crate::stream::sync_stream::{LlmStream, StreamIterator};

#[pymethods]
impl LlmStream {
    /// The typed answer while it grows: one value for each batch of text that changes it, and at last the checked value.
    ///
    /// A value before the last one is not validated. It has what has arrived: a string that is still being written as far
    /// as it has come, but a number, a date or another value only when it is complete. A field that has not arrived reads as
    /// its default, or as None if it has none; a key of a TypedDict is missing. The last value is `response.parsed`.
    ///
    /// Args:
    ///     kind: The type, as for `response_format`, which is the default.
    ///
    /// Raises:
    ///     LlmConfigError: There is neither a type nor a `response_format`, or it is not a usable type.
    ///     LlmValidationError: At the end: the text does not fit the type; `partial` is the reply.
    ///     LlmModelError: At the end: the token limit cut the text off, or the model refused.
    ///     LlmStreamingError: As for every other way to read the stream.
    #[pyo3(signature = (kind=None))]
    fn partial<'py>(
        slf: &Bound<'py, Self>,
        kind: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        values(slf.as_any(), &slf.get().shared.stream, kind)
    }

    /// The text of choice 0 from its beginning, one `str` for all that has arrived since the last step.
    fn _grown(&self) -> StreamIterator {
        self.shared.stream.grow_again();
        self.iterate(Mode::Grown)
    }
}

#[pymethods]
impl AsyncLlmStream {
    /// The typed answer while it grows; see `LlmStream.partial`.
    ///
    /// Raises:
    ///     LlmConfigError: There is neither a type nor a `response_format`, or it is not a usable type.
    ///     LlmValidationError: At the end: the text does not fit the type; `partial` is the reply.
    ///     LlmModelError: At the end: the token limit cut the text off, or the model refused.
    ///     LlmStreamingError: As for every other way to read the stream.
    #[pyo3(signature = (kind=None))]
    fn partial<'py>(
        slf: &Bound<'py, Self>,
        kind: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        values(slf.as_any(), &slf.get().shared.stream, kind)
    }

    /// The text of choice 0 from its beginning, one `str` for all that has arrived since the last step.
    fn _grown(&self) -> AsyncStreamIterator {
        self.shared.stream.grow_again();
        self.iterate(Mode::Grown)
    }
}

/// The values of a stream of this type, or else of its own.
fn values<'py>(
    of: &Bound<'py, PyAny>,
    stream: &Stream,
    kind: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = of.py();
    let kind = kind.or_else(|| stream.parse_as(py));
    calling_python(|| python::PARTIAL.get(py)?.call1((of, kind)))
}
