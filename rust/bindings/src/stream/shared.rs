//! `Stream`: what sync and async streams share, which is everything except how a reader waits.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::client::Call;
use tokenwire_core::config::Secret;
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::stream::{Queue, Taken};

use crate::ground::caller::Caller;
use crate::ground::elsewhere::{self, LARGE_BYTES};
use crate::ground::{fork, key};
use crate::observe;
use crate::observe::Ending;
use crate::observe::logs;
use crate::process;
use crate::stream::reading::{LARGEST_GROWTH, Mode, Pulled, Reading};
use crate::stream::turn::{ITEMS_PER_LOOK, Turn};
use crate::values::raise;
use crate::values::reply::{Kept, ReplyData};
use crate::values::response::LlmResponse;
use crate::wake::large_text::{LARGE_TEXT_BYTES, LargeText};

/// What a step finds.
pub(crate) enum Found<T> {
    /// An item.
    Item(T),
    /// Nothing yet: the reader has to wait.
    Nothing,
    /// Items, but the reader has had its turn. The next step returns one.
    Rest,
    /// The end of a whole stream.
    End,
}

/// A stream, shared by the public object and its iterators.
pub(crate) struct Stream {
    pub(crate) queue: Arc<Queue>,
    pub(crate) caller: Caller,
    pub(crate) generation: u64,
    /// Whether the stream was entered or read.
    begun: AtomicBool,
    /// The request, until it is sent.
    call: Mutex<Option<Call>>,
    /// A copy of the request, kept while the key may be refused and renewed.
    spare: Mutex<Option<Call>>,
    /// The callable that returns the key, until the request has one.
    key_source: Mutex<Option<Py<PyAny>>>,
    parse_as: Option<Py<PyAny>>,
    reading: Mutex<Reading>,
    reported: AtomicBool,
    /// A large text of the whole reply, made in advance.
    text: Mutex<Option<Py<PyString>>>,
}

impl Stream {
    /// A stream of this request. A custom stream has none, and its client reports the call.
    pub(crate) fn new(
        call: Option<Call>,
        queue: Arc<Queue>,
        caller: Caller,
        parse_as: Option<Py<PyAny>>,
        key_source: Option<Py<PyAny>>,
    ) -> Self {
        let spare = if key_source.is_some() {
            call.clone()
        } else {
            None
        };
        Self {
            queue,
            caller,
            generation: fork::generation(),
            begun: AtomicBool::new(false),
            reported: AtomicBool::new(call.is_none()),
            spare: Mutex::new(spare),
            call: Mutex::new(call),
            key_source: Mutex::new(key_source),
            parse_as,
            reading: Mutex::default(),
            text: Mutex::default(),
        }
    }

    /// Marks the stream as entered or read. Refuses one that belongs to the parent of a forked process.
    pub(crate) fn begin(&self, py: Python<'_>) -> PyResult<()> {
        self.check_generation(py)?;
        self.begun.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Refuses a stream that belongs to the parent of a forked process.
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

    /// Puts back a request that could not be started, so that the next step tries again.
    pub(crate) fn put_back(&self, call: Call) {
        *self.call.lock() = Some(call);
    }

    /// The callable that returns the key, if the request has none yet.
    pub(crate) fn key_source<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let source = self.key_source.lock();
        source.as_ref().map(|source| source.bind(py).clone())
    }

    /// Puts a key into the request. If the request was sent before, with a key that was refused, it will be
    /// sent again. With `may_renew`, a refusal of this key is not the end of the call.
    pub(crate) fn set_key(&self, py: Python<'_>, key: String, may_renew: bool) -> PyResult<()> {
        let put = {
            let mut call = self.call.lock();
            if call.is_none()
                && let Some(spare) = self.spare.lock().take()
            {
                self.queue.restart();
                self.reported.store(false, Ordering::Relaxed);
                *call = Some(spare);
            }
            if !may_renew {
                drop(self.spare.lock().take());
            }
            call.as_mut()
                .map_or(Ok(()), |call| call.set_key(Secret::new(key)))
        };
        put.map_err(|error| self.raise(py, error))?;
        let source = self.key_source.lock().take();
        drop(source);
        Ok(())
    }

