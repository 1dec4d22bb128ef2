//! What an API has to provide so that it can be simulated.

use std::fmt;

use serde_json::Value;

use super::events::Events;
use super::{APIS, FALLBACK};
use crate::http::Request;
use crate::script::{Asked, ErrorReply, Reply};
use crate::state::Prepared;

/// The model name that does not exist.
const MISSING_MODEL: &str = "missing-model";

/// One API: which requests belong to it, and what it answers.
///
/// It reads a request into an [`Ask`](super::ask::Ask), has [`say`](super::choice::say) decide
/// the choices, and puts these into its own form.
pub(crate) trait Api: fmt::Debug + Sync {
    /// Whether the request is for this API, judged by method, path and headers.
    fn claims(&self, request: &Request) -> bool;

    /// The headers in which it takes a key, in lower case. The log hides their values.
    fn key_headers(&self) -> &'static [&'static str];

    /// The key that the request carries.
    fn key<'r>(&self, request: &'r Request) -> Option<&'r str> {
        let mut names = self.key_headers().iter();
        let value = names.find_map(|name| request.header(name))?;
        Some(value.strip_prefix("Bearer ").unwrap_or(value))
    }

    /// What the rules of a script look at. Most APIs write it into the body; some write it into
    /// the path.
    fn asked<'r>(&self, _request: &'r Request, json: &'r Value) -> Asked<'r> {
        Asked {
            model: json.get("model").and_then(Value::as_str),
            stream: json.get("stream").and_then(Value::as_bool).unwrap_or(false),
        }
    }

    /// The answer to a request that no script answers. `json` is its body, null when that is not
    /// JSON.
    fn answer(
        &self,
        request: &Request,
        json: &Value,
        scripted: &Scripted<'_>,
    ) -> Result<Answer, Box<ErrorReply>>;

    /// The error for a key that is missing, or is not the right one.
    fn wrong_key(&self, is_missing: bool) -> Box<ErrorReply>;

    /// The body of an error reply.
    fn error_body(&self, error: &ErrorReply) -> Vec<u8>;

    /// An error inside a stream. Without `body` it is the error of a server that failed; `named`
    /// asks for an `event: error` line.
    fn error_event(&self, named: bool, body: Option<&Value>) -> Vec<u8>;

    /// The event that marks the end of a stream; empty in an API that has none.
    fn end_event(&self) -> &'static [u8] {
        b""
    }

    /// The header that carries the id of a request.
    fn request_id_header(&self) -> &'static str {
        "x-request-id"
    }
}

/// What an API answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Something other than a reply of the model, such as the list of models.
    Page(Vec<u8>),
    /// A reply in one piece; `tokens` is what it is worth in time.
    Whole { bytes: Vec<u8>, tokens: u64 },
    /// A reply as a stream.
    Events(Box<dyn Events>),
}

/// What the script says about one request.
#[derive(Debug)]
pub(crate) struct Scripted<'a> {
    pub(crate) prepared: &'a Prepared,
    pub(crate) reply: &'a Reply,
    /// The models that exist; `None` is every name.
    pub(crate) models: Option<&'a [String]>,
    /// Whether the behaviour was chosen for this request.
    pub(crate) by_rule: bool,
}

impl Scripted<'_> {
    pub(crate) fn has_model(&self, model: &str) -> bool {
        let is_known = self
            .models
            .is_none_or(|models| models.iter().any(|known| known == model));
        is_known && (model != MISSING_MODEL || self.by_rule)
    }

    /// The models that a list of models names.
    pub(crate) fn listed_models(&self) -> Vec<&str> {
        match self.models {
            Some(models) => models.iter().map(String::as_str).collect(),
            None => vec!["chat", "completion", "sim-tools"],
        }
    }
}

/// The API that answers a request.
pub(crate) fn api_of(request: &Request) -> &'static dyn Api {
    let api = APIS.iter().find(|api| api.claims(request));
    api.map_or(FALLBACK, |api| *api)
}

/// Whether an API takes a key in this header; `name` is in lower case.
pub(crate) fn is_key_header(name: &str) -> bool {
    APIS.iter().any(|api| api.key_headers().contains(&name))
}

#[cfg(test)]
mod tests {
    use super::{api_of, is_key_header};
    use crate::http::Request;

    fn request(head: &str) -> Request {
        Request::parse(format!("{head}\r\n\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn an_api_answers_for_what_it_claims_and_the_fallback_for_the_rest() {
        for (head, is_claimed) in [
            ("POST /any/chat/completions?api-version=1 HTTP/1.1", true),
            ("POST /v1/completions/ HTTP/1.1", true),
            ("GET /v1/models HTTP/1.1", true),
            ("GET /v1/completions HTTP/1.1", false),
            ("POST /v1/nothing HTTP/1.1", false),
        ] {
            let request = request(head);
            assert_eq!(api_of(&request).claims(&request), is_claimed, "{head}");
        }
    }

    #[test]
    fn the_key_is_the_first_header_without_its_scheme() {
        let head = "POST /v1/completions HTTP/1.1\r\napi-key: b\r\nauthorization: Bearer a";
        let both = request(head);
        assert_eq!(api_of(&both).key(&both), Some("a"));
        let none = request("POST /v1/completions HTTP/1.1\r\nx-other: c");
        assert_eq!(api_of(&none).key(&none), None);
        assert!(is_key_header("api-key") && !is_key_header("x-other"));
    }
}
