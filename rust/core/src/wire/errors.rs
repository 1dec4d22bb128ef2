//! Reads the error bodies of all providers, and of the proxies in front of them.
//!
//! The kind follows from the status and from the provider's `code` and `type`. The message decides only if servers
//! say nothing else: whether the context was too long, and what a 404 did not find.

use super::complaint::{self, Complaint, KEPT_TEXT};
use super::markup::{self, is_html};
use crate::error::{ApiFailure, Error, ErrorKind};
use crate::redact::one_line;

/// How many bytes an error keeps of the body.
const KEPT_BODY: usize = KEPT_TEXT;
/// How many characters of the provider's text a message shows.
const SHOWN_CHARS: usize = 1_024;

/// The error that a body describes. `status` is the HTTP status; `None` for an error inside a 2xx body or a stream.
pub(super) fn decode(status: Option<u16>, body: &[u8]) -> Error {
    let Complaint {
        mut api,
        request_id,
    } = complaint::read(body);
    api.status = status;
    api.body = body
        .get(..body.len().min(KEPT_BODY))
        .unwrap_or_default()
        .to_vec();
    let said = match api.message.as_deref().map(str::trim) {
        Some(message) if !message.is_empty() => one_line(message, SHOWN_CHARS),
        _ if is_html(body) => {
            let page = markup::page(&api.body);
            // A gateway has pages for its other failures.
            let why = match status {
                Some(404 | 405) => "; base_url is probably wrong",
                _ => "",
            };
            format!("the answer is {page}, not an API reply{why}")
        }
        _ if body.trim_ascii().is_empty() => "the body is empty".to_owned(),
        _ => one_line(&String::from_utf8_lossy(&api.body), SHOWN_CHARS),
    };
    let line = match status {
        Some(status) => format!("HTTP {status}: {said}"),
        None => format!("the provider reports an error: {said}"),
    };
    let line = match remedy(&api) {
        Some(remedy) => format!("{line} ({remedy})"),
        None => line,
    };
    // An error inside a stream or a 2xx body often has the status as its code.
    let status = status.or_else(|| {
        let code: u16 = api.code.as_deref()?.parse().ok()?;
        (400..600).contains(&code).then_some(code)
    });
    let kind = classify(status, &api);
    let retryable = match (kind, status) {
        (ErrorKind::RateLimit | ErrorKind::Server, None) => true,
        (ErrorKind::RateLimit | ErrorKind::Server | ErrorKind::Api, Some(status)) => {
            is_retryable(status)
        }
        _ => false,
    };
    Error::new(kind, line)
        .retryable(retryable)
        .with_request_id(request_id)
        .with_wrong_address(kind == ErrorKind::Api && matches!(status, Some(404 | 405)))
        .with_api(api)
}

/// Whether another attempt may succeed after this status. There is no other list of statuses.
///
/// 408 and 409: as in the official SDKs. 425: sent too early. 498: Groq has no capacity. 520 to 524: Cloudflare did not
/// reach the server. 529: Anthropic is overloaded.
fn is_retryable(status: u16) -> bool {
    matches!(
        status,
        408 | 409 | 425 | 429 | 498 | 500 | 502..=504 | 520..=524 | 529
    )
}

/// What the caller can do about a field that a server does not take, if we sent it under that name, or at all.
fn remedy(api: &ApiFailure) -> Option<&'static str> {
    let message = api.message.as_deref().unwrap_or_default();
    let field = api.param.as_deref().unwrap_or_default();
    if message.contains("stream_options") || field.contains("stream_options") {
        // No call but a stream sends it.
        return Some("stream_usage=False leaves it out");
    }
    let is_named = |name: &str| field == name || message.contains(&format!("'{name}'"));
    let lower = message.to_ascii_lowercase();
    let is_refused = NOT_TAKEN.iter().any(|words| lower.contains(words));
    if !is_refused {
        return None;
    }
    // OpenAI's text names the other field, too.
    if is_named("max_tokens") {
        Some("max_completion_tokens=… is sent by that name")
    } else if is_named("max_completion_tokens") {
        Some("extra_body={\"max_tokens\": …} is sent by that name")
    } else {
        None
    }
}

