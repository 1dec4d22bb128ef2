//! The conversation of a request: its system text and its contents.

use serde_json::Value;

use super::fields::{check_names, get, invalid_value, list, text};
use super::refusal::invalid;
use crate::reply::ask::{Answered, Prompt};
use crate::reply::body::Checked;

const PART_FIELDS: [&str; 14] = [
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
    "thought",
    "thoughtSignature",
    "videoMetadata",
    "mediaResolution",
    "partMetadata",
];

/// The fields of which a part has one.
const DATA: [&str; 9] = [
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// Neighbouring contents of one role.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) is_model: bool,
    pub(super) parts: Vec<&'a Value>,
}

impl<'a> Turn<'a> {
    /// The function calls, or the function responses.
    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> {
        self.parts.iter().filter_map(move |part| get(part, kind))
    }
}

/// What a request says.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub(super) prompt: Prompt,
    pub(super) turns: Vec<Turn<'a>>,
}

impl<'a> Contents<'a> {
    /// Reads `systemInstruction` and `contents`. `is_own` says whether unknown fields are refused.
    pub(super) fn read(json: &'a Value, is_own: bool) -> Checked<Self> {
        // The salt and the roles are those of chat, so that the same question gets the same answer.
        let mut read = Self {
            prompt: Prompt::new(b"chat"),
            turns: Vec::new(),
        };
        match get(json, "systemInstruction") {
            None => {}
            Some(Value::String(text)) => {
                read.prompt.mix(b"system");
                read.prompt.push(text);
            }
            Some(system) => {
                read.prompt.mix(b"system");
                let place = "system_instruction.parts";
                for (at, part) in list(system, "parts", place)?.iter().enumerate() {
                    check_part(&format!("{place}[{at}]"), part, is_own)?;
                    if let Some(text) = text(part, "text") {
                        read.prompt.push(text);
                    }
                }
            }
        }
        let contents = list(json, "contents", "contents")?;
        if contents.is_empty() {
            return Err(invalid(
                "* GenerateContentRequest.contents: contents is not specified\n",
            ));
        }
        for (at, content) in contents.iter().enumerate() {
            read.read_content(&format!("contents[{at}]"), content, is_own)?;
        }
        read.check_calls()?;
        Ok(read)
    }

    fn read_content(&mut self, place: &str, content: &'a Value, is_own: bool) -> Checked<()> {
        if !content.is_object() {
            return Err(invalid_value(place, "TYPE_MESSAGE", content));
        }
        let is_model = match text(content, "role") {
            None | Some("user" | "function" | "") => false,
            Some("model") => true,
            Some(_) => return Err(invalid("Please use a valid role: user, model.")),
        };
        let parts = list(content, "parts", &format!("{place}.parts"))?;
        if parts.is_empty() {
            return Err(invalid(format!(
                "* GenerateContentRequest.{place}.parts: contents.parts must not be empty.\n"
            )));
        }
        if self
            .turns
            .last()
            .is_none_or(|turn| turn.is_model != is_model)
        {
            self.turns.push(Turn {
                is_model,
                parts: Vec::new(),
            });
        }
        let mut has_role = false;
        for (at, part) in parts.iter().enumerate() {
            check_part(&format!("{place}.parts[{at}]"), part, is_own)?;
            if let Some(response) = get(part, "functionResponse") {
                self.prompt.mix(b"tool");
                self.prompt.push(&answer(response));
                has_role = false;
            } else if !std::mem::replace(&mut has_role, true) {
                let role: &[u8] = if is_model { b"assistant" } else { b"user" };
                self.prompt.mix(role);
            }
            let is_thought = get(part, "thought") == Some(&Value::Bool(true));
            if let Some(text) = text(part, "text").filter(|_| !is_thought) {
                self.prompt.push(text);
            }
            if let Some(turn) = self.turns.last_mut() {
                turn.parts.push(part);
            }
        }
        Ok(())
    }

