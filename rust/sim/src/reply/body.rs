//! Reading the body of a request, in any API.

use serde_json::Value;

use crate::script::ErrorReply;

/// What was read, or the refusal.
pub(crate) type Checked<T> = Result<T, Box<ErrorReply>>;

/// The field unless it is absent or null.
pub(crate) fn present<'v>(json: &'v Value, name: &str) -> Option<&'v Value> {
    json.get(name).filter(|value| !value.is_null())
}

/// The name that the client gave the stream: `metadata.stream_id`, otherwise `user`.
pub(crate) fn stream_id(json: &Value) -> Option<&str> {
    json.pointer("/metadata/stream_id")
        .or_else(|| json.get("user"))
        .and_then(Value::as_str)
}

/// The text of a string or of parts.
pub(crate) fn joined_text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}
