//! Thought signatures: made for a reply, and checked when they come back.

use serde_json::Value;

use super::contents::Contents;
use super::fields::{get, text};
use super::model::Model;
use super::refusal::invalid;
use crate::reply::body::Checked;
use crate::reply::sealed::{check, seal};

/// How signatures begin.
const SEAL: &str = "EtcC";

/// What the documentation gives for calls of another model, and the same in base64.
const DUMMIES: [&str; 4] = [
    "skip_thought_signature_validator",
    "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
    "context_engineering_is_the_way_to_go",
    "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv",
];

/// The signature of a call.
pub(super) fn of_call(name: &str, args: &Value) -> String {
    seal(SEAL, &call_key(name, args))
}

/// The signature of a text.
pub(super) fn of_text(seed: u64) -> String {
    seal(SEAL, &format!("{seed:x}"))
}

fn call_key(name: &str, args: &Value) -> String {
    format!("{name} {args}")
}

/// Signatures come back as they were, and the first call of each step of the current turn has one.
pub(super) fn check_signatures(contents: &Contents<'_>, model: Model) -> Checked<()> {
    for part in contents.turns.iter().flat_map(|turn| turn.parts.iter()) {
        if let Some(signature) = text(part, "thoughtSignature") {
            check_one(part, signature)?;
        }
    }
    if !model.is_new() {
        return Ok(());
    }
    let mut position = contents.turns.len();
    for turn in contents.turns.iter().rev() {
        position -= 1;
        let is_question = turn.of_kind("functionResponse").next().is_none();
        if !turn.is_model && is_question {
            break;
        }
        let mut parts = turn.parts.iter().filter(|_| turn.is_model);
        let first = parts.find(|part| get(part, "functionCall").is_some());
        if let Some(part) = first.filter(|part| text(part, "thoughtSignature").is_none()) {
            let name = get(part, "functionCall").and_then(|call| text(call, "name"));
            let name = name.unwrap_or_default();
            return Err(invalid(format!(
                "Function call is missing a thought_signature in functionCall parts. This is \
                 required for tools to work correctly, and missing thought_signature may lead to \
                 degraded model performance. Additional data, function call `default_api:{name}` , \
                 position {position}. Please refer to \
                 https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
            )));
        }
    }
    Ok(())
}

fn check_one(part: &Value, signature: &str) -> Checked<()> {
    if DUMMIES.contains(&signature) {
        return Ok(());
    }
    let call = get(part, "functionCall");
    let key = call.map(|call| {
        let none = Value::Object(serde_json::Map::new());
        call_key(
            text(call, "name").unwrap_or_default(),
            get(call, "args").unwrap_or(&none),
        )
    });
    match check(signature, SEAL, key.as_deref()) {
        Ok(()) => Ok(()),
        Err(_) => Err(invalid("Corrupted thought signature.")),
    }
}