    /// The calls of a turn have as many responses in the next.
    fn check_calls(&self) -> Checked<()> {
        for (at, turn) in self.turns.iter().enumerate() {
            let count = turn.of_kind("functionCall").count();
            let before = at.checked_sub(1).and_then(|at| self.turns.get(at));
            let open = before.map_or(0, |turn| turn.of_kind("functionCall").count());
            let given = turn.of_kind("functionResponse").count();
            if count > 0 && before.is_none() {
                return Err(invalid(
                    "Please ensure that function call turn comes immediately after a user turn or \
                     after a function response turn.",
                ));
            }
            if given > 0 && open == 0 {
                return Err(invalid(
                    "Please ensure that function response turn comes immediately after a function \
                     call turn.",
                ));
            }
            if open != given && (given > 0 || open > 0) {
                return Err(invalid(
                    "Please ensure that the number of function response parts is equal to the \
                     number of function call parts of the function call turn.",
                ));
            }
        }
        Ok(())
    }

    /// The results of functions that the conversation ends with, in order.
    pub(super) fn results(&self) -> Vec<Answered<'a>> {
        let Some(last) = self.turns.last().filter(|turn| !turn.is_model) else {
            return Vec::new();
        };
        let is_result = |part: &&&Value| get(part, "functionResponse").is_some();
        let count = last.parts.iter().rev().take_while(is_result).count();
        let results = last.parts.iter().skip(last.parts.len() - count);
        let results = results.filter_map(|part| get(part, "functionResponse"));
        let answered = results.map(|response| Answered {
            name: text(response, "name"),
            text: answer(response),
        });
        answered.collect()
    }
}

/// The text of a function's response: its only text, or its JSON.
fn answer(response: &Value) -> String {
    let response = get(response, "response");
    let fields = response.and_then(Value::as_object);
    let mut values = fields.into_iter().flat_map(|fields| fields.values());
    match (values.next(), values.next()) {
        (Some(Value::String(text)), None) => text.clone(),
        _ => response.map_or_else(String::new, ToString::to_string),
    }
}

fn check_part(place: &str, part: &Value, is_own: bool) -> Checked<()> {
    if !part.is_object() {
        return Err(invalid_value(place, "TYPE_MESSAGE", part));
    }
    if is_own {
        check_names(part, place, &PART_FIELDS)?;
    }
    let has = |name: &&&str| get(part, name).is_some();
    let mut data = DATA.iter().filter(has);
    match (data.next(), data.next()) {
        // Some clients send a part that has only a signature or metadata.
        (None, _) if has(&&"thoughtSignature") || has(&&"videoMetadata") => {}
        (None, _) => {
            return Err(invalid(format!(
                "* GenerateContentRequest.{place}.data: required oneof field 'data' must have one \
                 initialized field\n"
            )));
        }
        (Some(_), Some(second)) => {
            return Err(invalid(format!(
                "Invalid value at '{place}' (oneof), oneof field 'data' is already set. Cannot set \
                 '{second}'"
            )));
        }
        (Some(_), None) => {}
    }
    for (kind, inner) in [("functionCall", "args"), ("functionResponse", "response")] {
        let Some(value) = get(part, kind) else {
            continue;
        };
        let place = format!("{place}.{}", super::fields::snake(kind));
        if text(value, "name").is_none_or(str::is_empty) {
            return Err(invalid(format!(
                "* GenerateContentRequest.{place}.name: Name cannot be empty.\n"
            )));
        }
        if let Some(wrong) = get(value, inner).filter(|value| !value.is_object()) {
            let place = format!("{place}.{inner}");
            let kind = "type.googleapis.com/google.protobuf.Struct";
            return Err(invalid_value(&place, kind, wrong));
        }
    }
    match get(part, "text") {
        Some(wrong) if !wrong.is_string() => Err(invalid_value(
            &format!("{place}.text"),
            "TYPE_STRING",
            wrong,
        )),
        _ => Ok(()),
    }
}
