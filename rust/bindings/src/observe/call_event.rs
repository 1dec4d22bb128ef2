//! `on_call`: one event for each finished call, on the caller's side. Off, it costs one load.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use pyo3::exceptions::PyBaseException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokenwire_core::error::ErrorKind;

use crate::engine::Answer;
use crate::ground::exit::calling_python;
use crate::observe::nested;
use crate::observe::tally::CallTally;
use crate::values::raise::{self, Asked, Caller};
use crate::values::response::LlmResponse;
use crate::values::usage::{Timing, Usage};
use crate::values::value::{self, Fields};

pub(crate) const CANCELLED: &str = "cancelled";

static ON: AtomicBool = AtomicBool::new(false);
static CALLBACKS: Mutex<Registered> = Mutex::new(Registered {
    next_id: 0,
    callbacks: None,
});

/// Held only by a thread that has the GIL and runs no Python code meanwhile, so no fork finds it held.
struct Registered {
    next_id: u64,
    callbacks: Option<Arc<[Registration]>>,
}

struct Registration {
    id: u64,
    callback: Py<PyAny>,
}

/// Whether anybody listens.
#[pyfunction]
#[pyo3(name = "is_listened_to")]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// A finished call: what each callback of `on_call` is given. One of another client's calls is made
/// by its fields, and told by `report_call`.
///
/// Args:
///     provider: Name of the provider's row.
///     model: The model that was asked for.
///     elapsed: Seconds from the start of the call to its end, however it ended.
///     streamed: Whether the reply was streamed.
///     error: The exception; None where the call succeeded or was let go of.
///     error_kind: Its kind, such as `rate_limit`; without it, that of the error's class. `cancelled`
///         is a call that was let go of.
///     response: The reply, or what had come of it.
///     started: When the call began, as Unix time in seconds; without it, `elapsed` ago.
///     operation: `chat` or `text_completion`.
///     server_address: Host of the server that was asked.
///     server_port: Its port.
///
/// Raises:
///     LlmConfigError: `elapsed` is no number of seconds, or there is no such operation.
#[pyclass(frozen, module = "tokenwire")]
pub(crate) struct CallEvent {
    pub(crate) caller: Caller,
    /// Whether the reply was streamed.
    #[pyo3(get)]
    streamed: bool,
    pub(crate) error_kind: Option<Cow<'static, str>>,
    /// The error; None where the call succeeded or was let go of.
    #[pyo3(get)]
    error: Option<Py<PyBaseException>>,
    /// The reply, or what had come of it; None where nothing came.
    #[pyo3(get)]
    pub(crate) response: Option<Py<LlmResponse>>,
    /// Seconds from the start of the call to its end, however it ended.
    #[pyo3(get)]
    pub(crate) elapsed: f64,
    /// When the call began, as Unix time in seconds.
    #[pyo3(get)]
    pub(crate) started: f64,
}

impl CallEvent {
    /// How many attempts there were.
    pub(crate) fn attempt_count(&self, py: Python<'_>) -> PyResult<u64> {
        if self.error.is_some() {
            return Ok(self.attempts(py)?.len()? as u64);
        }
        let response = self.response.as_ref();
        Ok(response.map_or(0, |response| response.get().data().attempts.len() as u64))
    }

    fn asked(&self) -> Option<&Asked> {
        self.caller.asked.as_deref()
    }
}

