//! What the body of an error says: its text, the field that it names, its type and its code.
//!
//! Servers write the same things under many names and in many layers: a gateway puts the answer of another server into
//! a string of its own. So the text is collected from every layer, each part once.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::markup;
use crate::error::ApiFailure;
use crate::json;

/// How many bytes an error keeps of each text in its body.
pub(super) const KEPT_TEXT: usize = 64 << 10;
/// How many values of a body are read.
const READ_VALUES: usize = 4_096;
/// How many layers of objects, and of JSON in strings, are looked through.
const LAYERS: usize = 8;
/// How many problems of a list are shown.
const SHOWN_PROBLEMS: usize = 5;
/// How many lines of a text are searched for JSON.
const READ_LINES: usize = 64;

/// Where the text is, the most general first. `title` (RFC 9457) and the words after it repeat the status.
const TEXTS: [&str; 12] = [
    "error",
    "message",
    "msg",
    "detail",
    "errors",
    "error_description",
    "description",
    "error_message",
    "errorMessage",
    "error_msg",
    "status_msg",
    "Message",
];
const INSTEAD: [&str; 3] = ["title", "reason", "status_text"];
/// Objects in which a gateway repeats what another server said.
const WRAPPERS: [&str; 4] = ["provider", "response", "body", "data"];

/// What a body says.
#[derive(Default)]
pub(super) struct Complaint {
    pub(super) api: ApiFailure,
    pub(super) request_id: Option<String>,
    /// The code in the details of the error.
    pub(super) detail: Option<String>,
    /// What the provider behind a router said.
    pub(super) upstream: Option<Box<ApiFailure>>,
}

/// Reads the body of an error.
pub(super) fn read(body: &[u8]) -> Complaint {
    // Text that is all right is checked in a fraction of the time that repairing it takes.
    let text = str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    let text = text.trim_start_matches('\u{feff}').trim();
    match parsed(text) {
        Some(value) => of_json(value),
        None => of_markup(text),
    }
}

/// The texts at these paths of a body that is JSON.
pub(super) fn texts_at<const N: usize>(
    body: &[u8],
    paths: [&str; N],
) -> Option<[Option<String>; N]> {
    let value = json::outline(body, READ_VALUES)?;
    Some(paths.map(|path| value.pointer(path).and_then(word).map(kept)))
}

fn of_json(mut value: Value) -> Complaint {
    if let Value::Array(list) = &mut value
        && list.len() == 1
    {
        value = list.swap_remove(0);
    }
    let layers = layers(&value);
    let from = |names: &[&str]| {
        let found = layers.iter().rev().find_map(|layer| {
            names
                .iter()
                .find_map(|name| layer.get(*name).and_then(word))
        });
        found.map(kept)
    };
    let mut field = None;
    let message = said(&value, 0, &mut field).map(kept);
    let upstream = value.pointer("/error/metadata").map(|metadata| {
        let said = metadata.get("raw").and_then(inside).map(of_json);
        let said = said.unwrap_or_default().api;
        // Or the router's own word for it.
        let named = || metadata.get("error_type").and_then(word);
        Box::new(ApiFailure {
            code: said.code.or_else(named),
            ..said
        })
    });
    // `reason` of Google's `ErrorInfo`; `error_code` of Anthropic.
    let listed = layers.iter().rev().find_map(|layer| layer.get("details"));
    let detail = listed.and_then(|listed| {
        let mut entries = listed.as_array().into_iter().flatten().chain([listed]);
        entries.find_map(|entry| entry.get("reason").or_else(|| entry.get("error_code")))
    });
    Complaint {
        upstream,
        detail: detail.and_then(word).map(kept),
        request_id: from(&["request_id", "requestId", "RequestId", "responseId"]),
        api: ApiFailure {
            error_type: from(&["type"])
                .filter(|kind| kind != "error")
                // Google's `status` is a word. Others repeat the HTTP status here.
                .or_else(|| from(&["status"]).filter(|status| status.parse::<f64>().is_err()))
                .or_else(|| from(&["__type", "error_type", "errorType"])),
            code: from(&["code"])
                .or_else(|| from(&["statusCode", "status_code", "error_code", "errorCode"])),
            param: from(&["param"]).or(field.map(kept)),
            message,
            ..ApiFailure::default()
        },
    }
}

