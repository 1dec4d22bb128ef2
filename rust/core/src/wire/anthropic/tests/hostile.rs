//! Servers that send too much of something.

use serde_json::{Value, json};

use super::{
    begun, decoded, delta, end, input, no_text, read, read_texts, start, stop, stream, text, tool,
};
use crate::error::ErrorKind;
use crate::message::ChunkKind;

const MANY: usize = 16_500;

#[track_caller]
fn is_too_large(events: &[Value]) {
    let error = read(events).error.expect("it is read");
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge, "{}", events[0]);
}

#[test]
fn there_may_be_only_so_many_blocks() {
    for block in [
        json!({"type": "x"}),
        no_text(),
        tool("t"),
        json!({"type": "thinking"}),
    ] {
        let content: Value = vec![block.clone(); MANY].into();
        let body = json!({"type": "message", "content": content, "stop_reason": "end_turn"});
        let error = decoded(&body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
        let mut begun = begun();
        begun["message"]["content"] = content;
        is_too_large(&[begun, super::finish("end_turn")]);
        let events: Vec<_> = (0..MANY).map(|index| start(index, &block)).collect();
        is_too_large(&events);
    }
    let events: [fn(usize) -> Value; 4] = [
        |at| text(at, "a"),
        |at| input(at, "a"),
        |at| start(0, &tool(&at.to_string())),
        |at| start(MANY - at, &json!({"type": "x", "n": at})),
    ];
    for event in events {
        is_too_large(&(0..MANY).map(event).collect::<Vec<_>>());
    }
}

#[test]
fn there_may_be_only_so_many_citations_and_changes_of_a_block() {
    let cited = delta(0, &json!({"type": "citations_delta", "citation": {}}));
    is_too_large(&vec![cited; MANY]);
    let mut events = vec![start(0, &json!({"type": "x"}))];
    events.extend((0..MANY).map(|at| delta(0, &json!({"type": "x_delta", (format!("k{at}")): 1}))));
    is_too_large(&events);
}

#[test]
fn pieces_of_one_block_have_no_limit() {
    let mut events = vec![start(0, &json!({"type": "server_tool_use", "input": {}}))];
    events.extend(vec![input(0, " "); MANY]);
    events.push(stop(0));
    assert!(read(&stream(&events, "end_turn")).error.is_none());
}

#[test]
fn what_is_kept_of_a_block_until_its_end_is_limited() {
    let mut events = vec![start(0, &json!({"type": "server_tool_use", "input": {}}))];
    events.extend(vec![input(0, &"x".repeat(1 << 20)); 8]);
    is_too_large(&stream(&events, "end_turn"));
}

/// How many bytes the details of all counts have that were passed on.
fn details_passed_on(chunks: &[ChunkKind]) -> usize {
    let details = chunks.iter().filter_map(|chunk| match chunk {
        ChunkKind::Delta(delta) => delta.usage.as_ref()?.details.as_ref(),
        ChunkKind::Text(_) => None,
    });
    details.map(|json| json.get().len()).sum()
}

#[test]
fn counts_that_grow_with_each_event_are_passed_on_twice_at_most() {
    for reason in [json!("end_turn"), json!(null)] {
        let mut events = vec![begun(), start(0, &no_text()), text(0, "a"), stop(0)];
        events.extend((0..1000).map(|at| {
            json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {(format!("k{at}")): at}})
        }));
        events.push(end());
        let streamed = read(&events);
        let usage = streamed.whole().usage.as_ref().unwrap();
        let whole = usage.details.as_ref().unwrap().get();
        assert!(whole.starts_with('{') && whole.contains("\"k999\":999"));
        let passed_on = details_passed_on(&streamed.chunks);
        assert!(passed_on <= 2 * whole.len(), "{passed_on} {}", whole.len());
    }
}

#[test]
fn what_counts_may_have_beyond_the_common_ones_is_limited() {
    let counted = |key: String, value: Value| json!({"type": "message_delta", "delta": {}, "usage": {(key): value}});
    let large = json!("y".repeat(1 << 20));
    let events: Vec<_> = (0..8)
        .map(|at| counted(at.to_string(), large.clone()))
        .collect();
    is_too_large(&events);
    let events: Vec<_> = (0..MANY)
        .map(|at| counted(at.to_string(), json!(1)))
        .collect();
    is_too_large(&events);
    // What takes the place of what there was is not more.
    let mut events = vec![begun()];
    events.extend(vec![counted("x".to_owned(), large); 8]);
    events.extend([super::finish("end_turn"), end()]);
    assert!(read(&events).error.is_none());
}

#[test]
fn what_is_nested_too_deep_is_an_error() {
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    let event = format!(
        r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"x","deep":{deep}}}}}"#
    );
    let error = read_texts(&[event]).error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[test]
fn an_index_may_be_anything() {
    for index in [
        json!(u64::MAX),
        json!(-1),
        json!(1.5),
        json!("3"),
        json!(null),
        json!([]),
    ] {
        let mut events = [start(0, &no_text()), text(0, "a"), stop(0)];
        for event in &mut events {
            event["index"] = index.clone();
        }
        let streamed = read(&stream(&events, "end_turn"));
        assert_eq!(streamed.reply.choices[0].text(), "a", "{index}");
    }
}
