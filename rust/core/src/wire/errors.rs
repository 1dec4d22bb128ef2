//! Reads the error bodies of all providers, and of the proxies in front of them. `classes` has the table of kinds.

use serde_json::Value;

use super::classes;
use crate::error::{ApiFailure, Error, ErrorKind};
use crate::json;
use crate::redact::one_line;

/// How many bytes an error keeps of the body, and of each text in it.
const KEPT_BODY: usize = 64 << 10;
/// How many values of the body are read.
const READ_VALUES: usize = 4_096;
/// How many characters of the provider's text a message shows.
const SHOWN_CHARS: usize = 1_024;

/// The error that a body describes. `status` is the HTTP status; `None` for an error inside a 2xx body or a stream.
pub(super) fn decode(status: Option<u16>, body: &[u8]) -> Error {
    let value = parsed(body);
    let mut api = read(&value);
    api.status = status;
    api.body = body
        .get(..body.len().min(KEPT_BODY))
        .unwrap_or_default()
        .to_vec();
    let said = match api.message.as_deref().map(str::trim) {
        Some(message) if !message.is_empty() => one_line(message, SHOWN_CHARS),
        _ if is_html(body) => {
            "the answer is an HTML page, not an API reply; base_url is probably wrong".to_owned()
        }
        _ if body.trim_ascii().is_empty() => "the body is empty".to_owned(),
        _ => one_line(&String::from_utf8_lossy(&api.body), SHOWN_CHARS),
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
    let kind = classes::of(status, &api, upstream(&value).as_ref());
    Error::new(kind, line)
        .retryable(classes::is_retryable(kind, status))
        .with_api(api)
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

/// What a reply with status 200 says instead of choices: the `base_resp` of `MiniMax`, and the `promptFeedback` of Gemini.
pub(super) fn instead_of_choices(body: &[u8]) -> Option<Error> {
    let is_there = |key: &str| memchr::memmem::find(body, key.as_bytes()).is_some();
    if !is_there("\"base_resp\"") && !is_there("\"promptFeedback\"") {
        return None;
    }
    let value = json::outline(body, READ_VALUES)?;
    let said = |path: &str| value.pointer(path).and_then(prose).map(kept);
    let mut api = ApiFailure {
        code: said("/base_resp/status_code").filter(|code| code != "0"),
        error_type: said("/promptFeedback/blockReason"),
        body: body.get(..body.len().min(KEPT_BODY))?.to_vec(),
        ..ApiFailure::default()
    };
    let (kind, line) = match (&api.code, &api.error_type) {
        (Some(code), _) => {
            api.message = said("/base_resp/status_msg");
            let message = one_line(api.message.as_deref().unwrap_or_default(), SHOWN_CHARS);
            let number = code.parse().ok();
            let kind = number.and_then(classes::of_minimax);
            (
                kind.unwrap_or_else(|| classes::of(None, &api, None)),
                format!("{message} ({})", one_line(code, 60)),
            )
        }
        (None, Some(reason)) => {
            api.message = said("/promptFeedback/blockReasonMessage");
            let reason = one_line(reason, 60);
            (
                ErrorKind::ContentFilter,
                format!("the prompt was blocked ({reason})"),
            )
        }
        (None, None) => return None,
    };
    let line = format!("the provider reports an error: {line}");
    let retryable = classes::is_retryable(kind, None);
    Some(Error::new(kind, line).retryable(retryable).with_api(api))
}

/// The JSON of a body; null if it has another form.
fn parsed(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    match json::outline(text.as_bytes(), READ_VALUES).unwrap_or_default() {
        Value::Array(mut list) if list.len() == 1 => list.swap_remove(0),
        value => value,
    }
}

/// What the provider behind a router said, which is JSON in a string, or the router's own word for it.
fn upstream(value: &Value) -> Option<ApiFailure> {
    let metadata = value.pointer("/error/metadata")?;
    let raw = metadata.get("raw").and_then(Value::as_str);
    let said = read(&parsed(raw.unwrap_or_default().as_bytes()));
    Some(ApiFailure {
        code: said
            .code
            .or_else(|| metadata.get("error_type").and_then(word)),
        ..said
    })
}

fn read(value: &Value) -> ApiFailure {
    let error = value.get("error").filter(|error| !error.is_null());
    let inner = error.filter(|error| error.is_object()).unwrap_or(value);
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
        message: message(value, error, inner).map(kept),
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
