//! Reads the error bodies of all providers, and of the proxies in front of them.
//!
//! The kind follows from the status and from the provider's `code` and `type`. The message decides only if servers
//! say nothing else: whether the context was too long, and what a 404 did not find.

use serde_json::Value;

use crate::error::{ApiFailure, Error, ErrorKind};
use crate::json;
use crate::redact::{one_line, without_data};

/// How many bytes an error keeps of the body, and of each text in it.
const KEPT_BODY: usize = 64 << 10;
/// How many values of the body are read.
const READ_VALUES: usize = 4_096;
/// How many characters of the provider's text a message shows.
const SHOWN_CHARS: usize = 1_024;

/// The error that a body describes. `status` is the HTTP status; `None` for an error inside a 2xx body or a stream.
pub(super) fn decode(status: Option<u16>, body: &[u8]) -> Error {
    let mut api = read(body);
    api.status = status;
    api.body = body
        .get(..body.len().min(KEPT_BODY))
        .unwrap_or_default()
        .to_vec();
    let said = match api.message.as_deref().map(str::trim) {
        Some(message) if !message.is_empty() => shown(message, status),
        _ if is_html(body) => {
            "the answer is an HTML page, not an API reply; base_url is probably wrong".to_owned()
        }
        _ if body.trim_ascii().is_empty() => "the body is empty".to_owned(),
        _ => shown(&String::from_utf8_lossy(&api.body), status),
    };
    let line = match status {
        Some(status) => format!("HTTP {status}: {said}"),
        None => format!("the provider reports an error: {said}"),
    };
    // An error inside a stream or a 2xx body often has the status as its code.
    let status = status.or_else(|| {
        let code: u16 = api.code.as_deref()?.parse().ok()?;
        (400..600).contains(&code).then_some(code)
    });
    let kind = classify(status, &api);
    let retryable = match kind {
        ErrorKind::RateLimit => true,
        ErrorKind::Server => status != Some(501),
        // 408 and 409: as in the official SDKs. 498: Groq has no capacity.
        ErrorKind::Api => matches!(status, Some(408 | 409 | 498)),
        _ => false,
    };
    Error::new(kind, line).retryable(retryable).with_api(api)
}

/// The provider's text as a message shows it. An image that it repeats would leave no room for the rest.
fn shown(text: &str, status: Option<u16>) -> String {
    match status {
        Some(_) => one_line(&without_data(text), SHOWN_CHARS),
        // Secrets in it are not masked yet, and a part of one would not be found.
        None => one_line(text, SHOWN_CHARS),
    }
}

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

/// Whether a body is a web page.
pub(super) fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

fn read(body: &[u8]) -> ApiFailure {
    let text = String::from_utf8_lossy(body);
    let Some(mut value) = json::outline(text.as_bytes(), READ_VALUES) else {
        return ApiFailure::default();
    };
    if let Value::Array(list) = &mut value
        && list.len() == 1
    {
        value = list.swap_remove(0);
    }
    let error = value.get("error").filter(|error| !error.is_null());
    let inner = error.filter(|error| error.is_object()).unwrap_or(&value);
    let from = |key: &str| {
        let found = inner.get(key).and_then(word);
        found.or_else(|| value.get(key).and_then(word)).map(kept)
    };
    ApiFailure {
        error_type: from("type")
            .filter(|kind| kind != "error")
            // Google's `status` is a word. Others repeat the HTTP status here.
            .or_else(|| from("status").filter(|status| status.parse::<f64>().is_err())),
        code: from("code")
            .or_else(|| from("statusCode"))
            .or_else(|| from("status_code")),
        param: from("param"),
        message: message(&value, error, inner).map(kept),
        ..ApiFailure::default()
    }
}

/// A text, or the beginning of one that is longer than an error keeps.
fn kept(mut text: String) -> String {
    if text.len() > KEPT_BODY {
        let end = (0..=KEPT_BODY).rfind(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

fn message(value: &Value, error: Option<&Value>, inner: &Value) -> Option<String> {
    let plain = error
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| inner.get("message").and_then(prose))
        .or_else(|| value.get("message").and_then(prose))
        .or_else(|| value.get("detail").and_then(prose))
        .or_else(|| value.get("errors").and_then(prose))
        .or_else(|| value.pointer("/x_groq/error").and_then(prose))?;
    // A gateway that only says "Provider returned error" adds the provider's message here.
    match inner.pointer("/metadata/raw").and_then(prose) {
        Some(raw) => Some(format!("{plain}: {raw}")),
        None => Some(plain),
    }
}

/// Text as it is, a list of `{msg}` (`FastAPI`) joined, other values as JSON.
fn prose(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let said = |item: &Value| item.get("msg").and_then(prose).or_else(|| prose(item));
            Some(items.iter().filter_map(said).collect::<Vec<_>>().join("; "))
        }
        Value::Object(fields) => match fields.get("message").or_else(|| fields.get("detail")) {
            Some(inner) => prose(inner),
            None => Some(value.to_string()),
        },
        other => Some(other.to_string()),
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
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
