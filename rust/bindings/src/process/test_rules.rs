//! Where the calls of this process may go while a test says so; `tokenwire.testing` says it.
//!
//! The hub keeps it. A forked child has a hub of its own and inherits what holds: its calls reach the
//! parent's simulator, which listens on.

use parking_lot::Mutex;
use pyo3::prelude::*;
use tokenwire_core::http::Hub;

use crate::process;
use crate::values::raise::{self, Caller};

struct Gate {
    detour: Option<String>,
    allowed: Option<Vec<String>>,
}

// Changed by threads that hold the GIL, as one that forks does, so that a child does not inherit it
// in the middle of a change.
static GATE: Mutex<Gate> = Mutex::new(Gate {
    detour: None,
    allowed: None,
});

/// Tells a hub that was made just now what holds.
pub(crate) fn tell(hub: &Hub) {
    let gate = GATE.lock();
    if gate.detour.is_some() {
        // It was taken before.
        let _ = hub.divert(gate.detour.as_deref());
    }
    if gate.allowed.is_some() {
        hub.allow_only(gate.allowed.clone());
    }
}

/// Sends every call to this base URL, without its key; None sends them where they belong.
#[pyfunction]
#[pyo3(name = "divert", signature = (base_url))]
pub(crate) fn divert(py: Python<'_>, base_url: Option<String>) -> PyResult<()> {
    process::current()
        .hub
        .divert(base_url.as_deref())
        .map_err(|error| raise::to_py(py, error, &Caller::default()))?;
    GATE.lock().detour = base_url;
    Ok(())
}

/// Whether calls are sent elsewhere.
#[pyfunction]
#[pyo3(name = "is_diverted")]
pub(crate) fn is_diverted() -> bool {
    process::current().hub.is_diverted()
}

/// Refuses connections but to loopback and these hosts; None lets all go.
#[pyfunction]
#[pyo3(name = "allow_only", signature = (hosts))]
pub(crate) fn allow_only(hosts: Option<Vec<String>>) {
    process::current().hub.allow_only(hosts.clone());
    GATE.lock().allowed = hosts;
}
