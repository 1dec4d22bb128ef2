//! `PendingReply`: a whole reply that an event loop waits for.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokenwire_core::client::Call;
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::stream::Wake;
use tokio::task::AbortHandle;

use crate::call::whole::{Answer, Outcome, Received, finish, make};
use crate::ground::caller::Caller;
use crate::ground::{elsewhere, fork};
use crate::observe;
use crate::process;
use crate::values::raise;
use crate::wake::awaitable::{returned, thrown};
use crate::wake::large_text::{LargeText, Made};
use crate::wake::loop_mailbox::LoopMailbox;

/// Where the I/O thread leaves the outcome, and the waiter that it then wakes.
#[derive(Default)]
struct OutcomeSlot {
    outcome: Option<Outcome>,
    parked: Option<(Arc<dyn Wake>, u64)>,
}

/// The waiting side of the call.
#[derive(Default)]
struct PendingCall {
    call: Option<Call>,
    running: Option<AbortHandle>,
    mailbox: Option<Arc<LoopMailbox>>,
    parked: Option<(Arc<LoopMailbox>, u64)>,
    // What has arrived, while the `str` of its text is being made.
    arrived: Option<Outcome>,
    making: Option<LargeText>,
    generation: u64,
}

/// The awaitable of a call. It is awaited once: the first step sends the request, and cancelling the waiting
/// task cancels it.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct PendingReply {
    slot: Arc<Mutex<OutcomeSlot>>,
    state: Mutex<PendingCall>,
    caller: Caller,
    answer: Answer,
}

impl PendingReply {
    pub(crate) fn new(call: Call, caller: Caller, answer: Answer) -> Self {
        let state = PendingCall {
            call: Some(call),
            generation: fork::generation(),
            ..PendingCall::default()
        };
        Self {
            slot: Arc::default(),
            state: Mutex::new(state),
            caller,
            answer,
        }
    }

    fn start(&self, py: Python<'_>, state: &mut PendingCall) -> PyResult<()> {
        let Some(call) = state.call.take() else {
            return Ok(());
        };
        let io = process::current()
            .io(call.transport())
            .map_err(|error| raise::to_py(py, error, &self.caller))?;
        let (transport, slot, answer) =
            (io.transport.clone(), self.slot.clone(), self.answer.kind());
        let work = async move {
            let outcome = make(&transport, call, answer).await;
            let mut slot = slot.lock();
            slot.outcome = Some(outcome);
            if let Some((bell, token)) = slot.parked.take() {
                bell.wake(token);
            }
        };
        state.running = Some(io.handle.spawn(work).abort_handle());
        Ok(())
    }

    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        let mut state = self.state.lock();
        if state.generation != fork::generation() {
            return Ok(());
        }
        if let Some(running) = state.running.take() {
            running.abort();
            let arrived = state.arrived.take();
            state.making = None;
            drop(state);
            if let Some(outcome) = arrived.or_else(|| self.slot.lock().outcome.take()) {
                elsewhere::free(outcome);
            }
            self.answer.report_abandoned(py, &self.caller)?;
        }
        Ok(())
    }
}

#[pymethods]
impl PendingReply {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut state = self.state.lock();
        if state.generation != fork::generation() {
            let inherited = Error::new(
                ErrorKind::ForkedStream,
                "this call belongs to the parent process; make a new one after the fork",
            );
            return Err(raise::to_py(py, inherited, &self.caller));
        }
        self.start(py, &mut state)?;
        loop {
            let outcome = self.slot.lock().outcome.take();
            if let Some(outcome) = outcome {
                state.making = outcome.as_ref().ok().and_then(Received::large_text);
                state.arrived = Some(outcome);
            }
            if let Some(outcome) = state.arrived.take() {
                let text = match &mut state.making {
                    None => None,
                    Some(making) => match making.advance(py) {
                        Ok(Made::Whole(text)) => Some(text),
                        Ok(Made::Wait(waiter)) => {
                            state.arrived = Some(outcome);
                            return Ok(Some(waiter.into_any()));
                        }
                        // The text is made when it is read.
                        Err(_) => None,
                    },
                };
                state.making = None;
                state.running = None;
                drop(state);
                let value = finish(py, outcome, text, &self.caller, &self.answer)?;
                return returned(value);
            }
            if state.running.is_none() {
                return Err(PyRuntimeError::new_err("this call was already awaited"));
            }
            if let Some((mailbox, token)) = state.parked.take() {
                drop(mailbox.take(token));
            }
            let (waiter, mailbox, token) = LoopMailbox::wait(py, &mut state.mailbox)?;
            let mut slot = self.slot.lock();
            if slot.outcome.is_none() {
                slot.parked = Some((mailbox.bell(), token));
                drop(slot);
                state.parked = Some((mailbox, token));
                return Ok(Some(waiter.into_any()));
            }
            drop(slot);
            drop(mailbox.take(token));
        }
    }

    /// Cancels the request and closes its connection: the waiting task was cancelled.
    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = kind.py();
        let aborted = self.abort(py);
        Err(observe::error_or_interrupt(
            py,
            thrown(kind, value),
            aborted,
        ))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.abort(py)
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        // Python drops its objects on an attached thread, so attaching costs nothing.
        Python::attach(|py| observe::report_in_drop(py, || self.abort(py)));
        if let Some((mailbox, token)) = self.state.lock().parked.take() {
            drop(mailbox.take(token));
        }
    }
}
