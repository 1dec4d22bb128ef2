//! Servers that give several items one index, or contradict themselves in another way. What they say must not be lost.

use serde_json::{Value, json};

use super::{added, call, completed, done, message, opened, parts, read, text_delta};

fn of(id: &str, mut event: Value) -> Value {
    event["item_id"] = id.into();
    event
}

fn arguments(index: usize, piece: &str) -> Value {
    json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": piece})
}

/// The texts and arguments of the parts.
#[track_caller]
fn said(events: &[Value]) -> Vec<String> {
    let read = read(events);
    let parts = read.parts();
    let parts = parts.as_array().unwrap().iter();
    parts
        .map(|part| {
            let keys = ["text", "arguments", "refusal", "reasoning"];
            let text = keys.iter().find_map(|key| part[key].as_str());
            text.unwrap_or_default().to_owned()
        })
        .collect()
}

#[test]
fn calls_that_are_open_at_one_index_stay_two() {
    let (one, two) = (call("1", ""), call("2", ""));
    let begun = [
        added(0, &one),
        of("1", arguments(0, "{\"a\"")),
        added(0, &two),
        of("2", arguments(0, "{\"b\"")),
        of("1", arguments(0, ":1}")),
        of("2", arguments(0, ":2}")),
    ];
    let ended = [
        done(0, &call("1", "{\"a\":1}")),
        done(0, &call("2", "{\"b\":2}")),
    ];
    let expected = ["{\"a\":1}", "{\"b\":2}"];
    for (end, repeated) in [
        (&ended[..0], json!([])),
        (&ended, json!([])),
        (&ended[1..], json!([])),
        (
            &ended[..0],
            json!([call("1", "{\"a\":1}"), call("2", "{\"b\":2}")]),
        ),
    ] {
        let events = [&begun[..], end, &[completed(&repeated)]].concat();
        assert_eq!(said(&events), expected, "{end:?}");
        let found = parts(&read(&events).reply);
        assert_eq!(found[0]["call"], "call_1");
        assert_eq!(found[1]["call"], "call_2");
    }
}

#[test]
fn messages_that_are_open_at_one_index_stay_two() {
    let events = [
        added(0, &opened("a")),
        of("a", text_delta(0, "one")),
        added(0, &opened("b")),
        of("b", text_delta(0, "two")),
        of("a", text_delta(0, "!")),
        done(0, &message("a", "one!")),
        done(0, &message("b", "two")),
        completed(&json!([])),
    ];
    assert_eq!(said(&events), ["one!", "two"]);
}

#[test]
fn a_text_and_a_call_at_one_index_are_both_kept() {
    for (text, call_id) in [(None, None), (Some("m"), Some("1"))] {
        let with = |id: Option<&str>, event: Value| match id {
            Some(id) => of(id, event),
            None => event,
        };
        let events = [
            added(0, &call("1", "")),
            with(text, text_delta(0, "a")),
            with(call_id, arguments(0, "{")),
            with(text, text_delta(0, "b")),
            with(call_id, arguments(0, "}")),
        ];
        let open = [&events[..], &[completed(&json!([]))]].concat();
        assert_eq!(said(&open), ["{}", "ab"], "{text:?}");
        let ended = [
            done(0, &message("m", "ab")),
            done(0, &call("1", "{}")),
            completed(&json!([message("m", "ab"), call("1", "{}")])),
        ];
        assert_eq!(said(&[&events[..], &ended].concat()), ["{}", "ab"]);
    }
}

#[test]
fn a_text_in_a_block_that_was_announced_as_another_is_kept() {
    for part in [json!({"type": "refusal", "refusal": ""}), json!({})] {
        let begun = [
            added(0, &opened("m")),
            json!({"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": part}),
            text_delta(0, "a"),
            text_delta(0, "b"),
        ];
        for end in [vec![], vec![done(0, &message("m", "ab"))]] {
            let events = [&begun[..], &end, &[completed(&json!([]))]].concat();
            assert_eq!(said(&events).concat(), "ab", "{part}");
        }
    }
}

#[test]
fn a_block_that_no_event_announced_does_not_double_those_after_it() {
    let second = json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 2, "delta": "two"});
    let mut item = message("m", "one");
    item["content"] = json!([
        {"type": "output_text", "text": "one"}, {"type": "x"}, {"type": "output_text", "text": "two"},
    ]);
    let events = [
        added(0, &opened("m")),
        text_delta(0, "one"),
        second,
        done(0, &item),
        completed(&json!([])),
    ];
    assert_eq!(said(&events), ["one", "", "two"]);
}

#[test]
fn arguments_may_be_an_object() {
    let whole = json!({"type": "response.function_call_arguments.done", "output_index": 0, "arguments": {"a": 1}});
    let bare = json!({"type": "function_call", "call_id": "c", "name": "f"});
    let events = [added(0, &bare), whole.clone(), completed(&json!([]))];
    assert_eq!(said(&events), ["{\"a\":1}"]);
    // It is not the text that was sent in pieces.
    let mut item = call("1", "");
    item["arguments"] = json!({"a": 1});
    for end in [whole, done(0, &item)] {
        let events = [
            added(0, &call("1", "")),
            arguments(0, "{ \"a\" :"),
            arguments(0, " 1 }"),
            end,
            completed(&json!([])),
        ];
        assert_eq!(said(&events), ["{ \"a\" : 1 }"]);
    }
}

#[test]
fn a_response_that_has_completed_is_not_in_progress() {
    for status in ["queued", "in_progress"] {
        let end = json!({"type": "response.completed", "response": {"status": status, "output": [message("m", "a")]}});
        let reply = read(&[end]).reply;
        assert_eq!(
            reply.choices[0].provider_finish_reason.as_deref(),
            Some("completed")
        );
    }
}

#[test]
fn an_item_that_was_lost_does_not_take_the_place_of_another() {
    let (one, two) = (call("1", "{\"a\":1}"), call("2", "{\"b\":2}"));
    let (first, second) = (message("a", "one"), message("b", "two"));
    for (lost, came, open, expected) in [
        (&one, &two, call("2", ""), ["{\"a\":1}", "{\"b\":2}"]),
        (&first, &second, opened("b"), ["one", "two"]),
    ] {
        let end = completed(&json!([lost, came]));
        for events in [
            vec![added(1, &open), end.clone()],
            vec![added(1, &open), done(1, came), end.clone()],
        ] {
            assert_eq!(said(&events), expected);
        }
        // Ids may change, but then no other item has them.
        let mut renamed = came.clone();
        renamed["id"] = "other".into();
        let events = [
            added(0, &open),
            done(0, &renamed),
            completed(&json!([came])),
        ];
        assert_eq!(said(&events), expected[1..]);
    }
}
