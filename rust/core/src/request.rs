//! The neutral request that crosses from Python as JSON bytes, read without copying what is passed on.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a caller asks for, before any dialect.
///
/// The JSON is an object with these keys. Lone surrogates, NaN and non-string keys never get this
/// far: the bindings refuse them with their path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request<'a> {
    /// The model's id, without a provider.
    #[serde(borrow)]
    pub model: Cow<'a, str>,
    /// A string, a list of messages (chat), a list of strings, of token ids or of lists of them (completions).
    ///
    /// A message is an `OpenAI` chat message (passed on as it is to `OpenAI`-shaped servers), or a
    /// neutral one: `{"role", "name"?, "parts": […]}`. Its parts by `type`; fields with `?` may be null or absent:
    ///
    /// - `text` {text}; `refusal` {text}
    /// - `image` {url} or {data (base64), `media_type`?}, detail?
    /// - `audio` {data (base64), format}
    /// - `file` {`file_id`} or {url} or {data (base64), `media_type`?}, filename?
    /// - `reasoning` {text, signature?, field?, provider?}; `opaque` {field, json, provider?}: sent back to
    ///   that provider only
    /// - `tool_call` {id?, name, arguments (JSON text)}
    /// - `tool_result` {`tool_call_id`?, name?, content (a string or a list of parts)}
    #[serde(borrow)]
    pub input: &'a RawValue,
    /// The client's system prompt (chat): a JSON string.
    #[serde(borrow, default)]
    pub system: Option<&'a RawValue>,
    /// Whether the reply is to be streamed.
    #[serde(default)]
    pub stream: bool,
    /// Whether a stream asks for usage; `None` asks where the provider's row says that it is taken.
    #[serde(default)]
    pub stream_usage: Option<bool>,
    /// Request parameters by our names, in the caller's order.
    #[serde(borrow, default)]
    pub params: Option<&'a RawValue>,
    /// Keys added to the provider's body as they are; they win over ours.
    #[serde(borrow, default)]
    pub extra_body: Option<&'a RawValue>,
}
