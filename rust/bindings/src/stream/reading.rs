//! What a reader has taken from the queue, and the items that it makes of that.

use std::collections::VecDeque;

use compact_str::CompactString;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use tokenwire_core::message::{Chunk, ChunkKind, StreamEvent, StreamEvents};
use tokenwire_core::stream::Interest;

use crate::stream::turn::{ITEMS_PER_LOOK, Turn};
use crate::values::chunk::LlmStreamChunk;
use crate::values::events;

/// The form in which a reader takes the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `LlmStreamChunk`, one for each choice in an event.
    Chunks,
    /// `str`, the text of choice 0.
    Text,
    /// Typed events.
    Events,
    /// Lists of all the chunks that have arrived.
    Batches,
    /// `str`, the text of choice 0 that has arrived since the last step; the first one has all that came before.
    Grown,
}

impl Mode {
    pub(crate) fn interest(self) -> Interest {
        match self {
            Self::Text | Self::Grown => Interest::Text,
            Self::Chunks | Self::Events | Self::Batches => Interest::Any,
        }
    }
}

/// What was taken from the queue and has not been returned to Python yet.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) buffer: VecDeque<Chunk>,
    pub(super) events: VecDeque<StreamEvent>,
    pub(super) fresh: Vec<StreamEvent>,
    pub(super) builder: StreamEvents,
    pub(super) ended: bool,
    pub(super) turn: Turn,
    // How many bytes of the text were returned as grown.
    pub(super) grown: usize,
}

/// How many bytes of text a step returns at most. To read so much JSON in Python may take several milliseconds.
pub(super) const LARGEST_GROWTH: usize = 32 << 10;

/// How many chunks a batch has at most. Making so many objects takes about 0.5 ms.
const LARGEST_BATCH: usize = 1024;

/// An item before it becomes a Python object.
pub(super) enum Pulled {
    Chunk(Chunk),
    Text(CompactString),
    Grown(String),
    Batch(VecDeque<Chunk>),
    Event(StreamEvent),
}

impl Reading {
    /// The next item of what was taken from the queue; None if nothing is left.
    pub(super) fn pull(&mut self, mode: Mode) -> Option<Pulled> {
        match mode {
            Mode::Chunks => {
                let chunk = self.buffer.pop_front()?;
                self.turn.count_text(match &chunk.kind {
                    ChunkKind::Text(text) => text.len(),
                    ChunkKind::Delta(delta) => delta.text.len(),
                });
                Some(Pulled::Chunk(chunk))
            }
            Mode::Text => loop {
                let text = match self.buffer.pop_front()?.kind {
                    ChunkKind::Text(text) => text,
                    ChunkKind::Delta(delta) if delta.index == 0 => delta.text,
                    ChunkKind::Delta(_) => continue,
                };
                if !text.is_empty() {
                    self.turn.count_text(text.len());
                    return Some(Pulled::Text(text));
                }
            },
            Mode::Batches if self.buffer.is_empty() => None,
            Mode::Batches => {
                let batch: VecDeque<_> = if self.buffer.len() <= LARGEST_BATCH {
                    std::mem::take(&mut self.buffer)
                } else {
                    self.buffer.drain(..LARGEST_BATCH).collect()
                };
                self.turn.taken += u32::try_from(batch.len()).unwrap_or(ITEMS_PER_LOOK);
                Some(Pulled::Batch(batch))
            }
            Mode::Events => loop {
                if let Some(event) = self.events.pop_front() {
                    return Some(Pulled::Event(event));
                }
                let chunk = self.buffer.pop_front()?;
                self.builder.push(&chunk.kind, &mut self.fresh);
                self.events.extend(self.fresh.drain(..));
            },
            // The text is in the reply.
            Mode::Grown => {
                self.buffer.clear();
                None
            }
        }
    }
}

impl Pulled {
    pub(super) fn object(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let chunk = |chunk| Py::new(py, LlmStreamChunk::from(chunk));
        match self {
            Self::Chunk(one) => Ok(chunk(one)?.into_any()),
            Self::Text(text) => Ok(PyString::new(py, &text).into_any().unbind()),
            Self::Grown(text) => Ok(PyString::new(py, &text).into_any().unbind()),
            Self::Batch(many) => {
                let chunks = many.into_iter().map(chunk).collect::<PyResult<Vec<_>>>()?;
                Ok(PyList::new(py, chunks)?.into_any().unbind())
            }
            Self::Event(event) => events::object(py, event),
        }
    }
}
