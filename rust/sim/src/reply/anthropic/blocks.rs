//! The forms of the blocks of a message.

use serde_json::Value;

use super::refusal::{extra, invalid, missing, wrong, wrong_tag, wrong_word};
use crate::reply::body::{Checked, present};

/// The form of a block.
struct Form {
    kind: &'static str,
    /// The role of the messages that can have it; `None` allows all.
    role: Option<&'static str>,
    /// The fields that it must have; those called `input`, `source` and `content` are not strings.
    needed: &'static [&'static str],
    optional: &'static [&'static str],
}

/// The blocks that a client writes. Those of server-side tools are not looked into.
const FORMS: [Form; 8] = [
    Form {
        kind: "text",
        role: None,
        needed: &["text"],
        optional: &["citations", "cache_control"],
    },
    Form {
        kind: "image",
        role: Some("user"),
        needed: &["source"],
        optional: &["cache_control", "transformations"],
    },
    Form {
        kind: "document",
        role: Some("user"),
        needed: &["source"],
        optional: &["title", "context", "citations", "cache_control"],
    },
    Form {
        kind: "search_result",
        role: Some("user"),
        needed: &["source", "title", "content"],
        optional: &["citations", "cache_control"],
    },
    Form {
        kind: "tool_use",
        role: Some("assistant"),
        needed: &["id", "name", "input"],
        optional: &["caller", "toolset_name", "cache_control"],
    },
    Form {
        kind: "tool_result",
        role: Some("user"),
        needed: &["tool_use_id"],
        optional: &["content", "is_error", "toolset_name", "cache_control"],
    },
    Form {
        kind: "thinking",
        role: Some("assistant"),
        needed: &["signature", "thinking"],
        optional: &[],
    },
    Form {
        kind: "redacted_thinking",
        role: Some("assistant"),
        needed: &["data"],
        optional: &[],
    },
];

/// Parts and items of other APIs, which are not blocks.
const FOREIGN: [&str; 12] = [
    "image_url",
    "input_audio",
    "file",
    "input_text",
    "input_image",
    "input_file",
    "output_text",
    "refusal",
    "reasoning",
    "function",
    "function_call",
    "function_call_output",
];

/// The blocks in a result of a tool.
const IN_RESULT: [&str; 5] = [
    "text",
    "image",
    "document",
    "search_result",
    "tool_reference",
];

const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Checks one block of a message of this role, and returns its type.
pub(super) fn check<'v>(
    place: &str,
    block: &'v Value,
    role: &str,
    is_own: bool,
) -> Checked<&'v str> {
    let Some(fields) = block.as_object() else {
        let message = "Input should be a valid dictionary or object to extract fields from";
        return Err(wrong(place, message));
    };
    let kind = present(block, "type").ok_or_else(|| missing(&format!("{place}.type")))?;
    let kind = kind.as_str().unwrap_or_default();
    if kind.is_empty() || FOREIGN.contains(&kind) {
        let known: Vec<&str> = FORMS.iter().map(|form| form.kind).collect();
        return Err(wrong_tag(place, kind, &known));
    }
    let Some(form) = FORMS.iter().find(|form| form.kind == kind) else {
        return Ok(kind);
    };
    if let Some(wanted) = form.role.filter(|wanted| *wanted != role) {
        let place = place.split(".content").next().unwrap_or(place);
        let message = format!("`{kind}` blocks can only be in `{wanted}` messages");
        return Err(wrong(place, &message));
    }
    let place = format!("{place}.{kind}");
    for name in form.needed {
        check_field(&place, block, name, kind)?;
    }
    let is_known =
        |name: &str| name == "type" || form.needed.contains(&name) || form.optional.contains(&name);
    if let Some(name) = fields.keys().find(|name| is_own && !is_known(name)) {
        return Err(extra(&format!("{place}.{name}")));
    }
    match kind {
        "image" | "document" => check_source(&place, kind, block)?,
        "tool_result" => check_result(&place, block, is_own)?,
        _ => {}
    }
    Ok(kind)
}

