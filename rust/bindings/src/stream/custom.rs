//! `CustomReply`: the reply of a stream that `from_chunks` made.
//!
//! `python/tokenwire/streaming/custom_stream.py` takes the chunks from the user's iterator and pushes them in
//! here. The queue is the same as for a stream of the engine: it folds the chunks, keeps time, and gives them
//! back in any form.

use std::sync::Arc;
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::config::Limits;
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::message::{Chunk, ChunkKind, ReplyHead, Timing};
use tokenwire_core::stream::Queue;

use crate::ground::caller::Caller;
use crate::ground::exception;
use crate::stream::reading::Mode;
use crate::stream::shared::{Found, Stream};
use crate::values::chunk::LlmStreamChunk;
use crate::values::keywords::{TextArgument, named};

#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct CustomReply {
    pub(super) stream: Arc<Stream>,
}

#[pymethods]
impl CustomReply {
    #[new]
    #[pyo3(signature = (*, provider, model, id=None, created=None, response_format=None,
        api=None, status=None))]
    #[allow(clippy::too_many_arguments, reason = "one for each field")]
    fn new(
        py: Python<'_>,
        provider: TextArgument,
        model: TextArgument,
        id: Option<TextArgument>,
        created: Option<i64>,
        response_format: Option<Py<PyAny>>,
        api: Option<TextArgument>,
        status: Option<TextArgument>,
    ) -> PyResult<Self> {
        let started = Instant::now();
        // The iterator never runs ahead of its reader, so what has not been read needs no bound.
        let most_kept = Limits::default().max_reply_bytes;
        let queue = Queue::new(usize::MAX, most_kept, started);
        let head = ReplyHead {
            id: named(py, id, "id")?,
            created,
            status: named(py, status, "status")?,
            ..ReplyHead::default()
        };
        // Without chunks, it cannot fail.
        let _ = queue.publish(&mut Vec::new(), Some(&head));
        let caller = Caller {
            api: named(py, api, "api")?.map(Into::into),
            started: Some(started),
            ..Caller::named(provider.named(py, "provider")?, model.named(py, "model")?)
        };
        let stream = Arc::new(Stream::new(None, queue, caller, response_format, None));
        Ok(Self { stream })
    }

    /// The next item in this form; None at the end, or if another chunk is needed.
    fn take(&self, py: Python<'_>, form: &str) -> PyResult<Option<Py<PyAny>>> {
        self.stream.begin(py)?;
        let mode = match form {
            "text" => Mode::Text,
            "events" => Mode::Events,
            "batches" => Mode::Batches,
            "grown" => Mode::Grown,
            _ => Mode::Chunks,
        };
        loop {
            return match self.stream.step(py, mode)? {
                Found::Item(item) => Ok(Some(item)),
                Found::Rest => continue,
                Found::Nothing | Found::End => Ok(None),
            };
        }
    }

    /// Adds a chunk, or text of the first choice.
    fn push(&self, py: Python<'_>, item: &Bound<'_, PyAny>) -> PyResult<()> {
        let chunk = if let Ok(chunk) = item.cast::<LlmStreamChunk>() {
            chunk.get().chunk().clone()
        } else if let Ok(text) = item.cast::<PyString>() {
            let Ok(text) = text.to_str() else {
                let problem = "chunks: the text holds a lone surrogate, which UTF-8 cannot carry";
                return Err(exception::of_kind(py, ErrorKind::Validation, problem));
            };
            Chunk {
                kind: ChunkKind::Text(text.into()),
                raw: None,
            }
        } else {
            let kind = item.get_type().name()?;
            let problem = format!("chunks: each item must be an LlmStreamChunk or str, not {kind}");
            return Err(exception::of_kind(py, ErrorKind::Validation, &problem));
        };
        let published = self.stream.queue.publish(&mut vec![chunk], None);
        published.map_err(|error| self.stream.raise(py, error))
    }

    /// Ends the stream. It is complete if its iterator did not fail and every choice has a finish reason.
    fn end(&self, failed: bool) {
        let (reply, ..) = self.stream.queue.snapshot();
        let mut choices = reply.choices.iter();
        let end = if failed {
            let problem = "the iterator of the stream raised an exception";
            Err(Error::new(ErrorKind::StreamInterrupted, problem))
        } else if reply.choices.is_empty() || choices.any(|choice| choice.finish_reason.is_none()) {
            Err(Error::new(
                ErrorKind::StreamIncomplete,
                "chunks: the last chunk had no finish_reason, so the reply may be cut off; \
                 end it with LlmStreamChunk(finish_reason=\"stop\") or another reason",
            ))
        } else {
            Ok(())
        };
        let timing = Timing {
            total: Some(self.stream.caller.elapsed()),
            ..Timing::default()
        };
        self.stream.queue.finish(end, timing, Vec::new());
    }

    /// Whether the stream ended or was closed.
    #[getter]
    fn is_over(&self) -> bool {
        self.stream.queue.is_over() || self.stream.queue.is_closed()
    }
}