#[pymethods]
impl CallEvent {
    #[new]
    #[pyo3(signature = (*, provider, model, elapsed, streamed=false, error=None, error_kind=None,
        response=None, started=None, operation="chat", server_address=None, server_port=None))]
    #[allow(clippy::too_many_arguments, reason = "the fields, named one by one")]
    fn py_new(
        py: Python<'_>,
        provider: &str,
        model: &str,
        elapsed: f64,
        streamed: bool,
        error: Option<Py<PyBaseException>>,
        error_kind: Option<String>,
        response: Option<Py<LlmResponse>>,
        started: Option<f64>,
        operation: &str,
        server_address: Option<String>,
        server_port: Option<u16>,
    ) -> PyResult<Self> {
        if !(elapsed >= 0.0 && elapsed.is_finite()) {
            let message = format!("CallEvent.elapsed: {elapsed} is not a number of seconds from 0");
            return Err(raise::plain(py, ErrorKind::Config, &message));
        }
        let operation = match operation {
            "chat" => "chat",
            "text_completion" => "text_completion",
            _ => {
                let message = "CallEvent.operation: give \"chat\" or \"text_completion\"";
                return Err(raise::plain(py, ErrorKind::Config, message));
            }
        };
        let error_kind = match (&error, error_kind) {
            (Some(error), None) => Some(named(error.bind(py).as_any())?),
            (_, kind) => kind,
        };
        let asked = Asked {
            operation,
            host: server_address.unwrap_or_default(),
            port: server_port,
        };
        Ok(Self {
            caller: Caller {
                provider: provider.into(),
                model: model.into(),
                asked: Some(Arc::new(asked)),
                ..Caller::default()
            },
            streamed,
            error_kind: error_kind.map(Cow::Owned),
            error,
            response,
            elapsed,
            started: started.unwrap_or_else(|| unix_now() - elapsed),
        })
    }

    /// Name of the provider's row.
    #[getter]
    fn provider(&self) -> &str {
        &self.caller.provider
    }

    /// The model that was asked for.
    #[getter]
    fn model(&self) -> &str {
        &self.caller.model
    }

    /// What was asked for: `chat` or `text_completion`.
    #[getter]
    fn operation(&self) -> &'static str {
        self.asked().map_or("chat", |asked| asked.operation)
    }

    /// Host of the server that was asked, without a path; None where it is not known.
    #[getter]
    fn server_address(&self) -> Option<&str> {
        let asked = self.asked()?;
        (!asked.host.is_empty()).then_some(&asked.host)
    }

    /// Its port.
    #[getter]
    fn server_port(&self) -> Option<u16> {
        self.asked()?.port
    }

    /// Kind of the error (`rate_limit`, `stall_timeout`, …); None where the call succeeded;
    /// `cancelled` where its task, its stream or its program let go of it.
    #[getter]
    fn error_kind(&self) -> Option<&str> {
        self.error_kind.as_deref()
    }

    /// Where the time went; None where nothing came.
    #[getter]
    fn timing(&self) -> Option<Timing> {
        let data = self.response.as_ref()?.get().data();
        Some(Timing::of(&data.timing, data.reply.usage.as_ref()))
    }

    /// Token counts; None where the provider sent none.
    #[getter]
    fn usage(&self) -> Option<Usage> {
        let data = self.response.as_ref()?.get().data();
        data.reply.usage.as_ref().map(Usage::from)
    }

    /// What the call cost; None where it is not known.
    #[getter]
    fn cost<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(response) = &self.response else {
            return Ok(None);
        };
        let cost = response.bind(py).getattr(intern!(py, "cost"))?;
        Ok((!cost.is_none()).then_some(cost))
    }

    /// Every attempt of the call.
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let name = intern!(py, "attempts");
        if let Some(error) = &self.error
            && let Some(attempts) = error.bind(py).as_any().getattr_opt(name)?
        {
            return Ok(attempts);
        }
        match &self.response {
            Some(response) => response.bind(py).as_any().getattr(name),
            None => Ok(PyTuple::empty(py).into_any()),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        value::repr::<Self>(slf.as_any())
    }
}

impl Fields for CallEvent {
    const FIELDS: &'static [&'static str] = &[
        "provider",
        "model",
        "operation",
        "streamed",
        "error_kind",
        "elapsed",
        "usage",
        "timing",
    ];
}

