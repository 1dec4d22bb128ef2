//! The simulator as Python holds it: `tokenwire.testing.SimServer` and the embedded `sim:` models.

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
    Script::parse(json)
        .map_err(|error| exception::of_kind(py, ErrorKind::Config, &format!("script: {error}")))
}

fn kind(name: &str) -> PyResult<Kind> {
    let read: Result<_, serde::de::value::Error> = Kind::deserialize(name.into_deserializer());
    read.map_err(|error| PyValueError::new_err(format!("no such log record: {error}")))
}

/// Asks a Python function what to do with a request: JSON of the request in, of a behaviour out.
fn answerer(answer: Py<PyAny>) -> Answerer {
    let failed = |message: String| Behaviour {
        error: Some(ErrorReply::new(500, message)),
        ..Behaviour::default()
    };
    Arc::new(move |request: &RequestRecord| {
        let json = serde_json::to_string(request).unwrap_or_default();
        // None while the interpreter exits: the answer is no longer waited for.
        let answered = Python::try_attach(|py| answer.call1(py, (json,))?.extract::<String>(py));
        match answered {
            Some(Ok(json)) => {
                Behaviour::parse(&json).unwrap_or_else(|error| failed(error.to_string()))
            }
            Some(Err(error)) => failed(format!("the answerer raised {error}")),
            None => failed("the interpreter exits".to_owned()),
        }
    })
}

/// Checks a behaviour; a wrong field is raised.
#[pyfunction]
#[pyo3(name = "check_behaviour")]
pub(crate) fn check_behaviour(py: Python<'_>, json: &str) -> PyResult<()> {
    Behaviour::parse(json)
        .map(drop)
        .map_err(|error| exception::of_kind(py, ErrorKind::Config, &error.to_string()))
}

/// A running simulator on a loopback port; `tokenwire.testing.SimServer` wraps it.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Simulator {
    sim: Arc<Sim>,
}

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
        let sim = py
            .detach(|| Sim::start(config))
            .map_err(|error| PyOSError::new_err(format!("the simulator cannot listen: {error}")))?;
        Ok(Self { sim: Arc::new(sim) })
    }

    #[getter]
    fn port(&self) -> u16 {
        self.sim.port()
    }

    #[getter]
    fn base_url(&self) -> String {
        self.sim.base_url()
    }

    fn set_script(&self, py: Python<'_>, script_json: &str) -> PyResult<()> {
        let script = script(py, script_json)?;
        py.detach(|| self.sim.set_script(script));
        Ok(())
    }

    /// The log as a list of dicts.
    fn log<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let json = py.detach(|| serde_json::to_string(&self.sim.log()));
        json::load_json(py, &json.unwrap_or_else(|_| "[]".into()))
    }

    /// Waits until that many records of a kind were written; false when the time is up.
    fn wait_for(
        &self,
        py: Python<'_>,
        kind_name: &str,
        count: u64,
        seconds: f64,
    ) -> PyResult<bool> {
        let kind = kind(kind_name)?;
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Ok(py.detach(|| self.sim.wait_for(kind, count, limit)))
    }

    /// How many records of a kind were written, logged or not.
    fn count(&self, kind_name: &str) -> PyResult<u64> {
        Ok(self.sim.count(kind(kind_name)?))
    }

    /// Counters as a dict.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let json = serde_json::to_string(&self.sim.stats()).unwrap_or_else(|_| "{}".into());
        json::load_json(py, &json)
    }

    fn reset(&self, py: Python<'_>) {
        py.detach(|| self.sim.reset());
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.sim.stop());
    }
}

// The embedded simulator of this process, with the generation that started it.
static EMBEDDED: Mutex<Option<(u64, Arc<Sim>)>> = Mutex::new(None);

/// Base URL of the embedded simulator, which starts at first use and lives as long as the process.
#[pyfunction]
#[pyo3(name = "embedded_sim")]
pub(crate) fn embedded(py: Python<'_>) -> PyResult<String> {
    // Holds the GIL throughout: starting takes well under a millisecond.
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
        exception::of_kind(
            py,
            ErrorKind::Connect,
            &format!("the embedded simulator cannot listen: {error}"),
        )
    })?;
    let base_url = sim.base_url();
    if let Some(inherited) = held.replace((fork::generation(), Arc::new(sim))) {
        // After a fork its thread is the parent's.
        std::mem::forget(inherited);
    }
    Ok(base_url)
}

/// `tokenwire sim`: serves until its standard input closes; the exit code, and why it is not 0.
#[pyfunction]
#[pyo3(name = "_sim_main")]
pub(crate) fn main(py: Python<'_>, arguments: Vec<String>) -> (i32, String) {
    match py.detach(|| serve(&arguments)) {
        Ok(()) => (0, String::new()),
        Err(refusal) => refusal,
    }
}
