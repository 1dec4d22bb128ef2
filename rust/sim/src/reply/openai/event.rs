//! The choice in an event of a stream.

use serde_json::{Value, json};

use super::api::finish_reason;
use super::logprobs::{CompletionLogprobs, chat_entry};
use crate::reply::json::{write_json, write_string};
use crate::reply::pieces::{Piece, Pieces};
use crate::reply::tokens::cut_text;

/// Appends the next piece of a chat's choice as `{"index": …, "delta": …}`.
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
    write_finish(out, finish);
}

fn write_call(out: &mut Vec<u8>, call: Value) {
    out.extend_from_slice(b"\"tool_calls\":");
    write_json(out, &Value::Array(vec![call]));
}

/// Appends the finish reason and the end of the choice.
fn write_finish(out: &mut Vec<u8>, reason: Option<&str>) {
    out.extend_from_slice(b",\"finish_reason\":");
    match reason {
        Some(reason) => write_string(out, reason),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

/// Appends the next piece of a completion's choice as `{"text": …, "index": …}`. The start of the
/// choice is the echoed prompt, and the finish comes with the last text. `offset` is the number of
/// characters so far.
pub(super) fn write_text(
    pieces: &mut Pieces,
    echo: Option<&str>,
    logprobs: Option<u64>,
    offset: &mut u64,
    out: &mut Vec<u8>,
) {
    let mut entries = CompletionLogprobs::at(*offset);
    let mut text = String::new();
    // A choice without any text is only its finish.
    if !pieces.is_finishing() {
        match pieces.draw() {
            Some(Piece::Start) => {
                echo.unwrap_or_default().clone_into(&mut text);
                if let Some(top) = logprobs {
                    entries.push_echo(&cut_text(&text), top);
                }
            }
            Some(Piece::Text(token)) => {
                token.clone_into(&mut text);
                if let Some(top) = logprobs {
                    entries.push(&text, top);
                }
            }
            _ => {}
        }
    }
    *offset = entries.offset;
    out.extend_from_slice(b"{\"text\":");
    write_string(out, &text);
    out.extend_from_slice(format!(",\"index\":{}", pieces.index()).as_bytes());
    out.extend_from_slice(b",\"logprobs\":");
    match logprobs {
        Some(_) => write_json(out, &json!(entries)),
        None => out.extend_from_slice(b"null"),
    }
    let last = if pieces.is_finishing() {
        pieces.draw()
    } else {
        None
    };
    write_finish(
        out,
        match last {
            Some(Piece::Finish(finish)) => Some(finish_reason(finish)),
            _ => None,
        },
    );
}
