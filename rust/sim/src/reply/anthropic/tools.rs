//! Which tools a request wants called.

use std::collections::HashSet;

use serde_json::Value;

use super::blocks::is_name;
use super::refusal::{extra, invalid, missing, wrong, wrong_tag};
use super::subset;
use crate::reply::ask::{Mode, Tool, Tools, calls_by_itself};
use crate::reply::body::{Checked, present};

/// How ids of calls begin.
pub(super) const ID_PREFIX: &str = "toolu_01";

/// The fields of a tool of the client.
const FIELDS: [&str; 10] = [
    "type",
    "name",
    "description",
    "input_schema",
    "strict",
    "cache_control",
    "defer_loading",
    "input_examples",
    "allowed_callers",
    "eager_input_streaming",
];

/// The most strict tools, and the most of their parameters that have several types.
const MAX_STRICT: usize = 20;
const MAX_UNIONS: usize = 16;

const CHOICES: [&str; 4] = ["any", "auto", "none", "tool"];

/// Each tool that the request offers and `tool_choice` allows; only the first without parallel
/// calls. None if the request ends with results (`is_answered`), so that a loop that sends them back
/// ends.
pub(super) fn tools<'a>(
    model: &str,
    json: &'a Value,
    is_answered: bool,
    is_own: bool,
) -> Checked<Tools<'a>> {
    let offered = match present(json, "tools") {
        None => &[][..],
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err(wrong("tools", "Input should be a valid list")),
    };
    let mut callable = Vec::new();
    let mut names = HashSet::new();
    for (at, tool) in offered.iter().enumerate() {
        let tool = read_tool(&format!("tools.{at}"), tool, is_own, &mut callable)?;
        if !names.insert(tool) {
            return Err(invalid("tools: Tool names must be unique."));
        }
    }
    if is_own {
        check_strict(offered)?;
    }
    let choice = present(json, "tool_choice");
    let (mode, name) = choice.map_or(Ok((Mode::Auto, None)), read_choice)?;
    if is_own && offered.is_empty() && !matches!(mode, Mode::None) && choice.is_some() {
        let message = "tool_choice may only be specified while providing tools.";
        return Err(wrong("tool_choice", message));
    }
    if let Some(name) = name.filter(|name| !names.contains(name)) {
        let message = format!("Tool '{name}' not found in provided tools");
        return Err(wrong("tool_choice", &message));
    }
    let calls = match mode {
        Mode::None => false,
        Mode::Auto => calls_by_itself(model),
        Mode::Required => true,
    };
    let serial = choice.and_then(|choice| choice.get("disable_parallel_tool_use"));
    let most = match (calls && !is_answered, serial == Some(&Value::Bool(true))) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => usize::MAX,
    };
    let is_allowed = |tool: &Tool<'_>| name.is_none_or(|name| name == tool.name);
    Ok(Tools {
        id_prefix: ID_PREFIX,
        wanted: callable.into_iter().filter(is_allowed).take(most).collect(),
    })
}

/// Reads one tool, and adds it to those that can be called. Returns its name.
fn read_tool<'a>(
    place: &str,
    tool: &'a Value,
    is_own: bool,
    callable: &mut Vec<Tool<'a>>,
) -> Checked<&'a str> {
    let Some(fields) = tool.as_object() else {
        return Err(wrong(place, "Input should be a valid dictionary"));
    };
    let kind = present(tool, "type").map_or("custom", |kind| kind.as_str().unwrap_or_default());
    if matches!(kind, "" | "function") {
        return Err(wrong_tag(place, kind, &["custom"]));
    }
    let is_custom = kind == "custom";
    let place = format!("{place}.{kind}");
    let name_place = format!("{place}.name");
    let name = match present(tool, "name") {
        // A set of tools of a server has no name of its own.
        None if !is_custom => return Ok(kind),
        None => return Err(missing(&name_place)),
        Some(name) if !is_name(name, 128) => {
            let rule = "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'";
            return Err(wrong(&name_place, rule));
        }
        Some(name) => name.as_str().unwrap_or_default(),
    };
    if !is_custom {
        return Ok(name);
    }
    let place_of_schema = format!("{place}.input_schema");
    let schema = present(tool, "input_schema").ok_or_else(|| missing(&place_of_schema))?;
    if !schema.is_object() {
        return Err(wrong(
            &place_of_schema,
            "Input should be a valid dictionary",
        ));
    }
    match schema.get("type") {
        None => return Err(missing(&format!("{place_of_schema}.type"))),
        Some(word) if word == "object" => {}
        Some(_) => {
            let place = format!("{place_of_schema}.type");
            return Err(wrong(&place, "Input should be 'object'"));
        }
    }
    if is_own {
        if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(extra(&format!("{place}.{name}")));
        }
        if ["oneOf", "allOf", "anyOf"]
            .iter()
            .any(|name| schema.get(name).is_some())
        {
            let rule = "input_schema does not support oneOf, allOf, or anyOf at the top level";
            return Err(wrong(&place_of_schema, rule));
        }
        if is_strict(tool) {
            subset::check(&place, schema)?;
        }
    }
    callable.push(Tool {
        name,
        parameters: Some(schema),
    });
    Ok(name)
}

fn is_strict(tool: &Value) -> bool {
    tool.get("strict") == Some(&Value::Bool(true))
}

fn check_strict(offered: &[Value]) -> Checked<()> {
    let strict = offered.iter().filter(|tool| is_strict(tool));
    let count = strict.clone().count();
    if count > MAX_STRICT {
        return Err(invalid(format!(
            "Too many strict tools ({count}). The maximum number of strict tools supported is \
             {MAX_STRICT}. Try reducing the number of tools marked as strict."
        )));
    }
    let parameters = strict
        .filter_map(|tool| tool.pointer("/input_schema/properties")?.as_object())
        .flat_map(|properties| properties.values());
    let is_union = |schema: &&Value| {
        schema.get("anyOf").is_some() || schema.get("type").is_some_and(Value::is_array)
    };
    let unions = parameters.filter(is_union).count();
    if unions > MAX_UNIONS {
        return Err(invalid(format!(
            "Schemas contains too many parameters with union types ({unions} parameters with type \
             arrays or anyOf). This causes exponential compilation cost. Reduce the number of \
             nullable or union-typed parameters (limit: {MAX_UNIONS} parameters with unions)."
        )));
    }
    Ok(())
}

/// Whether tools are called, and the only one that may be.
fn read_choice(choice: &Value) -> Checked<(Mode, Option<&str>)> {
    if !choice.is_object() {
        let rule = "Input should be a valid dictionary or object to extract fields from";
        return Err(wrong("tool_choice", rule));
    }
    let kind = present(choice, "type").ok_or_else(|| missing("tool_choice.type"))?;
    let kind = kind.as_str().unwrap_or_default();
    let mode = match kind {
        "auto" => Mode::Auto,
        "none" => Mode::None,
        "any" | "tool" => Mode::Required,
        _ => return Err(wrong_tag("tool_choice", kind, &CHOICES)),
    };
    let name = match kind {
        "tool" => {
            let name = present(choice, "name").and_then(Value::as_str);
            Some(name.ok_or_else(|| missing("tool_choice.tool.name"))?)
        }
        _ => None,
    };
    Ok((mode, name))
}
