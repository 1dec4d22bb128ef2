//! What the decoder makes of the events and replies of Messages, each statement by a case of its own.

mod blocks;
mod citations;
mod ends;
mod errors;
mod faults;
mod hostile;
mod opaque;
mod repeat;
mod replies;
mod usage;

use serde_json::{Value, json};

use super::Messages;
use crate::error::{Error, ErrorKind};
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
    read_named(events.iter().map(|data| ("", &**data)))
}

fn read_named<'a>(events: impl IntoIterator<Item = (&'a str, &'a str)>) -> Read {
    let mut decoder = Messages.stream(1);
    let (mut chunks, mut step, mut error) = (Vec::new(), Step::Continue, None);
    for (name, data) in events {
        match decoder.event(name.as_bytes(), data.as_bytes(), &mut chunks) {
            Ok(next) => step = next,
            Err(failure) => {
                error = Some(failure);
                break;
            }
        }
        if step == Step::Done {
            break;
        }
    }
    decoder.flush(&mut chunks);
    let mut fold = Fold::default();
    fold.set_head(decoder.head());
    for chunk in &chunks {
        fold.apply(chunk);
    }
    if error.is_none() && step == Step::Done {
        fold.conclude();
    } else {
        fold.settle();
    }
    Read {
        reply: fold.into_reply(),
        missing: decoder.missing(),
        chunks,
        step,
        error,
    }
}

impl Read {
    /// The reply of a stream that ended well.
    #[track_caller]
    fn whole(&self) -> &Reply {
        assert!(self.error.is_none(), "{:?}", self.error);
        assert_eq!((self.missing.as_deref(), self.step), (None, Step::Done));
        &self.reply
    }

    /// Its parts.
    #[track_caller]
    fn parts(&self) -> Value {
        parts(self.whole())
    }

    /// Why a stream is incomplete that ended all the same, after its own text.
    #[track_caller]
    fn lost(&self) -> &str {
        let error = self.error.as_ref().expect("it is taken for complete");
        assert_eq!(error.kind(), ErrorKind::StreamIncomplete);
        assert!(error.is_retryable());
        error
            .message()
            .strip_prefix("the stream is incomplete: ")
            .unwrap()
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
            let value = serde_json::to_value(part).unwrap();
            let mut shown = match part {
                Part::Reasoning { .. } => json!({
                    "thinking": value["text"], "field": value["field"],
                    "signature": value["signature"], "extra": value["extra"],
                }),
                Part::ToolCall(_) => json!({
                    "call": value["id"], "name": value["name"],
                    "arguments": value["arguments"], "extra": value["extra"],
                }),
                Part::Opaque { .. } => {
                    assert_eq!(value["field"], "content");
                    json!({"opaque": value["json"]})
                }
                Part::Text { .. } | Part::Refusal { .. } => {
                    json!({"text": value["text"], "extra": value["extra"]})
                }
            };
            shown
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            shown
        })
        .collect()
}

/// A whole reply with these blocks.
fn whole(content: &Value) -> Result<Reply, Error> {
    decoded(&json!({
        "type": "message", "id": "msg_1", "model": "m", "role": "assistant",
        "content": content, "stop_reason": "end_turn", "usage": {},
    }))
}

fn decoded(body: &Value) -> Result<Reply, Error> {
    Messages.decode_reply(body.to_string().as_bytes(), 1)
}

fn begun() -> Value {
    json!({"type": "message_start", "message": {
        "type": "message", "id": "msg_1", "model": "m", "role": "assistant", "content": [],
        "stop_reason": null, "stop_sequence": null,
    }})
}

fn start(index: usize, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: usize, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn text(index: usize, text: &str) -> Value {
    delta(index, &json!({"type": "text_delta", "text": text}))
}

fn input(index: usize, json: &str) -> Value {
    delta(
        index,
        &json!({"type": "input_json_delta", "partial_json": json}),
    )
}

fn stop(index: usize) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn tool(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "f", "input": {}})
}

fn no_text() -> Value {
    json!({"type": "text", "text": ""})
}

fn finish(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}})
}

fn end() -> Value {
    json!({"type": "message_stop"})
}

/// A stream with these events of blocks, which ends for this reason.
fn stream(blocks: &[Value], reason: &str) -> Vec<Value> {
    let mut events = vec![begun()];
    events.extend_from_slice(blocks);
    events.extend([finish(reason), end()]);
    events
}
