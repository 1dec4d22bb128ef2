//! What the model says, as parts.

use serde_json::Value;

use super::model::Model;
use super::signatures::{of_call, of_text};
use crate::reply::choice::{Call, Choice, Finish};
use crate::script::Reply;

/// What a candidate consists of.
#[derive(Debug)]
pub(super) struct Candidate {
    /// What is said. Its text has not been drawn.
    pub(super) choice: Choice,
    /// For each call, whether its id is sent.
    ids: Vec<bool>,
    /// Whether the reply is signed.
    is_signed: bool,
    seed: u64,
}

impl Candidate {
    pub(super) fn new(choice: Choice, reply: &Reply, model: Model, seed: u64) -> Self {
        let scripted = |at: usize| {
            reply
                .tool_calls
                .get(at)
                .is_some_and(|call| call.id.is_some())
        };
        let count = choice.calls.len();
        Self {
            ids: (0..count)
                .map(|at| model.has_ids() || scripted(at))
                .collect(),
            is_signed: model.signs() || choice.has_reasoning,
            seed: seed.wrapping_add(choice.index),
            choice,
        }
    }

    /// Whether nothing came of the prompt.
    pub(super) fn is_blocked(&self) -> bool {
        let choice = &self.choice;
        !choice.refusal.is_empty() && choice.content.len == 0 && choice.calls.is_empty()
    }

    /// All parts, as JSON texts.
    pub(super) fn parts(&self) -> Vec<String> {
        let choice = &self.choice;
        let mut parts = Vec::new();
        if !choice.reasoning.is_empty() {
            parts.push(thought_part(&choice.reasoning.concat()));
        }
        if choice.content.len > 0 {
            let signature = self.signs_text().then(|| of_text(self.seed));
            let text = choice.content.clone().text();
            parts.push(text_part(&text, signature.as_deref()));
        }
        parts.extend((0..choice.calls.len()).map(|at| self.call_part(at)));
        parts
    }

    /// The last part of a stream: a text without text, which has the signature.
    pub(super) fn last_part(&self) -> String {
        let signature = self.signs_text().then(|| of_text(self.seed));
        text_part("", signature.as_deref())
    }

    /// Whether the text has the signature, and not a call.
    fn signs_text(&self) -> bool {
        self.is_signed && self.choice.calls.is_empty()
    }

    /// A call, complete. Only the first is signed.
    pub(super) fn call_part(&self, at: usize) -> String {
        let Some(call) = self.choice.calls.get(at) else {
            return text_part("", None);
        };
        let args = args(call);
        let id = self.ids.get(at).filter(|is_sent| **is_sent);
        let id = id.map_or_else(String::new, |_| {
            format!(",\"id\":{}", Value::from(&*call.id))
        });
        let signature = if self.is_signed && at == 0 {
            format!(",\"thoughtSignature\":\"{}\"", of_call(&call.name, &args))
        } else {
            String::new()
        };
        let name = Value::from(&*call.name);
        format!("{{\"functionCall\":{{\"name\":{name},\"args\":{args}{id}}}{signature}}}")
    }

    /// `finishReason`. A script's is a word of chat or of this API.
    pub(super) fn finish(&self) -> &str {
        match &self.choice.finish {
            Finish::Stop | Finish::Calls if !self.choice.refusal.is_empty() => "SAFETY",
            Finish::Stop | Finish::Calls => "STOP",
            Finish::Length => "MAX_TOKENS",
            Finish::Scripted(word) => match word.as_str() {
                "stop" | "tool_calls" | "function_call" => "STOP",
                "length" => "MAX_TOKENS",
                "content_filter" => "SAFETY",
                word => word,
            },
        }
    }
}

/// The arguments; what is not an object is put into one.
fn args(call: &Call) -> Value {
    match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        _ if call.arguments.trim().is_empty() => serde_json::json!({}),
        _ => serde_json::json!({ "input": call.arguments }),
    }
}

pub(super) fn thought_part(text: &str) -> String {
    format!("{{\"text\":{},\"thought\":true}}", Value::from(text))
}

pub(super) fn text_part(text: &str, signature: Option<&str>) -> String {
    let signature = signature.map_or_else(String::new, |signature| {
        format!(",\"thoughtSignature\":\"{signature}\"")
    });
    format!("{{\"text\":{}{signature}}}", Value::from(text))
}
