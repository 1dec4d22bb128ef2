//! Which functions a request wants called.

use serde_json::Value;

use super::fields::{check_names, get, list, text};
use super::refusal::invalid;
use crate::reply::ask::{Mode, Tool, Tools, calls_by_itself};
use crate::reply::body::Checked;

const FIELDS: [&str; 7] = [
    "name",
    "description",
    "parameters",
    "parametersJsonSchema",
    "response",
    "responseJsonSchema",
    "behavior",
];

/// The most characters of a name.
const MAX_NAME: usize = 128;

/// Each function that the request declares and allows. None if the request ends with results, so that
/// a loop that sends them back ends.
pub(super) fn tools<'a>(
    model: &str,
    json: &'a Value,
    is_answered: bool,
    is_own: bool,
) -> Checked<Tools<'a>> {
    let mut callable: Vec<Tool<'_>> = Vec::new();
    for (at, tool) in list(json, "tools", "tools")?.iter().enumerate() {
        let place = format!("tools[{at}].function_declarations");
        for (number, declared) in list(tool, "functionDeclarations", &place)?
            .iter()
            .enumerate()
        {
            let place = format!("{place}[{number}]");
            if is_own {
                check_names(declared, &place, &FIELDS)?;
            }
            let name = text(declared, "name").unwrap_or_default();
            if !is_name(name) {
                return Err(invalid(format!(
                    "* GenerateContentRequest.{place}.name: Invalid function name. Must start with \
                     a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores \
                     (_), dots (.), colons (:), or dashes (-), with a maximum length of \
                     {MAX_NAME}.\n"
                )));
            }
            if callable.iter().any(|tool| tool.name == name) {
                return Err(invalid(format!(
                    "Duplicate function declaration found: {name}"
                )));
            }
            let schema = get(declared, "parametersJsonSchema");
            let parameters = get(declared, "parameters");
            if schema.is_some() && parameters.is_some() {
                return Err(invalid(format!(
                    "* GenerateContentRequest.{place}: only one of parameters and \
                     parameters_json_schema can be set.\n"
                )));
            }
            callable.push(Tool {
                name,
                parameters: schema.or(parameters),
            });
        }
    }
    let config = get(json, "toolConfig").and_then(|config| get(config, "functionCallingConfig"));
    let mode = config
        .and_then(|config| text(config, "mode"))
        .unwrap_or("AUTO");
    let names = config.map_or(Ok(&[][..]), |config| {
        let place = "tool_config.function_calling_config.allowed_function_names";
        list(config, "allowedFunctionNames", place)
    })?;
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let mode = match mode.to_ascii_uppercase().as_str() {
        "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED" => Mode::Auto,
        "ANY" => Mode::Required,
        "NONE" => Mode::None,
        _ => {
            let place = "tool_config.function_calling_config.mode";
            return Err(super::fields::invalid_value(
                place,
                "type.googleapis.com/google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode",
                &Value::from(mode),
            ));
        }
    };
    if mode == Mode::Required && callable.is_empty() {
        return Err(invalid(
            "Function calling config is set without function_declarations.",
        ));
    }
    let is_missing = |name: &&&str| !callable.iter().any(|tool| tool.name == **name);
    if let Some(name) = names.iter().find(is_missing) {
        return Err(invalid(format!(
            "Allowed function name {name} is not among the function declarations."
        )));
    }
    let calls = match mode {
        Mode::None => false,
        Mode::Auto => calls_by_itself(model),
        Mode::Required => true,
    };
    let is_allowed = |tool: &Tool<'_>| names.is_empty() || names.contains(&tool.name);
    let wanted = callable.into_iter().filter(is_allowed);
    Ok(Tools {
        id_prefix: "",
        wanted: wanted.filter(|_| calls && !is_answered).collect(),
    })
}

fn is_name(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && name.len() <= MAX_NAME && name.chars().all(is_good)
}
