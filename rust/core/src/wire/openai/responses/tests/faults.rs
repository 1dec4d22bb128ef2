//! What goes wrong on the way: events that come twice, late, or never.

use serde_json::{Value, json};

use super::{added, call, completed, done, message, opened, parts, read, text_delta, whole};
use crate::error::ErrorKind;

fn numbered(events: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let events = events.into_iter().enumerate();
    events
        .map(|(number, mut event)| {
            event["sequence_number"] = json!(number);
            event
        })
        .collect()
}

/// A stream with two equal pieces, a call and its end.
fn stream(output: &Value) -> Vec<Value> {
    let item = message("m", "ha ha ha.");
    let open = json!({"type": "function_call", "id": "fc", "call_id": "call_fc", "name": "f", "arguments": ""});
    let arguments = |text: &str| json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": text});
    numbered([
        json!({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}),
        added(0, &opened("m")),
        text_delta(0, "ha "),
        text_delta(0, "ha "),
        text_delta(0, "ha."),
        json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "ha ha ha."}),
        done(0, &item),
        added(1, &open),
        arguments("{\"a\":"),
        arguments("1}"),
        done(1, &call("fc", "{\"a\":1}")),
        completed(output),
    ])
}

fn output() -> Value {
    json!([message("m", "ha ha ha."), call("fc", "{\"a\":1}")])
}

#[test]
fn an_event_that_comes_twice_counts_once() {
    let expected = parts(&whole(&output()).unwrap());
    let events = stream(&output());
    for (at, event) in events.iter().enumerate() {
        for distance in [0, 1, 3] {
            let mut doubled = events.clone();
            doubled.insert((at + 1 + distance).min(events.len()), event.clone());
            assert_eq!(read(&doubled).parts(), expected, "{at} {distance}");
        }
    }
    let all: Vec<_> = events
        .iter()
        .flat_map(|event| [event.clone(), event.clone()])
        .collect();
    assert_eq!(read(&all).parts(), expected);
}

#[test]
fn equal_pieces_are_two_if_their_numbers_differ_or_mean_nothing() {
    for number in [None, Some(0)] {
        let mut events = stream(&json!([]));
        for event in &mut events {
            event["sequence_number"] = json!(number);
        }
        assert_eq!(read(&events).parts()[0]["text"], "ha ha ha.");
    }
}

#[test]
fn what_one_lost_event_had_is_caught_up_or_the_stream_is_incomplete() {
    let expected = parts(&whole(&output()).unwrap());
    for repeats in [true, false] {
        let events = stream(&if repeats { output() } else { json!([]) });
        for lost in 0..events.len() - 1 {
            let mut rest = events.clone();
            let event = rest.remove(lost);
            let streamed = read(&rest);
            match streamed.error {
                None => assert_eq!(streamed.parts(), expected, "{event}"),
                Some(error) => {
                    assert_eq!(error.kind(), ErrorKind::StreamIncomplete, "{event}");
                    assert!(error.message().contains("lost"), "{error}");
                }
            }
        }
        // A piece in the middle of a text cannot be put back.
        let mut rest = events.clone();
        rest.remove(3);
        let error = read(&rest).error.unwrap();
        assert_eq!(error.kind(), ErrorKind::StreamIncomplete);
        // The last piece can.
        let mut rest = events.clone();
        rest.remove(4);
        assert_eq!(read(&rest).parts(), expected);
    }
}

#[test]
fn a_text_that_its_server_repeats_in_other_words_stays_as_it_was_said() {
    let mut events = numbered([
        text_delta(0, " padded "),
        completed(&json!([message("m", "padded")])),
    ]);
    assert_eq!(read(&events).parts()[0]["text"], " padded ");
    // Nor is anything lost where the numbers are complete.
    events[1]["response"]["output"][0]["content"][0]["text"] = json!("another text that is longer");
    assert_eq!(read(&events).parts()[0]["text"], " padded ");
}

#[test]
fn halves_of_a_character_are_joined_and_a_lost_half_is_replaced() {
    let delta = |text: &str| {
        format!(
            r#"{{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"{text}"}}"#
        )
    };
    let text = |events: &[String]| {
        super::read_texts(events).reply.choices[0]
            .text()
            .into_owned()
    };
    let end = completed(&json!([])).to_string();
    assert_eq!(
        text(&[delta(r"a\ud83d"), delta(r"\ude00b"), end.clone()]),
        "a\u{1f600}b"
    );
    assert_eq!(
        text(&[delta(r"a\ud83d"), delta("b"), end.clone()]),
        "a\u{fffd}b"
    );
    assert_eq!(text(&[delta(r"a\ud83d"), end]), "a\u{fffd}");
    let item = message("m", "a\u{1f600}b");
    assert_eq!(
        text(&[delta(r"a\ud83d"), completed(&json!([item])).to_string()]),
        "a\u{1f600}b"
    );
}

#[test]
fn events_that_are_none_of_ours_are_skipped() {
    let events = [
        json!({"type": "keepalive", "sequence_number": 0}),
        json!({"type": "response.some_future.event", "output_index": 0, "delta": {"a": 1}}),
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": 5}),
        json!({"type": "response.output_item.added", "output_index": 9, "item": null}),
        json!({}),
        json!([]),
        json!("text"),
        text_delta(0, "t"),
        completed(&json!([message("m", "t")])),
    ];
    assert_eq!(read(&events).parts()[0]["text"], "t");
}

#[test]
fn an_item_that_is_sent_again_counts_once() {
    let item = message("m", "text");
    let again = [
        added(0, &opened("m")),
        added(0, &opened("m")),
        text_delta(0, "text"),
        done(0, &item),
        done(0, &item),
        text_delta(0, "text"),
        completed(&json!([item])),
    ];
    assert_eq!(read(&again).parts(), parts(&whole(&json!([item])).unwrap()));
}
