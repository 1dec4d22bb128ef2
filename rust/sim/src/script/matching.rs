//! Which requests a rule takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::http::Request;

/// A condition on a request. All fields that are set must hold.
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
    /// The request names this model, in `model` of its body or in its path.
    pub model: Option<String>,
    /// Whether the request asks for a stream.
    pub stream: Option<bool>,
    /// Each of these headers is present and contains the text.
    pub header: BTreeMap<String, String>,
    /// The raw body contains this text.
    pub body: Option<String>,
    /// Of the requests for which everything else holds, only this one; the first is 1.
    pub nth: Option<u64>,
}

/// What a request asks for, read where its API writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub(crate) model: Option<&'r str>,
    pub(crate) stream: bool,
}

impl Match {
    /// Whether everything except `nth` holds.
    pub(crate) fn meets(&self, request: &Request, asked: &Asked<'_>) -> bool {
        let finds = |text: &String| memchr::memmem::find(&request.body, text.as_bytes()).is_some();
        let has_header = |(name, part): (&String, &String)| {
            let value = request.header(&name.to_ascii_lowercase());
            value.is_some_and(|value| value.contains(part))
        };
        self.path
            .as_ref()
            .is_none_or(|path| request.path().ends_with(path))
            && self
                .model
                .as_ref()
                .is_none_or(|model| asked.model == Some(model))
            && self.stream.is_none_or(|stream| asked.stream == stream)
            && self.body.as_ref().is_none_or(finds)
            && self.header.iter().all(has_header)
    }
}
