//! One stream as Python reads it: what the sync and the async object share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use tokenwire_core::client::Call;
use tokenwire_core::config::Secret;
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::message::{Chunk, ChunkKind, StreamEvent, StreamEvents};
use tokenwire_core::stream::{Interest, Queue, Taken};

use crate::chunk::LlmStreamChunk;
use crate::errors::{self, Caller};
use crate::observe::Ending;
use crate::reply::{LlmResponse, ReplyData};
use crate::{events, fork, logs, observe};

/// In which form a reader takes the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `LlmStreamChunk`, one for each choice in an event.
    Chunks,
    /// `str`, the text of choice 0.
    Text,
    /// Typed events.
    Events,
    /// Lists of chunks: all that has come.
    Batches,
}

impl Mode {
    pub(crate) fn interest(self) -> Interest {
        match self {
            Self::Text => Interest::Text,
            Self::Chunks | Self::Events | Self::Batches => Interest::Any,
        }
    }
}

#[derive(Default)]
struct Local {
    buffer: VecDeque<Chunk>,
    events: VecDeque<StreamEvent>,
    fresh: Vec<StreamEvent>,
    builder: StreamEvents,
    ended: bool,
}

/// What a step found.
pub(crate) enum Step {
    Item(Py<PyAny>),
    /// Whole and read to its end.
    End,
    /// Nothing yet: wait, then step again.
    Wait,
}

/// The state of one stream, shared by the public object and its iterators.
pub(crate) struct Stream {
    pub(crate) queue: Arc<Queue>,
    pub(crate) caller: Caller,
    pub(crate) generation: u64,
    /// The request, until it goes out.
    call: Mutex<Option<Call>>,
    /// Kept where a fresh key may be needed: the request as it was before it went out.
    spare: Mutex<Option<Call>>,
    /// Brings the key on the caller's side where it is a callable.
    pub(crate) key_source: Mutex<Option<Py<PyAny>>>,
    parse_as: Option<Py<PyAny>>,
    local: Mutex<Local>,
    reported: AtomicBool,
}

impl Stream {
    pub(crate) fn new(
        call: Call,
        queue: Arc<Queue>,
        caller: Caller,
        parse_as: Option<Py<PyAny>>,
        key_source: Option<Py<PyAny>>,
    ) -> Self {
        Self {
            queue,
            caller,
            generation: fork::generation(),
            spare: Mutex::new(key_source.is_some().then(|| call.clone())),
            call: Mutex::new(Some(call)),
            key_source: Mutex::new(key_source),
            parse_as,
            local: Mutex::default(),
            reported: AtomicBool::new(false),
        }
    }

    /// Refuses a stream that a fork has left with the parent.
    pub(crate) fn check_generation(&self, py: Python<'_>) -> PyResult<()> {
        if self.generation == fork::generation() {
            return Ok(());
        }
        Err(self.raise(
            py,
            Error::new(
                ErrorKind::ForkedStream,
                "this stream belongs to the parent process; open a new one after the fork",
            ),
        ))
    }

    /// The request to send, the first time.
    pub(crate) fn take_call(&self) -> Option<Call> {
        self.call.lock().take()
    }

    /// Puts a key into the request; after a failed opening the same request goes out once more.
    pub(crate) fn set_key(&self, py: Python<'_>, key: String) -> PyResult<()> {
        let mut call = self.call.lock();
        if call.is_none()
            && let Some(spare) = self.spare.lock().take()
        {
            self.queue.restart();
            *call = Some(spare);
        }
        if let Some(call) = call.as_mut() {
            call.set_key(Secret::new(key))
                .map_err(|error| self.raise(py, error))?;
        }
        Ok(())
    }

    /// Closes it, unless it is the parent's.
    pub(crate) fn close(&self) {
        if self.generation == fork::generation() {
            self.queue.close();
            if observe::is_on() {
                Python::attach(|py| self.report(py, false));
            }
        }
    }

    /// The exception that ends the stream; the call is over.
    pub(crate) fn fail(&self, py: Python<'_>, error: Error) -> PyErr {
        logs::drain(py);
        let kind = error.kind();
        let raised = self.raise(py, error);
        if self.is_to_report() {
            let kind = errors::name(kind);
            let partial = raised.value(py).getattr("partial").ok();
            let partial = partial.filter(|partial| !partial.is_none());
            observe::report(
                py,
                &self.caller,
                true,
                Ending::Error(&raised, &kind, partial),
            );
        }
        raised
    }

