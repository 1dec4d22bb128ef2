//! What an API must provide so that it can be simulated.

use std::fmt;

use serde_json::Value;

use super::plan::Body;
use super::{APIS, FALLBACK};
use crate::http::Request;
use crate::script::{Asked, ErrorReply, Prepared, Stored};

/// One API: which requests belong to it, and what it answers.
///
/// It reads a request into an [`Ask`](super::ask::Ask), lets [`say`](super::choice::say) decide
/// the choices, and writes them in its own format.
pub(crate) trait Api: fmt::Debug + Sync {
    /// Whether the request is for this API, judging by method, path and headers.
    fn claims(&self, request: &Request) -> bool;

    /// The headers that can carry the key, in lower case. The log hides their values.
    fn key_headers(&self) -> &'static [&'static str];

    /// The key in the request.
    fn key<'r>(&self, request: &'r Request) -> Option<&'r str> {
        let mut names = self.key_headers().iter();
        let value = names.find_map(|name| request.header(name))?;
        Some(value.strip_prefix("Bearer ").unwrap_or(value))
    }

    /// What the rules of a script look at. Most APIs have it in the body, some in the path.
    fn asked<'r>(&self, _request: &'r Request, json: &'r Value) -> Asked<'r> {
        Asked {
            model: json.get("model").and_then(Value::as_str),
            stream: json.get("stream").and_then(Value::as_bool).unwrap_or(false),
        }
    }

    /// Answers a request. `json` is its body, null if that is not JSON.
    fn answer(
        &self,
        request: &Request,
        json: &Value,
        scripted: &Scripted<'_>,
    ) -> Result<Body, Box<ErrorReply>>;

    /// The error for a key that is missing or wrong.
    fn wrong_key(&self, is_missing: bool) -> Box<ErrorReply>;

    /// The body of an error reply, unless the script sets it.
    fn error_body(&self, error: &ErrorReply, request_id: &str) -> Value;

    /// An error inside a stream. Without `body` it is a server error; `named` asks for an
    /// `event: error` line.
    fn error_event(&self, named: bool, body: Option<&Value>, place: ErrorPlace<'_>) -> Vec<u8>;

    /// The event that marks the end of a stream; empty if the API has none.
    fn end_event(&self) -> &'static [u8] {
        b""
    }

    /// The header that carries the id of a request, if the API has one.
    fn request_id_header(&self) -> Option<&'static str> {
        Some("x-request-id")
    }
}

/// Where an error comes in a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorPlace<'a> {
    pub(crate) request_id: &'a str,
    /// Whether no event came before it.
    pub(crate) is_first: bool,
}

/// The path without a slash at its end.
pub(crate) fn path(request: &Request) -> &str {
    request.path().trim_end_matches('/')
}

/// The addresses of the providers whose own checks are simulated.
const OWN: [&str; 3] = [
    "https://api.openai.com/",
    "https://api.anthropic.com/",
    "https://generativelanguage.googleapis.com/",
];

/// What is refused. A fake stands in for any provider, and goes on with what real ones said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checks {
    /// What only the provider of the API and its models refuse.
    pub(crate) are_own: bool,
    /// Encrypted content and signatures that were not made here.
    pub(crate) are_sealed: bool,
}

impl Checks {
    /// `is_fake` says whether the reply was decided for this very request.
    pub(crate) fn of(request: &Request, is_fake: bool) -> Self {
        let url = request.header("x-tokenwire-url").unwrap_or_default();
        Self {
            are_own: !is_fake || OWN.iter().any(|own| url.starts_with(own)),
            are_sealed: !is_fake,
        }
    }
}

/// What the script says about one request.
#[derive(Debug)]
pub(crate) struct Scripted<'a> {
    pub(crate) prepared: &'a Prepared,
    pub(crate) checks: Checks,
    /// The models that exist; `None` means every name.
    pub(crate) models: Option<&'a [String]>,
    /// The replies that can be asked for again.
    pub(crate) stored: &'a Stored,
}

impl Scripted<'_> {
    pub(crate) fn has_model(&self, model: &str) -> bool {
        self.models
            .is_none_or(|models| models.iter().any(|known| known == model))
    }

    /// The names in a list of models.
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

/// Whether some API takes a key in this header, whose name is in lower case.
pub(crate) fn is_key_header(name: &str) -> bool {
    APIS.iter().any(|api| api.key_headers().contains(&name))
}

#[cfg(test)]
mod tests {
    use httparse::Status;

    use super::{api_of, is_key_header};
    use crate::http::Request;

    fn request(head: &str) -> Request {
        match Request::parse(format!("{head}\r\n\r\n").as_bytes()) {
            Ok(Status::Complete((_, request))) => request,
            other => panic!("{head}: {other:?}"),
        }
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
