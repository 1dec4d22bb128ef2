//! For event loops without `add_reader` (Windows): a task of the loop reads a wake socket. It runs only
//! while some task waits.

use pyo3::intern;
use pyo3::prelude::*;

use crate::ground::python;
use crate::ground::raised::keeping_raised;
use crate::wake::descriptor::WakeFd;

/// Environment variable that forces this path on a loop that has `add_reader`.
const FORCE: &str = "TOKENWIRE_WAKE_BY_SOCKET";

/// Whether the loop cannot watch a descriptor.
pub(crate) fn is_needed(running: &Bound<'_, PyAny>) -> PyResult<bool> {
    if std::env::var_os(FORCE).is_some() {
        return Ok(true);
    }
    // Proactor loops inherit the method but raise from it.
    for class in running.get_type().mro() {
        if class.getattr("__name__")?.to_string().contains("Proactor") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The reading end of a loop's wake socket.
pub(crate) struct SocketWatch {
    reader: Py<PyAny>,
}

impl SocketWatch {
    /// A pair of sockets: Rust writes to one, a task of the loop reads from the other.
    pub(crate) fn new(py: Python<'_>) -> PyResult<(WakeFd, Self)> {
        let ends = python::WAKE_SOCKET.get(py)?.call0()?;
        let (reader, writer): (Bound<'_, PyAny>, i64) = ends.extract()?;
        Ok((
            WakeFd::from_raw(writer),
            Self {
                reader: reader.unbind(),
            },
        ))
    }

    /// Starts the task, unless it runs.
    pub(crate) fn arm(&self, running: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = running.py();
        python::WATCH_SOCKET
            .get(py)?
            .call1((running, self.reader.bind(py)))
            .map(drop)
    }
}

impl Drop for SocketWatch {
    fn drop(&mut self) {
        // The loop is gone. If the interpreter is gone too, there is nothing left to do.
        Python::try_attach(|py| {
            keeping_raised(py, || {
                drop(self.reader.call_method0(py, intern!(py, "close")));
            });
        });
    }
}
