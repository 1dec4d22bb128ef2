//! The conversation of a request, and what must come back of earlier replies.

use std::collections::HashSet;

use serde_json::Value;

use super::items::SEAL;
use super::question::{invalid_value, missing};
use crate::reply::api::Checks;
use crate::reply::ask::{Answered, Prompt};
use crate::reply::body::{Checked, joined_text, present};
use crate::reply::openai::api::{bad_request, refusal};
use crate::reply::sealed::{self, Broken};

const ROLES: [&str; 4] = ["assistant", "system", "developer", "user"];

/// The parts of a message that the model wrote, and of any other.
const WRITTEN: [&str; 2] = ["output_text", "refusal"];
const SENT: [&str; 5] = [
    "input_text",
    "input_image",
    "input_file",
    "input_audio",
    "computer_screenshot",
];

/// What a request says.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) prompt: Prompt,
    /// The results of tools that it ends with.
    pub(super) results: Vec<Answered<'a>>,
}

/// Reads `instructions` and `input`. An item that was not stored is known by its content alone.
pub(super) fn read_input(json: &Value, is_stored: bool, checks: Checks) -> Checked<Input<'_>> {
    // The salt and the roles are those of chat, so that the same question gets the same answer.
    let mut prompt = Prompt::new(b"chat");
    if let Some(instructions) = present(json, "instructions") {
        let text = instructions.as_str();
        let text =
            text.ok_or_else(|| bad_request("instructions", "instructions must be a string."))?;
        prompt.mix(b"system");
        prompt.push(text);
    }
    let continues = ["previous_response_id", "conversation", "prompt"];
    let continues = continues.iter().any(|name| present(json, name).is_some());
    let items = match present(json, "input") {
        Some(Value::String(text)) => {
            prompt.mix(b"user");
            prompt.push(text);
            &[][..]
        }
        Some(Value::Array(items)) if !items.is_empty() || continues => items,
        None if continues => &[],
        Some(Value::Array(_)) | None => {
            let message = "One of \"input\" or \"previous_response_id\" or 'prompt' or \
                           'conversation_id' must be provided.";
            return Err(refusal(
                400,
                message,
                Some("input"),
                Some("missing_required_parameter"),
            ));
        }
        Some(_) => {
            return Err(bad_request(
                "input",
                "input must be a string or a list of items.",
            ));
        }
    };
    if checks.are_own {
        check_ids(items)?;
    }
    for (at, item) in items.iter().enumerate() {
        read_item(&format!("input[{at}]"), item, &mut prompt)?;
    }
    if checks.are_own {
        check_reasoning(items, is_stored, checks)?;
    }
    if !continues && !items.iter().any(stands_for_others) {
        check_calls(items)?;
    }
    Ok(Input {
        prompt,
        results: results(items),
    })
}

fn kind(item: &Value) -> &str {
    let kind = item.get("type").and_then(Value::as_str);
    // The easy form of a message has no type.
    kind.unwrap_or("message")
}

fn text<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    item.get(name).and_then(Value::as_str)
}

/// Whether the item replaces items that are not in the input.
fn stands_for_others(item: &Value) -> bool {
    matches!(kind(item), "item_reference" | "compaction")
}

fn read_item(place: &str, item: &Value, prompt: &mut Prompt) -> Checked<()> {
    if !item.is_object() {
        return Err(bad_request(place, &format!("{place} must be an object.")));
    }
    let needed: &[&str] = match kind(item) {
        "message" => return read_message(place, item, prompt),
        "reasoning" => {
            return match item.get("summary") {
                Some(Value::Array(_)) => Ok(()),
                _ => Err(missing(&format!("{place}.summary"))),
            };
        }
        "function_call" => &["call_id", "name", "arguments"],
        "custom_tool_call" => &["call_id", "name", "input"],
        "function_call_output" | "custom_tool_call_output" => {
            prompt.mix(b"tool");
            let output = item
                .get("output")
                .ok_or_else(|| missing(&format!("{place}.output")))?;
            read_content(&format!("{place}.output"), output, &SENT, prompt)?;
            &["call_id"]
        }
        _ => &[],
    };
    match needed.iter().find(|name| text(item, name).is_none()) {
        Some(name) => Err(missing(&format!("{place}.{name}"))),
        None => Ok(()),
    }
}

fn read_message(place: &str, item: &Value, prompt: &mut Prompt) -> Checked<()> {
    let role = present(item, "role").ok_or_else(|| missing(&format!("{place}.role")))?;
    let word = role.as_str().unwrap_or_default();
    if !ROLES.contains(&word) {
        return Err(invalid_value(&format!("{place}.role"), role, &ROLES));
    }
    prompt.mix(word.as_bytes());
    let content = present(item, "content").ok_or_else(|| missing(&format!("{place}.content")))?;
    let known: &[&str] = if word == "assistant" { &WRITTEN } else { &SENT };
    read_content(&format!("{place}.content"), content, known, prompt)
}

