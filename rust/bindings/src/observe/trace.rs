//! The headers by which a server continues the caller's trace.

use pyo3::prelude::*;

use crate::ground::exit::calling_python;
use crate::observe::callbacks::PROPAGATORS;
use crate::observe::on_call::only_interrupts;

/// The headers of the trace that is current on this thread; none without `otel.instrument`.
///
/// Fails only with what ends a program, such as Ctrl-C: a trace must not change the outcome of a call.
pub(crate) fn trace_headers(py: Python<'_>) -> PyResult<Vec<(String, String)>> {
    let mut headers: Vec<(String, String)> = Vec::new();
    if !PROPAGATORS.is_on() {
        return Ok(headers);
    }
    // `all` returns a copy, because a propagator may add or remove propagators.
    for one in PROPAGATORS.all() {
        let found = calling_python(|| {
            let found = one.function.bind(py).call0()?;
            found.extract::<Vec<(String, String)>>()
        });
        match found {
            // The first one that has a header wins.
            Ok(found) if headers.is_empty() => headers = found,
            Ok(_) => {}
            Err(error) => only_interrupts(py, error)?,
        }
    }
    Ok(headers)
}
