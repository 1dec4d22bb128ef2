//! The recorded streams of Responses, each compared with the reply that its terminal event repeats.

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
use serde_json::Value;
use tokenwire_core::error::Error;
use tokenwire_core::message::{ChunkKind, Fold, Reply};
use tokenwire_core::sse::{EventParser, Item};
use tokenwire_core::wire::{Dialect, Responses, Step};

/// The chunks of a stream, and the reply that they add up to.
struct Streamed {
    chunks: Vec<ChunkKind>,
    reply: Reply,
    done: bool,
    missing: Option<String>,
    failure: Option<Error>,
}

fn stream(body: &[u8], size: usize) -> Streamed {
    let mut decoder = Responses.stream(1);
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
        if let Err(error) = parser.push(piece, &mut take) {
            failure = Some(error);
            break;
        }
    }
    if failure.is_none() {
        failure = parser.finish(&mut take).err();
    }
    let mut fold = Fold::default();
    fold.set_head(decoder.head());
    for chunk in &chunks {
        fold.apply(chunk);
    }
    fold.conclude();
    Streamed {
        missing: decoder.missing(),
        reply: fold.into_reply(),
        chunks,
        done,
        failure,
    }
}

fn streams() -> Vec<Row> {
    let mut rows = rows_of(&["responses"]);
    rows.retain(|row| row.is_sse && row.status == 200);
    rows
}

/// The response that the first terminal event repeats.
fn repeated(row: &Row) -> Option<Value> {
    let data = row
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data:"));
    let events = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let mut ends = events.filter(|event| {
        let kind = event["type"].as_str().unwrap_or_default();
        [
            "response.completed",
            "response.incomplete",
            "response.failed",
        ]
        .contains(&kind)
    });
    ends.next().map(|event| event["response"].clone())
}

/// A reply without what may differ between a stream and its repetition.
fn comparable(reply: &Reply) -> Value {
    let mut value = serde_json::to_value(reply).unwrap();
    let object = value.as_object_mut().unwrap();
    // The ids of one server differ from event to event.
    object.remove("id");
    for part in value["choices"][0]["parts"].as_array_mut().unwrap() {
        // Whoever recorded the rows numbered what they hid.
        if let Some(signature) = part.get_mut("signature").filter(|it| it.is_string()) {
            *signature = "signed".into();
        }
        if let Some(item) = part["extra"]["item"].as_object_mut() {
            item.remove("id");
        }
        if part["type"] == "opaque" {
            part["json"].as_object_mut().unwrap().remove("id");
            part["json"]
                .as_object_mut()
                .unwrap()
                .remove("encrypted_content");
        }
    }
    value
}

#[test]
fn a_stream_adds_up_to_the_reply_that_its_end_repeats() {
    let (mut count, mut other) = (0, Vec::new());
    for row in streams() {
        let streamed = stream(row.body.as_bytes(), usize::MAX);
        let response = repeated(&row).unwrap_or_default();
        if response["output"].as_array().is_none_or(Vec::is_empty) || response["status"] == "failed"
        {
            continue;
        }
        assert!(
            streamed.failure.is_none(),
            "{}: {:?}",
            row.source,
            streamed.failure
        );
        assert!(
            streamed.done && streamed.missing.is_none(),
            "{}",
            row.source
        );
        let whole = Responses
            .decode_reply(response.to_string().as_bytes(), 1)
            .unwrap();
        count += 1;
        let (streamed, whole) = (comparable(&streamed.reply), comparable(&whole));
        if streamed != whole {
            other.push(format!("{}\n  {streamed}\n  {whole}", row.source));
        }
    }
    for line in other.iter().take(12) {
        println!("{}", line.chars().take(1500).collect::<String>());
    }
    println!("{count} streams, {} differ", other.len());
    assert!(other.is_empty());
}
