//! The parts of a message that is written in the form of Chat Completions.

use std::rc::Rc;

use super::part::{Part, Parts, plain};
use super::{Message, blocks};
use crate::error::Error;
use crate::wire::body::{Fields, fields, items};

/// Keys of an assistant's message that hold reasoning. Only the server that sent it can read it.
const REASONING: [&str; 4] = [
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "reasoning_details",
];

/// Reads the parts, and takes the keys that they are in from the message.
pub(super) fn parts<'a>(message: &mut Message<'a>) -> Result<Vec<Part<'a>>, Error> {
    let path = message.path();
    let mut take = |key: &str| {
        let at = message.extra.iter().position(|(name, _)| name == key)?;
        Some(message.extra.remove(at).1).filter(|raw| *raw != "null")
    };
    let content = take("content");
    if matches!(&*message.role, "tool" | "function") {
        let mut result = Fields::new();
        let id = take("tool_call_id");
        for (key, raw) in [("tool_call_id", id), ("content", content)] {
            result.extend(raw.map(|raw| (key.into(), raw)));
        }
        result.extend(message.name.take().map(|raw| ("name".into(), raw)));
        let place = (message.raw, &Rc::from(path), None);
        return Ok(vec![Part::of("tool_result", result, place)]);
    }
    let mut parts = Vec::new();
    for key in REASONING {
        let said = take(key).filter(|raw| !matches!(*raw, "\"\"" | "[]"));
        let place = Rc::from(format!("{path}.{key}"));
        parts.extend(said.map(|raw| Part::of("reasoning", Fields::new(), (raw, &place, None))));
    }
    let path_of = |key: &str| format!("{path}.{key}");
    let tool_calls = take("tool_calls");
    let function_call = take("function_call");
    let calls_tools = tool_calls.is_some() || function_call.is_some();
    match content {
        // An assistant that only calls tools says nothing.
        Some("\"\"") if calls_tools => {}
        Some(raw) if raw.starts_with('[') => {
            blocks::check(&path, raw)?;
            parts.extend(Parts::Blocks.read(raw, &path_of("content"))?);
        }
        Some(raw) => parts.push(text(raw, &Rc::from(path_of("content")), None)),
        None => {}
    }
    if let Some(raw) = take("refusal") {
        let place = (raw, &Rc::from(path_of("refusal")), None);
        parts.push(Part::of("refusal", vec![("text".into(), raw)], place));
    }
    if let Some(raw) = tool_calls {
        let list = Rc::from(path_of("tool_calls"));
        for (at, raw) in items(raw, &list)?.into_iter().enumerate() {
            parts.push(call(raw, &list, at)?);
        }
    }
    if let Some(raw) = function_call {
        let path = path_of("function_call");
        let place = (raw, &Rc::from(&*path), None);
        parts.push(Part::of("tool_call", fields(raw, path)?, place));
    }
    Ok(parts)
}

fn text<'a>(raw: &'a str, list: &Rc<str>, at: Option<usize>) -> Part<'a> {
    Part::of("text", vec![("text".into(), raw)], (raw, list, at))
}

/// Reads a content block.
pub(super) fn block<'a>(raw: &'a str, list: &Rc<str>, at: usize) -> Result<Part<'a>, Error> {
    if raw.starts_with('"') {
        return Ok(text(raw, list, Some(at)));
    }
    let path = format!("{list}[{at}]");
    let mut block = fields(raw, &path)?;
    let found = block.iter().find(|(key, _)| key == "type");
    let kind = found.map(|(_, raw)| plain(raw)).unwrap_or_default();
    let (ours, key) = match &*kind {
        "text" => ("text", ""),
        "refusal" => ("refusal", "refusal"),
        "image_url" => ("image", "image_url"),
        "input_audio" => ("audio", "input_audio"),
        "file" => ("file", "file"),
        "thinking" | "redacted_thinking" => ("reasoning", ""),
        _ => ("", ""),
    };
    let at_key = block.iter().position(|(name, _)| name == key);
    if let Some(at_key) = at_key {
        let (_, inside) = block.remove(at_key);
        match ours {
            "refusal" => block.push(("text".into(), inside)),
            "image" if inside.starts_with('"') => block.push(("url".into(), inside)),
            _ => {
                let inside = fields(inside, format_args!("{path}.{key}"))?.into_iter();
                // The data of a file is a URL.
                block.extend(inside.map(|(key, raw)| match &*key {
                    "file_data" if raw.starts_with("\"data:") => ("url".into(), raw),
                    "file_data" => ("data".into(), raw),
                    _ => (key, raw),
                }));
            }
        }
    }
    Ok(Part::of(ours, block, (raw, list, Some(at))))
}

/// Reads a tool call.
fn call<'a>(raw: &'a str, list: &Rc<str>, at: usize) -> Result<Part<'a>, Error> {
    let path = format!("{list}[{at}]");
    let mut call = fields(raw, &path)?;
    let mut take = |key: &str| {
        let at = call.iter().position(|(name, _)| name == key)?;
        Some(call.remove(at).1).filter(|raw| *raw != "null")
    };
    let custom = take("custom");
    let function = take("function");
    let (key, inside) = match (custom, function) {
        (Some(custom), _) => ("custom", custom),
        (None, Some(function)) => ("function", function),
        (None, None) => ("function", "null"),
    };
    for (name, raw) in fields(inside, format_args!("{path}.{key}"))? {
        call.push(match &*name {
            "input" if custom.is_some() => ("arguments".into(), raw),
            _ => (name, raw),
        });
    }
    if custom.is_some() {
        call.push(("extra".into(), r#"{"custom":{}}"#));
    }
    Ok(Part::of("tool_call", call, (raw, list, Some(at))))
}
