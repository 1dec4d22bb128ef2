//! One behaviour: where the body comes from, how it is paced and framed, what goes wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::source::{ErrorReply, Replay, Reply};
use super::{Fault, ScriptError};

/// How one request is answered.
///
/// The body comes from `error`, else from `replay`, else it is made from the request and `reply`.
/// `fault` then spoils it. All parts combine: a replay can be paced, cut and stalled.
///
/// ```json
/// {"reply": {"text": "Hello there"}, "pacing": {"first_token_ms": 50, "per_token_us": 10000},
///  "fault": {"kind": "stall", "at": {"events": 2}}}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// What the model says; `None` is a sentence derived from the request.
    pub reply: Option<Reply>,
    /// A recorded body, sent as it is.
    pub replay: Option<Replay>,
    /// An error status instead of a reply.
    pub error: Option<ErrorReply>,
    /// When and in which portions it is sent; `None` is the default's, or all at once.
    pub pacing: Option<Pacing>,
    /// How the end of the body is marked.
    pub framing: Framing,
    /// Says `Connection: close` and closes after the reply.
    pub close_after: bool,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// Every token is ` id:seq:checksum`, so that a reader can prove that nothing was lost,
    /// duplicated or reordered. See [`ledger_token`](crate::ledger_token).
    pub ledger: bool,
}

/// How the end of a body is marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// Streams are chunked, other bodies have a length.
    #[default]
    Auto,
    /// `Transfer-Encoding: chunked`; every write is one chunk.
    Chunked,
    /// `Content-Length`.
    Length,
    /// Neither: the body ends with the connection.
    Close,
    /// The body is the whole answer, status line included, and the connection closes after it.
    /// For replays of broken heads.
    Raw,
}

/// When and in which portions a reply is sent. Deadlines are absolute from the arrival of the
/// request, so that lateness never adds up.
///
/// ```json
/// {"pacing": {"head_delay_ms": 20, "first_token_ms": 100, "per_token_us": 10000,
///             "tokens": 200, "tokens_per_write": 1}}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pacing {
    /// Wait before the head, in milliseconds.
    pub head_delay_ms: u64,
    /// Wait between the head and the first token, in milliseconds.
    pub first_token_ms: u64,
    /// Distance between two tokens, in microseconds; 0 sends them in a burst.
    pub per_token_us: u64,
    /// Length of a made-up reply in tokens; `max_tokens` of the request cuts it. `None` is
    /// `max_tokens`, or 16 without one.
    pub tokens: Option<u64>,
    /// How many events go into one write (and one HTTP chunk).
    pub tokens_per_write: u64,
    /// Cuts every write into pieces of this many bytes; 0 does not cut.
    pub bytes_per_write: usize,
    /// Wait after every write, in microseconds.
    pub delay_between_writes_us: u64,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            head_delay_ms: 0,
            first_token_ms: 0,
            per_token_us: 0,
            tokens: None,
            tokens_per_write: 1,
            bytes_per_write: 0,
            delay_between_writes_us: 0,
        }
    }
}

impl Behaviour {
    /// Reads a behaviour from JSON; a field that does not exist is an error that names it.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        let behaviour: Self = serde_json::from_str(json).map_err(|e| ScriptError(e.to_string()))?;
        behaviour.check("behaviour")?;
        Ok(behaviour)
    }

    /// Checks header text, base64 and status codes below `path`, the place named in an error.
    pub(crate) fn check(&self, path: &str) -> Result<(), ScriptError> {
        if let Some(reply) = &self.reply {
            check_headers(&reply.headers, &format!("{path}.reply"))?;
            check_status(reply.status, &format!("{path}.reply"))?;
        }
        if let Some(replay) = &self.replay {
            check_headers(&replay.headers, &format!("{path}.replay"))?;
            check_status(replay.status, &format!("{path}.replay"))?;
            if replay.bytes().is_none() {
                return Err(ScriptError(format!(
                    "{path}.replay needs exactly one of `text` and `base64`, the latter valid"
                )));
            }
        }
        if let Some(error) = &self.error {
            check_headers(&error.headers, &format!("{path}.error"))?;
            check_status(error.status, &format!("{path}.error"))?;
        }
        if let Some(Fault::Redirect { location, .. }) = &self.fault {
            check_text(location, &format!("{path}.fault.location"))?;
        }
        if self.framing == Framing::Raw && self.replay.is_none() {
            return Err(ScriptError(format!(
                "{path}.framing `raw` needs a `replay`"
            )));
        }
        Ok(())
    }
}

fn check_status(status: u16, path: &str) -> Result<(), ScriptError> {
    if (200..=999).contains(&status) {
        return Ok(());
    }
    Err(ScriptError(format!(
        "{path}.status {status} is not 200 to 999"
    )))
}

fn check_headers(headers: &BTreeMap<String, String>, path: &str) -> Result<(), ScriptError> {
    for (name, value) in headers {
        check_text(name, &format!("{path}.headers"))?;
        check_text(value, &format!("{path}.headers.{name}"))?;
    }
    Ok(())
}

fn check_text(text: &str, path: &str) -> Result<(), ScriptError> {
    if text.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(ScriptError(format!("{path} holds CR, LF or NUL")));
    }
    Ok(())
}
