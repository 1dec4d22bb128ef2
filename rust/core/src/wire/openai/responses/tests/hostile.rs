//! Servers that send too much of something.

use serde_json::{Value, json};

use super::{added, completed, decoded, done, read, read_texts, text_delta};
use crate::error::ErrorKind;

const MANY: usize = 20_000;

#[test]
fn there_may_be_only_so_many_items_and_blocks() {
    let items: Value = vec![json!({"type": "x"}); MANY].into();
    let blocks = json!([{"type": "message", "content": vec![json!({"type": "y"}); MANY]}]);
    let summaries = json!([{"type": "reasoning", "summary": vec![json!({}); MANY]}]);
    for output in [items, blocks, summaries] {
        let body = json!({"object": "response", "status": "completed", "output": output});
        assert_eq!(
            decoded(&body).unwrap_err().kind(),
            ErrorKind::ResponseTooLarge
        );
        assert_eq!(
            read(&[completed(&output)]).error.unwrap().kind(),
            ErrorKind::ResponseTooLarge
        );
    }
    let events: [fn(usize) -> Value; 6] = [
        |at| added(at, &json!({"type": "function_call", "name": "f"})),
        |at| {
            done(
                at,
                &json!({"type": "message", "id": at.to_string(), "content": "a"}),
            )
        },
        |at| text_delta(at, "a"),
        |at| added(0, &json!({"type": "message", "id": at.to_string()})),
        |at| json!({"type": "response.content_part.added", "output_index": 0, "content_index": at, "part": {"type": "output_text", "text": ""}}),
        |at| json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": at, "delta": "a"}),
    ];
    for event in events {
        let events: Vec<_> = (0..MANY).map(event).collect();
        let error = read(&events).error;
        if events[0]["item"]["type"] == "message"
            && events[0]["type"] == "response.output_item.added"
        {
            // The same item, whose id changes.
            assert!(error.is_none());
        } else {
            assert_eq!(
                error.unwrap().kind(),
                ErrorKind::ResponseTooLarge,
                "{}",
                events[0]
            );
        }
    }
}

#[test]
fn what_items_have_is_not_kept_without_end_while_they_are_open() {
    let events: Vec<_> = (0..8)
        .map(|at| {
            added(
                at,
                &json!({"type": "message", "id": "m", "x": "y".repeat(1 << 20)}),
            )
        })
        .collect();
    let streamed = read(&events);
    assert_eq!(streamed.error.unwrap().kind(), ErrorKind::ResponseTooLarge);
    // What is added again takes the place of what there was.
    let again: Vec<_> = vec![events[0].clone(); 8];
    assert!(read(&again).error.is_none());
}

#[test]
fn copies_of_a_text_take_no_memory() {
    let text = "x".repeat(1 << 20);
    let event = json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": text}).to_string();
    let streamed = read_texts(&vec![event; 16]);
    let chunks: Vec<_> = streamed
        .chunks
        .iter()
        .filter(|chunk| chunk.has_content())
        .collect();
    assert_eq!(chunks.len(), 1);
    assert_eq!(streamed.reply.choices[0].text(), text);
}

#[test]
fn what_is_nested_too_deep_is_an_error() {
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    let event = format!(
        r#"{{"type":"response.output_item.done","output_index":0,"item":{{"type":"x","deep":{deep}}}}}"#
    );
    assert_eq!(
        read_texts(&[event]).error.unwrap().kind(),
        ErrorKind::Decode
    );
}
