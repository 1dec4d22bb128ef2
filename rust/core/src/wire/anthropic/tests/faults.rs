//! What goes wrong on the way: events that come twice, late, or never.

use serde_json::{Value, json};

use super::{
    begun, delta, end, finish, input, no_text, parts, read, read_named, start, stop, stream, text,
    tool,
};

fn searched() -> Value {
    json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})
}

/// A stream with every kind of block.
fn all() -> Vec<Value> {
    stream(
        &[
            start(
                0,
                &json!({"type": "thinking", "thinking": "", "signature": ""}),
            ),
            delta(0, &json!({"type": "thinking_delta", "thinking": "hm"})),
            delta(0, &json!({"type": "signature_delta", "signature": "sig"})),
            stop(0),
            start(1, &searched()),
            input(1, "{\"q\":1}"),
            stop(1),
            start(2, &json!({"type": "redacted_thinking", "data": "x"})),
            stop(2),
            start(3, &no_text()),
            text(3, "one"),
            stop(3),
            start(4, &tool("t")),
            input(4, "{\"a\":1}"),
            stop(4),
        ],
        "tool_use",
    )
}

fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap()
}

#[test]
fn an_event_that_comes_twice_counts_once_unless_it_is_a_piece() {
    let events = all();
    let expected = read(&events).parts();
    for (at, event) in events.iter().enumerate() {
        if kind(event) == "content_block_delta" && event["delta"]["signature"].is_null() {
            continue;
        }
        let mut doubled = events.clone();
        doubled.insert(at, event.clone());
        let streamed = read(&doubled);
        assert_eq!(streamed.parts(), expected, "{event}");
        assert_eq!(streamed.calls_done(), ["{\"a\":1}"], "{event}");
    }
}

#[test]
fn a_call_or_a_block_of_the_server_that_comes_again_is_not_two() {
    let expected = read(&all()).parts();
    for range in [5..8, 8..10, 13..16] {
        let mut events = all();
        let again = events[range.clone()].to_vec();
        events.splice(range.end..range.end, again);
        let streamed = read(&events);
        assert_eq!(streamed.parts(), expected, "{range:?}");
        assert_eq!(streamed.calls_done(), ["{\"a\":1}"], "{range:?}");
    }
}

#[test]
fn what_one_lost_event_had_is_not_needed_or_the_stream_is_incomplete() {
    let events = all();
    let expected = read(&events).parts();
    let mut incomplete = Vec::new();
    for lost in 0..events.len() {
        let mut rest = events.clone();
        let event = rest.remove(lost);
        if kind(&event) == "content_block_delta" {
            // Nothing shows that.
            continue;
        }
        let streamed = read(&rest);
        if streamed.error.is_none() && streamed.missing.is_none() {
            assert_eq!(streamed.parts(), expected, "{event}");
        } else {
            incomplete.push(lost);
        }
    }
    // Without the beginning of a text or of thoughts, all is there.
    assert_eq!(incomplete, [4, 5, 7, 8, 9, 12, 13, 17]);
}

#[test]
fn a_block_that_is_missing_is_noticed_by_its_index() {
    for range in [1..5, 5..8, 8..10, 10..13] {
        let mut events = all();
        events.drain(range.clone());
        let streamed = read(&events);
        if range.start == 1 {
            // A server may count from 1.
            assert!(streamed.error.is_none());
        } else {
            assert_eq!(streamed.lost(), "a content block is missing", "{range:?}");
        }
    }
}

#[test]
fn what_follows_the_end_of_a_block_is_kept_but_the_order_was_lost() {
    for (began, more) in [(no_text(), text(0, "b")), (tool("t"), input(0, "{}"))] {
        let events = stream(
            &[start(0, &began), text(1, "x"), input(2, ""), stop(0), more],
            "end_turn",
        );
        let streamed = read(&events);
        assert!(streamed.lost().contains("content block"), "{began}");
    }
    let events = stream(
        &[start(0, &no_text()), text(0, "a"), stop(0), text(0, "b")],
        "end_turn",
    );
    let streamed = read(&events);
    assert_eq!(streamed.lost(), "content block 0 went on after its end");
    assert_eq!(streamed.reply.choices[0].text(), "ab");
}

