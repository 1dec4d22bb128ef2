//! The recorded streams of Messages, each compared with the reply that it would have been in one piece.

// The whole file is a test, including its helper functions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]
#![allow(missing_docs, unreachable_pub, dead_code)]

mod recorded;

use recorded::{Row, rows_of};
use serde_json::{Value, json};
use tokenwire_core::error::Error;
use tokenwire_core::message::{Fold, Reply};
use tokenwire_core::sse::{EventParser, Item};
use tokenwire_core::wire::{Dialect, Messages, Step};

/// What was read of a stream.
struct Streamed {
    reply: Reply,
    done: bool,
    failure: Option<Error>,
}

fn stream(body: &[u8], size: usize) -> Streamed {
    let mut decoder = Messages.stream(1);
    let mut parser = EventParser::new(64 << 20);
    let mut chunks = Vec::new();
    let mut done = false;
    let mut take = |item: Item<'_>| {
        match item {
            Item::Event { name, data } if !done => {
                done = decoder.event(name, data, &mut chunks)? == Step::Done;
            }
            Item::Stray { name, value } if !done => decoder.stray_field(name, value)?,
            _ => {}
        }
        Ok(())
    };
    let mut failure = None;
    for piece in body.chunks(size) {
        failure = failure.or_else(|| parser.push(piece, &mut take).err());
    }
    failure = failure.or_else(|| parser.finish(&mut take).err());
    decoder.flush(&mut chunks);
    let mut fold = Fold::default();
    fold.set_head(decoder.head());
    for chunk in &chunks {
        fold.apply(chunk);
    }
    fold.conclude();
    Streamed {
        reply: fold.into_reply(),
        done,
        failure,
    }
}

fn streams() -> Vec<Row> {
    let mut rows = rows_of(&["messages"]);
    rows.retain(|row| row.is_sse && row.status == 200);
    rows
}

fn events(row: &Row) -> Vec<Value> {
    let data = row
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data:"));
    let events = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let mut events: Vec<_> = events.collect();
    let end = events
        .iter()
        .position(|event| event["type"] == "message_stop");
    events.truncate(end.map_or(events.len(), |end| end + 1));
    events
}

/// The reply in one piece. The blocks of all recorded streams begin one after the other.
fn in_one_piece(events: &[Value]) -> Value {
    let mut message = json!({"content": []});
    let mut json = String::new();
    for event in events {
        let (delta, blocks) = (&event["delta"], message["content"].as_array_mut().unwrap());
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                message
                    .as_object_mut()
                    .unwrap()
                    .extend(event["message"].as_object().unwrap().clone());
            }
            "content_block_start" => {
                blocks.push(event["content_block"].clone());
                json.clear();
            }
            "content_block_delta" => {
                let block = blocks.last_mut().unwrap();
                for key in ["text", "thinking"] {
                    if let Some(piece) = delta[key].as_str() {
                        block[key] = format!("{}{piece}", block[key].as_str().unwrap()).into();
                    }
                }
                for key in ["signature", "content", "encrypted_content"] {
                    if let Some(value) = delta.get(key) {
                        block[key] = value.clone();
                    }
                }
                if !delta["citation"].is_null() {
                    if block["citations"].is_null() {
                        block["citations"] = json!([]);
                    }
                    block["citations"]
                        .as_array_mut()
                        .unwrap()
                        .push(delta["citation"].clone());
                }
                if let Some(piece) = delta["partial_json"].as_str() {
                    json.push_str(piece);
                    if block["type"] == "tool_use" {
                        // As text, so that it is as it was sent.
                        block["input"] = if json.is_empty() {
                            json!({})
                        } else {
                            (*json).into()
                        };
                    } else if let Ok(input) = serde_json::from_str(&json) {
                        block["input"] = input;
                    }
                }
            }
            "message_delta" => {
                for (key, value) in delta.as_object().unwrap() {
                    message[key] = value.clone();
                }
                for (key, value) in event["usage"].as_object().unwrap() {
                    if !value.is_null() {
                        message["usage"][key] = value.clone();
                    }
                }
            }
            _ => {}
        }
    }
    message
}

#[test]
fn a_stream_adds_up_to_the_reply_in_one_piece() {
    let mut rows = 0;
    for row in streams() {
        let streamed = stream(row.body.as_bytes(), usize::MAX);
        assert!(
            streamed.failure.is_none() && streamed.done,
            "{}: {:?}",
            row.source,
            streamed.failure
        );
        let message = in_one_piece(&events(&row)).to_string();
        let whole = Messages.decode_reply(message.as_bytes(), 1).unwrap();
        assert_eq!(streamed.reply, whole, "{}", row.source);
        let pieces = stream(row.body.as_bytes(), 7);
        assert_eq!(pieces.reply, whole, "{}", row.source);
        rows += 1;
    }
    assert!(rows == 0 || rows > 200, "{rows}");
}

#[test]
fn a_stream_that_is_cut_anywhere_is_not_whole() {
    for row in streams().into_iter().step_by(8) {
        let ends = row.body.match_indices("\n\n").map(|(at, _)| at + 2);
        let last = row
            .body
            .find("\"type\":\"message_stop\"")
            .unwrap_or(row.body.len());
        for end in ends.filter(|end| *end < last) {
            let streamed = stream(&row.body.as_bytes()[..end], usize::MAX);
            assert!(
                !streamed.done && streamed.failure.is_none(),
                "{} {end}",
                row.source
            );
        }
    }
}
