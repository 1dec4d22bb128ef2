//! `LlmStream.from_chunks` and its async twin: streams that a client of somebody's own makes.

use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyType};
use tokenwire_core::error::ErrorKind;
use tokenwire_core::stream::Queue;
use tokenwire_core::wire::ReplyHead;

use crate::ground::caller::Caller;
use crate::ground::exception;
use crate::stream::async_stream::AsyncLlmStream;
use crate::stream::custom_source::CustomSource;
use crate::stream::shared::Stream;
use crate::stream::sync_stream::LlmStream;

/// What a client says of a stream.
struct Described {
    provider: String,
    model: String,
    id: Option<String>,
    created: Option<i64>,
    response_format: Option<Py<PyAny>>,
}

impl Described {
    fn stream(self, iterator: Bound<'_, PyAny>) -> Stream {
        let started = Instant::now();
        // Nobody fills it ahead of its reader, so its bound bounds nothing.
        let queue = Queue::new(usize::MAX, started);
        let head = ReplyHead {
            id: self.id,
            model: None,
            created: self.created,
        };
        queue.publish(&mut Vec::new(), Some(&head));
        let caller = Caller {
            provider: self.provider.into(),
            model: self.model.into(),
            started: Some(started),
            ..Caller::default()
        };
        let source = CustomSource::new(iterator, started);
        Stream::of_source(Some(source), queue, caller, self.response_format)
    }
}

/// The iterator of what a client gave.
fn iterator<'py>(
    chunks: &Bound<'py, PyAny>,
    method: &str,
    what: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let is_text = chunks.is_instance_of::<PyString>() || chunks.is_instance_of::<PyBytes>();
    let make = chunks.getattr_opt(method)?.filter(|_| !is_text);
    make.map_or_else(
        || {
            let kind = chunks.get_type().name()?;
            let problem = format!("chunks: give {what} of LlmStreamChunk or str, not {kind}");
            Err(exception::of_kind(chunks.py(), ErrorKind::Config, &problem))
        },
        |make| make.call0(),
    )
}

#[pymethods]
impl LlmStream {
    /// A stream of the chunks that an iterable gives; for clients of your own.
    ///
    /// Nothing of it runs before the stream is entered or read. It runs in the reader's thread, is
    /// closed with the stream where it has `close()`, and its last chunk has to say a
    /// `finish_reason`: an end without one is an `LlmStreamIncompleteError`.
    ///
    /// Args:
    ///     chunks: Gives `LlmStreamChunk`, or `str` for text alone; a generator, most often.
    ///     provider: Name of the provider, for the reply, errors and events.
    ///     model: The model that was asked for.
    ///     id: The provider's id of the reply.
    ///     created: Unix time in seconds.
    ///     response_format: The type that `response.parsed` reads the text as.
    ///
    /// Raises:
    ///     LlmConfigError: `chunks` is not iterable, or a str.
    #[classmethod]
    #[pyo3(signature = (chunks, *, provider, model, id=None, created=None, response_format=None))]
    #[allow(clippy::too_many_arguments, reason = "named one by one")]
    fn from_chunks(
        _cls: &Bound<'_, PyType>,
        chunks: &Bound<'_, PyAny>,
        provider: String,
        model: String,
        id: Option<String>,
        created: Option<i64>,
        response_format: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let iterator = iterator(chunks, "__iter__", "an iterable")?;
        let described = Described {
            provider,
            model,
            id,
            created,
            response_format,
        };
        Ok(Self::new(described.stream(iterator)))
    }
}

#[pymethods]
impl AsyncLlmStream {
    /// A stream of the chunks that an async iterable gives; see `LlmStream.from_chunks`.
    ///
    /// It runs in the reader's task: to cancel a step cancels it, as with any async generator.
    ///
    /// Raises:
    ///     LlmConfigError: `chunks` is no async iterable.
    #[classmethod]
    #[pyo3(signature = (chunks, *, provider, model, id=None, created=None, response_format=None))]
    #[allow(clippy::too_many_arguments, reason = "named one by one")]
    fn from_chunks(
        _cls: &Bound<'_, PyType>,
        chunks: &Bound<'_, PyAny>,
        provider: String,
        model: String,
        id: Option<String>,
        created: Option<i64>,
        response_format: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let iterator = iterator(chunks, "__aiter__", "an async iterable")?;
        let described = Described {
            provider,
            model,
            id,
            created,
            response_format,
        };
        Ok(Self::new(described.stream(iterator)))
    }
}