/// JSON, also in a string, after `data:`, or in one line of a text.
fn parsed(text: &str) -> Option<Value> {
    let outline = |text: &str| json::outline(text.as_bytes(), READ_VALUES);
    let whole = if text.starts_with(['{', '[']) {
        // The rest may be missing, because it is too long or was lost.
        json::outline_of_start(text, READ_VALUES)
    } else {
        outline(text)
    };
    if let Some(value) = whole {
        return Some(inside(&value).unwrap_or(value));
    }
    let lines = text.lines().take(READ_LINES).map(str::trim);
    lines
        .map(|line| line.strip_prefix("data:").unwrap_or(line).trim_start())
        .filter(|line| line.starts_with('{'))
        .find_map(outline)
}

/// The JSON in a string.
fn inside(value: &Value) -> Option<Value> {
    let text = value.as_str()?.trim();
    text.starts_with(['{', '['])
        .then(|| json::outline(text.as_bytes(), READ_VALUES))?
}

/// S3, Bedrock and their like answer in XML.
fn of_markup(text: &str) -> Complaint {
    if !text.starts_with('<') {
        return Complaint::default();
    }
    let tag = |name| markup::text_of(text, name).map(kept);
    Complaint {
        detail: None,
        upstream: None,
        request_id: tag("RequestId"),
        api: ApiFailure {
            message: tag("Message"),
            code: tag("Code"),
            ..ApiFailure::default()
        },
    }
}

/// The objects that may have type and code: the body, and the error in it, and the error in that.
fn layers(value: &Value) -> Vec<&Map<String, Value>> {
    let mut layers = Vec::new();
    let mut next = value.as_object();
    while let Some(layer) = next.filter(|_| layers.len() < LAYERS) {
        layers.push(layer);
        next = layer
            .get("error")
            .or_else(|| layer.get("message").filter(|said| said.is_object()))
            .or_else(|| layer.get("detail").filter(|said| said.is_object()))
            .or_else(|| layer.get("errors")?.get(0))
            .or_else(|| layer.get("x_groq")?.get("error"))
            .or_else(|| WRAPPERS.iter().find_map(|name| wrapped(layer, name)))
            .and_then(Value::as_object);
    }
    layers
}

/// The error of another server in a wrapper of this name.
fn wrapped<'v>(layer: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    layer
        .get(name)?
        .get("error")
        .filter(|error| !error.is_null())
}

/// The text of a value; `field` becomes the first field that it names.
fn said(value: &Value, depth: usize, field: &mut Option<String>) -> Option<String> {
    if depth > LAYERS {
        return None;
    }
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => match inside(value).and_then(|json| said(&json, depth + 1, field)) {
            Some(found) => Some(found),
            None => Some(markup::shown(text)).filter(|text| !text.trim().is_empty()),
        },
        Value::Array(items) => {
            let texts = items.iter().filter_map(|item| problem(item, depth, field));
            joined(texts)
        }
        Value::Object(fields) => of_object(fields, depth, field)
            .or_else(|| (!fields.is_empty()).then(|| value.to_string())),
    }
}

