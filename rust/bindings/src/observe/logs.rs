//! The engine's log lines, drained into Python's `tokenwire` logger on a thread that holds the GIL anyway.

use pyo3::prelude::*;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::log::Event;

use crate::ground::exit::calling_python;
use crate::ground::python;
use crate::process;

/// Hands over what has gathered. A logger that raises is reported as unraisable: the call has its own outcome.
pub(crate) fn drain(py: Python<'_>) {
    let log = process::current().hub.log();
    if log.is_empty() {
        return;
    }
    let lines: Vec<(&str, String)> = log.drain().iter().filter_map(line).collect();
    let written = calling_python(|| {
        python::WRITE_LOG
            .get(py)
            .and_then(|write| write.call1((lines,)))
    });
    if let Err(error) = written {
        error.write_unraisable(py, None);
    }
}

fn line(event: &Event) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Retry {
            provider,
            attempt,
            kind,
            status,
            wait,
        } => {
            let status = status.map_or_else(String::new, |status| format!(" {status}"));
            let kind = kind.as_str();
            let wait = wait.as_secs_f64();
            (
                "info",
                format!(
                    "{provider}: attempt {attempt} failed ({kind}{status}); the next one in {wait:.2} s"
                ),
            )
        }
        Event::LongPoolWait {
            origin,
            max_connections,
        } => (
            "warning",
            format!(
                "{origin}: a call has waited over 1 s for one of {max_connections} connections; \
                 raise Limits(max_connections=…) or lower the concurrency"
            ),
        ),
        Event::PlainHttpKey { origin } => (
            "warning",
            format!("{origin}: the key goes over plain http to a public address; use https"),
        ),
        Event::CallStart {
            provider,
            origin,
            path,
            stream,
        } => {
            let form = if *stream { "stream" } else { "reply" };
            ("debug", format!("{provider}: POST {origin}{path} ({form})"))
        }
        Event::Body {
            provider,
            sent,
            text,
        } => {
            let way = if *sent { "sent" } else { "received" };
            ("debug", format!("{provider}: {way} {text}"))
        }
        Event::CallEnd {
            provider,
            error,
            attempts,
            took,
        } => {
            let end = error.map_or("ok", ErrorKind::as_str);
            let took = took.as_secs_f64();
            (
                "debug",
                format!("{provider}: {end} after {attempts} attempts in {took:.3} s"),
            )
        }
        _ => return None,
    })
}
