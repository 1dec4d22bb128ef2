//! Streams: how pieces join, and what an event may have.

use serde_json::{Value, json};

use super::{Gemini, event, last, parts, read, read_texts};
use crate::message::ChunkKind;
use crate::wire::{Dialect, Step};

#[test]
fn pieces_of_one_kind_join_and_one_with_a_signature_stays_alone() {
    let events = [
        event(&json!([{"text": "One ", "thought": true}])),
        event(&json!([{"text": "two", "thought": true}])),
        event(&json!([{"text": "a"}])),
        event(&json!([{"text": "b"}, {"text": ""}, {"text": "c"}])),
        event(&json!([{"text": "d", "thoughtSignature": "S"}])),
        event(&json!([{"text": "e"}])),
        event(&json!([{"text": "", "thoughtSignature": "T"}])),
        event(&json!([{"text": "f"}])),
        event(&json!([{"text": "g"}])),
        last("STOP"),
    ];
    assert_eq!(
        read(&events).parts(),
        json!([
            {"thought": "One two", "field": "thought", "signature": null},
            {"text": "abc"},
            {"text": "d", "extra": {"thoughtSignature": "S"}},
            {"text": "e"},
            {"text": "", "extra": {"thoughtSignature": "T"}},
            {"text": "fg"},
        ])
    );
}

#[test]
fn a_piece_of_text_that_goes_on_is_a_plain_chunk() {
    let events = ["a", "b", "c"].map(|text| event(&json!([{"text": text}])));
    let read = read(&events);
    assert!(matches!(&read.chunks[0], ChunkKind::Delta(_)));
    assert_eq!(
        read.chunks[1..],
        ["b", "c"].map(|text| ChunkKind::Text(text.into()))
    );
}

#[test]
fn what_stands_beside_the_content_does_not_part_the_text() {
    let with = |text: &str, beside: Value| {
        let mut event = event(&json!([{"text": text}]));
        event["candidates"][0]["groundingMetadata"] = beside;
        event
    };
    let events = [
        with("a", json!({})),
        with("b", json!({"webSearchQueries": ["q"]})),
        with("c", json!({"webSearchQueries": ["q"]})),
        with("d", json!({"webSearchQueries": ["q", "r"]})),
        last("STOP"),
    ];
    // The last value of a key counts.
    assert_eq!(
        read(&events).parts(),
        json!([{"text": "abcd"}, {"opaque": {"webSearchQueries": ["q", "r"]}, "field": "groundingMetadata"}])
    );
}

#[test]
fn half_a_character_joins_with_the_other_half_or_is_replaced() {
    let event = |text: &str| {
        format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}}}}]}}"#)
    };
    let joined = read_texts(
        &[
            event("a\\ud83d"),
            event("\\ude00b"),
            last("STOP").to_string(),
        ],
        1,
    );
    assert_eq!(joined.parts(), json!([{"text": "a😀b"}]));
    let call =
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#.to_owned();
    let parted = read_texts(
        &[
            event("a\\ud83d"),
            call,
            event("b\\ud83d"),
            last("STOP").to_string(),
        ],
        1,
    );
    let texts: Vec<_> = parted
        .parts()
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["text"].clone())
        .collect();
    assert_eq!(texts, [json!("a\u{fffd}"), Value::Null, json!("b\u{fffd}")]);
}

#[test]
fn candidates_of_a_stream_interleave() {
    let event = |index: Value, text: &str, word: Value| json!({"candidates": [{"content": {"parts": [{"text": text}]}, "index": index, "finishReason": word}]});
    let both = |first: &str, second: &str| {
        let part = |text: &str| json!({"content": {"parts": [{"text": text}]}});
        json!({"candidates": [part(first), part(second)]})
    };
    let texts: Vec<_> = [
        both("a", "A"),
        event(json!(1), "B", Value::Null),
        event(json!(0), "b", json!("STOP")),
        event(json!(1), "C", json!("MAX_TOKENS")),
    ]
    .iter()
    .map(Value::to_string)
    .collect();
    let read = read_texts(&texts, 2);
    assert_eq!(read.parts(), json!([{"text": "ab"}, {"text": "ABC"}]));
    // Until each has ended, the reply is not whole.
    for count in 1..4 {
        assert!(read_texts(&texts[..count], 2).missing.is_some(), "{count}");
    }
    let one = read_texts(&[event(json!(0), "a", json!("STOP")).to_string()], 2);
    assert_eq!(
        one.missing.unwrap(),
        "2 candidates were asked for, and 1 came"
    );
}

