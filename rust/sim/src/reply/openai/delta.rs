//! The choice in an event of a chat.

use serde_json::{Value, json};

use super::api::finish_reason;
use super::logprobs::chat_entry;
use crate::reply::json::{write_json, write_string};
use crate::reply::pieces::{Piece, Pieces};

/// Appends the next piece of a choice as `{"index": …, "delta": …}`.
pub(super) fn write_delta(
    pieces: &mut Pieces,
    logprobs: Option<u64>,
    reasoning_field: &str,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"index\":");
    if let Ok(digit @ 0..=9) = u8::try_from(pieces.index()) {
        out.push(b'0' + digit);
    } else {
        out.extend_from_slice(pieces.index().to_string().as_bytes());
    }
    out.extend_from_slice(b",\"delta\":{");
    let (mut entry, mut finish) = (None, None);
    match pieces.draw() {
        Some(Piece::Start) => {
            out.extend_from_slice(b"\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
        }
        Some(Piece::Reasoning(text)) => {
            write_string(out, reasoning_field);
            out.push(b':');
            write_string(out, text);
        }
        Some(Piece::Text(text)) => {
            out.extend_from_slice(b"\"content\":");
            write_string(out, text);
            entry = logprobs.map(|top| chat_entry(text, top));
        }
        Some(Piece::Refusal(text)) => {
            out.extend_from_slice(b"\"refusal\":");
            write_string(out, text);
        }
        Some(Piece::Call {
            at,
            call,
            arguments,
        }) => {
            let function = json!({"name": call.name, "arguments": arguments});
            let call = json!({"index": at, "id": call.id, "type": "function",
                              "function": function});
            write_call(out, call);
        }
        Some(Piece::Arguments { at, fragment }) => {
            write_call(
                out,
                json!({"index": at, "function": {"arguments": fragment}}),
            );
        }
        Some(Piece::Finish(reason)) => finish = Some(finish_reason(reason)),
        None => {}
    }
    out.extend_from_slice(b"},\"logprobs\":");
    match entry {
        Some(entry) => write_json(out, &json!({"content": [entry], "refusal": null})),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"finish_reason\":");
    match finish {
        Some(finish) => write_string(out, finish),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

fn write_call(out: &mut Vec<u8>, call: Value) {
    out.extend_from_slice(b"\"tool_calls\":");
    write_json(out, &Value::Array(vec![call]));
}
