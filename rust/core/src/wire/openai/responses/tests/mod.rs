//! What the decoder makes of the events and replies of Responses, each statement by a case of its own.

mod ends;
mod errors;
mod faults;
mod hostile;
mod items;
mod repeat;
mod replies;
mod shared_signs;

use serde_json::{Value, json};

use super::Responses;
use crate::error::Error;
use crate::message::{ChunkKind, Fold, Part, Reply, StreamEvent, StreamEvents};
use crate::wire::{Dialect, Step};

/// What was read from a list of events.
struct Read {
    reply: Reply,
    chunks: Vec<ChunkKind>,
    step: Step,
    missing: Option<String>,
    error: Option<Error>,
}

/// Reads events. An error ends the stream, and the reply has what arrived before it.
fn read(events: &[Value]) -> Read {
    let texts: Vec<_> = events.iter().map(Value::to_string).collect();
    read_texts(&texts)
}

fn read_texts(events: &[String]) -> Read {
    let mut decoder = Responses.stream(1);
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
    let mut fold = Fold::default();
    fold.set_head(decoder.head());
    for chunk in &chunks {
        fold.apply(chunk);
    }
    fold.settle();
    Read {
        reply: fold.into_reply(),
        missing: decoder.missing(),
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

/// The parts of a reply, each with what the test is about.
fn parts(reply: &Reply) -> Value {
    let parts = reply.choices.iter().flat_map(|choice| &choice.parts);
    parts
        .map(|part| {
            let mut value = serde_json::to_value(part).unwrap();
            let kind = value["type"].take();
            match part {
                Part::Reasoning { .. } => json!({
                    "reasoning": value["text"], "field": value["field"],
                    "signature": value["signature"], "extra": value["extra"],
                }),
                Part::ToolCall(_) => json!({
                    "call": value["id"], "name": value["name"],
                    "arguments": value["arguments"], "extra": value["extra"],
                }),
                Part::Opaque { .. } => json!({"opaque": value["json"], "field": value["field"]}),
                Part::Text { .. } | Part::Refusal { .. } => {
                    json!({kind.as_str().unwrap(): value["text"], "extra": value["extra"]})
                }
            }
        })
        .collect()
}

/// A whole reply with these items.
fn whole(output: &Value) -> Result<Reply, Error> {
    decoded(&json!({"id": "resp_1", "object": "response", "status": "completed", "output": output}))
}

fn decoded(body: &Value) -> Result<Reply, Error> {
    Responses.decode_reply(body.to_string().as_bytes(), 1)
}

fn added(index: usize, item: &Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

fn done(index: usize, item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

fn text_delta(index: usize, text: &str) -> Value {
    json!({"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": text})
}

fn message(id: &str, text: &str) -> Value {
    json!({
        "type": "message", "id": id, "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    })
}

fn opened(id: &str) -> Value {
    json!({"type": "message", "id": id, "role": "assistant", "status": "in_progress", "content": []})
}

fn call(id: &str, arguments: &str) -> Value {
    json!({
        "type": "function_call", "id": id, "call_id": format!("call_{id}"), "name": "f",
        "arguments": arguments, "status": "completed",
    })
}

fn completed(output: &Value) -> Value {
    json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": output}})
}
