//! How a request of another library changes when a test intercepts it. What it is follows from its method and its URL.

use std::sync::Arc;

use http::Method;
use http::header::{HOST, HeaderMap};
use url::{Url, form_urlencoded};

use crate::client::home;
use crate::client::intercept::Intercepted;
use crate::config::Limits;
use crate::error::{Error, ErrorKind};
use crate::http::{Hub, Interception, Outgoing};
use crate::redact::{Mask, Secrets, one_line};
use crate::wire::{Dialect, Provider, providers};

/// How many characters of a URL are shown.
const SHOWN_CHARS: usize = 300;

/// The parameter of a query that decides what is answered. All others stay behind: one of them may hold a key.
const FORM: &str = "alt";

/// Sends an intercepted request to the test's server. Fails with `Config` if that does not answer such a request, which
/// must not leave the machine either.
pub(super) fn redirect(
    interception: &Interception,
    outgoing: &mut Outgoing,
    sender: (&Hub, &Limits),
) -> Result<(), Error> {
    if !interception.is_on() {
        return Ok(());
    }
    let target = Arc::clone(&outgoing.target);
    let known = identified(&outgoing.method, &target.url);
    let (provider, dialect) = known.ok_or_else(|| unanswered(&outgoing.method, &target.url))?;
    let mask = mask(&outgoing.headers, &target.url);
    // The test's server has another name, which each transport adds.
    outgoing.headers.remove(HOST);
    let intercepted = Intercepted {
        provider: &provider,
        dialect,
        has_address: true,
        path: &path(&target.url),
        version: None,
        mask: &mask,
    };
    intercepted.redirect(interception, outgoing, sender)
}

/// The provider and the API of a request; `None` if it is neither a call nor asks for a list of models.
fn identified(method: &Method, url: &Url) -> Option<(Arc<Provider>, &'static dyn Dialect)> {
    let provider = home::provider_at(url);
    if method == Method::POST {
        let dialect = providers::dialect_at(url.path())?;
        let provider = provider.or_else(|| providers::find(usual(dialect)).ok());
        return Some((provider?, dialect));
    }
    let is_list = method == Method::GET && url.path().trim_end_matches('/').ends_with("/models");
    let provider = provider.or_else(|| providers::find("openai").ok());
    let provider = provider.filter(|_| is_list)?;
    let dialect = *provider.dialects.first()?;
    Some((provider, dialect))
}

/// The provider whose API this is. A request to a gateway counts as one to it.
fn usual(dialect: &dyn Dialect) -> &'static str {
    match dialect.name() {
        "messages" => "anthropic",
        "gemini" => "google",
        _ => "openai",
    }
}

/// The path of a URL, with what the test's server needs of its query.
fn path(url: &Url) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(url.query_pairs().filter(|(name, _)| name == FORM));
    format!("{}?{}", url.path(), query.finish())
}

