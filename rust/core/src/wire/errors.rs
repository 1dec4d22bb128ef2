//! Makes errors of what all providers answer, and the proxies in front of them. `complaint` reads the bodies, and
//! `classes` has the table of kinds.

use super::classes;
use super::complaint::{self, Complaint, KEPT_TEXT};
use super::markup::{self, is_html};
use crate::error::{ApiFailure, Error, ErrorKind};
use crate::redact::{one_line, without_data};

/// How many bytes an error keeps of the body.
const KEPT_BODY: usize = KEPT_TEXT;
/// How many characters of the provider's text a message shows.
const SHOWN_CHARS: usize = 1_024;

/// The error that a body describes. `status` is the HTTP status; `None` for an error inside a 2xx body or a stream.
pub(super) fn decode(status: Option<u16>, body: &[u8]) -> Error {
    let Complaint {
        mut api,
        request_id,
        detail,
        upstream,
    } = complaint::read(body);
    api.status = status;
    api.body = body
        .get(..body.len().min(KEPT_BODY))
        .unwrap_or_default()
        .to_vec();
    let said = match api.message.as_deref().map(str::trim) {
        Some(message) if !message.is_empty() => shown(message, status),
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
        _ => shown(&String::from_utf8_lossy(&api.body), status),
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
    let kind = classes::of(status, &api, detail.as_deref(), upstream.as_deref());
    Error::new(kind, line)
        .retryable(classes::is_retryable(kind, status))
        .with_request_id(request_id)
        .with_wrong_address(kind == ErrorKind::Api && matches!(status, Some(404 | 405)))
        .with_api(api)
}

/// What a reply with status 200 says instead of choices: the `base_resp` of `MiniMax`, and the `promptFeedback` of Gemini.
pub(super) fn instead_of_choices(body: &[u8]) -> Option<Error> {
    let is_there = |key: &str| memchr::memmem::find(body, key.as_bytes()).is_some();
    if !is_there("\"base_resp\"") && !is_there("\"promptFeedback\"") {
        return None;
    }
    let texts = complaint::texts_at(
        body,
        [
            "/base_resp/status_code",
            "/base_resp/status_msg",
            "/promptFeedback/blockReason",
            "/promptFeedback/blockReasonMessage",
        ],
    )?;
    let [code, message, reason, explanation] = texts;
    let mut api = ApiFailure {
        code: code.filter(|code| code != "0"),
        error_type: reason,
        body: body.get(..body.len().min(KEPT_BODY))?.to_vec(),
        ..ApiFailure::default()
    };
    let (kind, line) = match (&api.code, &api.error_type) {
        (Some(code), _) => {
            api.message = message;
            let message = one_line(api.message.as_deref().unwrap_or_default(), SHOWN_CHARS);
            let number = code.parse().ok();
            let kind = number.and_then(classes::of_minimax);
            (
                kind.unwrap_or_else(|| classes::of(None, &api, None, None)),
                format!("{message} ({})", one_line(code, 60)),
            )
        }
        (None, Some(reason)) => {
            api.message = explanation;
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

/// What the caller can do about a field that a server does not take, if we sent it under that name, or at all.
fn remedy(api: &ApiFailure) -> Option<&'static str> {
    let message = api.message.as_deref().unwrap_or_default();
    let field = api.param.as_deref().unwrap_or_default();
    if message.contains("stream_options") || field.contains("stream_options") {
        // No call but a stream sends it.
        return Some("stream_usage=False leaves it out");
    }
    if let Some(remedy) = other_api(message) {
        return Some(remedy);
    }
    let is_named = |name: &str| field == name || message.contains(&format!("'{name}'"));
    // OpenAI's text names the other field, too.
    let renamed = if is_named("max_tokens") {
        Some("max_completion_tokens=… is sent by that name")
    } else if is_named("max_completion_tokens") {
        Some("extra_body={\"max_tokens\": …} is sent by that name")
    } else {
        None
    };
    let lower = message.to_ascii_lowercase();
    let form = ["response_format", "response format", "json_schema"];
    let is_form = form
        .iter()
        .any(|words| lower.contains(words) || field.contains(words));
    if !is_form && renamed.is_none() {
        return None;
    }
    let is_refused = NOT_TAKEN.iter().any(|words| lower.contains(words));
    // DeepSeek; LM Studio.
    let is_other_form = lower.contains("unavailable") || lower.contains("must be 'json_schema'");
    if is_form && (is_refused || is_other_form) {
        return Some("output_mode=… asks for JSON in another way");
    }
    renamed.filter(|_| is_refused)
}

/// What to do about a model, or tools, that a server takes only in another of its APIs.
fn other_api(message: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase().replace("/v1/", "v1/");
    let asks_for = |path: &str| {
        let before = ["use ", "only supported in ", "only available in ", "try "];
        let mut ends = message.match_indices(path).map(|(at, _)| at);
        ends.any(|at| {
            let said = message.get(..at).unwrap_or_default();
            let said = said.strip_suffix("the ").unwrap_or(said);
            before.iter().any(|words| said.ends_with(words))
        })
    };
    [
        ("v1/responses", "api=\"responses\" sends it there"),
        ("responses api", "api=\"responses\" sends it there"),
        ("v1/chat/completions", "api=\"chat\" sends it there"),
        ("chat completions api", "api=\"chat\" sends it there"),
        ("v1/completions", "api=\"completions\" sends it there"),
    ]
    .iter()
    .find(|(path, _)| asks_for(path))
    .map(|(_, remedy)| *remedy)
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

/// The error of a choice whose finish reason says that the server failed, and why if it says that.
pub(super) fn ended_with(finish_reason: &str, why: Option<&str>) -> Error {
    let word = one_line(finish_reason, 60);
    let why = why.map_or_else(String::new, |why| {
        format!(": {}", one_line(why, SHOWN_CHARS))
    });
    let message =
        format!("the provider failed in the middle of the reply (finish_reason: {word}){why}");
    Error::new(ErrorKind::Server, message).retryable(true)
}
