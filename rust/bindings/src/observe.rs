//! `on_call`: one event for each finished call, on the caller's side. Off, it costs one load.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::calling_python;
use parking_lot::Mutex;
use pyo3::intern;
use pyo3::prelude::*;

use crate::errors::Caller;
use crate::value::{self, Fields};

static ON: AtomicBool = AtomicBool::new(false);
static CALLBACKS: Mutex<Vec<Py<PyAny>>> = Mutex::new(Vec::new());

/// Whether anybody listens.
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// A finished call.
#[pyclass(frozen, module = "tokenwire")]
pub(crate) struct CallEvent {
    /// Name of the provider's row.
    #[pyo3(get)]
    provider: String,
    /// The model that was asked for.
    #[pyo3(get)]
    model: String,
    /// Whether the reply was streamed.
    #[pyo3(get)]
    streamed: bool,
    /// Kind of the error (`rate_limit`, `stall_timeout`, …); None where the call succeeded;
    /// `cancelled` where its task, its stream or its program let go of it.
    #[pyo3(get)]
    error_kind: Option<String>,
    /// The error; None where the call succeeded or was let go of.
    #[pyo3(get)]
    error: Option<Py<PyAny>>,
    /// The reply, or what had come of it; None where nothing came.
    #[pyo3(get)]
    response: Option<Py<PyAny>>,
}

impl CallEvent {
    fn field<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.response
            .as_ref()
            .map(|response| response.bind(py).getattr(name))
            .transpose()
    }
}

#[pymethods]
impl CallEvent {
    /// Where the time went; None where nothing came.
    #[getter]
    fn timing<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.field(py, "timing")
    }

    /// Token counts; None where the provider sent none.
    #[getter]
    fn usage<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.field(py, "usage")?.filter(|usage| !usage.is_none()))
    }

    /// What the call cost; None where it is not known.
    #[getter]
    fn cost<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.field(py, "cost")?.filter(|cost| !cost.is_none()))
    }

    /// Every attempt of the call.
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(error) = &self.error {
            return error.bind(py).getattr(intern!(py, "attempts"));
        }
        match self.field(py, "attempts")? {
            Some(attempts) => Ok(attempts),
            None => Ok(pyo3::types::PyTuple::empty(py).into_any()),
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
        "streamed",
        "error_kind",
        "usage",
        "timing",
    ];
}

/// How a call ended.
pub(crate) enum Ending<'a, 'py> {
    Reply(&'a Bound<'py, PyAny>),
    Error(&'a PyErr, &'a str, Option<Bound<'py, PyAny>>),
    LetGo(Option<Bound<'py, PyAny>>),
}

/// Tells every callback; what one raises is logged, not thrown.
pub(crate) fn report(py: Python<'_>, caller: &Caller, streamed: bool, ending: Ending<'_, '_>) {
    let (error, error_kind, response) = match ending {
        Ending::Reply(reply) => (None, None, Some(reply.clone().unbind())),
        Ending::Error(error, kind, partial) => (
            Some(error.value(py).clone().into_any().unbind()),
            Some(kind.to_owned()),
            partial.map(Bound::unbind),
        ),
        Ending::LetGo(partial) => (
            None,
            Some("cancelled".to_owned()),
            partial.map(Bound::unbind),
        ),
    };
    let event = CallEvent {
        provider: caller.provider.to_string(),
        model: caller.model.to_string(),
        streamed,
        error_kind,
        error,
        response,
    };
    let told = Bound::new(py, event).and_then(|event| {
        // A copy: a callback may add or remove callbacks.
        let callbacks: Vec<_> = CALLBACKS
            .lock()
            .iter()
            .map(|one| one.clone_ref(py))
            .collect();
        for callback in callbacks {
            let told = calling_python(|| callback.bind(py).call1((&event,)));
            if let Err(error) = told {
                failed(py, &callback, &error)?;
            }
        }
        Ok(())
    });
    if let Err(error) = told {
        error.write_unraisable(py, None);
    }
}

/// Tells that a whole reply was let go of before it came.
pub(crate) fn let_go(py: Python<'_>, caller: &Caller) {
    if is_on() {
        report(py, caller, false, Ending::LetGo(None));
    }
}

fn failed(py: Python<'_>, callback: &Py<PyAny>, error: &PyErr) -> PyResult<()> {
    let logs = py.import("tokenwire.logs")?;
    calling_python(|| logs.call_method1("callback_failed", (callback, error.value(py)))).map(drop)
}

/// Registers a callback for every finished call of the process.
#[pyfunction]
pub(crate) fn add_callback(callback: Py<PyAny>) {
    let mut callbacks = CALLBACKS.lock();
    callbacks.push(callback);
    ON.store(true, Ordering::Relaxed);
}

/// Takes a callback back; whether it was there.
#[pyfunction]
pub(crate) fn remove_callback(callback: &Bound<'_, PyAny>) -> bool {
    let mut callbacks = CALLBACKS.lock();
    let position = callbacks.iter().position(|one| one.is(callback));
    let removed = position.map(|position| callbacks.remove(position));
    ON.store(!callbacks.is_empty(), Ordering::Relaxed);
    // Dropped outside the lock: it may run Python code.
    drop(callbacks);
    removed.is_some()
}
