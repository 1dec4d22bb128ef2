//! `/_sim/`: the endpoints that control a simulator that runs as a process.
//!
//! - `GET /_sim/log`, `GET /_sim/log?take=1`: the records; `take` also removes them.
//! - `GET /_sim/stats`: the counters.
//! - `GET /_sim/wait?kind=client_closed&count=1&timeout_ms=5000`: answers `{"reached":true}` when
//!   there have been that many, or `false` when the time is over.
//! - `POST /_sim/script`: sets the script; a bad one is a 400 that names the field.
//! - `POST /_sim/reset`: empties the log and the counters, and goes back to no script.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Request, reason};
use crate::log::Kind;
use crate::script::Script;
use crate::simulator::Simulator;

/// Returns the whole answer to a control request, including its head.
pub(crate) async fn answer(simulator: &Simulator, request: &Request) -> Vec<u8> {
    let (status, body) = match respond(simulator, request).await {
        Ok(body) => (200, body),
        Err((status, message)) => (status, json!({"error": {"message": message}})),
    };
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        reason(status),
        body.len(),
    )
    .into_bytes()
}

/// The body of the answer, or the status and message of an error.
async fn respond(simulator: &Simulator, request: &Request) -> Result<Value, (u16, String)> {
    match (request.method.as_str(), request.path()) {
        ("GET", "/_sim/log") => {
            let takes = request.parameter("take").is_some_and(|value| value != "0");
            let records = if takes {
                simulator.log.take()
            } else {
                simulator.log.records()
            };
            Ok(json!(records))
        }
        ("GET", "/_sim/stats") => Ok(json!(simulator.stats())),
        ("GET", "/_sim/wait") => wait(simulator, request).await.map_err(|error| (400, error)),
        ("POST", "/_sim/script") => {
            let text = String::from_utf8_lossy(&request.body);
            let script = Script::parse(&text).map_err(|error| (400, error.to_string()))?;
            simulator.set_script(script);
            Ok(json!({"ok": true}))
        }
        ("POST", "/_sim/reset") => {
            simulator.reset();
            Ok(json!({"ok": true}))
        }
        _ => {
            let message = "no such endpoint; see \"As a process\" in docs/simulator.md";
            Err((404, message.to_owned()))
        }
    }
}

async fn wait(simulator: &Simulator, request: &Request) -> Result<Value, String> {
    let number = |name: &str, default| match request.parameter(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| format!("{name} must be a whole number, not {text:?}")),
    };
    let kind = request.parameter("kind").unwrap_or_default();
    let kind: Kind = serde_json::from_value(kind.into()).map_err(|error| error.to_string())?;
    let limit = Duration::from_millis(number("timeout_ms", 10_000)?);
    let log = &simulator.log;
    let reached = log.wait_async(kind, number("count", 1)?, limit).await;
    Ok(json!({"reached": reached, "count": log.total(kind)}))
}
