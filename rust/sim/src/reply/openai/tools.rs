//! Which tools a request wants called, and what they answered.

use serde_json::Value;

use super::api::bad_request;
use crate::reply::ask::{Answered, Mode, Tool, Tools, calls_by_itself};
use crate::reply::body::{Checked, joined_text, present};

/// What `tool_choice` says.
pub(super) struct Wanted<'a> {
    pub(super) mode: Mode,
    /// The tools that may be called; `None` allows all of them.
    pub(super) names: Option<Vec<&'a str>>,
}

/// Whether the request names its tools `functions`, as before there were tools.
pub(super) fn is_legacy(json: &Value) -> bool {
    present(json, "functions").is_some()
}

/// Each tool that the request offers and `tool_choice` allows; only the first without parallel
/// calls. None if the request ends with results, so that a loop that sends them back ends.
pub(super) fn tools<'a>(model: &str, json: &'a Value) -> Checked<Tools<'a>> {
    let is_legacy = is_legacy(json);
    let offered = offered(json, is_legacy);
    let field = if is_legacy {
        "function_call"
    } else {
        "tool_choice"
    };
    let Wanted { mode, names } = wanted(json, field)?;
    if mode == Mode::Required && offered.is_empty() && names.is_none() {
        let message = format!("'{field}' is only allowed when 'tools' are specified.");
        return Err(bad_request(field, &message));
    }
    let is_missing = |name: &&&str| !offered.iter().any(|tool| tool.name == **name);
    if let Some(name) = names.iter().flatten().find(is_missing) {
        let message = format!("{field}: '{name}' is not among the tools.");
        return Err(bad_request(field, &message));
    }
    let calls = match mode {
        Mode::None => false,
        Mode::Auto => calls_by_itself(model),
        Mode::Required => true,
    };
    let is_serial = is_legacy || json.get("parallel_tool_calls") == Some(&Value::Bool(false));
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
        wanted: offered.into_iter().filter(is_allowed).take(most).collect(),
    })
}

/// Refuses function tools for the models that reason, and take them in Responses only: gpt-5.4 and
/// 5.5 with an effort, and the later ones unless the effort is `none`.
pub(super) fn check_reasoning(model: &str, json: &Value) -> Checked<()> {
    let effort = present(json, "reasoning_effort").and_then(Value::as_str);
    let is_refused = match (minor_of_gpt5(model), effort) {
        (None | Some(0..4), _) | (_, Some("none")) | (Some(4 | 5), None) => false,
        _ => !offered(json, false).is_empty(),
    };
    if !is_refused {
        return Ok(());
    }
    let message = format!(
        "Function tools with reasoning_effort are not supported for {model} in \
         /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort \
         to 'none'."
    );
    Err(bad_request("reasoning_effort", &message))
}

/// The 4 of gpt-5.4 and gpt-5.4-mini.
pub(super) fn minor_of_gpt5(model: &str) -> Option<u32> {
    let rest = model.strip_prefix("gpt-5.")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn offered(json: &Value, is_legacy: bool) -> Vec<Tool<'_>> {
    let tools = if is_legacy { "functions" } else { "tools" };
    let tools = json.get(tools).and_then(Value::as_array);
    let offered = tools.into_iter().flatten().filter_map(|tool| {
        let function = if is_legacy {
            tool
        } else {
            tool.get("function")?
        };
        Some(Tool {
            name: function.get("name")?.as_str()?,
            parameters: present(function, "parameters"),
        })
    });
    offered.collect()
}

fn wanted<'a>(json: &'a Value, field: &str) -> Checked<Wanted<'a>> {
    let rule = "\"none\", \"auto\", \"required\" or the name of a function";
    let wrong = || bad_request(field, &format!("{field} must be {rule}."));
    let (mode, names) = match present(json, field) {
        None => (Some(Mode::Auto), None),
        Some(choice) => match (name_in(choice), choice.get("allowed_tools")) {
            (Some(name), _) => (Some(Mode::Required), Some(vec![name])),
            (None, Some(allowed)) => {
                let tools = allowed
                    .get("tools")
                    .and_then(Value::as_array)
                    .ok_or_else(wrong)?;
                (
                    mode_of(allowed.get("mode")),
                    Some(tools.iter().filter_map(name_in).collect()),
                )
            }
            (None, None) => (mode_of(Some(choice)), None),
        },
    };
    let mode = mode.ok_or_else(wrong)?;
    Ok(Wanted { mode, names })
}

/// What a word says about calling tools.
pub(super) fn mode_of(word: Option<&Value>) -> Option<Mode> {
    match word.and_then(Value::as_str) {
        Some("none") => Some(Mode::None),
        Some("auto") => Some(Mode::Auto),
        Some("required" | "any") => Some(Mode::Required),
        _ => None,
    }
}

/// The function that an object names, as tools do or as functions did.
fn name_in(object: &Value) -> Option<&str> {
    let name = object
        .pointer("/function/name")
        .or_else(|| object.get("name"))?;
    name.as_str()
}

fn messages(json: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    json.get("messages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn is_result(message: &Value) -> bool {
    let role = message.get("role").and_then(Value::as_str);
    matches!(role, Some("tool" | "function"))
}

fn is_answered(json: &Value) -> bool {
    messages(json).next_back().is_some_and(is_result)
}

/// The results at the end of the messages, in order.
pub(super) fn results(json: &Value) -> Vec<Answered<'_>> {
    let mut results: Vec<_> = messages(json)
        .rev()
        .take_while(|message| is_result(message))
        .map(|message| Answered {
            name: name_of(json, message),
            text: joined_text(message.get("content")),
        })
        .collect();
    results.reverse();
    results
}

/// The name of the tool that a result is from: its own, or that of the call with its id.
fn name_of<'a>(json: &'a Value, result: &'a Value) -> Option<&'a str> {
    let of_call = || {
        let id = present(result, "tool_call_id")?;
        let calls = messages(json).filter_map(|message| message.get("tool_calls")?.as_array());
        let mut calls = calls.flatten();
        let call = calls.rfind(|call| call.get("id") == Some(id))?;
        call.pointer("/function/name")?.as_str()
    };
    result.get("name").and_then(Value::as_str).or_else(of_call)
}
