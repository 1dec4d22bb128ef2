//! The simulator as Python holds it: behind `tokenwire.testing.SimServer` and the `sim:` models.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use tokenwire_core::error::ErrorKind;
use tokenwire_sim::script::ErrorReply;
use tokenwire_sim::{Answerer, Behaviour, Config, Kind, RequestRecord, Script, Sim, serve};

use crate::ground::{exception, fork, json};

fn script(py: Python<'_>, json: &str) -> PyResult<Script> {
    Script::parse(json).map_err(|error| wrong_script(py, error))
}

fn wrong_script(py: Python<'_>, error: impl Display) -> PyErr {
    exception::of_kind(py, ErrorKind::Config, &format!("script: {error}"))
}

fn kind(name: &str) -> PyResult<Kind> {
    let read: Result<_, serde::de::value::Error> = Kind::deserialize(name.into_deserializer());
    read.map_err(|error| PyValueError::new_err(format!("kind: {error}")))
}

/// Lets a Python function answer requests: it gets a request as JSON and returns a behaviour as JSON.
fn answerer(answer: Py<PyAny>) -> Answerer {
    let failed = |message: String| Behaviour {
        error: Some(ErrorReply::new(500, message)),
        ..Behaviour::default()
    };
    Arc::new(move |request: &RequestRecord| {
        let json = serde_json::to_string(request).unwrap_or_default();
        // None while the interpreter exits: no one waits for the answer then.
        let answered = Python::try_attach(|py| answer.call1(py, (json,))?.extract::<String>(py));
        match answered {
            Some(Ok(json)) => {
                Behaviour::parse(&json).unwrap_or_else(|error| failed(error.to_string()))
            }
            Some(Err(error)) => failed(format!("the answer function raised {error}")),
            None => failed("the interpreter is exiting".to_owned()),
        }
    })
}

/// Checks a behaviour of the simulator, passed as JSON.
///
/// Raises:
///     LlmConfigError: A field is wrong; the message names it.
#[pyfunction]
pub(crate) fn check_behaviour(py: Python<'_>, json: &str) -> PyResult<()> {
    Behaviour::parse(json)
        .map(drop)
        .map_err(|error| exception::of_kind(py, ErrorKind::Config, &error.to_string()))
}

/// A simulator that runs on a loopback port; `tokenwire.testing.SimServer` wraps it.
///
/// Args:
///     script_json: The script as JSON.
///     port: Port to listen on; 0 lets the system choose.
///     log_capacity: How many log records to keep.
///     answer: Called with each request as JSON; returns the behaviour as JSON.
///
/// Raises:
///     LlmConfigError: The script is wrong.
///     OSError: The simulator cannot listen on the port.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Simulator(Sim);

#[pymethods]
impl Simulator {
    #[new]
    #[pyo3(signature = (script_json="{}", port=0, log_capacity=100_000, answer=None))]
    fn py_new(
        py: Python<'_>,
        script_json: &str,
        port: u16,
        log_capacity: usize,
        answer: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let script = script(py, script_json)?;
        let config = Config {
            port,
            log_capacity,
            script,
            answerer: answer.map(answerer),
            ..Config::default()
        };
        py.detach(|| Sim::start(config))
            .map(Self)
            .map_err(|error| PyOSError::new_err(format!("the simulator cannot listen: {error}")))
    }

    /// The port that the simulator listens on.
    #[getter]
    fn port(&self) -> u16 {
        self.0.port()
    }

    /// The base URL for clients.
    #[getter]
    fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// Replaces the script. It applies to requests that arrive from now on.
    ///
    /// Raises:
    ///     LlmConfigError: The script is wrong.
    fn set_script(&self, py: Python<'_>, script_json: &str) -> PyResult<()> {
        let script = script(py, script_json)?;
        py.detach(|| self.0.set_script(script));
        Ok(())
    }

    /// Returns the log as a list of dicts.
    fn log<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let json = py.detach(|| serde_json::to_string(&self.0.log()));
        json::load_json(py, &json.unwrap_or_else(|_| "[]".into()))
    }

    /// Waits until `count` log records of a kind have been written; returns False if the time runs out.
    fn wait_for(
        &self,
        py: Python<'_>,
        kind_name: &str,
        count: u64,
        seconds: f64,
    ) -> PyResult<bool> {
        let kind = kind(kind_name)?;
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Ok(py.detach(|| self.0.wait_for(kind, count, limit)))
    }

    /// Returns how many log records of a kind were written, including those no longer kept.
    fn count(&self, kind_name: &str) -> PyResult<u64> {
        Ok(self.0.count(kind(kind_name)?))
    }

    /// Returns counters as a dict.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let json = serde_json::to_string(&self.0.stats()).unwrap_or_else(|_| "{}".into());
        json::load_json(py, &json)
    }

    /// Clears the log, sets the counters to zero and restores the default script.
    fn reset(&self, py: Python<'_>) {
        py.detach(|| self.0.reset());
    }

    /// Stops listening and closes all connections.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }
}

// The embedded simulator, and the generation of the process that started it.
static EMBEDDED: Mutex<Option<(u64, Sim)>> = Mutex::new(None);

/// Returns the base URL of the embedded simulator, which starts at first use and runs until the process ends.
#[pyfunction]
#[pyo3(name = "embedded_sim")]
pub(crate) fn embedded(py: Python<'_>) -> PyResult<String> {
    // The GIL stays held: starting takes well under a millisecond.
    let mut held = EMBEDDED.lock();
    if let Some((generation, sim)) = &*held
        && *generation == fork::generation()
    {
        return Ok(sim.base_url());
    }
    let config = Config {
        log_capacity: 0,
        ..Config::default()
    };
    let sim = Sim::start(config).map_err(|error| {
        let message = format!("the embedded simulator cannot listen: {error}");
        exception::of_kind(py, ErrorKind::Connect, &message)
    })?;
    let base_url = sim.base_url();
    if let Some(inherited) = held.replace((fork::generation(), sim)) {
        // The thread of an inherited one is the parent's.
        std::mem::forget(inherited);
    }
    Ok(base_url)
}

/// Runs `tokenwire sim` until the pipe at its standard input closes. Returns the exit code and an error message.
#[pyfunction]
#[pyo3(name = "_sim_main")]
pub(crate) fn main(py: Python<'_>, arguments: Vec<String>) -> (i32, String) {
    match py.detach(|| serve(&arguments)) {
        Ok(()) => (0, String::new()),
        Err(refusal) => refusal,
    }
}