#[test]
fn the_last_usage_with_counts_wins() {
    let with = |usage: &Value| {
        let mut event = event(&json!([{"text": "a"}]));
        event["usageMetadata"] = usage.clone();
        event
    };
    let counts = |prompt: u64| json!({"promptTokenCount": prompt, "candidatesTokenCount": prompt, "trafficType": "T"});
    let traffic = json!({"trafficType": "ON_DEMAND"});
    let total = |events: &[Value]| read(events).reply.usage.map(|usage| usage.total_tokens);
    assert_eq!(
        total(&[with(&traffic), with(&counts(1)), with(&counts(2))]),
        Some(Some(4))
    );
    assert_eq!(total(&[with(&counts(2)), with(&traffic)]), Some(Some(4)));
    assert_eq!(total(&[with(&traffic)]), Some(None));
    let mut end = last("STOP");
    end["usageMetadata"] = counts(3);
    assert_eq!(
        total(&[with(&counts(2)), end.clone(), with(&traffic)]),
        Some(Some(6))
    );
    assert_eq!(total(&[end, with(&counts(4))]), Some(Some(8)));
    assert_eq!(total(&[with(&json!(null))]), None);
    // The partial reply has it, too.
    let broken = [with(&counts(3)).to_string(), "{\"candidates\":[".to_owned()];
    let read = read_texts(&broken, 1);
    assert!(read.error.is_some());
    assert_eq!(read.reply.usage.unwrap().total_tokens, Some(6));
}

#[test]
fn an_event_without_candidates_changes_nothing() {
    let events = [
        json!({"usageMetadata": {"trafficType": "T"}, "modelVersion": "m", "responseId": "r"}),
        event(&json!([{"text": "a"}])),
        json!({"candidates": []}),
        json!({"candidates": null}),
        json!({"candidates": [{"index": 0}]}),
        json!({"future": 1}),
        json!(null),
        event(&json!([{"text": "b"}])),
        last("STOP"),
    ];
    let read = read(&events);
    assert_eq!(read.parts(), json!([{"text": "ab"}]));
    assert_eq!(read.reply.id.as_deref(), Some("r"));
}

#[test]
fn a_mark_of_other_apis_ends_a_stream_that_is_complete() {
    let events = [
        event(&json!([{"text": "a"}])).to_string(),
        last("STOP").to_string(),
        "[DONE]".to_owned(),
    ];
    let read = read_texts(&events, 1);
    assert_eq!(
        (read.step, read.parts()),
        (Step::Done, json!([{"text": "a"}]))
    );
    let cut = [events[0].clone(), events[2].clone()];
    let error = read_texts(&cut, 1).error.unwrap();
    assert_eq!(error.kind(), crate::error::ErrorKind::StreamIncomplete);
}

#[test]
fn an_event_may_be_a_list() {
    let list = json!([
        event(&json!([{"text": "a"}])),
        event(&json!([{"text": "b"}])),
        last("STOP"),
        7
    ]);
    let read = read_texts(&[list.to_string()], 1);
    assert_eq!(parts(&read.reply), json!([{"text": "ab"}]));
    assert_eq!(read.missing, None);
}

#[test]
fn an_event_without_candidates_has_nothing_for_the_reply() {
    for empty in [
        json!({}),
        json!({"usageMetadata": {"promptTokenCount": 3}}),
        json!({"modelVersion": "m", "responseId": "r", "usageMetadata": {"trafficType": "ON_DEMAND"}}),
    ] {
        let mut chunks = Vec::new();
        let mut decoder = Gemini.stream(1);
        decoder
            .event(b"", empty.to_string().as_bytes(), &mut chunks)
            .unwrap();
        assert_eq!(chunks, [], "{empty}");
        let read = read(&[empty, event(&json!([{"text": "a"}])), last("STOP")]);
        assert_eq!(read.parts(), json!([{"text": "a"}]));
    }
}

#[test]
fn a_list_in_a_list_has_the_same_events_in_a_reply_and_in_a_stream() {
    let mut said = event(&json!([{"text": "a"}]));
    said["candidates"][0]["finishReason"] = json!("STOP");
    for list in [json!([[said]]), json!([[[]], [[said]]]), json!([said])] {
        let text = list.to_string();
        let whole = Gemini.decode_reply(text.as_bytes(), 1).unwrap();
        assert_eq!(parts(&whole), json!([{"text": "a"}]), "{list}");
        // A stream that is a list has an event for each item.
        for events in [
            vec![list.clone()],
            list.as_array().cloned().unwrap_or_default(),
        ] {
            assert_eq!(read(&events).parts(), json!([{"text": "a"}]), "{list}");
        }
    }
}