fn mask(headers: &HeaderMap, url: &Url) -> Mask {
    let mut secrets = Secrets::default();
    for (name, value) in headers {
        secrets.add_value(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
    }
    for (name, value) in url.query_pairs() {
        secrets.add_value(&name, &value);
    }
    secrets.mask()
}

fn unanswered(method: &Method, url: &Url) -> Error {
    let mut shown = url.clone();
    shown.set_query(None);
    let apis: Vec<_> = providers::dialects().iter().map(|api| api.name()).collect();
    let message = format!(
        "a fake is active, and it does not answer {method} {}: it answers {} and lists of models",
        one_line(shown.as_str(), SHOWN_CHARS),
        apis.join(", ")
    );
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::test_rules::{API_HEADER, CALL_HEADER, PROVIDER_HEADER, URL_HEADER};
    use crate::raw::{RawCall, RawClient, RawLimits, RawRequest};

    const KEY: &str = "sk-canary-0123456789";

    fn client() -> RawClient {
        let hub = Hub::new();
        let rules = hub.test_rules();
        rules.intercept(Some("http://127.0.0.1:9/v1")).unwrap();
        let mut config = RawClient::settings();
        config.trust_env = false;
        RawClient::new(&hub, config, None).unwrap()
    }

    fn prepared(method: &str, url: &str, headers: &[(&str, &str)]) -> Result<RawCall, Error> {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        client().prepare(RawRequest {
            method,
            url,
            headers: &headers.collect::<Vec<_>>(),
            body: None,
            limits: RawLimits::default(),
            checks_streams: true,
        })
    }

    /// Provider, API and target of a request.
    fn found(method: &str, url: &str) -> [String; 3] {
        let outgoing = prepared(method, url, &[]).unwrap().outgoing;
        let header = |name: &str| outgoing.headers[name].to_str().unwrap().to_owned();
        let target = outgoing.target.url.to_string();
        assert_eq!(&*outgoing.place.origin, "127.0.0.1:9");
        assert!(!outgoing.route.https && outgoing.route.tls.is_none());
        [header(PROVIDER_HEADER), header(API_HEADER), target]
    }

    #[test]
    fn a_request_is_identified_by_its_host_and_its_path() {
        for (url, provider, api, path) in [
            (
                "https://api.openai.com/v1/chat/completions",
                "openai",
                "chat",
                "/v1/chat/completions",
            ),
            (
                "https://eu.api.openai.com/v1/responses/?a=b",
                "openai",
                "responses",
                "/v1/responses/",
            ),
            (
                "https://me.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
                "azure",
                "chat",
                "/openai/deployments/d/chat/completions",
            ),
            (
                "https://api.deepseek.com/beta/completions",
                "deepseek",
                "completions",
                "/beta/completions",
            ),
            (
                "http://gateway.example/a/messages?beta=true",
                "anthropic",
                "messages",
                "/a/messages",
            ),
            (
                "http://gateway.example/v1/completions",
                "openai",
                "completions",
                "/v1/completions",
            ),
            (
                "http://gateway.example/v1beta/models/m%2Fn:streamGenerateContent?key=k&alt=sse",
                "google",
                "gemini",
                "/v1beta/models/m%2Fn:streamGenerateContent?alt=sse",
            ),
            (
                "https://europe-west1-aiplatform.googleapis.com/v1/publishers/google/models/m:generateContent",
                "vertex",
                "gemini",
                "/v1/publishers/google/models/m:generateContent",
            ),
        ] {
            let target = format!("http://127.0.0.1:9/v1{path}");
            assert_eq!(found("POST", url), [provider, api, &target], "{url}");
        }
        for (url, provider, api) in [
            (
                "https://api.anthropic.com/v1/models",
                "anthropic",
                "messages",
            ),
            ("http://gateway.example/v1/models", "openai", "chat"),
        ] {
            let expected = [provider, api, "http://127.0.0.1:9/v1/v1/models"];
            assert_eq!(found("GET", url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_not_a_call_is_refused_without_its_query() {
        for (method, path) in [
            ("POST", "/v1/embeddings"),
            ("POST", "/v1/messages/count_tokens"),
            ("POST", "/v1/models"),
            ("GET", "/v1/responses"),
            ("PUT", "/v1/chat/completions"),
            ("GET", "/"),
        ] {
            let url = format!("https://api.openai.com{path}");
            let error = prepared(method, &format!("{url}?key={KEY}"), &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let begins = format!("a fake is active, and it does not answer {method} {url}: it ");
            assert!(error.message().starts_with(&begins), "{error}");
        }
    }

    #[test]
    fn its_secrets_stay_behind() {
        let url = format!("https://api.openai.com/v1/responses?key={KEY}");
        let bearer = format!("Bearer {KEY}");
        let headers = [
            ("host", "api.openai.com"),
            ("authorization", &*bearer),
            ("api-key", KEY),
            ("x-api-key", KEY),
            ("x-goog-api-key", KEY),
            ("cookie", "session=abcdefgh"),
            ("x-copy", &*bearer),
            ("x-team", "blue"),
        ];
        let outgoing = prepared("POST", &url, &headers).unwrap().outgoing;
        let left = &outgoing.headers;
        assert_eq!(left[URL_HEADER], "https://api.openai.com/v1/responses");
        assert!(left.contains_key(CALL_HEADER));
        assert_eq!(left["x-copy"], "Bearer [key]");
        assert_eq!(left["x-team"], "blue");
        assert_eq!(left.len(), 6, "{left:?}");
    }
}
