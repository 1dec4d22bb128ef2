//! Tools, and the choice between them. What Chat Completions has in an object of its own (`function`, `custom`,
//! `allowed_tools`) is beside the type here. A tool in another form is sent as it is.

use std::borrow::Cow;

use crate::error::Error;
use crate::wire::body::{Fields, fields, items, object};
use crate::wire::messages::plain;
use crate::wire::openai::responses::NAME;
use crate::wire::other_tools::refuse_of_gemini;

/// Writes the list of tools.
pub(super) fn write(tools: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    out.push(b'[');
    for (at, raw) in items(tools, "params.tools")?.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let path = format!("params.tools[{at}]");
        let tool = fields(raw, &path)?;
        refuse_of_gemini(&path, &tool, NAME)?;
        match inside(&tool) {
            Some((key, inside)) => write_flat(&path, &tool, (key, inside), out)?,
            None if tool.iter().any(|(key, _)| key == CACHE) => {
                let others = tool.iter().filter(|(key, _)| key != CACHE);
                out.extend_from_slice(written(others).as_bytes());
            }
            None => out.extend_from_slice(raw.as_bytes()),
        }
    }
    out.push(b']');
    Ok(())
}

/// The mark of a tool that ends a cached prefix. Responses has no place for it.
const CACHE: &str = "cache";

/// The object that has what the tool or the choice is, in Chat Completions, and its key.
fn inside<'a>(tool: &Fields<'a>) -> Option<(&'static str, &'a str)> {
    let get = |key: &str| tool.iter().find(|(name, _)| name == key);
    let kind = get("type").map(|(_, raw)| plain(raw))?;
    let key = ["function", "custom", "allowed_tools"]
        .into_iter()
        .find(|key| *key == kind)?;
    let (_, raw) = get(key).filter(|(_, raw)| raw.starts_with('{'))?;
    Some((key, *raw))
}

fn write_flat(
    path: &str,
    tool: &Fields<'_>,
    (key, inside): (&str, &str),
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let place = format!("{path}.{key}");
    let inside = fields(inside, &place)?;
    let mut flat = Fields::new();
    let others = tool.iter().filter(|(name, _)| name != key && name != CACHE);
    flat.extend(others.cloned());
    flat.extend(inside.into_iter().filter(|(_, raw)| *raw != "null"));
    let has = |name: &str| flat.iter().any(|(key, _)| key == name);
    if key == "function" {
        let (has_parameters, has_strict) = (has("parameters"), has("strict"));
        if !has_parameters {
            flat.push(("parameters".into(), r#"{"type":"object","properties":{}}"#));
        }
        // Without it, Responses would hold the model to the schema in strict form, which Chat Completions does not.
        if !has_strict {
            flat.push(("strict".into(), "false"));
        }
    }
    let grammar;
    if let Some((_, format)) = flat.iter_mut().find(|(name, _)| name == "format") {
        grammar = flat_grammar(&place, format)?;
        *format = &grammar;
    }
    out.extend_from_slice(written(flat.iter()).as_bytes());
    Ok(())
}

/// The format of a custom tool's input.
fn flat_grammar(path: &str, format: &str) -> Result<String, Error> {
    let mut flat = Fields::new();
    for (key, raw) in fields(format, format_args!("{path}.format"))? {
        if key == "grammar" && raw.starts_with('{') {
            flat.extend(fields(raw, format_args!("{path}.format.grammar"))?);
        } else {
            flat.push((key, raw));
        }
    }
    Ok(written(flat.iter()))
}

fn written<'a>(fields: impl Iterator<Item = &'a (Cow<'a, str>, &'a str)>) -> String {
    object(fields.map(|(key, raw)| (&**key, *raw)))
}

/// Writes `tool_choice`.
pub(super) fn write_choice(choice: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    let path = "params.tool_choice";
    if !choice.starts_with('{') {
        // What other providers call it.
        let is_any = plain(choice) == "any";
        out.extend_from_slice(if is_any {
            b"\"required\""
        } else {
            choice.as_bytes()
        });
        return Ok(());
    }
    let given = fields(choice, path)?;
    let Some((key, inside)) = inside(&given) else {
        out.extend_from_slice(choice.as_bytes());
        return Ok(());
    };
    let mut flat = Fields::new();
    flat.extend(given.iter().filter(|(name, _)| name != key).cloned());
    let place = format!("{path}.{key}");
    flat.extend(fields(inside, &place)?);
    let allowed;
    if let Some((_, tools)) = flat.iter_mut().find(|(name, _)| name == "tools") {
        allowed = names(&format!("{place}.tools"), tools)?;
        *tools = &allowed;
    }
    out.extend_from_slice(written(flat.iter()).as_bytes());
    Ok(())
}

/// The list of the tools that may be called.
fn names(path: &str, tools: &str) -> Result<String, Error> {
    let mut out = vec![b'['];
    for (at, raw) in items(tools, path)?.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_choice(raw, &mut out)?;
    }
    out.push(b']');
    Ok(String::from_utf8_lossy(&out).into_owned())
}
