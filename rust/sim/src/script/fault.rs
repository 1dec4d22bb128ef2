//! What goes wrong with an answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A place in an answer: `"before_head"`, `"after_head"`, `{"events": 3}`, `{"bytes": 100}`,
/// `"end"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Before the first byte of the answer.
    BeforeHead,
    /// After the head, before the body.
    #[default]
    AfterHead,
    /// After this many events, the role event included.
    Events(u64),
    /// After this many bytes of the body, not counting HTTP chunk marks.
    Bytes(u64),
    /// After the last byte of the body, before the mark of its end.
    End,
}

/// What goes wrong: `{"fault": {"kind": "reset", "at": {"events": 3}}}`.
///
/// `at` is a [`Position`], after the head by default. One example of each kind:
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
///     r#"{"kind": "html", "status": 502}"#,
///     r#"{"kind": "interim", "status": 103, "count": 20}"#,
/// ] {
///     let fault: Fault = serde_json::from_str(example)?;
///     assert!(example.contains(fault.name()));
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
    /// The connection is closed (FIN), mid-body and mid-chunk if need be.
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
        /// How long, in milliseconds; `None` is until the client goes.
        #[serde(default)]
        for_ms: Option<u64>,
    },
    /// The head comes in portions.
    SlowHead {
        /// Bytes in a portion.
        #[serde(default = "one_byte")]
        bytes: usize,
        /// Milliseconds between two portions.
        interval_ms: u64,
    },
    /// The request is read and never answered.
    NoHead {},
    /// The answer is whole; the idle connection is closed some time after it.
    IdleClose {
        /// Milliseconds after the end of the answer; 0 is at once.
        #[serde(default)]
        after_ms: u64,
        /// With RST instead of FIN.
        #[serde(default)]
        reset: bool,
    },
    /// The answer is whole; the next request on the connection is read and the connection closed
    /// without an answer.
    CloseOnNext {
        /// With RST instead of FIN.
        #[serde(default)]
        reset: bool,
    },
    /// The answer is whole; bytes that nobody asked for follow on the idle connection.
    IdleBytes {
        /// Milliseconds after the end of the answer.
        #[serde(default)]
        after_ms: u64,
        /// The bytes, for example a `408` head.
        text: String,
    },
    /// Bytes right behind the end of the body, in the same write.
    TrailingBytes {
        /// The bytes.
        text: String,
    },
    /// `Content-Length` says more than is sent; then FIN.
    ShortLength {
        /// Bytes promised and not sent.
        #[serde(default = "one_byte")]
        missing: usize,
    },
    /// A chunked body without its last chunk; then FIN.
    NoTerminator {},
    /// A chunk whose size is no number; then FIN.
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
        /// The data; `None` is the server error of the API that was asked.
        #[serde(default)]
        body: Option<Value>,
        /// Sends the end mark of the API after it: `[DONE]`.
        #[serde(default)]
        done: bool,
    },
    /// Random bytes inside the body, or outside its framing.
    Garbage {
        /// Where.
        #[serde(default)]
        at: Position,
        /// How many bytes.
        #[serde(default = "some_bytes")]
        bytes: usize,
        /// What they are drawn from.
        #[serde(default)]
        seed: u64,
        /// Writes them past the framing, so that they break HTTP itself.
        #[serde(default)]
        raw: bool,
    },
    /// A body that does not end.
    Endless {
        /// Where it begins to repeat.
        #[serde(default)]
        at: Position,
        /// What is repeated; `None` is a run of `x`, without any line end.
        #[serde(default)]
        text: Option<String>,
        /// After how many bytes it does end and the rest follows; `None` is never.
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// A redirect instead of the answer.
    Redirect {
        /// 301 to 308.
        #[serde(default = "temporary_redirect")]
        status: u16,
        /// The `Location` header.
        location: String,
    },
    /// Comments while the answer waits.
    Comments {
        /// Where.
        #[serde(default)]
        at: Position,
        /// Milliseconds between two.
        #[serde(default = "some_ms")]
        interval_ms: u64,
        /// How many before the answer goes on; `None` is for ever.
        #[serde(default)]
        count: Option<u64>,
        /// The bytes; `None` is `: keep-alive` and a blank line.
        #[serde(default)]
        text: Option<String>,
    },
    /// The stream ends cleanly without `[DONE]`.
    DropDone {
        /// Leaves out the finish event and the usage, too.
        #[serde(default)]
        before_finish: bool,
    },
    /// More events follow `[DONE]`.
    AfterDone {
        /// How many.
        #[serde(default = "one_event")]
        events: u64,
    },
    /// An HTML page instead of the answer.
    Html {
        /// HTTP status.
        #[serde(default = "ok_status")]
        status: u16,
    },
    /// Interim heads (1xx) before the answer.
    Interim {
        /// 100, 102 or 103.
        #[serde(default = "early_hints")]
        status: u16,
        /// How many.
        #[serde(default = "one_event")]
        count: u64,
    },
}

fn one_byte() -> usize {
    1
}

fn some_bytes() -> usize {
    64
}

fn some_ms() -> u64 {
    50
}

fn one_event() -> u64 {
    1
}

fn temporary_redirect() -> u16 {
    307
}

fn ok_status() -> u16 {
    200
}

fn early_hints() -> u16 {
    103
}

impl Fault {
    /// The word that stands for it in scripts and in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reset { .. } => "reset",
            Self::Close { .. } => "close",
            Self::Stall { .. } => "stall",
            Self::SlowHead { .. } => "slow_head",
            Self::NoHead {} => "no_head",
            Self::IdleClose { .. } => "idle_close",
            Self::CloseOnNext { .. } => "close_on_next",
            Self::IdleBytes { .. } => "idle_bytes",
            Self::TrailingBytes { .. } => "trailing_bytes",
            Self::ShortLength { .. } => "short_length",
            Self::NoTerminator {} => "no_terminator",
            Self::BadChunkSize { .. } => "bad_chunk_size",
            Self::ErrorEvent { .. } => "error_event",
            Self::Garbage { .. } => "garbage",
            Self::Endless { .. } => "endless",
            Self::Redirect { .. } => "redirect",
            Self::Comments { .. } => "comments",
            Self::DropDone { .. } => "drop_done",
            Self::AfterDone { .. } => "after_done",
            Self::Html { .. } => "html",
            Self::Interim { .. } => "interim",
        }
    }

    /// Where it strikes inside the answer; `None` for one that has no place there.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
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
