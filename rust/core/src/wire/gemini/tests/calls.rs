//! Calls whose pieces are followed by the whole of them, or come in turns with those of others.

use serde_json::{Value, json};

use super::arguments::{arguments, call, number, piece, text};
use super::{event, last, read};

#[test]
fn a_call_that_comes_again_as_a_whole_is_one_call() {
    let pieces = [text("$.a", "x"), number("$.b", &json!(1.0))];
    let whole = json!({"name": "f", "args": {"b": 1, "a": "x"}});
    let with_id = |mut call: Value| {
        call["id"] = json!("i");
        call
    };
    // After the end of the call, and before it.
    let mut after = call(&pieces);
    after.insert(4, piece(&whole));
    let mut before = call(&pieces);
    before[3] = piece(&whole);
    let mut longer = call(&pieces);
    longer[3] = piece(&json!({"name": "f", "args": {"a": "xyz", "b": 1, "c": [2]}}));
    let mut named = call(&pieces);
    named[0] = piece(&with_id(json!({"name": "f", "willContinue": true})));
    named.insert(4, piece(&with_id(whole.clone())));
    let at_once = vec![
        piece(&json!({"name": "f", "partialArgs": pieces})),
        piece(&whole),
        last("STOP"),
    ];
    for (events, expected) in [
        (after, r#"{"a":"x","b":1.0}"#),
        (before, r#"{"a":"x","b":1.0}"#),
        (longer, r#"{"a":"xyz","b":1.0,"c":[2]}"#),
        (named, r#"{"a":"x","b":1.0}"#),
        (at_once, r#"{"a":"x","b":1.0}"#),
    ] {
        let read = read(&events);
        let joined: Value = serde_json::from_str(&arguments(&read)).unwrap();
        assert_eq!(joined, serde_json::from_str::<Value>(expected).unwrap());
        assert_eq!(read.calls_done().len(), 1, "{events:?}");
    }
}

#[test]
fn the_text_of_a_whole_call_goes_on_with_that_of_its_pieces() {
    let mut events = call(&[text("$.a", "x")]);
    events[2] = piece(&json!({"name": "f", "args": {"a": "xyz", "b": {"c": [2]}}}));
    assert_eq!(arguments(&read(&events)), r#"{"a":"xyz","b":{"c":[2]}}"#);
}

#[test]
fn another_call_of_the_same_function_is_another_call() {
    for (at, other) in [
        (3, json!({"name": "f", "args": {"a": "y"}})),
        (4, json!({"name": "f", "args": {"a": "y"}})),
        (4, json!({"name": "f", "args": {"a": "x", "b": 1}})),
        (4, json!({"name": "f", "id": "j", "args": {"a": "x"}})),
        (4, json!({"name": "g", "args": {"a": "x"}})),
    ] {
        let mut events = call(&[text("$.a", "x")]);
        events.insert(at - 1, piece(&other));
        if at == 3 {
            events.remove(3);
        }
        let read = read(&events);
        assert_eq!(
            read.parts().as_array().unwrap().len(),
            2,
            "{at} {other} {}",
            read.parts()
        );
        assert_eq!(read.parts()[0]["arguments"], json!({"a": "x"}));
        assert_eq!(read.parts()[1]["arguments"], other["args"]);
    }
}

#[test]
fn calls_with_ids_may_grow_in_turns() {
    let of = |id: &str, text_of: Value| {
        piece(&json!({"id": id, "partialArgs": [text_of], "willContinue": true}))
    };
    let begin = |id: &str| piece(&json!({"id": id, "name": "f", "willContinue": true}));
    let mut events = vec![
        begin("1"),
        of("1", text("$.a", "x")),
        begin("2"),
        of("2", text("$.a", "v")),
        of("1", text("$.a", "y")),
        of("2", text("$.a", "w")),
        // It belongs to the last one.
        piece(&json!({"partialArgs": [text("$.a", "!")], "willContinue": true})),
    ];
    assert_eq!(read(&events).calls_done(), [""; 0]);
    let mut cut = events.clone();
    cut.push(last("MAX_TOKENS"));
    assert_eq!(read(&cut).calls_done(), [""; 0]);
    for ends in [vec![], vec![piece(&json!({"id": "1"}))]] {
        let mut events = events.clone();
        events.extend(ends);
        events.push(last("STOP"));
        let read = read(&events);
        assert_eq!(
            read.parts(),
            json!([{"call": "1", "name": "f", "arguments": {"a": "xy"}}, {"call": "2", "name": "f", "arguments": {"a": "vw!"}}])
        );
        assert_eq!(read.calls_done(), [r#"{"a":"xy"}"#, r#"{"a":"vw!"}"#]);
    }
    // The beginning of a call was lost: what is complete is not known.
    events.push(of("3", text("$.a", "z")));
    events.push(last("STOP"));
    let read = read(&events);
    assert_eq!(read.calls_done(), [""; 0]);
    assert!(read.missing.is_some());
}

#[test]
fn pieces_and_arguments_that_are_not_an_object_are_an_error() {
    let mut events = call(&[text("$.a", "x")]);
    events[2] = piece(&json!({"args": "Oslo"}));
    let error = read(&events).error.unwrap();
    assert_eq!(error.kind(), crate::error::ErrorKind::Decode);
    events[2] = piece(&json!({"args": "{\"a\": \"xy\"}"}));
    assert_eq!(arguments(&read(&events)), r#"{"a":"xy"}"#);
}

#[test]
fn a_signature_that_each_piece_has_is_one() {
    let signed = |call: Value| event(&json!([{"functionCall": call, "thoughtSignature": "S"}]));
    let read = read(&[
        signed(json!({"name": "f", "willContinue": true})),
        signed(json!({"partialArgs": [text("$.a", "x")], "willContinue": true})),
        signed(json!({})),
        signed(json!({"name": "f", "args": {"a": "x"}})),
        last("STOP"),
    ]);
    assert_eq!(
        read.parts(),
        json!([{"call": "*", "name": "f", "arguments": {"a": "x"}, "extra": {"thoughtSignature": "S"}}])
    );
    // The whole of a call may be the first to have it.
    let mut events = call(&[text("$.a", "x")]);
    events.insert(3, signed(json!({"name": "f", "args": {"a": "x"}})));
    assert_eq!(
        super::read(&events).parts()[0]["extra"],
        json!({"thoughtSignature": "S"})
    );
}
