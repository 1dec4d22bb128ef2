//! A call for a whole reply: made on the runtime that polls it, then turned into what Python gets.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::call::{Completed, complete, fetch};
use tokenwire_core::client::Call;
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::http::Transport;
use tokenwire_core::message::Reply;

use crate::ground::caller::Caller;
use crate::ground::key;
use crate::observe::{self, Ending, logs};
use crate::process::{self, Lease};
use crate::values::raise;
use crate::values::reply::{Kept, ReplyData};
use crate::values::response::LlmResponse;
use crate::wake::large_text::LargeText;

/// What a successful call received.
pub(crate) enum Received {
    Reply(Box<Completed<Arc<Reply>>>),
    Body(Completed<()>),
}

impl Received {
    /// Begins to make the text of a large reply.
    pub(crate) fn large_text(&self) -> Option<LargeText> {
        match self {
            Self::Reply(done) => LargeText::begin(&done.reply, process::current().hub.workers()),
            Self::Body(_) => None,
        }
    }
}

pub(crate) type Outcome = Result<Received, Failed>;

/// Why a call failed, and after how many seconds.
pub(crate) struct Failed {
    error: Error,
    elapsed: f64,
}

/// What a call asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnswerKind {
    Reply,
    Body,
}

/// What a call returns to Python.
pub(crate) enum Answer {
    /// An `LlmResponse` whose text can be parsed as this type.
    Reply(Option<Py<PyAny>>),
    /// The body as text: the list of models.
    Body,
}

impl Answer {
    pub(crate) fn kind(&self) -> AnswerKind {
        match self {
            Self::Reply(_) => AnswerKind::Reply,
            Self::Body => AnswerKind::Body,
        }
    }

    /// Whether the call is reported to callbacks of `on_call`. Listing models is not.
    fn is_observed(&self) -> bool {
        matches!(self, Self::Reply(_)) && observe::is_on()
    }

    /// Reports that the call was abandoned before its reply arrived.
    pub(crate) fn report_abandoned(&self, py: Python<'_>, caller: &Caller) -> PyResult<()> {
        if self.is_observed() {
            observe::report(py, caller, false, Ending::Abandoned(None))?;
        }
        Ok(())
    }
}

/// Makes a call on the runtime that polls it.
pub(crate) async fn make(transport: &Transport, call: Call, kind: AnswerKind) -> Outcome {
    let started = call.started();
    let received = match kind {
        AnswerKind::Reply => complete(transport, call)
            .await
            .map(|done| Received::Reply(Box::new(done.shared()))),
        AnswerKind::Body => fetch(transport, call).await.map(Received::Body),
    };
    received.map_err(|error| Failed {
        error,
        elapsed: started.elapsed().as_secs_f64(),
    })
}

/// Makes a call on this thread, on a leased runtime.
pub(crate) fn drive<'py>(
    py: Python<'py>,
    call: Call,
    caller: &Caller,
    answer: &Answer,
) -> PyResult<Bound<'py, PyAny>> {
    let started = call.started();
    let failed = |error| {
        let elapsed = started.elapsed().as_secs_f64();
        Ok(Err(Failed { error, elapsed }))
    };
    let work = || {
        let lease = match Lease::new(&process::current().lanes) {
            Ok(lease) => lease,
            Err(error) => return failed(error),
        };
        let Some(lane) = lease.lane() else {
            return failed(Error::new(ErrorKind::Engine, "a lease without a lane"));
        };
        let outcome = lane.drive(make(&lane.transport, call, answer.kind()));
        if !matches!(outcome, Ok(Ok(_))) {
            // A call that failed or was interrupted may leave its connection in the middle of a response.
            // It would close when the runtime next runs, which may be much later.
            lane.settle(tokio::task::yield_now());
        }
        outcome
    };
    let outcome = py.detach(|| process::with_enough_stack(work).unwrap_or_else(failed));
    let outcome = outcome.map_err(|signal| {
        let reported = answer.report_abandoned(py, caller);
        observe::error_or_interrupt(py, signal, reported)
    })?;
    finish(py, outcome, None, caller, answer)
}

/// Turns the outcome of a call into what Python gets. `text` is that of the reply, if it was made in advance.
pub(crate) fn finish<'py>(
    py: Python<'py>,
    outcome: Outcome,
    text: Option<Py<PyString>>,
    caller: &Caller,
    answer: &Answer,
) -> PyResult<Bound<'py, PyAny>> {
    let logged = logs::drain(py);
    match answered(py, outcome, text, caller, answer) {
        Ok(value) => logged.map(|()| value),
        Err(error) => Err(observe::error_or_interrupt(py, error, logged)),
    }
}

/// Reports the call, and returns its value.
fn answered<'py>(
    py: Python<'py>,
    outcome: Outcome,
    text: Option<Py<PyString>>,
    caller: &Caller,
    answer: &Answer,
) -> PyResult<Bound<'py, PyAny>> {
    let received = outcome.map_err(|Failed { error, elapsed }| {
        let kind = error.kind();
        let raised = raise::to_py(py, error, caller);
        if answer.is_observed() {
            let kind = kind.as_str();
            if caller.may_renew && key::is_refused(raised.value(py).as_any()) {
                observe::remember_refused(py, caller, false, &raised, kind, elapsed);
            } else {
                let ending = Ending::Error(&raised, kind.into(), elapsed);
                let reported = observe::report(py, caller, false, ending);
                return observe::error_or_interrupt(py, raised, reported);
            }
        }
        raised
    })?;
    match received {
        Received::Body(done) => {
            Ok(PyString::new(py, &String::from_utf8_lossy(&done.raw)).into_any())
        }
        Received::Reply(done) => {
            let parse_as = match answer {
                Answer::Reply(parse_as) => parse_as.as_ref(),
                Answer::Body => None,
            };
            let data = ReplyData {
                reply: Kept::new(done.reply, Some(done.raw)),
                head: Some(done.head),
                timing: done.timing,
                attempts: done.attempts,
                caller: caller.clone(),
            };
            let response = LlmResponse::new(data, parse_as.map(|kind| kind.clone_ref(py)));
            let response = Bound::new(py, response.with_text(text))?;
            if observe::is_on() {
                observe::report(py, caller, false, Ending::Reply(&response))?;
            }
            Ok(response.into_any())
        }
    }
}
