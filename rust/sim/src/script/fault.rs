//! What goes wrong with an answer.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A position in an answer: `"before_head"`, `"after_head"`, `{"events": 3}`, `{"bytes": 100}`,
/// `"end"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Before the first byte of the answer.
    BeforeHead,
    /// After the head, before the body.
    #[default]
    AfterHead,
    /// After this many events, including the one with the role. In Responses and Messages, what
    /// arrives together counts as one event: the opening, each piece, and the end.
    Events(u64),
    /// After this many bytes of the body, not counting its chunk framing.
    Bytes(u64),
    /// After the last byte of the body, before its end is marked.
    End,
}

/// What goes wrong: `{"fault": {"kind": "reset", "at": {"events": 3}}}`.
///
/// `at` is a [`Position`]; the default is after the head. One example of each kind:
///
/// ```
/// use tokenwire_sim::script::Fault;
///
/// for example in [
///     r#"{"kind": "reset", "at": {"bytes": 100}}"#,
///     r#"{"kind": "close", "at": "before_head"}"#,
///     r#"{"kind": "stall", "at": {"events": 2}, "for_ms": 500}"#,
///     r#"{"kind": "slow_head", "bytes": 1, "interval_ms": 100}"#,
///     r#"{"kind": "no_head"}"#,
///     r#"{"kind": "idle_close", "after_ms": 5, "reset": false}"#,
///     r#"{"kind": "close_on_next", "reset": true}"#,
///     r#"{"kind": "idle_bytes", "after_ms": 1, "text": "HTTP/1.1 408 Request Timeout\r\n\r\n"}"#,
///     r#"{"kind": "trailing_bytes", "text": "JUNK"}"#,
///     r#"{"kind": "short_length", "missing": 10}"#,
///     r#"{"kind": "no_terminator"}"#,
///     r#"{"kind": "bad_chunk_size", "at": {"events": 2}}"#,
///     r#"{"kind": "error_event", "at": {"events": 2}, "named": true, "body": {"error": {}}}"#,
///     r#"{"kind": "garbage", "at": {"events": 2}, "bytes": 64, "seed": 1, "raw": false}"#,
///     r#"{"kind": "endless", "at": "after_head", "text": ": ping\n", "bytes": 1000000000}"#,
///     r#"{"kind": "redirect", "status": 308, "location": "http://127.0.0.1:1/v1"}"#,
///     r#"{"kind": "comments", "at": {"events": 1}, "interval_ms": 50, "count": 10}"#,
///     r#"{"kind": "drop_done", "before_finish": true}"#,
///     r#"{"kind": "after_done", "events": 2}"#,
///     r#"{"kind": "repeat", "after": 2, "events": 1}"#,
///     r#"{"kind": "html", "status": 502}"#,
///     r#"{"kind": "interim", "status": 103, "count": 20}"#,
/// ] {
///     let fault: Fault = serde_json::from_str(example)?;
///     assert!(example.contains(&fault.name()));
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The connection is reset (RST).
    Reset {
        /// Where.
        #[serde(default)]
        at: Position,
    },
    /// The connection is closed (FIN), even in the middle of a chunk.
    Close {
        /// Where.
        #[serde(default)]
        at: Position,
    },
    /// Silence on an open connection.
    Stall {
        /// Where.
        #[serde(default)]
        at: Position,
        /// How long, in milliseconds; `None` lasts until the client leaves.
        for_ms: Option<u64>,
    },
    /// The head is sent in portions.
    SlowHead {
        /// Bytes in a portion.
        #[serde(default = "number::<1, _>")]
        bytes: usize,
        /// Milliseconds between two portions.
        interval_ms: u64,
    },
    /// The request is read and never answered.
    // Braces, because serde ignores unknown fields of a variant without them.
    NoHead {},
    /// The answer is complete; the idle connection is closed some time after it.
    IdleClose {
        /// Milliseconds after the end of the answer.
        #[serde(default)]
        after_ms: u64,
        /// With RST instead of FIN.
        #[serde(default)]
        reset: bool,
    },
    /// The answer is complete; the next request on the connection is read, and the connection is
    /// closed without an answer.
    CloseOnNext {
        /// With RST instead of FIN.
        #[serde(default)]
        reset: bool,
    },
    /// The answer is complete; unexpected bytes follow on the idle connection.
    IdleBytes {
        /// Milliseconds after the end of the answer.
        #[serde(default)]
        after_ms: u64,
        /// The bytes, for example a `408` head.
        text: String,
    },
    /// Bytes right after the end of the body, in the same write.
    TrailingBytes {
        /// The bytes.
        text: String,
    },
    /// `Content-Length` promises more than is sent; then FIN.
    ShortLength {
        /// How many bytes are promised and not sent.
        #[serde(default = "number::<1, _>")]
        missing: usize,
    },
    /// A chunked body without its last chunk; then FIN.
    NoTerminator {},
    /// A chunk whose size is not a number; then FIN.
    BadChunkSize {
        /// Where.
        #[serde(default)]
        at: Position,
    },
    /// An error inside the stream, after which the body ends cleanly.
    ErrorEvent {
        /// Where.
        #[serde(default)]
        at: Position,
        /// Writes `event: error` before the data.
        #[serde(default)]
        named: bool,
        /// The data; `None` is the server error of the requested API.
        body: Option<Value>,
        /// Sends what can follow it in this API: `[DONE]`, `response.failed` or `message_stop`.
        #[serde(default)]
        done: bool,
    },
    /// Random bytes inside the body, or outside its framing.
    Garbage {
        /// Where.
        #[serde(default)]
        at: Position,
        /// How many bytes.
        #[serde(default = "number::<64, _>")]
        bytes: usize,
        /// The seed that they are drawn from.
        #[serde(default)]
        seed: u64,
        /// Writes them outside the framing, so that they break HTTP itself.
        #[serde(default)]
        raw: bool,
    },
    /// A body that does not end.
    Endless {
        /// Where.
        #[serde(default)]
        at: Position,
        /// What is repeated; `None` is `x`, without any line end.
        text: Option<String>,
        /// How many bytes to repeat before the rest of the answer follows; `None` never ends.
        bytes: Option<u64>,
    },
    /// A redirect instead of the answer.
    Redirect {
        /// 301 to 308.
        #[serde(default = "number::<307, _>")]
        status: u16,
        /// The `Location` header.
        location: String,
    },
    /// Comments while the answer waits.
    Comments {
        /// Where.
        #[serde(default)]
        at: Position,
        /// Milliseconds between two comments.
        #[serde(default = "number::<50, _>")]
        interval_ms: u64,
        /// How many before the answer goes on; `None` means endlessly.
        count: Option<u64>,
        /// The bytes; `None` is `: keep-alive` and a blank line.
        text: Option<String>,
    },
    /// The stream ends cleanly without `[DONE]`, or without the last event of Responses or
    /// Messages.
    DropDone {
        /// Leaves out the finish event and the usage, too.
        #[serde(default)]
        before_finish: bool,
    },
    /// More events follow the end of the stream.
    AfterDone {
        /// How many.
        #[serde(default = "number::<1, _>")]
        events: u64,
    },
    /// Events of a stream are sent twice, each right after itself.
    Repeat {
        /// How many events come before them.
        #[serde(default = "number::<1, _>")]
        after: u64,
        /// How many.
        #[serde(default = "number::<1, _>")]
        events: u64,
    },
    /// An HTML page instead of the answer.
    Html {
        /// HTTP status.
        #[serde(default = "number::<200, _>")]
        status: u16,
    },
    /// Interim heads (1xx) before the answer.
    Interim {
        /// 100, 102 or 103.
        #[serde(default = "number::<103, _>")]
        status: u16,
        /// How many.
        #[serde(default = "number::<1, _>")]
        count: u64,
    },
}

/// A number as the default of a field.
fn number<const N: u16, T: From<u16>>() -> T {
    N.into()
}

impl Fault {
    /// Its name in scripts and in the log.
    #[must_use]
    pub fn name(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json.get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    /// Which events are sent twice; the first is 0.
    pub(crate) fn repeated(&self) -> Range<u64> {
        match self {
            Self::Repeat { after, events } => *after..after.saturating_add(*events),
            _ => 0..0,
        }
    }

    /// Where it strikes in the answer; `None` if it does not strike at a position.
    pub(crate) fn position(&self) -> Option<Position> {
        match self {
            Self::Reset { at }
            | Self::Close { at }
            | Self::Stall { at, .. }
            | Self::BadChunkSize { at }
            | Self::ErrorEvent { at, .. }
            | Self::Garbage { at, .. }
            | Self::Endless { at, .. }
            | Self::Comments { at, .. } => Some(*at),
            Self::NoHead {} => Some(Position::BeforeHead),
            Self::NoTerminator {} | Self::ShortLength { .. } => Some(Position::End),
            _ => None,
        }
    }
}
