//! Where a body comes from: made up, recorded, or an error.

use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Standard base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the model says.
///
/// ```json
/// {"reply": {"text": "It is blue.", "reasoning": "Rayleigh.", "finish_reason": "stop"}}
/// {"reply": {"tokens": ["Hel", "lo"], "usage": {"prompt_tokens": 1}, "extra": {"x_groq": {}}}}
/// {"reply": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// The text; cut into tokens before each run of white space.
    pub text: Option<String>,
    /// `true`: neither `max_tokens` nor `stop` of the request cuts it.
    pub verbatim: bool,
    /// The text as tokens, streamed one in each event; wins over `text`.
    pub tokens: Option<Vec<String>>,
    /// Calls of tools. They replace a made-up text, but not `text` or `tokens`.
    pub tool_calls: Vec<ToolCallReply>,
    /// Length of the fragments in which arguments are streamed, in bytes; `None` means 8. 0 sends
    /// each call whole, in one event.
    pub tool_fragment_bytes: Option<usize>,
    /// Reasoning before the text.
    pub reasoning: Option<String>,
    /// The field that carries the reasoning, for example `reasoning`; `None` means
    /// `reasoning_content`. In Responses, `content` sends it as content, and all else as a summary.
    /// In Messages, `redacted` hides it, and all else shows it.
    pub reasoning_field: Option<String>,
    /// A refusal. It replaces a made-up text, but not `text` or `tokens`.
    pub refusal: Option<String>,
    /// The finish reason instead of the computed one.
    pub finish_reason: Option<String>,
    /// The `usage` object instead of the computed one; `{}` leaves usage out.
    pub usage: Option<Map<String, Value>>,
    /// Fields added at the top of the reply and of every chunk.
    pub extra: Map<String, Value>,
    /// Headers added to the head. They replace the simulator's headers of the same name.
    pub headers: BTreeMap<String, String>,
    /// HTTP status; `None` means 200.
    pub status: Option<u16>,
}

/// One call of a tool in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolCallReply {
    /// The call's id; `None` derives one from the request.
    pub id: Option<String>,
    /// The function's name.
    pub name: String,
    /// The arguments: a string is sent unchanged, any other value as its JSON text.
    pub arguments: Value,
}

/// A recorded body, sent unchanged.
///
/// ```json
/// {"replay": {"text": "data: {}\n\ndata: [DONE]\n\n", "chunking": {"random": 7},
///             "headers": {"content-type": "text/event-stream"}}}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replay {
    /// The body as text. Set either this or `base64`.
    pub text: Option<String>,
    /// The body as standard base64. Line breaks are allowed, and padding may be missing.
    pub base64: Option<String>,
    /// HTTP status; `None` means 200.
    pub status: Option<u16>,
    /// Headers. Without a `content-type` here, a body that begins like an event stream gets
    /// `text/event-stream`, and any other gets `application/json`.
    pub headers: BTreeMap<String, String>,
    /// How the body is cut into writes.
    pub chunking: Chunking,
}

impl Replay {
    /// The body's bytes; `None` unless exactly one of the two fields is set and valid.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.text, &self.base64) {
            (Some(text), None) => Some(text.clone().into_bytes()),
            (None, Some(encoded)) => BASE64.decode(encoded.replace(['\r', '\n'], "")).ok(),
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
    /// One write for each event, including its blank line.
    Events,
    /// Pieces of this many bytes.
    Bytes(usize),
    /// Pieces of 1 to 64 bytes, drawn from this seed.
    Random(u64),
    /// Cuts at these offsets, in bytes from the start.
    Cuts(Vec<usize>),
}

/// An error status instead of a reply, in the format of the requested API. The fields have
/// `OpenAI`'s names.
///
/// ```json
/// {"error": {"status": 429, "code": "rate_limit_exceeded", "headers": {"retry-after": "2"}}}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorReply {
    /// HTTP status; `None` means 500.
    pub status: Option<u16>,
    /// `error.message`.
    pub message: Option<String>,
    /// `error.type`; `None` derives it from the status.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `error.code`.
    pub code: Option<String>,
    /// `error.param`.
    pub param: Option<String>,
    /// Replaces the whole body: a string is sent unchanged, any other value as its JSON text.
    pub body: Option<Value>,
    /// Headers, for example `retry-after` or `x-should-retry`.
    pub headers: BTreeMap<String, String>,
}

impl ErrorReply {
    /// An error of this status.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status: Some(status),
            message: Some(message.into()),
            ..Self::default()
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.status.unwrap_or(500)
    }
}

#[cfg(test)]
mod tests {
    use super::Replay;

    fn decode(text: &str) -> Option<Vec<u8>> {
        let replay = Replay {
            base64: Some(text.to_owned()),
            ..Replay::default()
        };
        replay.bytes()
    }

    #[test]
    fn base64_of_every_tail_length_decodes() {
        assert_eq!(decode("").as_deref(), Some(&b""[..]));
        assert_eq!(decode("AP8=").as_deref(), Some(&[0x00, 0xff][..]));
        assert_eq!(decode("AP8").as_deref(), Some(&[0x00, 0xff][..]));
        assert_eq!(decode("aGVsbG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode("aGVs\r\nbG8h").as_deref(), Some(&b"hello!"[..]));
        assert_eq!(decode("aGVs bG8"), None);
    }
}
