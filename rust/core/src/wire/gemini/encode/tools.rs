//! Tools, and the choice between them.
//!
//! Functions in the form of Chat Completions are declared in one tool, where the first of them was. A tool in another
//! form, such as `{"googleSearch": {}}`, is sent as it is.

use std::borrow::Cow;

use super::schema;
use crate::error::Error;
use crate::wire::body::{Fields, field, fields, invalid, items, object, value};
use crate::wire::cache_marks::CacheMarks;
use crate::wire::gemini::beside::is_blank;
use crate::wire::messages::plain;
use crate::wire::other_tools::api_of;

/// Whether the list is not empty.
pub(super) fn has_any(tools: &str) -> bool {
    items(tools, "params.tools").is_ok_and(|tools| !tools.is_empty())
}

/// Writes the list of tools, and adds to `dropped` what has no place.
pub(super) fn write(
    tools: &str,
    out: &mut Vec<u8>,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    let mut functions = Vec::new();
    let mut before = Vec::new();
    let mut after = Vec::new();
    for (at, raw) in items(tools, "params.tools")?.into_iter().enumerate() {
        let path = format!("params.tools[{at}]");
        let tool = fields(raw, &path)?;
        let get = |key: &str| value(&tool, key);
        CacheMarks::None.mark(
            get("cache").filter(|raw| *raw != "null"),
            || path.clone(),
            "",
        )?;
        let kind = get("type").map(plain);
        if let Some(function) = get("function").filter(|raw| raw.starts_with('{')) {
            separate(&mut functions);
            let function = fields(function, format_args!("{path}.function"))?;
            declare(
                &format!("{path}.function"),
                &function,
                &mut functions,
                dropped,
            )?;
        } else if kind.as_deref() == Some("function") {
            // In the form of Responses, the function is beside the type.
            separate(&mut functions);
            let is_ours = |key: &str| matches!(key, "type" | "cache");
            let others = tool.iter().filter(|(key, _)| !is_ours(key));
            let function: Fields<'_> = others.cloned().collect();
            declare(&path, &function, &mut functions, dropped)?;
        } else if let Some(kind) = kind {
            let of = api_of(&kind).map_or_else(String::new, |api| format!(", which are of {api}"));
            return Err(invalid(format!(
                "{path}.type: gemini has no tools of type {}{of}; its own are dicts such as {{\"googleSearch\": {{}}}}",
                kind.escape_debug()
            )));
        } else if get("input_schema").is_some() {
            return Err(invalid(format!(
                "{path}.input_schema: only the API of Anthropic takes a tool in this form; add \"type\": \"function\" and name it `parameters`"
            )));
        } else {
            let others = if functions.is_empty() {
                &mut before
            } else {
                &mut after
            };
            separate(others);
            other(raw, &tool, others);
        }
    }
    out.push(b'[');
    out.extend_from_slice(&before);
    if !functions.is_empty() {
        if !before.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"functionDeclarations\":[");
        out.extend_from_slice(&functions);
        out.extend_from_slice(b"]}");
        if !after.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(&after);
    }
    out.push(b']');
    Ok(())
}

fn separate(list: &mut Vec<u8>) {
    if !list.is_empty() {
        list.push(b',');
    }
}

/// Writes a tool of the provider's own, without our mark of a cached prefix.
fn other(raw: &str, tool: &Fields<'_>, out: &mut Vec<u8>) {
    if tool.iter().all(|(key, _)| key != "cache") {
        out.extend_from_slice(raw.as_bytes());
        return;
    }
    let others = tool.iter().filter(|(key, _)| key != "cache");
    let written = object(others.map(|(key, raw)| (&**key, *raw)));
    out.extend_from_slice(written.as_bytes());
}

