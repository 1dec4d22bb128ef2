//! What the decoder makes of the events and replies of Gemini, each statement by a case of its own.

mod arguments;
mod calls;
mod ends;
mod errors;
mod hostile;
mod repeat;
mod replies;
mod streams;

use serde_json::{Value, json};

use super::Gemini;
use crate::error::Error;
use crate::message::{ChunkKind, Fold, Part, Reply, StreamEvent, StreamEvents};
use crate::wire::{Dialect, Step};

/// What was read from a list of events.
struct Read {
    reply: Reply,
    chunks: Vec<ChunkKind>,
    step: Step,
    missing: Option<String>,
    failure: Option<Error>,
    error: Option<Error>,
}

/// Reads events. An error ends the stream, and the reply has what arrived before it.
fn read(events: &[Value]) -> Read {
    let texts: Vec<_> = events.iter().map(Value::to_string).collect();
    read_texts(&texts, 1)
}

fn read_texts(events: &[String], asked: usize) -> Read {
    let mut decoder = Gemini.stream(asked);
    let (mut chunks, mut step, mut error) = (Vec::new(), Step::Continue, None);
    for event in events {
        match decoder.event(b"", event.as_bytes(), &mut chunks) {
            Ok(next) => step = next,
            Err(failure) => {
                error = Some(failure);
                break;
            }
        }
    }
    decoder.flush(&mut chunks);
    let mut fold = Fold::default();
    fold.set_head(decoder.head());
    for chunk in &chunks {
        fold.apply(chunk);
    }
    fold.settle();
    Read {
        reply: fold.into_reply(),
        missing: decoder.missing(),
        failure: decoder.failure().cloned(),
        chunks,
        step,
        error,
    }
}

impl Read {
    /// The parts of a stream that ended well.
    #[track_caller]
    fn parts(&self) -> Value {
        assert!(self.error.is_none(), "{:?}", self.error);
        assert!(self.failure.is_none(), "{:?}", self.failure);
        assert_eq!(self.missing, None);
        parts(&self.reply)
    }

    /// The calls that were complete, in the order in which that was known.
    fn calls_done(&self) -> Vec<String> {
        let (mut events, mut out) = (StreamEvents::default(), Vec::new());
        for chunk in &self.chunks {
            events.push(chunk, &mut out);
        }
        out.into_iter()
            .filter_map(|event| match event {
                StreamEvent::ToolCallDone { call, .. } => Some(call.arguments),
                _ => None,
            })
            .collect()
    }
}

/// The parts of a reply, each with what the test is about. An id that was made up is `*`.
fn parts(reply: &Reply) -> Value {
    let parts = reply.choices.iter().flat_map(|choice| &choice.parts);
    parts
        .map(|part| {
            let mut value = serde_json::to_value(part).unwrap();
            let kind = value["type"].take();
            let mut shown = match part {
                Part::Reasoning { .. } => json!({
                    "thought": value["text"], "field": value["field"], "signature": value["signature"],
                }),
                Part::ToolCall(call) => {
                    let id = call.id.as_deref().unwrap();
                    let id = if crate::wire::call_id::is_made_up(id) { "*" } else { id };
                    let arguments: Value = serde_json::from_str(&call.arguments)
                        .unwrap_or_else(|_| json!({"cut": call.arguments}));
                    json!({"call": id, "name": value["name"], "arguments": arguments})
                }
                Part::Opaque { .. } => json!({"opaque": value["json"], "field": value["field"]}),
                Part::Text { .. } | Part::Refusal { .. } => json!({kind.as_str().unwrap(): value["text"]}),
            };
            if !value["extra"].is_null() {
                shown["extra"] = value["extra"].take();
            }
            shown
        })
        .collect()
}

/// An event of the first candidate with these parts.
fn event(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]})
}

/// The last event.
fn last(word: &str) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": word}]})
}

/// A whole reply with these parts.
fn whole(parts: &Value) -> Result<Reply, Error> {
    decoded(&json!({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}))
}

fn decoded(body: &Value) -> Result<Reply, Error> {
    Gemini.decode_reply(body.to_string().as_bytes(), 1)
}
