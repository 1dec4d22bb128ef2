//! Passes the engine's log lines to Python's `tokenwire` logger, on a thread that already holds the GIL.

use pyo3::prelude::*;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::log::Event;
use tokenwire_core::redact::one_line;

use crate::ground::exit::calling_python;
use crate::ground::python;
use crate::observe::on_call::only_interrupts;
use crate::process;

/// Writes the lines collected so far. Fails only with what ends a program, such as Ctrl-C in a log handler: any
/// other error in the logger must not change the outcome of the call.
pub(crate) fn drain(py: Python<'_>) -> PyResult<()> {
    let log = process::current().hub.log();
    if log.is_empty() {
        return Ok(());
    }
    let lines: Vec<(&str, String)> = log.drain().iter().filter_map(line).collect();
    let written = calling_python(|| {
        python::WRITE_LOG
            .get(py)
            .and_then(|write| write.call1((lines,)))
    });
    written
        .map(drop)
        .or_else(|error| only_interrupts(py, error))
}

/// The level and the text of a log line; `None` for an event that is not logged.
fn line(event: &Event) -> Option<(&'static str, String)> {
    let (level, text) = match event {
        Event::Retry {
            provider,
            attempt,
            kind,
            status,
            wait,
        } => {
            let status = status.map_or_else(String::new, |status| format!(" {status}"));
            let failure = format!("attempt {attempt} failed ({}{status})", kind.as_str());
            let wait = wait.as_secs_f64();
            let text = format!("{provider}: {failure}; retrying in {wait:.2} s");
            ("info", text)
        }
        Event::LongPoolWait {
            origin,
            max_connections,
        } => {
            let advice = "raise Limits(max_connections=…) or lower the concurrency";
            let text = format!(
                "{origin}: a call has waited over 1 s for one of {max_connections} connections; {advice}"
            );
            ("warning", text)
        }
        Event::PlainHttpKey { origin } => {
            let problem = "the key is sent over plain http to a public address; use https";
            ("warning", format!("{origin}: {problem}"))
        }
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
            let direction = if *sent { "sent" } else { "received" };
            ("debug", format!("{provider}: {direction} {text}"))
        }
        Event::CallEnd {
            provider,
            error,
            attempts,
            took,
        } => {
            let result = error.map_or("ok", ErrorKind::as_str);
            let took = took.as_secs_f64();
            let text = format!("{provider}: {result} after {attempts} attempts in {took:.3} s");
            ("debug", text)
        }
        _ => return None,
    };
    // Origins, paths and bodies hold text of others.
    Some((level, one_line(&text, usize::MAX)))
}
