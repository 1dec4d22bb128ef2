//! A reply in one piece.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::api::{FINGERPRINT, finish_reason, reply_id};
use super::logprobs::{CompletionLogprobs, chat_entry};
use super::question::{Kind, Question};
use super::usage::usage;
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
    usage: Option<&'a Value>,
    service_tier: &'static str,
    system_fingerprint: &'static str,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

/// The JSON of the whole reply.
pub(crate) fn whole(question: &Question<'_>, said: &Said, reply: &Reply) -> Vec<u8> {
    let is_chat = question.kind == Kind::Chat;
    let choices = said.choices.iter().cloned();
    let id = reply_id(question.kind, said);
    let usage = said.usage(usage);
    let envelope = Envelope {
        id: &id,
        object: if is_chat {
            "chat.completion"
        } else {
            "text_completion"
        },
        created: CREATED,
        model: question.ask.model,
        choices: if is_chat {
            choices
                .map(|choice| chat_choice(question, choice, reply))
                .collect()
        } else {
            choices
                .map(|choice| completion_choice(question, choice))
                .collect()
        },
        usage: usage.as_ref(),
        service_tier: "default",
        system_fingerprint: FINGERPRINT,
        extra: &reply.extra,
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

fn chat_choice(question: &Question<'_>, choice: Choice, reply: &Reply) -> Value {
    let logprobs = question.logprobs.map_or(Value::Null, |top| {
        let mut content = choice.content.clone();
        let mut entries = Vec::new();
        while let Some(token) = content.draw() {
            entries.push(chat_entry(token, top));
        }
        json!({"content": entries, "refusal": null})
    });
    let is_special = !choice.calls.is_empty() || !choice.refusal.is_empty();
    let text = if is_special && choice.content.len() == 0 {
        Value::Null
    } else {
        Value::String(choice.content.text())
    };
    let refusal = (!choice.refusal.is_empty()).then(|| choice.refusal.concat());
    let mut message = json!({"role": "assistant", "content": text, "refusal": refusal});
    if let Value::Object(fields) = &mut message {
        if !choice.reasoning.is_empty() {
            fields.insert(
                reply.reasoning_field.clone(),
                json!(choice.reasoning.concat()),
            );
        }
        if !choice.calls.is_empty() {
            let call = |call: &Call| {
                json!({"id": call.id, "type": "function",
                       "function": {"name": call.name, "arguments": call.arguments}})
            };
            fields.insert(
                "tool_calls".to_owned(),
                choice.calls.iter().map(call).collect(),
            );
        }
        fields.insert("annotations".to_owned(), json!([]));
    }
    json!({"index": choice.index, "message": message, "logprobs": logprobs,
           "finish_reason": finish_reason(&choice.finish)})
}

fn completion_choice(question: &Question<'_>, choice: Choice) -> Value {
    let echo = question.echo(choice.index).unwrap_or_default();
    let logprobs = question.logprobs.map_or(Value::Null, |top| {
        let mut all = CompletionLogprobs::default();
        let mut offset = 0;
        for (place, token) in cut_text(echo).iter().enumerate() {
            all.push(token, top, offset, place > 0);
            offset += token.chars().count() as u64;
        }
        let mut content = choice.content.clone();
        while let Some(token) = content.draw() {
            let token = token.to_owned();
            all.push(&token, top, offset, true);
            offset += token.chars().count() as u64;
        }
        all.into_json()
    });
    let text = echo.to_owned() + &choice.content.text();
    json!({"text": text, "index": choice.index, "logprobs": logprobs,
           "finish_reason": finish_reason(&choice.finish)})
}
