//! `/_sim/`: the simulator's own endpoints, for those who run it as a process.
//!
//! - `GET /_sim/log`, `GET /_sim/log?take=1`: the records; `take` also removes them.
//! - `GET /_sim/stats`: the counters.
//! - `GET /_sim/wait?kind=client_closed&count=1&timeout_ms=5000`: answers `{"reached":true}` once
//!   there have been so many, or `false` when the time was over.
//! - `POST /_sim/script`: sets the script; a bad one is a 400 that names the field.
//! - `POST /_sim/reset`: empties the log and the counters, sets the plain script.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Request, reason};
use crate::log::Kind;
use crate::script::Script;
use crate::state::State;

/// The whole answer to a control request, head included.
pub(crate) async fn answer(state: &State, request: &Request) -> Vec<u8> {
    let (status, body) = match (request.method(), request.path()) {
        ("GET", "/_sim/log") => {
            let takes = request.parameter("take").is_some_and(|value| value != "0");
            let records = if takes {
                state.log.take()
            } else {
                state.log.records()
            };
            (200, serde_json::to_value(records).unwrap_or(Value::Null))
        }
        ("GET", "/_sim/stats") => (
            200,
            serde_json::to_value(state.stats()).unwrap_or(Value::Null),
        ),
        ("GET", "/_sim/wait") => wait(state, request).await,
        ("POST", "/_sim/script") => {
            let text = String::from_utf8_lossy(&request.body);
            match Script::parse(&text).and_then(|script| state.set_script(script)) {
                Ok(()) => (200, json!({"ok": true})),
                Err(error) => (400, json!({"error": {"message": error.to_string()}})),
            }
        }
        ("POST", "/_sim/reset") => {
            state.reset();
            (200, json!({"ok": true}))
        }
        _ => (
            404,
            json!({"error": {"message": "no such endpoint under /_sim/"}}),
        ),
    };
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        reason(status),
        body.len(),
    )
    .into_bytes()
}

async fn wait(state: &State, request: &Request) -> (u16, Value) {
    let kind = request.parameter("kind").unwrap_or_default();
    let kind = match serde_json::from_value::<Kind>(Value::from(kind)) {
        Ok(kind) => kind,
        Err(error) => return (400, json!({"error": {"message": error.to_string()}})),
    };
    let number = |name: &str, fallback| {
        request
            .parameter(name)
            .map_or(Some(fallback), |text| text.parse::<u64>().ok())
    };
    let (Some(count), Some(limit)) = (number("count", 1), number("timeout_ms", 10_000)) else {
        return (
            400,
            json!({"error": {"message": "count and timeout_ms are whole numbers"}}),
        );
    };
    let reached = state
        .log
        .wait_async(kind, count, Duration::from_millis(limit))
        .await;
    (
        200,
        json!({"reached": reached, "count": state.log.total(kind)}),
    )
}