/// Writes the declaration of a function.
fn declare(
    path: &str,
    function: &Fields<'_>,
    out: &mut Vec<u8>,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    let Some(name) = value(function, "name").filter(|raw| raw.starts_with('"')) else {
        return Err(invalid(format!(
            "{path}.name: it is missing, or it is not a string"
        )));
    };
    check_name(&format!("{path}.name"), &plain(name))?;
    out.extend_from_slice(b"{\"name\":");
    out.extend_from_slice(name.as_bytes());
    for (key, raw) in function {
        match (&**key, *raw) {
            ("name", _) | (_, "null") | ("strict", "false") => {}
            // A function without parameters has no schema.
            ("parameters", raw) if raw.starts_with('{') && is_blank(raw) => {}
            ("strict", _) => dropped.push(format!("{path}.strict")),
            ("parameters", raw) => {
                let schema = schema::of_tool(raw, &format!("{path}.parameters"))?;
                field(out, "parametersJsonSchema", &schema);
            }
            (key, raw) => field(out, key, raw),
        }
    }
    out.push(b'}');
    Ok(())
}

/// Up to 128 of letters, digits, `_`, `.`, `:` and `-`, the first of them a letter or `_` (google-genai:
/// `types.FunctionDeclaration`).
fn check_name(path: &str, name: &str) -> Result<(), Error> {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_next = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    if name.len() <= 128 && name.starts_with(is_first) && name.chars().all(is_next) {
        return Ok(());
    }
    Err(invalid(format!(
        "{path}: {:?} is not a name for gemini, which takes up to 128 of a-z, A-Z, 0-9, _ . : - after a letter or _",
        name.chars().take(130).collect::<String>()
    )))
}

/// The `toolConfig` for a `tool_choice`: a JSON object.
pub(super) fn choice(choice: &str) -> Result<String, Error> {
    let path = "params.tool_choice";
    if !choice.starts_with('{') {
        return mode(path, &plain(choice), &[]);
    }
    let given = fields(choice, path)?;
    let get = |key: &str| value(&given, key);
    if get("functionCallingConfig").is_some() || get("function_calling_config").is_some() {
        return Ok(choice.to_owned());
    }
    if let Some(function) = get("function") {
        return mode(path, "any", &[name(&format!("{path}.function"), function)?]);
    }
    if let Some(allowed) = get("allowed_tools") {
        let place = format!("{path}.allowed_tools");
        let allowed = fields(allowed, &place)?;
        let get = |key: &str| value(&allowed, key);
        let place = format!("{place}.tools");
        let mut names = Vec::new();
        for (at, tool) in items(get("tools").unwrap_or("[]"), &place)?
            .into_iter()
            .enumerate()
        {
            let place = format!("{place}[{at}]");
            let tool = fields(tool, &place)?;
            let function = value(&tool, "function");
            names.push(name(
                &format!("{place}.function"),
                function.unwrap_or("null"),
            )?);
        }
        // Only these modes may have names.
        let word = match get("mode").map(plain).as_deref() {
            Some("auto") | None => Cow::Borrowed("validated"),
            Some(word) => Cow::Owned(word.to_owned()),
        };
        return mode(&format!("{path}.allowed_tools.mode"), &word, &names);
    }
    if get("type").map(plain).as_deref() == Some("function") && get("name").is_some() {
        return mode(path, "any", &[name(path, choice)?]);
    }
    if get("type").is_some() {
        return Err(invalid(format!(
            "{path}: gemini can be made to call functions only; give the name of one, or \"required\""
        )));
    }
    Ok(format!("{{\"functionCallingConfig\":{choice}}}"))
}

/// The name of the function, as JSON text.
fn name<'a>(path: &str, function: &'a str) -> Result<&'a str, Error> {
    let function = fields(function, path)?;
    let name = value(&function, "name");
    name.filter(|raw| raw.starts_with('"'))
        .ok_or_else(|| invalid(format!("{path}.name: it is missing, or it is not a string")))
}

fn mode(path: &str, word: &str, names: &[&str]) -> Result<String, Error> {
    let word = match word {
        "auto" => "AUTO",
        "none" => "NONE",
        "any" | "required" => "ANY",
        "validated" => "VALIDATED",
        _ => {
            return Err(invalid(format!(
                "{path}: \"{}\" is not one of \"auto\", \"none\", \"required\" and the names of the tools",
                word.escape_debug()
            )));
        }
    };
    let names = match names {
        [] => String::new(),
        names => format!(",\"allowedFunctionNames\":[{}]", names.join(",")),
    };
    Ok(format!(
        "{{\"functionCallingConfig\":{{\"mode\":\"{word}\"{names}}}}}"
    ))
}
