//! The choice in an event of a stream.

use std::io::Write;

use serde_json::{Value, json};

use super::api::finish_reason;
use super::logprobs::{CompletionLogprobs, chat_entry};
use crate::reply::json::write_string;
use crate::reply::pieces::{Piece, Pieces};
use crate::reply::tokens::cut_text;

/// Appends the next piece of a chat's choice, after `{"index": …, "delta": {`.
pub(super) fn write_delta(
    pieces: &mut Pieces,
    logprobs: Option<u64>,
    reasoning_field: &str,
    legacy_calls: bool,
    out: &mut Vec<u8>,
) {
    let (mut entry, mut finish) = (None, None);
    match pieces.draw() {
        Some(Piece::Start) => {
            out.extend_from_slice(b"\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
        }
        Some(Piece::Reasoning(text)) => {
            write_string(out, reasoning_field);
            out.push(b':');
            write_string(out, &text);
        }
        Some(Piece::Text(text)) => {
            out.extend_from_slice(b"\"content\":");
            write_string(out, text);
            entry = logprobs.map(|top| chat_entry(text, top));
        }
        Some(Piece::Refusal(text)) => {
            out.extend_from_slice(b"\"refusal\":");
            write_string(out, &text);
        }
        Some(Piece::Call { call, .. }) if legacy_calls => {
            let call = json!({"name": call.name, "arguments": call.arguments});
            let _ = write!(out, "\"function_call\":{call}");
        }
        Some(Piece::Arguments { fragment, .. }) if legacy_calls => {
            let call = json!({"arguments": fragment});
            let _ = write!(out, "\"function_call\":{call}");
        }
        Some(Piece::Call { at, call }) => {
            let call = json!({"index": at, "id": call.id, "type": "function",
                              "function": {"name": call.name, "arguments": call.arguments}});
            // Writing into memory cannot fail.
            let _ = write!(out, "\"tool_calls\":[{call}]");
        }
        Some(Piece::Arguments { at, fragment }) => {
            let call = json!({"index": at, "function": {"arguments": fragment}});
            let _ = write!(out, "\"tool_calls\":[{call}]");
        }
        Some(Piece::Finish(reason)) => finish = Some(reason),
        None => {}
    }
    out.push(b'}');
    let logprobs = entry.map(|entry| json!({"content": [entry], "refusal": null}));
    let finish = finish.as_ref();
    write_end(
        out,
        logprobs,
        finish.map(|reason| finish_reason(reason, legacy_calls)),
    );
}

/// Appends what follows the text of a choice, and ends it.
fn write_end(out: &mut Vec<u8>, logprobs: Option<Value>, finish: Option<&str>) {
    out.extend_from_slice(b",\"logprobs\":");
    match logprobs {
        Some(logprobs) => drop(write!(out, "{logprobs}")),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"finish_reason\":");
    match finish {
        Some(finish) => write_string(out, finish),
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
    // A choice without any text is only its finish.
    let has_text = !pieces.is_finishing();
    let piece = has_text.then(|| pieces.draw()).flatten();
    let tokens = match piece {
        Some(Piece::Start) => cut_text(echo.unwrap_or_default()),
        Some(Piece::Text(token)) => vec![token.to_owned()],
        _ => Vec::new(),
    };
    let is_echo = matches!(piece, Some(Piece::Start));
    let mut entries = CompletionLogprobs::at(*offset);
    for (place, token) in tokens.iter().enumerate() {
        if let Some(top) = logprobs {
            entries.push(token, top, place > 0 || !is_echo);
        }
    }
    let text = tokens.concat();
    *offset = entries.offset;
    out.extend_from_slice(b"{\"text\":");
    write_string(out, &text);
    let _ = write!(out, ",\"index\":{}", pieces.index);
    let is_last = pieces.is_finishing();
    let finish = match is_last.then(|| pieces.draw()).flatten() {
        Some(Piece::Finish(finish)) => Some(finish),
        _ => None,
    };
    let logprobs = logprobs.map(|_| json!(entries));
    let finish = finish.as_ref();
    write_end(
        out,
        logprobs,
        finish.map(|reason| finish_reason(reason, false)),
    );
}