#[test]
fn a_call_without_a_name_is_not_one() {
    let events = stream(&[input(0, "{\"a\":1}"), stop(0)], "tool_use");
    let streamed = read(&events);
    assert_eq!(streamed.lost(), "content block 0 had no beginning");
    assert!(streamed.calls_done().is_empty());
    let events = stream(&[input(0, "{\"a\":1}")], "tool_use");
    assert_eq!(read(&events).lost(), "content block 0 did not end");
}

#[test]
fn a_block_that_does_not_end_is_incomplete_if_others_end() {
    let events = stream(
        &[
            start(0, &no_text()),
            text(0, "a"),
            start(1, &no_text()),
            stop(1),
        ],
        "end_turn",
    );
    assert_eq!(read(&events).lost(), "content block 0 did not end");
    let events = stream(&[start(0, &tool("t")), input(0, "{\"a\":")], "tool_use");
    let streamed = read(&events);
    assert_eq!(streamed.lost(), "content block 0 did not end");
    assert!(streamed.calls_done().is_empty());
}

#[test]
fn a_second_beginning_of_the_reply_changes_nothing() {
    let events = all();
    let expected = read(&events).parts();
    for at in 0..events.len() - 1 {
        let mut doubled = events.clone();
        doubled.insert(at, begun());
        let streamed = read(&doubled);
        assert_eq!(streamed.parts(), expected, "{at}");
        assert_eq!(streamed.reply.id.as_deref(), Some("msg_1"));
    }
}

#[test]
fn content_in_the_beginning_is_neither_lost_nor_doubled() {
    let full = || {
        let mut event = begun();
        event["message"]["content"] = json!([{"type": "text", "text": "one"}, tool("t")]);
        event
    };
    let expected = json!([{"text": "one"}, {"call": "t", "name": "f", "arguments": "{}"}]);
    // No events of blocks follow, or those of the last one, or all.
    let first = [start(0, &no_text()), text(0, "one"), stop(0)];
    let second = [start(1, &tool("t")), stop(1)];
    for blocks in [&[][..], &second, &first, &[&first[..], &second].concat()] {
        let mut events = vec![full(), full()];
        events.extend_from_slice(blocks);
        events.extend([finish("tool_use"), end()]);
        let streamed = read(&events);
        assert_eq!(streamed.parts(), expected, "{}", blocks.len());
        assert_eq!(streamed.calls_done(), ["{}"]);
        // A stream that is cut has it, too.
        let cut = read(&events[..2]);
        assert_eq!(parts(&cut.reply), expected);
    }
}

#[test]
fn another_reply_that_begins_in_the_middle_is_no_end() {
    let mut other = begun();
    other["message"]["id"] = json!("msg_2");
    let mut events = vec![begun(), other.clone()];
    events.extend(stream(&[start(0, &no_text()), text(0, "a"), stop(0)], "end_turn").drain(1..));
    assert!(read(&events).error.is_none());
    events.insert(4, other);
    assert_eq!(
        read(&events).lost(),
        "another reply began before it had ended"
    );
}

#[test]
fn an_event_is_known_by_its_type_or_else_its_name() {
    let block = r#"{"index":0,"content_block":{"type":"text","text":""}}"#;
    let named = [
        ("message_start", r#"{"message":{"id":"msg_1"}}"#),
        ("ping", ""),
        ("content_block_start", block),
        ("ping", r#"{"type":"ping"}"#),
        (
            "content_block_delta",
            r#"{"index":0,"delta":{"type":"text_delta","text":"a"}}"#,
        ),
        // The type counts, whatever the name is.
        (
            "data",
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}"#,
        ),
        ("content_block_stop", r#"{"index":0}"#),
        ("message_delta", r#"{"delta":{"stop_reason":"end_turn"}}"#),
        ("message_stop", "{}"),
    ];
    assert_eq!(read_named(named).parts(), json!([{"text": "ab"}]));
}

#[test]
fn pings_and_events_of_unknown_types_are_skipped_wherever_they_are() {
    let events = all();
    let expected = read(&events).parts();
    for other in [
        json!({"type": "ping"}),
        json!({"type": "latency_checkpoint", "index": 7, "delta": {"text": "no"}}),
        json!({"p": "abc"}),
        json!({"type": "content_block_start"}),
        json!({"type": "content_block_delta"}),
        json!({"type": "message_delta"}),
        json!({"type": "message_delta", "delta": {"stop_reason": null}}),
        json!([1]),
    ] {
        for at in 0..events.len() {
            let mut more = events.clone();
            more.insert(at, other.clone());
            assert_eq!(read(&more).parts(), expected, "{other} {at}");
        }
    }
}