fn check_field(place: &str, block: &Value, name: &str, kind: &str) -> Checked<()> {
    let place = format!("{place}.{name}");
    let value = block.get(name).ok_or_else(|| missing(&place))?;
    match (kind, name) {
        ("tool_use", "input") if !value.is_object() => {
            Err(wrong(&place, "Input should be a valid dictionary"))
        }
        ("search_result", "content") if !value.is_array() => {
            Err(wrong(&place, "Input should be a valid list"))
        }
        ("tool_use", "input") | ("search_result", "content") | ("image" | "document", "source") => {
            Ok(())
        }
        _ if !value.is_string() => Err(wrong(&place, "Input should be a valid string")),
        ("tool_use", "id") | ("tool_result", "tool_use_id") if !is_name(value, usize::MAX) => {
            let rule = "String should match pattern '^[a-zA-Z0-9_-]+$'";
            Err(wrong(&place, rule))
        }
        ("tool_use", "name") if !is_name(value, 200) => {
            let rule = "String should match pattern '^[a-zA-Z0-9_-]{1,200}$'";
            Err(wrong(&place, rule))
        }
        _ => Ok(()),
    }
}

/// Whether the value is an id or a name: letters, digits, `_` and `-`.
pub(super) fn is_name(value: &Value, most: usize) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let text = value.as_str().unwrap_or_default();
    !text.is_empty() && text.len() <= most && text.chars().all(is_good)
}

fn check_source(place: &str, kind: &str, block: &Value) -> Checked<()> {
    let place = format!("{place}.source");
    let source = block.get("source").filter(|source| source.is_object());
    let source = source.ok_or_else(|| wrong(&place, "Input should be a valid dictionary"))?;
    let known: &[&str] = match kind {
        "image" => &["base64", "file", "url"],
        _ => &["base64", "content", "file", "text", "url"],
    };
    let tag = present(source, "type").ok_or_else(|| missing(&format!("{place}.type")))?;
    let tag = tag.as_str().unwrap_or_default();
    let (needed, types): (&[&str], &[&str]) = match (tag, kind) {
        (tag, _) if !known.contains(&tag) => return Err(wrong_tag(&place, tag, known)),
        ("base64", "image") => (&["data", "media_type"], &IMAGES),
        ("base64", _) => (&["data", "media_type"], &["application/pdf"]),
        ("text", _) => (&["data", "media_type"], &["text/plain"]),
        ("url", _) => (&["url"], &[]),
        ("file", _) => (&["file_id"], &[]),
        _ => (&[], &[]),
    };
    let place = format!("{place}.{tag}");
    for name in needed {
        let place = format!("{place}.{name}");
        let value = present(source, name).ok_or_else(|| missing(&place))?;
        if !value.is_string() {
            return Err(wrong(&place, "Input should be a valid string"));
        }
    }
    let media_type = source.get("media_type").and_then(Value::as_str);
    match media_type {
        Some(word) if !types.is_empty() && !types.contains(&word) => {
            Err(wrong_word(&format!("{place}.media_type"), types))
        }
        _ => Ok(()),
    }
}

fn check_result(place: &str, block: &Value, is_own: bool) -> Checked<()> {
    match present(block, "is_error") {
        None | Some(Value::Bool(_)) => {}
        Some(_) => {
            let place = format!("{place}.is_error");
            return Err(wrong(&place, "Input should be a valid boolean"));
        }
    }
    let place = format!("{place}.content");
    match present(block, "content") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(blocks)) => {
            for (at, inner) in blocks.iter().enumerate() {
                let place = format!("{place}.{at}");
                let kind = check(&place, inner, "user", is_own)?;
                if !IN_RESULT.contains(&kind) {
                    return Err(wrong_tag(&place, kind, &IN_RESULT));
                }
                check_text(inner, "user", is_own)?;
            }
            Ok(())
        }
        Some(_) => Err(wrong(&place, "Input should be a valid string or a list")),
    }
}

/// Refuses a text block without text. A model may have written white space.
pub(super) fn check_text(block: &Value, role: &str, is_own: bool) -> Checked<()> {
    if !is_own || block.get("type").and_then(Value::as_str) != Some("text") {
        return Ok(());
    }
    match block.get("text").and_then(Value::as_str) {
        Some("") => Err(invalid("messages: text content blocks must be non-empty")),
        Some(text) if role == "user" && text.trim().is_empty() => Err(invalid(
            "messages: text content blocks must contain non-whitespace text",
        )),
        _ => Ok(()),
    }
}
