//! Which requests a rule takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// The model that is asked for is this: `model` of the body, or what stands in the path.
    pub model: Option<String>,
    /// Whether a stream is asked for; a body without `stream` asks for none.
    pub stream: Option<bool>,
    /// Each of these headers is present and contains the text.
    pub header: BTreeMap<String, String>,
    /// The raw body contains this text.
    pub body: Option<String>,
    /// Of the requests that meet all else, only this one; the first is 1.
    pub nth: Option<u64>,
}

/// What a request asks for, read where its API writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub(crate) model: Option<&'r str>,
    pub(crate) stream: bool,
}

impl Match {
    /// Whether all but `nth` holds.
    pub(crate) fn meets(&self, request: &Request, asked: &Asked<'_>) -> bool {
        if let Some(path) = &self.path
            && !request.path().ends_with(path.as_str())
        {
            return false;
        }
        if let Some(model) = &self.model
            && asked.model != Some(model)
        {
            return false;
        }
        if let Some(stream) = self.stream
            && asked.stream != stream
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