    /// Closes the stream, unless it belongs to the parent process.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.end() {
            self.report(py, false)?;
        }
        Ok(())
    }

    /// Does the same while an object is dropped.
    pub(crate) fn close_in_drop(&self) {
        if self.end() {
            Python::attach(|py| observe::report_in_drop(py, || self.report(py, false)));
        }
    }

    /// Ends the stream. Returns whether there are callbacks that must get its call.
    fn end(&self) -> bool {
        if self.generation != fork::generation() {
            return false;
        }
        self.queue.close();
        let is_on = observe::is_on();
        if !is_on {
            // A callback that is added later must not get this call.
            self.reported.store(true, Ordering::Relaxed);
        }
        is_on
    }

    /// The exception that ends the stream, and the call unless a fresh key follows.
    pub(crate) fn fail(&self, py: Python<'_>, error: Error) -> PyErr {
        let logged = logs::drain(py);
        let kind = error.kind().as_str();
        let raised = self.raise(py, error);
        let reported = self.report_failure(py, &raised, kind);
        observe::error_or_interrupt(py, raised, logged.and(reported))
    }

    fn report_failure(&self, py: Python<'_>, raised: &PyErr, kind: &'static str) -> PyResult<()> {
        if !self.must_report() {
            return Ok(());
        }
        // A slow reader may see the failure long after it happened.
        let elapsed = self.queue.timing().total;
        let elapsed = elapsed.unwrap_or_else(|| self.caller.elapsed());
        if self.spare.lock().is_some() && key::is_refused(raised.value(py).as_any()) {
            observe::remember_refused(py, &self.caller, true, raised, kind, elapsed);
            return Ok(());
        }
        let ending = Ending::Error(raised, kind.into(), elapsed);
        observe::report(py, &self.caller, true, ending)
    }

    fn is_unsent(&self) -> bool {
        !self.begun.load(Ordering::Relaxed) || self.call.lock().is_some()
    }

    /// Whether there are callbacks and the end of the stream was not reported yet. True at most once.
    fn must_report(&self) -> bool {
        !self.reported.swap(true, Ordering::Relaxed) && observe::is_on()
    }

    /// Reports a stream that was read to its end, or that was abandoned.
    fn report(&self, py: Python<'_>, whole: bool) -> PyResult<()> {
        if self.is_unsent() || !self.must_report() {
            return Ok(());
        }
        let response = self.response(py).and_then(|reply| Bound::new(py, reply));
        let ending = match &response {
            Ok(response) if whole => Ending::Reply(response),
            _ => Ending::Abandoned(response.ok()),
        };
        observe::report(py, &self.caller, true, ending)
    }

    pub(crate) fn raise(&self, py: Python<'_>, error: Error) -> PyErr {
        raise::to_py(py, error, &self.caller)
    }

    /// What there is for the reader.
    pub(crate) fn step(&self, py: Python<'_>, mode: Mode) -> PyResult<Found<Py<PyAny>>> {
        // This check comes first: in a forked child, the queue's lock may be held forever.
        self.check_generation(py)?;
        // No lock is held while Python objects are created: the garbage collector may run Python code.
        match self.find(mode) {
            Ok(Found::Item(item)) => item.object(py).map(Found::Item),
            Ok(Found::Nothing) => Ok(Found::Nothing),
            Ok(Found::Rest) => Ok(Found::Rest),
            Ok(Found::End) => {
                let logged = logs::drain(py);
                let reported = self.report(py, true);
                logged.and(reported)?;
                Ok(Found::End)
            }
            Err(error) => Err(self.fail(py, error)),
        }
    }

    fn find(&self, mode: Mode) -> Result<Found<Pulled>, Error> {
        let mut guard = self.reading.lock();
        let reading = &mut *guard;
        // The queue may fill as fast as it is emptied.
        if reading.turn.is_over(1) {
            return Ok(Found::Rest);
        }
        loop {
            if let Some(item) = reading.pull(mode) {
                return Ok(Found::Item(item));
            }
            let taken = self.queue.take(&mut reading.buffer);
            if mode == Mode::Grown {
                let text = self.queue.text_since(reading.grown, LARGEST_GROWTH);
                if !text.is_empty() {
                    reading.grown += text.len();
                    return Ok(Found::Item(Pulled::Grown(text)));
                }
            }
            match taken {
                Taken::Items if reading.turn.is_over(ITEMS_PER_LOOK) => return Ok(Found::Rest),
                Taken::Items => {}
                Taken::Nothing => {
                    reading.turn = Turn::default();
                    return Ok(Found::Nothing);
                }
                Taken::End(None) if mode == Mode::Events && !reading.ended => {
                    reading.ended = true;
                    reading.builder.finish(&mut reading.fresh);
                    reading.events.extend(reading.fresh.drain(..));
                }
                Taken::End(end) => return end.map_or(Ok(Found::End), Err),
            }
        }
    }

    /// Makes the next step in [`Mode::Grown`] return the text from its beginning.
    pub(crate) fn grow_again(&self) {
        self.queue.forgo_raw();
        self.reading.lock().grown = 0;
    }

    /// The type to parse the text of the reply as.
    pub(crate) fn parse_as<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.parse_as.as_ref().map(|kind| kind.bind(py).clone())
    }

    /// The reply so far.
    pub(crate) fn response(&self, py: Python<'_>) -> PyResult<LlmResponse> {
        self.check_generation(py)?;
        let (reply, timing, attempts, head) = self.queue.snapshot();
        let data = ReplyData {
            reply: Kept::new(reply, None),
            head,
            timing,
            attempts,
            caller: self.caller.clone(),
        };
        let text = self.text.lock().as_ref().map(|text| text.clone_ref(py));
        let parse_as = self.parse_as.as_ref().map(|kind| kind.clone_ref(py));
        Ok(LlmResponse::new(data, parse_as).with_text(text))
    }

    /// After the end: begins to make the text of the reply if it is large, unless it is there already.
    pub(crate) fn large_text(&self) -> Option<LargeText> {
        if self.queue.reply_bytes() <= LARGE_TEXT_BYTES || self.text.lock().is_some() {
            return None;
        }
        LargeText::begin(&self.queue.snapshot().0, process::current().hub.workers())
    }

    pub(crate) fn set_text(&self, text: Py<PyString>) {
        *self.text.lock() = Some(text);
    }
}

/// For `repr`.
impl fmt::Display for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.generation != fork::generation() {
            "left in the parent process"
        } else if self.queue.is_over() {
            "ended"
        } else if self.queue.is_closed() {
            "closed"
        } else if self.is_unsent() {
            "not sent"
        } else {
            "open"
        };
        write!(out, "model={:?}, state={state}", &*self.caller.model)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close_in_drop();
        // In a forked child, its lock may be held forever.
        if self.generation == fork::generation() && self.queue.reply_bytes() > LARGE_BYTES {
            elsewhere::free(self.queue.clone());
        }
    }
}