/// How a call ended.
pub(crate) enum Ending<'a, 'py> {
    Reply(&'a Bound<'py, LlmResponse>),
    /// An error after so many seconds.
    Error(&'a PyErr, String, f64),
    LetGo(Option<Bound<'py, LlmResponse>>),
}

/// Tells every callback; what one raises is logged, not thrown.
pub(crate) fn report(py: Python<'_>, caller: &Caller, streamed: bool, ending: Ending<'_, '_>) {
    if nested::is_inside(py) {
        return;
    }
    let (error, error_kind, response, elapsed) = match ending {
        Ending::Reply(reply) => {
            let elapsed = reply.get().data().timing.total;
            (None, None, Some(reply.clone()), elapsed)
        }
        Ending::Error(error, kind, elapsed) => {
            let error = error.value(py);
            let partial = error.as_any().getattr(intern!(py, "partial"));
            let partial = partial.and_then(|partial| Ok(partial.cast_into::<LlmResponse>()?));
            let kind = Cow::Owned(kind);
            let error = Some(error.clone().unbind());
            (error, Some(kind), partial.ok(), Some(elapsed))
        }
        Ending::LetGo(partial) => (None, Some(Cow::Borrowed(CANCELLED)), partial, None),
    };
    let elapsed = elapsed.unwrap_or_else(|| caller.elapsed());
    tell(
        py,
        CallEvent {
            caller: caller.clone(),
            streamed,
            error_kind,
            error,
            response: response.map(Bound::unbind),
            elapsed,
            started: unix_now() - caller.elapsed(),
        },
    );
}

fn tell(py: Python<'_>, event: CallEvent) {
    let told = Bound::new(py, event).and_then(|event| tell_all(&event));
    if let Err(error) = told {
        error.write_unraisable(py, None);
    }
}

/// Reports a finished call that the engine did not make to every callback; what one raises is
/// logged, not thrown.
#[pyfunction]
#[pyo3(name = "report_call")]
pub(crate) fn tell_all(event: &Bound<'_, CallEvent>) -> PyResult<()> {
    let py = event.py();
    // A copy: a callback may add or remove callbacks.
    let callbacks = CALLBACKS.lock().callbacks.clone();
    for one in callbacks.iter().flat_map(|all| all.iter()) {
        let callback = one.callback.bind(py);
        let called = match callback.cast::<CallTally>() {
            // What Python would do, without its arguments.
            Ok(tally) => tally.get().count(event),
            Err(_) => calling_python(|| callback.call1((event,)).map(drop)),
        };
        if let Err(error) = called {
            let logs = py.import("tokenwire.logs")?;
            calling_python(|| {
                logs.call_method1("callback_failed", (&one.callback, error.value(py)))
            })?;
        }
    }
    Ok(())
}

fn named(error: &Bound<'_, PyAny>) -> PyResult<String> {
    let observe = error.py().import("tokenwire.observe")?;
    observe.call_method1("kind_of", (error,))?.extract()
}

/// The kind of an exception that did not come from the engine.
pub(crate) fn kind_of(py: Python<'_>, error: &PyErr) -> String {
    named(error.value(py).as_any()).unwrap_or_default()
}

/// Tells that a whole reply was let go of before it came.
pub(crate) fn let_go(py: Python<'_>, caller: &Caller, answer: &Answer) {
    if is_on() && matches!(answer, Answer::Reply(_)) {
        report(py, caller, false, Ending::LetGo(None));
    }
}

fn unix_now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}

/// Registers a callback for every finished call of the process, and returns the registration's number.
#[pyfunction]
pub(crate) fn add_callback(py: Python<'_>, callback: Py<PyAny>) -> u64 {
    let mut registered = CALLBACKS.lock();
    let id = registered.next_id;
    registered.next_id += 1;
    let before = registered.callbacks.take();
    let kept = before.iter().flat_map(|all| all.iter());
    let kept = kept.map(|one| one.copied(py));
    let added = kept.chain([Registration { id, callback }]).collect();
    registered.callbacks = Some(added);
    ON.store(true, Ordering::Relaxed);
    drop(registered);
    drop(before);
    id
}

/// Takes a registration back; whether it was there.
#[pyfunction]
pub(crate) fn remove_callback(py: Python<'_>, id: u64) -> bool {
    let mut registered = CALLBACKS.lock();
    let before = registered.callbacks.take();
    let all = before.iter().flat_map(|all| all.iter());
    let rest: Arc<[_]> = all
        .clone()
        .filter(|one| one.id != id)
        .map(|one| one.copied(py))
        .collect();
    let removed = rest.len() < all.count();
    ON.store(!rest.is_empty(), Ordering::Relaxed);
    registered.callbacks = (!rest.is_empty()).then_some(rest);
    // Dropped outside the lock: a callback that goes may run Python code.
    drop(registered);
    drop(before);
    removed
}

impl Registration {
    fn copied(&self, py: Python<'_>) -> Self {
        Self {
            id: self.id,
            callback: self.callback.clone_ref(py),
        }
    }
}
