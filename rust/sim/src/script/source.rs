//! Where a body comes from: made up, recorded, or an error.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::base64;

/// What the model says.
///
/// ```json
/// {"reply": {"text": "It is blue.", "reasoning": "Rayleigh.", "finish_reason": "stop"}}
/// {"reply": {"tokens": ["Hel", "lo"], "usage": {"prompt_tokens": 1}, "extra": {"x_groq": {}}}}
/// {"reply": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// The text; cut into tokens before each run of white space.
    pub text: Option<String>,
    /// `true`: neither `max_tokens` nor `stop` of the request cuts it.
    pub verbatim: bool,
    /// The text as the tokens that are to be streamed, one event each; wins over `text`.
    pub tokens: Option<Vec<String>>,
    /// Calls of tools; text is then left out unless it is given, too.
    pub tool_calls: Vec<ToolCallReply>,
    /// Length of the fragments in which arguments are streamed, in bytes; 0 sends each call
    /// whole, in one event.
    pub tool_fragment_bytes: usize,
    /// Reasoning before the text.
    pub reasoning: Option<String>,
    /// The field that carries the reasoning: `reasoning_content` or `reasoning`.
    pub reasoning_field: String,
    /// A refusal; text is then left out unless it is given, too.
    pub refusal: Option<String>,
    /// The finish reason instead of the computed one.
    pub finish_reason: Option<String>,
    /// The `usage` object instead of the computed one; `{}` leaves usage out.
    pub usage: Option<Map<String, Value>>,
    /// Fields added at the top of the reply and of every chunk.
    pub extra: Map<String, Value>,
    /// Headers added to the head; a name that the simulator sends itself is replaced.
    pub headers: BTreeMap<String, String>,
    /// HTTP status, 200 by default.
    pub status: u16,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            text: None,
            verbatim: false,
            tokens: None,
            tool_calls: Vec::new(),
            tool_fragment_bytes: 8,
            reasoning: None,
            reasoning_field: "reasoning_content".to_owned(),
            refusal: None,
            finish_reason: None,
            usage: None,
            extra: Map::new(),
            headers: BTreeMap::new(),
            status: 200,
        }
    }
}

impl Reply {
    /// A reply of one text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }
}

/// One call of a tool in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolCallReply {
    /// The call's id; `None` is one derived from the request.
    pub id: Option<String>,
    /// The function's name.
    pub name: String,
    /// The arguments: a string is sent as it is, any other value as its JSON text.
    pub arguments: Value,
}

/// A recorded body, sent as it is.
///
/// ```json
/// {"replay": {"text": "data: {}\n\ndata: [DONE]\n\n", "chunking": {"random": 7},
///             "headers": {"content-type": "text/event-stream"}}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replay {
    /// The body as text. Give this or `base64`.
    pub text: Option<String>,
    /// The body as standard base64.
    pub base64: Option<String>,
    /// HTTP status, 200 by default.
    pub status: u16,
    /// Headers. Without a `content-type` here, a body that begins like an event stream gets
    /// `text/event-stream`, any other `application/json`.
    pub headers: BTreeMap<String, String>,
    /// How the body is cut into writes.
    pub chunking: Chunking,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            text: None,
            base64: None,
            status: 200,
            headers: BTreeMap::new(),
            chunking: Chunking::Whole,
        }
    }
}

impl Replay {
    /// A replay of one text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }

    /// The body's bytes; `None` unless exactly one of the two fields is set and valid.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.text, &self.base64) {
            (Some(text), None) => Some(text.clone().into_bytes()),
            (None, Some(encoded)) => base64::decode(encoded),
            _ => None,
        }
    }
}

/// How a recorded body is cut into writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chunking {
    /// One write.
    #[default]
    Whole,
    /// One write for each event (up to and with its blank line).
    Events,
    /// Pieces of this many bytes.
    Bytes(usize),
    /// Pieces of 1 to 64 bytes, drawn from this seed.
    Random(u64),
    /// Cuts at these offsets, in bytes from the start.
    Cuts(Vec<usize>),
}

/// An error status instead of a reply, in the shape of the API that was asked. The fields are
/// named as `OpenAI` names them.
///
/// ```json
/// {"error": {"status": 429, "code": "rate_limit_exceeded", "headers": {"retry-after": "2"}}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorReply {
    /// HTTP status, 500 by default.
    pub status: u16,
    /// `error.message`.
    pub message: Option<String>,
    /// `error.type`; `None` is derived from the status.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `error.code`.
    pub code: Option<String>,
    /// `error.param`.
    pub param: Option<String>,
    /// The whole body instead: a string is sent as it is, any other value as its JSON text.
    pub body: Option<Value>,
    /// Headers, for example `retry-after` or `x-should-retry`.
    pub headers: BTreeMap<String, String>,
}

impl Default for ErrorReply {
    fn default() -> Self {
        Self {
            status: 500,
            message: None,
            kind: None,
            code: None,
            param: None,
            body: None,
            headers: BTreeMap::new(),
        }
    }
}

impl ErrorReply {
    /// An error of this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}
