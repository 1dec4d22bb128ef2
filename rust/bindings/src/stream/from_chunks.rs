//! What `LlmStream.from_chunks` and its async twin share: a stream that a custom client makes.

use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use tokenwire_core::error::ErrorKind;
use tokenwire_core::message::ReplyHead;
use tokenwire_core::stream::Queue;

use crate::ground::caller::Caller;
use crate::ground::exception;
use crate::stream::custom_source::CustomSource;
use crate::stream::shared::Stream;

/// What a client says of a stream.
pub(super) struct Described {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) id: Option<String>,
    pub(super) created: Option<i64>,
    pub(super) response_format: Option<Py<PyAny>>,
}

impl Described {
    /// A stream of what the iterator gives.
    pub(super) fn stream(self, iterator: Bound<'_, PyAny>) -> Stream {
        let started = Instant::now();
        // Nothing fills it ahead of its reader, so it needs no bound.
        let queue = Queue::new(usize::MAX, started);
        let head = ReplyHead {
            id: self.id,
            created: self.created,
            ..ReplyHead::default()
        };
        queue.publish(&mut Vec::new(), Some(&head));
        let caller = Caller {
            started: Some(started),
            ..Caller::named(self.provider, self.model)
        };
        let source = CustomSource::new(iterator, started);
        Stream::of_source(Some(source), queue, caller, self.response_format)
    }
}

/// The iterator of a client's chunks, by this method.
pub(super) fn iterator<'py>(
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
