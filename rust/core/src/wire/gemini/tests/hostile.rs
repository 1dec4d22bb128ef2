//! Replies that are made to cost time or memory.

use serde_json::json;

use super::{Gemini, event, last, read, read_texts};
use crate::error::ErrorKind;
use crate::wire::Dialect;

#[test]
fn there_are_only_so_many_parts_and_candidates() {
    let parts = vec![json!({"text": "", "thoughtSignature": "x"}); 17_000];
    let calls = vec![json!({"functionCall": {"name": "f"}}); 17_000];
    let texts = vec![json!({"text": "a"}); 17_000];
    for parts in [parts, calls, texts] {
        let body = event(&json!(parts)).to_string();
        let error = Gemini.decode_reply(body.as_bytes(), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
        assert_eq!(error.message(), "the reply has more than 16384 parts");
    }
    let body = json!({"candidates": vec![json!({}); 17_000]}).to_string();
    let error = Gemini.decode_reply(body.as_bytes(), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
    let mut body = json!({"candidates": [{"finishReason": "STOP"}]});
    for key in 0..17_000 {
        body["candidates"][0][key.to_string()] = json!(1);
    }
    let error = Gemini
        .decode_reply(body.to_string().as_bytes(), 1)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
    // The pieces of a text are one part, however many come.
    let mut events = vec![event(&json!([{"text": "a"}])); 20_000];
    events.push(last("STOP"));
    assert_eq!(read(&events).parts()[0]["text"], "a".repeat(20_000));
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = format!(
        "{{\"candidates\":[{{\"x\":{}{}}}]}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    assert_eq!(
        Gemini.decode_reply(deep.as_bytes(), 1).unwrap_err().kind(),
        ErrorKind::Decode
    );
    assert_eq!(
        read_texts(&[deep], 1).error.unwrap().kind(),
        ErrorKind::Decode
    );
    let lists = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert!(read_texts(&[lists], 1).error.is_some());
}

#[test]
fn keys_of_other_kinds_are_skipped() {
    let texts = [
        r#"{"candidates":[],"usageMetadata":7,"modelVersion":[],"responseId":null,"createTime":5}"#,
        r#"{"candidates":[{"content":{"role":5},"index":"0","finishReason":[],"logprobsResult":3}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"index":-1}]}"#,
        r#"{"candidates":[{"content":{"parts":[null,{"text":5},{"functionCall":"f"},{"thought":"yes"}]},"index":0}]}"#,
        r#"{"promptFeedback":[1],"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":3,"args":"x","partialArgs":{},"willContinue":1}}]}}]}"#,
        r#"{"candidates":[{"logprobsResult":{"chosenCandidates":[1,{}],"topCandidates":7}}]}"#,
    ];
    for text in texts {
        let found = read_texts(&[text.to_owned(), last("STOP").to_string()], 1);
        assert!(found.error.is_none(), "{text}: {:?}", found.error);
        let _ = Gemini.decode_reply(text.as_bytes(), 1);
    }
}

/// A call whose `count` pieces have these paths.
fn pieces(count: usize, path: impl Fn(usize) -> String) -> Vec<String> {
    let piece = |at: usize| {
        let part = json!([{"jsonPath": path(at), "stringValue": "seventeen letters", "willContinue": true}]);
        event(&json!([{"functionCall": {"partialArgs": part, "willContinue": true}}])).to_string()
    };
    let begin = event(&json!([{"functionCall": {"name": "f", "willContinue": true}}])).to_string();
    let mut events = vec![begin];
    events.extend((0..count).map(piece));
    events.push(last("STOP").to_string());
    events
}

#[test]
fn arguments_of_many_pieces_are_whole() {
    for (path, count) in [
        ((|_| "$.a".to_owned()) as fn(usize) -> String, 7_648),
        (|at| format!("$.a{at}"), 7_648),
        (|at| format!("$.l[{at}].x"), 7_648),
        (|at| format!("$.a{}", at % 2), 7_648),
    ] {
        let read = read_texts(&pieces(count, path), 1);
        let arguments = read.parts()[0]["arguments"].to_string();
        assert_eq!(arguments.matches("seventeen letters").count(), count);
    }
    // In no order, there are only so many.
    let read = read_texts(&pieces(17_000, |at| format!("$.a{}", at % 2)), 1);
    assert_eq!(read.error.unwrap().kind(), ErrorKind::ResponseTooLarge);
}

#[test]
fn only_so_many_calls_grow_at_the_same_time() {
    let begin = |at: usize| json!({"id": at.to_string(), "name": "f", "willContinue": true});
    let events: Vec<_> = (0..200)
        .map(|at| event(&json!([{"functionCall": begin(at)}])))
        .collect();
    let error = read(&events).error.unwrap();
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
}
