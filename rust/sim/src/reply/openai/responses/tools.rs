//! Which tools a request wants called.

use serde_json::Value;

use super::question::{missing, offered};
use crate::reply::ask::{Mode, Tool, Tools, calls_by_itself};
use crate::reply::body::{Checked, present};
use crate::reply::openai::api::bad_request;
use crate::reply::openai::tools::{Wanted, mode_of};

/// Each tool that the request offers and `tool_choice` allows; only the first without parallel
/// calls. None if the request ends with results, so that a loop that sends them back ends.
pub(super) fn tools<'a>(model: &str, json: &'a Value) -> Checked<Tools<'a>> {
    let mut callable = Vec::new();
    for (at, tool) in offered(json).iter().enumerate() {
        let kind = tool.get("type").and_then(Value::as_str);
        let kind = kind.ok_or_else(|| missing(&format!("tools[{at}].type")))?;
        if matches!(kind, "function" | "custom") {
            let name = tool.get("name").and_then(Value::as_str);
            callable.push(Tool {
                name: name.ok_or_else(|| missing(&format!("tools[{at}].name")))?,
                parameters: present(tool, "parameters"),
            });
        }
    }
    let Wanted { mode, names } = wanted(json)?;
    if mode == Mode::Required && offered(json).is_empty() && names.is_none() {
        let message = "Tool choice 'required' must be specified with 'tools' parameter.";
        return Err(bad_request("tool_choice", message));
    }
    let is_missing = |name: &&&str| !callable.iter().any(|tool| tool.name == **name);
    if let Some(name) = names.iter().flatten().find(is_missing) {
        let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
        return Err(bad_request("tool_choice", &message));
    }
    let calls = match mode {
        Mode::None => false,
        Mode::Auto => calls_by_itself(model),
        Mode::Required => true,
    };
    let is_serial = json.get("parallel_tool_calls") == Some(&Value::Bool(false));
    let most = match (calls && !is_answered(json), is_serial) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => usize::MAX,
    };
    let is_allowed = |tool: &Tool<'_>| {
        names
            .as_ref()
            .is_none_or(|names| names.contains(&tool.name))
    };
    Ok(Tools {
        id_prefix: "call_",
        wanted: callable.into_iter().filter(is_allowed).take(most).collect(),
    })
}

fn wanted(json: &Value) -> Checked<Wanted<'_>> {
    let Some(choice) = present(json, "tool_choice") else {
        return Ok(Wanted {
            mode: Mode::Auto,
            names: None,
        });
    };
    let rule = "tool_choice must be \"none\", \"auto\", \"required\" or an object.";
    let wrong = || bad_request("tool_choice", rule);
    match choice.get("type").and_then(Value::as_str) {
        None => Ok(Wanted {
            mode: mode_of(Some(choice)).ok_or_else(wrong)?,
            names: None,
        }),
        Some("function" | "custom") => {
            let name = choice.get("name").and_then(Value::as_str);
            let name = name.ok_or_else(|| missing("tool_choice.name"))?;
            Ok(Wanted {
                mode: Mode::Required,
                names: Some(vec![name]),
            })
        }
        Some("allowed_tools") => {
            let tools = choice.get("tools").and_then(Value::as_array);
            let tools = tools.ok_or_else(|| missing("tool_choice.tools"))?;
            let names = tools.iter().filter_map(|tool| tool.get("name")?.as_str());
            Ok(Wanted {
                mode: mode_of(choice.get("mode")).ok_or_else(wrong)?,
                names: Some(names.collect()),
            })
        }
        // A tool of the provider's own, which the simulator cannot use.
        Some(_) => Ok(Wanted {
            mode: Mode::None,
            names: None,
        }),
    }
}

/// The names of the tools that take text instead of JSON.
pub(super) fn custom_names(json: &Value) -> Vec<String> {
    let is_custom = |tool: &&Value| tool.get("type") == Some(&Value::from("custom"));
    let custom = offered(json).iter().filter(is_custom);
    let names = custom.filter_map(|tool| tool.get("name")?.as_str());
    names.map(str::to_owned).collect()
}

/// Whether the input ends with results.
fn is_answered(json: &Value) -> bool {
    let last = json.get("input").and_then(|input| input.as_array()?.last());
    let kind = last.and_then(|item| item.get("type")?.as_str());
    kind.is_some_and(|kind| kind.ends_with("_call_output"))
}
