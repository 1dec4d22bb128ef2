//! What `tokenwire doctor` reports about the engine and its settings from the environment.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use tokenwire_core::client::Client;
use tokenwire_core::config::variable;
use tokenwire_core::http;

use crate::ground::caller::Caller;
use crate::process;
use crate::values::raise;

/// The engine's build, the root certificates for https, and the default limit of connections per origin.
#[pyfunction]
#[pyo3(name = "_report")]
pub(crate) fn report(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let (places, max_connections) = py.detach(|| {
        let hub = &process::current().hub;
        (http::root_places(variable), hub.usual_max_connections())
    });
    let roots = PyList::empty(py);
    for place in places {
        let row = PyDict::new(py);
        row.set_item("setting", place.setting)?;
        row.set_item("path", place.path.map(|path| path.display().to_string()))?;
        row.set_item("certificates", place.certificates)?;
        row.set_item("problem", place.problem)?;
        roots.append(row)?;
    }
    let found = PyDict::new(py);
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    found.set_item("build", build)?;
    found.set_item("max_connections", max_connections)?;
    found.set_item("roots", roots)?;
    Ok(found)
}

/// The proxy that the environment sets for a URL, without credentials; None if it sets no proxy.
#[pyfunction]
#[pyo3(name = "_proxy_for")]
pub(crate) fn proxy_for(py: Python<'_>, url: &str) -> PyResult<Option<String>> {
    http::proxy_in_use(url, variable).map_err(|error| raise::to_py(py, error, &Caller::default()))
}

/// How the calls of a client reach its server.
pub(crate) fn way<'py>(py: Python<'py>, client: &Client) -> PyResult<Bound<'py, PyDict>> {
    let way = client.way();
    let found = PyDict::new(py);
    found.set_item("transport", way.transport.as_str())?;
    found.set_item("proxy", way.proxy.map(|(proxy, _)| proxy))?;
    found.set_item("proxy_from", way.proxy.map(|(_, name)| name))?;
    let socket = way.socket.map(|path| path.to_string_lossy().into_owned());
    found.set_item("socket", socket)?;
    Ok(found)
}
