//! Servers that send too much of something.

use serde_json::{Value, json};

use super::{
    begun, decoded, delta, end, finish, input, no_text, read, read_texts, start, stop, stream,
    text, tool,
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
        is_too_large(&[begun, finish("end_turn")]);
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

#[test]
fn what_is_counted_besides_is_not_repeated_without_end() {
    let mut first = begun();
    first["message"]["usage"] = json!({"x": "y".repeat(1 << 16)});
    let counts: [fn(usize) -> Value; 2] = [
        |at| json!({"output_tokens": at}),
        |at| json!({"output_tokens": at, (format!("k{at}")): at}),
    ];
    for count in counts {
        let last = |at| json!({"type": "message_delta", "delta": {}, "usage": count(at)});
        let mut events = vec![first.clone(), start(0, &no_text()), stop(0)];
        events.extend((0..1_000).map(last));
        let cut = read(&events);
        events.extend([finish("end_turn"), end()]);
        for streamed in [cut, read(&events)] {
            let reports = streamed.chunks.iter().filter(|chunk| match chunk {
                ChunkKind::Delta(delta) => delta.usage.is_some(),
                ChunkKind::Text(_) => false,
            });
            assert!(reports.count() < 8);
            let usage = streamed.reply.usage.unwrap();
            let details: Value = serde_json::from_str(usage.details.unwrap().get()).unwrap();
            let beside = count(999).as_object().unwrap().len() - 1;
            assert_eq!(details.as_object().unwrap().len(), 1 + beside * 1_000);
            assert_eq!(usage.completion_tokens, Some(999));
        }
    }
}

#[test]
fn counts_alone_are_reported_as_they_grow() {
    let last =
        |at: usize| json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": at}});
    let events: Vec<_> = std::iter::once(begun()).chain((0..100).map(last)).collect();
    let reported = read(&events).chunks.len();
    assert!(reported >= 100, "{reported}");
}

#[test]
fn what_is_counted_besides_has_a_limit() {
    let last = json!({"type": "message_delta", "delta": {}, "usage": {"x": "y".repeat(1 << 20)}});
    is_too_large(&[vec![begun()], vec![last; 32]].concat());
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