    /// Whether somebody listens who has not heard of this stream's end.
    fn is_to_report(&self) -> bool {
        observe::is_on() && !self.reported.swap(true, Ordering::Relaxed)
    }

    /// Tells of the end of a whole stream, or of one that was let go of.
    fn report(&self, py: Python<'_>, whole: bool) {
        if self.call.lock().is_some() || !self.is_to_report() {
            return;
        }
        let response = self.response(py).and_then(|reply| Bound::new(py, reply));
        let response = response.map(Bound::into_any).ok();
        let ending = match &response {
            Some(response) if whole => Ending::Reply(response),
            _ => Ending::LetGo(response),
        };
        observe::report(py, &self.caller, true, ending);
    }

    pub(crate) fn raise(&self, py: Python<'_>, error: Error) -> PyErr {
        errors::to_py(py, error, &self.caller)
    }

    /// The next item, if one is at hand.
    pub(crate) fn step(&self, py: Python<'_>, mode: Mode) -> PyResult<Step> {
        // First of all: the parent's I/O thread may hold the queue's lock for ever.
        self.check_generation(py)?;
        let mut local = self.local.lock();
        loop {
            if let Some(item) = next_item(py, &mut local, mode)? {
                return Ok(Step::Item(item));
            }
            local.buffer.clear();
            match self.queue.take(&mut local.buffer) {
                Taken::Items => {}
                Taken::Nothing => return Ok(Step::Wait),
                Taken::End(Some(error)) => {
                    drop(local);
                    return Err(self.fail(py, error));
                }
                Taken::End(None) => {
                    if mode == Mode::Events && !local.ended {
                        local.ended = true;
                        let Local {
                            events,
                            fresh,
                            builder,
                            ..
                        } = &mut *local;
                        builder.finish(fresh);
                        events.extend(fresh.drain(..));
                        continue;
                    }
                    drop(local);
                    logs::drain(py);
                    self.report(py, true);
                    return Ok(Step::End);
                }
            }
        }
    }

    /// Where the stream stands, for `repr`.
    pub(crate) fn state(&self) -> &'static str {
        match () {
            () if self.generation != fork::generation() => "left in the parent process",
            () if self.queue.is_over() => "ended",
            () if self.queue.is_closed() => "closed",
            () if self.call.lock().is_some() => "not sent",
            () => "open",
        }
    }

    /// The reply so far.
    pub(crate) fn response(&self, py: Python<'_>) -> PyResult<LlmResponse> {
        self.check_generation(py)?;
        let (reply, timing, attempts, head) = self.queue.snapshot();
        let data = ReplyData {
            reply,
            head,
            timing,
            attempts,
            raw: None,
            caller: self.caller.clone(),
        };
        Ok(LlmResponse::new(
            data,
            self.parse_as.as_ref().map(|kind| kind.clone_ref(py)),
        ))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close();
    }
}

fn next_item(py: Python<'_>, local: &mut Local, mode: Mode) -> PyResult<Option<Py<PyAny>>> {
    match mode {
        Mode::Chunks => local
            .buffer
            .pop_front()
            .map(|chunk| chunk_object(py, chunk))
            .transpose(),
        Mode::Text => {
            while let Some(chunk) = local.buffer.pop_front() {
                let text = match &chunk.kind {
                    ChunkKind::Text(text) => text,
                    ChunkKind::Delta(delta) if delta.index == 0 => &delta.text,
                    ChunkKind::Delta(_) => continue,
                };
                if !text.is_empty() {
                    return Ok(Some(PyString::new(py, text).into_any().unbind()));
                }
            }
            Ok(None)
        }
        Mode::Batches => {
            if local.buffer.is_empty() {
                return Ok(None);
            }
            let chunks = local.buffer.drain(..).map(|chunk| chunk_object(py, chunk));
            let chunks = chunks.collect::<PyResult<Vec<_>>>()?;
            Ok(Some(PyList::new(py, chunks)?.into_any().unbind()))
        }
        Mode::Events => loop {
            if let Some(event) = local.events.pop_front() {
                return events::object(py, event).map(Some);
            }
            let Some(chunk) = local.buffer.pop_front() else {
                return Ok(None);
            };
            let Local {
                events,
                fresh,
                builder,
                ..
            } = local;
            builder.push(&chunk.kind, fresh);
            events.extend(fresh.drain(..));
        },
    }
}

fn chunk_object(py: Python<'_>, chunk: Chunk) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, LlmStreamChunk::from(chunk))?.into_any())
}