/// Reads a string or a list of parts.
fn read_content(place: &str, content: &Value, known: &[&str], prompt: &mut Prompt) -> Checked<()> {
    match content {
        Value::String(text) => prompt.push(text),
        Value::Array(parts) => {
            for (at, part) in parts.iter().enumerate() {
                let place = format!("{place}[{at}].type");
                let kind = present(part, "type").ok_or_else(|| missing(&place))?;
                if !kind.as_str().is_some_and(|kind| known.contains(&kind)) {
                    return Err(invalid_value(&place, kind, known));
                }
                if let Some(text) = text(part, "text").or_else(|| text(part, "refusal")) {
                    prompt.push(text);
                }
            }
        }
        _ => {
            return Err(bad_request(
                place,
                &format!("{place} must be a string or a list of parts."),
            ));
        }
    }
    Ok(())
}

/// The id of an item begins with its kind; that of a call (`call_…`) is not an item's.
fn check_ids(items: &[Value]) -> Checked<()> {
    for (at, item) in items.iter().enumerate() {
        let prefix = match kind(item) {
            "message" => "msg",
            "reasoning" => "rs",
            "function_call" => "fc",
            "custom_tool_call" => "ctc",
            _ => continue,
        };
        match text(item, "id") {
            Some(id) if !id.starts_with(prefix) => {
                let param = format!("input[{at}].id");
                let message = format!(
                    "Invalid '{param}': '{id}'. Expected an ID that begins with '{prefix}'."
                );
                return Err(refusal(400, &message, Some(&param), Some("invalid_value")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Each reasoning item is unchanged, and the item that it led to follows.
fn check_reasoning(items: &[Value], is_stored: bool, checks: Checks) -> Checked<()> {
    for (at, item) in items.iter().enumerate() {
        if kind(item) != "reasoning" {
            continue;
        }
        let id = text(item, "id");
        let shown = id.unwrap_or_default();
        match (text(item, "encrypted_content"), id) {
            (None, Some(id)) if !is_stored => {
                let message = format!(
                    "Item with id '{id}' not found. Items are not persisted when `store` is set to \
                     false. Try again with `store` set to true, or remove this item from your input."
                );
                return Err(bad_request("input", &message));
            }
            (Some(content), id) if checks.are_sealed => {
                if let Err(broken) = sealed::check(content, SEAL, id) {
                    let reason = match broken {
                        Broken::Unreadable => "Encrypted content could not be decrypted or parsed.",
                        Broken::Misplaced => {
                            "Encrypted content item_id did not match the target item id."
                        }
                    };
                    let message = format!(
                        "The encrypted content for item {shown} could not be verified. Reason: {reason}"
                    );
                    return Err(refusal(
                        400,
                        &message,
                        None,
                        Some("invalid_encrypted_content"),
                    ));
                }
            }
            _ => {}
        }
        let mut rest = items.iter().skip(at + 1);
        let next = rest.find(|item| kind(item) != "reasoning");
        if !next.is_some_and(is_written) {
            let message = format!(
                "Item '{shown}' of type 'reasoning' was provided without its required following item."
            );
            return Err(bad_request("input", &message));
        }
    }
    Ok(())
}

/// Whether the model wrote the item.
fn is_written(item: &Value) -> bool {
    match kind(item) {
        "message" => text(item, "role") == Some("assistant"),
        kind => !kind.ends_with("_output"),
    }
}

/// Each call has its output, and each output its call.
fn check_calls(items: &[Value]) -> Checked<()> {
    for (call, output, words) in [
        ("function_call", "function_call_output", "function call"),
        (
            "custom_tool_call",
            "custom_tool_call_output",
            "custom tool call",
        ),
    ] {
        let ids = |wanted: &'static str| {
            let found = items.iter().filter(move |item| kind(item) == wanted);
            found.filter_map(|item| text(item, "call_id"))
        };
        let outputs: HashSet<_> = ids(output).collect();
        if let Some(id) = ids(call).find(|id| !outputs.contains(id)) {
            let message = format!("No tool output found for {words} {id}.");
            return Err(bad_request("input", &message));
        }
        // A call of any kind, such as a search for tools, may be answered like a function.
        let calls = items.iter().filter(|item| !kind(item).ends_with("_output"));
        let calls: HashSet<_> = calls.filter_map(|item| text(item, "call_id")).collect();
        if let Some(id) = ids(output).find(|id| !calls.contains(id)) {
            let message = format!("No tool call found for {words} output with call_id {id}.");
            return Err(bad_request("input", &message));
        }
    }
    Ok(())
}

/// The results at the end of the input, in order.
fn results(items: &[Value]) -> Vec<Answered<'_>> {
    let is_result = |item: &&Value| kind(item).ends_with("_call_output");
    let count = items.iter().rev().take_while(is_result).count();
    let last = items.iter().skip(items.len() - count);
    let of_call = |id: &Value| {
        let call = items
            .iter()
            .rfind(|item| !is_result(item) && item.get("call_id") == Some(id))?;
        text(call, "name")
    };
    let answered = last.map(|item| Answered {
        name: item.get("call_id").and_then(of_call),
        text: joined_text(item.get("output")),
    });
    answered.collect()
}