/// How servers say, in lower case, that they do not take a field.
const NOT_TAKEN: [&str; 9] = [
    "not supported",
    "unsupported",
    "not permitted",
    "not allowed",
    "forbidden",
    "unknown",
    "unrecognized",
    "unexpected",
    "does not support",
];

/// The error of a choice, from the `error` in it.
pub(super) fn in_choice(raw: &str) -> Error {
    decode(None, format!("{{\"error\":{raw}}}").as_bytes())
}

/// The error of a choice whose finish reason says that the server failed.
pub(super) fn ended_with(finish_reason: &str) -> Error {
    let word = one_line(finish_reason, 60);
    let message = format!("the provider failed in the middle of the reply (finish_reason: {word})");
    Error::new(ErrorKind::Server, message).retryable(true)
}

fn classify(status: Option<u16>, api: &ApiFailure) -> ErrorKind {
    let code = api.code.as_deref().unwrap_or_default();
    let kind = api.error_type.as_deref().unwrap_or_default();
    let named = |words: &[&str]| words.contains(&code) || words.contains(&kind);
    let message = api
        .message
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    // Only a request that was refused for its content can be too long.
    let refused = matches!(status, None | Some(400 | 413 | 422));

    if named(&["context_length_exceeded", "exceed_context_size_error"])
        || refused && TOO_LONG.iter().any(|face| message.contains(face))
    {
        ErrorKind::ContextLength
    } else if named(&[
        "content_filter",
        "content_policy_violation",
        "ResponsibleAIPolicyViolation",
    ]) {
        ErrorKind::ContentFilter
    } else if status == Some(402) || named(&SPENT) {
        ErrorKind::QuotaExceeded
    } else if named(&["model_not_found", "DeploymentNotFound", "invalid_model"])
        || status == Some(404)
            && (api.param.as_deref() == Some("model") || message.contains("model"))
        || status == Some(400) && NO_SUCH_MODEL.iter().any(|text| message.contains(text))
    {
        ErrorKind::ModelNotFound
    } else {
        match status {
            Some(401 | 403) => ErrorKind::Authentication,
            Some(429) => ErrorKind::RateLimit,
            Some(500..) => ErrorKind::Server,
            None if named(&[
                "authentication_error",
                "invalid_api_key",
                "permission_error",
            ]) =>
            {
                ErrorKind::Authentication
            }
            None if named(&["rate_limit_error", "rate_limit_exceeded"]) => ErrorKind::RateLimit,
            None if named(&BROKEN) => ErrorKind::Server,
            _ => ErrorKind::Api,
        }
    }
}

/// What servers say about a context that is too long, if they send no code: vLLM, Anthropic, Ollama, Google,
/// llama.cpp.
const TOO_LONG: [&str; 5] = [
    "maximum context length",
    "prompt is too long",
    "exceeded max context length",
    "input token count",
    "exceeds the available context size",
];

/// What `OpenRouter` and `DeepSeek` say of a model that they do not have, in lower case.
const NO_SUCH_MODEL: [&str; 2] = ["is not a valid model id", "supported api model names are"];

/// Codes of a limit that a wait does not lift.
const SPENT: [&str; 8] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "workspace_spend_limit_exceeded",
    "enforced_spend_limit_reached",
    "billing_error",
    "billing_hard_limit_reached",
    "exceeded_current_quota_error",
];

/// Types of a failure of the server, if there is no status.
const BROKEN: [&str; 7] = [
    "server_error",
    "api_error",
    "overloaded_error",
    "timeout_error",
    "internal_error",
    "internal_server_error",
    "InternalServerError",
];
