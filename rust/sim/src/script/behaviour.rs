//! One behaviour: where the body comes from, its pacing and framing, and what goes wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::body::{ErrorReply, Replay, Reply};
use super::{Fault, ScriptError};

/// How one request is answered.
///
/// The body comes from `error` if it is set, otherwise from `replay`, otherwise it is made up from
/// the request and `reply`. `fault` then spoils it. All parts can be combined: a replay can be
/// paced, cut and stalled.
///
/// ```json
/// {"reply": {"text": "Hello there"}, "pacing": {"first_token_ms": 50, "per_token_us": 10000},
///  "fault": {"kind": "stall", "at": {"events": 2}}}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// What the model says; `None` derives a text from the request.
    pub reply: Option<Reply>,
    /// A recorded body, sent unchanged.
    pub replay: Option<Replay>,
    /// An error status instead of a reply.
    pub error: Option<ErrorReply>,
    /// When the answer is sent, and in which portions. `None` means the default's pacing, or all
    /// at once.
    pub pacing: Option<Pacing>,
    /// How the end of the body is marked.
    pub framing: Framing,
    /// Sends `Connection: close` and closes the connection after the reply.
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
    /// The body is the whole answer, including its status line, and the connection closes after
    /// it. This is for replays of broken heads.
    Raw,
}

/// When a reply is sent, and in which portions. Times are counted from the arrival of the request,
/// so that delays never add up.
///
/// ```json
/// {"pacing": {"head_delay_ms": 20, "first_token_ms": 100, "per_token_us": 10000,
///             "tokens": 200, "tokens_per_write": 1}}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pacing {
    /// Wait before the head, in milliseconds.
    pub head_delay_ms: u64,
    /// Wait between the head and the first token, in milliseconds.
    pub first_token_ms: u64,
    /// Time between two tokens, in microseconds; 0 sends them in a burst.
    pub per_token_us: u64,
    /// Length of a made-up reply, in tokens; `max_tokens` of the request cuts it. `None` means
    /// `max_tokens`, or 16 without one.
    pub tokens: Option<u64>,
    /// How many events go into one write (and one HTTP chunk); 0 means 1.
    pub tokens_per_write: u64,
    /// Cuts every write into pieces of this many bytes; 0 does not cut.
    pub bytes_per_write: usize,
    /// Wait after every write, in microseconds.
    pub delay_between_writes_us: u64,
}

impl Behaviour {
    /// Reads a behaviour from JSON. An unknown field is an error that names it.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        let behaviour: Self = serde_json::from_str(json)?;
        behaviour.check("behaviour")?;
        Ok(behaviour)
    }

    /// Checks header text, base64 and status codes. `path` is the behaviour's place in the script.
    pub(crate) fn check(&self, path: &str) -> Result<(), ScriptError> {
        if let Some(reply) = &self.reply {
            check_head(reply.status, &reply.headers, &format!("{path}.reply"))?;
        }
        if let Some(replay) = &self.replay {
            check_head(replay.status, &replay.headers, &format!("{path}.replay"))?;
            if replay.bytes().is_none() {
                return Err(ScriptError(format!(
                    "{path}.replay needs either `text` or valid `base64`"
                )));
            }
        }
        if let Some(error) = &self.error {
            check_head(error.status, &error.headers, &format!("{path}.error"))?;
        }
        if let Some(Fault::Redirect { location, .. }) = &self.fault {
            check_text(location, &format!("{path}.fault.location"))?;
        }
        if self.framing == Framing::Raw && self.replay.is_none() {
            return Err(ScriptError(format!(
                "{path}.framing is `raw`, which needs a `replay`"
            )));
        }
        Ok(())
    }
}

fn check_head(
    status: Option<u16>,
    headers: &BTreeMap<String, String>,
    path: &str,
) -> Result<(), ScriptError> {
    for (name, value) in headers {
        check_text(name, &format!("{path}.headers"))?;
        check_text(value, &format!("{path}.headers.{name}"))?;
    }
    match status {
        Some(status) if !(200..=999).contains(&status) => Err(ScriptError(format!(
            "{path}.status is {status}; it must be from 200 to 999"
        ))),
        _ => Ok(()),
    }
}

fn check_text(text: &str, path: &str) -> Result<(), ScriptError> {
    if text.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(ScriptError(format!("{path} contains CR, LF or NUL")));
    }
    Ok(())
}
