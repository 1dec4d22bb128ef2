//! Reports each finished call to the callbacks of `on_call`, on the caller's thread.

use std::borrow::Cow;

use pyo3::exceptions::{PyException, PyKeyboardInterrupt};
use pyo3::intern;
use pyo3::prelude::*;

use crate::ground::caller::Caller;
use crate::ground::exit::calling_python;
use crate::ground::python;
use crate::ground::raised::keeping_raised;
use crate::observe::call_event::{CANCELLED, CallEvent};
use crate::observe::callbacks::CALLBACKS;
use crate::values::response::LlmResponse;

/// How a call ended.
pub(crate) enum Ending<'a, 'py> {
    Reply(&'a Bound<'py, LlmResponse>),
    /// The error, its kind, and the seconds until it occurred.
    Error(&'a PyErr, Cow<'static, str>, f64),
    /// The caller abandoned the call; with the partial reply of a stream.
    Abandoned(Option<Bound<'py, LlmResponse>>),
}

/// Reports a call to every callback. Fails only with what ends a program, such as Ctrl-C or `SystemExit`: the
/// call has an outcome of its own.
pub(crate) fn report(
    py: Python<'_>,
    caller: &Caller,
    streamed: bool,
    ending: Ending<'_, '_>,
) -> PyResult<()> {
    event_of(py, caller, streamed, ending)
        .and_then(|event| report_call(&event))
        .or_else(|error| only_interrupts(py, error))
}

/// Passes on what ends a program. A plain `Exception`, which must not change the outcome of a call, is reported
/// as unraisable.
pub(super) fn only_interrupts(py: Python<'_>, error: PyErr) -> PyResult<()> {
    if !error.is_instance_of::<PyException>(py) {
        return Err(error);
    }
    error.write_unraisable(py, None);
    Ok(())
}

/// The error of a call, unless a callback or a log handler ended the program meanwhile. Then the error is the
/// context of that exception, as in Python's `finally`.
pub(crate) fn error_or_interrupt(py: Python<'_>, error: PyErr, interrupt: PyResult<()>) -> PyErr {
    let Err(interrupt) = interrupt else {
        return error;
    };
    let context = intern!(py, "__context__");
    match interrupt.value(py).setattr(context, error.value(py)) {
        Ok(()) => interrupt,
        Err(broken) => broken,
    }
}

/// Reports a call while its object is dropped, from where nothing can be raised. Ctrl-C is raised again as soon as
/// the main thread runs Python code; anything else is reported as unraisable, like what `__del__` raises.
pub(crate) fn report_in_drop(py: Python<'_>, report: impl FnOnce() -> PyResult<()>) {
    keeping_raised(py, || {
        let Err(error) = report() else {
            return;
        };
        if !error.is_instance_of::<PyKeyboardInterrupt>(py) || interrupt_main(py).is_err() {
            error.write_unraisable(py, None);
        }
    });
}

fn interrupt_main(py: Python<'_>) -> PyResult<()> {
    let thread = py.import(intern!(py, "_thread"))?;
    thread.call_method0(intern!(py, "interrupt_main")).map(drop)
}

/// The event of a call.
fn event_of<'py>(
    py: Python<'py>,
    caller: &Caller,
    streamed: bool,
    ending: Ending<'_, 'py>,
) -> PyResult<Bound<'py, CallEvent>> {
    let (error, response, elapsed) = match ending {
        Ending::Reply(reply) => {
            let elapsed = reply.get().data().timing.total;
            (None, Some(reply.clone()), elapsed)
        }
        Ending::Error(error, kind, elapsed) => {
            let error = error.value(py);
            let partial = error.as_any().getattr(intern!(py, "partial"));
            let partial = partial.and_then(|partial| Ok(partial.cast_into::<LlmResponse>()?));
            let error = (kind, Some(error.clone().unbind()));
            (Some(error), partial.ok(), Some(elapsed))
        }
        Ending::Abandoned(partial) => (Some((Cow::Borrowed(CANCELLED), None)), partial, None),
    };
    let elapsed = elapsed.unwrap_or_else(|| caller.elapsed());
    let response = response.map(Bound::unbind);
    let event = CallEvent::new(caller, streamed, error, response, elapsed);
    Bound::new(py, event)
}

/// The attribute of a refused key's error that holds the call. If no new key can be obtained, the error ends
/// that call.
const REFUSED: &str = "_refused";

/// A call whose key was refused. It does not refer to its error, which would be a reference cycle.
#[pyclass(frozen)]
struct RefusedCall {
    caller: Caller,
    streamed: bool,
    kind: &'static str,
    elapsed: f64,
}

/// Remembers a call whose key was refused. The call is not over yet: a new key may follow.
pub(crate) fn remember_refused(
    py: Python<'_>,
    caller: &Caller,
    streamed: bool,
    error: &PyErr,
    kind: &'static str,
    elapsed: f64,
) {
    let call = RefusedCall {
        caller: caller.clone(),
        streamed,
        kind,
        elapsed,
    };
    if let Err(error) = error.value(py).setattr(REFUSED, call) {
        error.write_unraisable(py, None);
    }
}

/// Reports a call whose key was refused and for which no new key can be obtained. The refusal ends the call,
/// unless the caller abandoned it while the key was being fetched.
#[pyfunction]
#[pyo3(name = "_report_refused", signature = (error, *, abandoned=false))]
pub(crate) fn report_refused(error: &Bound<'_, PyAny>, abandoned: bool) -> PyResult<()> {
    let py = error.py();
    let Some(call) = error.getattr_opt(REFUSED)? else {
        return Ok(());
    };
    error.delattr(REFUSED)?;
    let call = call.cast_into::<RefusedCall>()?;
    let RefusedCall {
        caller,
        streamed,
        kind,
        elapsed,
    } = call.get();
    let raised = PyErr::from_value(error.clone());
    let ending = if abandoned {
        Ending::Abandoned(None)
    } else {
        Ending::Error(&raised, (*kind).into(), *elapsed)
    };
    report(py, caller, *streamed, ending)
}

/// Passes the event of a finished call to every callback. An `Exception` in a callback is logged. Anything else,
/// such as Ctrl-C or `SystemExit`, is raised after the other callbacks have run.
#[pyfunction]
#[pyo3(name = "report_call")]
pub(crate) fn report_call(event: &Bound<'_, CallEvent>) -> PyResult<()> {
    let py = event.py();
    let mut interrupted = Ok(());
    // `all` returns a copy, because a callback may add or remove callbacks.
    for one in CALLBACKS.all() {
        let callback = one.function.bind(py);
        let called = calling_python(|| {
            let Err(error) = callback.call1((event,)) else {
                return Ok(());
            };
            if !error.is_instance_of::<PyException>(py) {
                return Err(error);
            }
            let log = python::CALLBACK_FAILED.get(py)?;
            log.call1((callback, error.value(py))).map(drop)
        });
        let called = called.or_else(|error| only_interrupts(py, error));
        interrupted = interrupted.and(called);
    }
    interrupted
}
