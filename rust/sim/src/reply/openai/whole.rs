//! A reply in one piece.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::api::{FINGERPRINT, finish_reason, reply_id, usage};
use super::logprobs::{CompletionLogprobs, chat_entry};
use super::question::{Kind, Question};
use crate::reply::choice::{CREATED, Call, Choice, Said};
use crate::reply::tokens::cut_text;
use crate::script::Reply;

#[derive(Serialize)]
struct Envelope<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
    service_tier: &'static str,
    system_fingerprint: &'static str,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

/// Returns the JSON of the whole reply.
pub(super) fn whole(question: &Question<'_>, said: &Said, reply: &Reply) -> Vec<u8> {
    let choices = said.choices.iter().cloned();
    let (object, choices) = match question.kind {
        Kind::Chat => (
            "chat.completion",
            choices
                .map(|choice| chat_choice(question, choice, reply))
                .collect(),
        ),
        Kind::Completions => (
            "text_completion",
            choices
                .map(|choice| completion_choice(question, choice))
                .collect(),
        ),
    };
    let envelope = Envelope {
        id: &reply_id(question.kind, said),
        object,
        created: CREATED,
        model: question.ask.model,
        choices,
        usage: said.usage(usage),
        service_tier: "default",
        system_fingerprint: FINGERPRINT,
        extra: &reply.extra,
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// The field that carries the reasoning.
pub(super) fn reasoning_field(reply: &Reply) -> &str {
    let field = reply.reasoning_field.as_deref();
    field.unwrap_or("reasoning_content")
}

fn chat_choice(question: &Question<'_>, choice: Choice, reply: &Reply) -> Value {
    let logprobs = question.logprobs.map(|top| {
        let mut content = choice.content.clone();
        let mut entries = Vec::new();
        while let Some(token) = content.draw() {
            entries.push(chat_entry(token, top));
        }
        json!({"content": entries, "refusal": null})
    });
    let is_special = !choice.calls.is_empty() || !choice.refusal.is_empty();
    let has_text = choice.content.len > 0 || !is_special;
    let mut message = json!({
        "role": "assistant",
        "content": has_text.then(|| choice.content.text()),
        "refusal": (!choice.refusal.is_empty()).then(|| choice.refusal.concat()),
        "annotations": [],
    });
    let call = |call: &Call| {
        json!({"id": call.id, "type": "function",
               "function": {"name": call.name, "arguments": call.arguments}})
    };
    if let Value::Object(fields) = &mut message {
        if !choice.reasoning.is_empty() {
            let reasoning = choice.reasoning.concat();
            fields.insert(reasoning_field(reply).to_owned(), reasoning.into());
        }
        if let Some(first) = choice.calls.first().filter(|_| question.legacy_calls) {
            let call = json!({"name": first.name, "arguments": first.arguments});
            fields.insert("function_call".to_owned(), call);
        } else if !choice.calls.is_empty() {
            let calls = choice.calls.iter().map(call).collect();
            fields.insert("tool_calls".to_owned(), calls);
        }
    }
    json!({"index": choice.index, "message": message, "logprobs": logprobs,
           "finish_reason": finish_reason(&choice.finish, question.legacy_calls)})
}

fn completion_choice(question: &Question<'_>, choice: Choice) -> Value {
    let echo = question.echo(choice.index).unwrap_or_default();
    let logprobs = question.logprobs.map(|top| {
        let mut entries = CompletionLogprobs::default();
        for (place, token) in cut_text(echo).iter().enumerate() {
            entries.push(token, top, place > 0);
        }
        let mut content = choice.content.clone();
        while let Some(token) = content.draw() {
            entries.push(token, top, true);
        }
        entries
    });
    let text = echo.to_owned() + &choice.content.text();
    json!({"text": text, "index": choice.index, "logprobs": logprobs,
           "finish_reason": finish_reason(&choice.finish, question.legacy_calls)})
}
