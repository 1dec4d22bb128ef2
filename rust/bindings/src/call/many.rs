//! `Fanout`: many calls at once for sync code. They run on the I/O thread, and the caller's thread waits
//! for the next one to finish.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::error::ErrorKind;
use tokio::task::AbortHandle;

use crate::call::arguments::{CallClient, Steering, prepare};
use crate::call::whole::{Answer, AnswerKind, Outcome, finish, make};
use crate::ground::caller::Caller;
use crate::ground::{exception, fork};
use crate::observe;
use crate::process::{self, SIGNAL_TICK};
use crate::values::raise;

/// What has finished and was not fetched yet. Not a channel: dropping the receiver of one in a forked child
/// could wait for a sender of the parent.
#[derive(Default)]
struct Finished {
    outcomes: Mutex<Vec<(u64, Outcome)>>,
    ready: Condvar,
}

// Index, response, error.
type Row<'py> = (u64, Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

struct RunningCall {
    index: u64,
    task: AbortHandle,
    caller: Caller,
    answer: Answer,
}

/// The calls of one `map`.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Fanout {
    finished: Arc<Finished>,
    running: Mutex<Vec<RunningCall>>,
    generation: u64,
}

#[pymethods]
impl Fanout {
    #[new]
    fn py_new() -> Self {
        Self {
            finished: Arc::default(),
            running: Mutex::default(),
            generation: fork::generation(),
        }
    }

    /// Starts a call. `next` returns its outcome together with `index`.
    ///
    /// The other arguments are those of `Engine.complete`.
    #[pyo3(signature = (index, engine, input, params, **steering))]
    fn submit(
        &self,
        py: Python<'_>,
        index: u64,
        engine: CallClient,
        input: &Bound<'_, PyAny>,
        params: &Bound<'_, PyDict>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        self.check_generation(py)?;
        let steering = Steering::read(steering)?;
        let prepared = prepare(engine, input, Some(params), steering, false)?;
        let (call, caller) = (prepared.call, prepared.caller);
        let io = process::current()
            .io(call.transport())
            .map_err(|error| raise::to_py(py, error, &caller))?;
        let (transport, finished) = (io.transport.clone(), self.finished.clone());
        let task = io.handle.spawn(async move {
            let outcome = make(&transport, call, AnswerKind::Reply).await;
            finished.outcomes.lock().push((index, outcome));
            finished.ready.notify_one();
        });
        let answer = Answer::Reply(prepared.parse_as);
        self.running.lock().push(RunningCall {
            index,
            task: task.abort_handle(),
            caller,
            answer,
        });
        Ok(())
    }

    /// Waits for the next call to finish and returns (index, response or None, error or None).
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Row<'py>> {
        self.check_generation(py)?;
        let (index, outcome) = loop {
            let found = py.detach(|| {
                let mut outcomes = self.finished.outcomes.lock();
                if outcomes.is_empty() {
                    self.finished.ready.wait_for(&mut outcomes, SIGNAL_TICK);
                }
                outcomes.pop()
            });
            match found {
                Some(found) => break found,
                None => py.check_signals()?,
            }
        };
        let done = {
            let mut running = self.running.lock();
            let position = running.iter().position(|call| call.index == index);
            position.map(|position| running.swap_remove(position))
        };
        let (caller, answer) = done.map_or_else(
            || (Caller::default(), Answer::Reply(None)),
            |done| (done.caller, done.answer),
        );
        match finish(py, outcome, None, &caller, &answer) {
            Ok(response) => Ok((index, Some(response), None)),
            Err(error) if error.is_instance_of::<PyException>(py) => {
                Ok((index, None, Some(error.into_bound_py_any(py)?)))
            }
            // A callback ended the program, which is not the outcome of one row.
            Err(interrupt) => Err(interrupt),
        }
    }

    /// Cancels all calls that have not finished.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        let mut reported = Ok(());
        if self.generation == fork::generation() {
            let running: Vec<RunningCall> = self.running.lock().drain(..).collect();
            for running in &running {
                running.task.abort();
            }
            for running in &running {
                reported = reported.and(running.answer.report_abandoned(py, &running.caller));
            }
        }
        reported
    }
}

impl Fanout {
    /// Refuses to work in a forked child: the parent's I/O thread may hold the lock forever.
    fn check_generation(&self, py: Python<'_>) -> PyResult<()> {
        if self.generation == fork::generation() {
            return Ok(());
        }
        let message = "this map belongs to the parent process; start a new one after the fork";
        Err(exception::of_kind(py, ErrorKind::ForkedStream, message))
    }
}

impl Drop for Fanout {
    fn drop(&mut self) {
        Python::attach(|py| observe::report_in_drop(py, || self.cancel(py)));
    }
}