fn of_object(
    fields: &Map<String, Value>,
    depth: usize,
    field: &mut Option<String>,
) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut add = |text: Option<String>| {
        if let Some(text) = text.filter(|text| !parts.iter().any(|said| said.contains(&**text))) {
            parts.push(text);
        }
    };
    for name in TEXTS {
        match (name, fields.get(name)) {
            (_, None) | ("error", Some(Value::Number(_))) => {}
            // `{"errors": {"field": ["text"]}}`
            ("errors", Some(Value::Object(map))) => add(by_field(map, depth, field)),
            ("detail", Some(value)) => add(problem(value, depth, field)),
            (_, Some(value)) => add(said(value, depth + 1, field)),
        }
    }
    if let Some(Value::Array(details)) = fields.get("details") {
        // Google lists fields here. What else is in the list is for programs.
        let located = details.iter().flat_map(violations);
        add(joined(
            located.filter_map(|item| problem(item, depth, field)),
        ));
    }
    if let Some(inner) = fields.get("innererror").and_then(|it| it.get("message")) {
        add(said(inner, depth + 1, field));
    }
    if let Some(Value::Object(metadata)) = fields.get("metadata") {
        // A gateway that only says "Provider returned error" adds the provider's message here.
        let raw = metadata.get("raw");
        add(raw.and_then(|raw| said(raw, depth + 1, field)));
    }
    if let Some(error) = fields.get("x_groq").and_then(|it| it.get("error")) {
        add(said(error, depth + 1, field));
    }
    for name in WRAPPERS {
        add(wrapped(fields, name).and_then(|error| said(error, depth + 1, field)));
    }
    for name in INSTEAD {
        if parts.is_empty()
            && let Some(text) = fields.get(name).filter(|text| text.is_string())
        {
            parts.extend(said(text, depth + 1, field));
        }
    }
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// Problems as `{field: texts}`.
fn by_field(map: &Map<String, Value>, depth: usize, field: &mut Option<String>) -> Option<String> {
    joined(map.iter().filter_map(|(name, texts)| {
        let text = said(texts, depth + 1, field)?;
        field.get_or_insert_with(|| name.clone());
        Some(format!("{name}: {text}"))
    }))
}

/// One problem, with the field that it is about.
fn problem(item: &Value, depth: usize, field: &mut Option<String>) -> Option<String> {
    let text = said(item, depth + 1, field)?;
    let place = ["loc", "field", "path", "property", "param"]
        .iter()
        .find_map(|name| item.get(name).and_then(path))
        .or_else(|| path(item.pointer("/source/pointer")?));
    let Some(place) = place else {
        return Some(text);
    };
    let own = place.strip_prefix("body").unwrap_or(&place);
    let own = own.trim_start_matches('.');
    if own.is_empty() {
        return Some(text);
    }
    field.get_or_insert_with(|| own.to_owned());
    if text.contains(&*place) {
        return Some(text);
    }
    Some(format!("{place}: {text}"))
}

/// Where a problem is, as in `body.messages[0].content`.
fn path(value: &Value) -> Option<String> {
    let steps: Vec<&Value> = match value {
        Value::String(text) if !text.is_empty() => return Some(text.clone()),
        Value::Array(steps) => steps.iter().collect(),
        Value::Object(steps) => steps.values().collect(),
        _ => return None,
    };
    let mut path = String::new();
    for step in steps {
        match step {
            Value::Number(index) => path.extend(["[", &index.to_string(), "]"]),
            Value::String(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            _ => {}
        }
    }
    (!path.is_empty()).then_some(path)
}

/// The fields that an entry of Google's `details` names.
fn violations(detail: &Value) -> impl Iterator<Item = &Value> {
    let listed = ["fieldViolations", "field_violations"];
    let listed = listed.iter().find_map(|name| detail.get(name)?.as_array());
    listed.into_iter().flatten()
}

/// The first few texts.
fn joined(texts: impl Iterator<Item = String>) -> Option<String> {
    let mut texts: Vec<_> = texts.collect();
    let more = texts.len().saturating_sub(SHOWN_PROBLEMS);
    texts.truncate(SHOWN_PROBLEMS);
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// A text, or the beginning of one that is longer than an error keeps.
fn kept(mut text: String) -> String {
    if text.len() > KEPT_TEXT {
        let end = (0..=KEPT_TEXT).rfind(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
