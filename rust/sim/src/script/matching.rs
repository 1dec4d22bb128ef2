//! Which requests a rule takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::Request;

/// All fields that are given must hold.
///
/// ```json
/// {"match": {"path": "/chat/completions", "model": "m", "stream": true,
///            "header": {"x-try": "2"}, "body": "needle", "nth": 3}}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// The path, without its query, ends with this.
    pub path: Option<String>,
    /// The body's `model` is this.
    pub model: Option<String>,
    /// The body's `stream` is this; absent counts as `false`.
    pub stream: Option<bool>,
    /// Each of these headers is present and contains the text.
    pub header: BTreeMap<String, String>,
    /// The raw body contains this text.
    pub body: Option<String>,
    /// Of the requests that meet all else, only this one; the first is 1.
    pub nth: Option<u64>,
}

impl Match {
    /// Whether all but `nth` holds.
    pub(crate) fn meets(&self, request: &Request, json: &Value) -> bool {
        if let Some(path) = &self.path
            && !request.path().ends_with(path.as_str())
        {
            return false;
        }
        if let Some(model) = &self.model
            && json.get("model").and_then(Value::as_str) != Some(model)
        {
            return false;
        }
        if let Some(stream) = self.stream
            && json.get("stream").and_then(Value::as_bool).unwrap_or(false) != stream
        {
            return false;
        }
        if let Some(body) = &self.body
            && memchr::memmem::find(&request.body, body.as_bytes()).is_none()
        {
            return false;
        }
        self.header.iter().all(|(name, part)| {
            request
                .header(name)
                .is_some_and(|value| value.contains(part))
        })
    }
}
