//! The neutral request, which comes from Python as JSON. What is passed on is borrowed, not copied.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a caller asks for, in no dialect yet.
///
/// The JSON is an object with these keys. It has no lone surrogates, NaN or non-string keys: the bindings refuse
/// them and name their path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request<'a> {
    /// The model's id, without a provider.
    #[serde(borrow)]
    pub model: Cow<'a, str>,
    /// Chat: a string or a list of messages. Completions: a string, or a list of strings, of token ids or of
    /// lists of token ids.
    ///
    /// A message is an `OpenAI` chat message, which `OpenAI`-shaped servers get as it is, or a neutral one:
    /// `{"role", "name"?, "parts": […]}`. Its parts by `type`; fields with `?` may be null or absent:
    ///
    /// - `text` {text}; `refusal` {text}
    /// - `image` {url}, {`file_id`} or {data (base64), `media_type`?}, detail?
    /// - `audio` {data (base64), format}
    /// - `file` {`file_id`} or {url} or {data (base64), `media_type`?}, filename?
    /// - `reasoning` {text, signature?, field?, provider?, model?}; `opaque` {field, json, provider?}: these are sent
    ///   back to that provider only
    /// - `tool_call` {id?, name, arguments (JSON text), extra?, provider?}: `extra` has what else the call came with,
    ///   and is sent back to that provider only
    /// - `tool_result` {`tool_call_id`?, name?, error?, content (a string or a list of parts)}
    ///
    /// A part that a provider sent may also have `item`, what its item has besides its blocks, and `api`, without which it
    /// came by `chat`: what it has besides its content is sent back by that API only. `cache` (true or `"1h"`) marks the end of a prefix that the provider should cache.
    #[serde(borrow)]
    pub input: &'a RawValue,
    /// The client's system prompt (chat): a JSON string.
    #[serde(borrow, default)]
    pub system: Option<&'a RawValue>,
    /// Whether the reply is streamed.
    #[serde(default)]
    pub stream: bool,
    /// Whether a stream asks for usage; `None` asks if the provider takes `stream_options`.
    #[serde(default)]
    pub stream_usage: Option<bool>,
    /// The largest answer of the model in tokens, if it is known. A dialect whose API demands a limit uses it where the caller
    /// gives none.
    #[serde(default)]
    pub largest_answer: Option<u64>,
    /// Request parameters under our names, in the caller's order.
    #[serde(borrow, default)]
    pub params: Option<&'a RawValue>,
    /// Whether parameters that the API or the provider does not take are left out, and not refused.
    #[serde(default)]
    pub drop_unsupported: bool,
    /// Keys that are added to the body as they are. They win over ours; an object is merged into one that a dialect nests.
    #[serde(borrow, default)]
    pub extra_body: Option<&'a RawValue>,
}
