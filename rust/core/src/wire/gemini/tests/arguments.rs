//! Calls whose arguments arrive in pieces (`streamFunctionCallArguments`).

use serde_json::{Value, json};

use super::{Read, event, last, read, read_texts};

/// An event with a piece of a call.
pub(super) fn piece(call: &Value) -> Value {
    event(&json!([{"functionCall": call}]))
}

/// The events of one call of `f` with these pieces.
pub(super) fn call(pieces: &[Value]) -> Vec<Value> {
    let mut events = vec![piece(&json!({"name": "f", "willContinue": true}))];
    events.extend(
        pieces
            .iter()
            .map(|piece_of| piece(&json!({"partialArgs": [piece_of], "willContinue": true}))),
    );
    events.push(piece(&json!({})));
    events.push(last("STOP"));
    events
}

pub(super) fn text(path: &str, text: &str) -> Value {
    json!({"jsonPath": path, "stringValue": text, "willContinue": true})
}

pub(super) fn number(path: &str, number: &Value) -> Value {
    json!({"jsonPath": path, "numberValue": number})
}

/// The arguments of the only call, as text.
#[track_caller]
pub(super) fn arguments(read: &Read) -> String {
    read.parts();
    let mut calls = read.reply.choices[0].tool_calls();
    let only = calls.next().unwrap();
    assert!(calls.next().is_none());
    only.arguments.clone()
}

#[test]
fn partial_args_are_joined_by_their_json_path() {
    let read = read(&call(&[
        text("$.city", "Bos"),
        text("$.city", "ton \\\"é\\n"),
        json!({"jsonPath": "$.city", "stringValue": ""}),
        number("$.days", &json!(3)),
        json!({"jsonPath": "$.exact", "boolValue": true}),
        json!({"jsonPath": "$.note", "nullValue": "NULL_VALUE"}),
        number("$.far", &json!("NaN")),
        number("$.near", &json!("1.5")),
    ]));
    assert_eq!(
        arguments(&read),
        r#"{"city":"Boston \\\"é\\n","days":3,"exact":true,"note":null,"far":null,"near":1.5}"#
    );
    assert_eq!(read.calls_done().len(), 1);
}

#[test]
fn nested_objects_and_lists_equal_those_of_a_whole_call() {
    let read = read(&call(&[
        text("$.recipe.name", "Lasagna"),
        text("$.recipe.steps[0]", "Boil"),
        text("$.recipe.steps[1]", "Bake"),
        text("$.recipe.parts[0].item", "sauce"),
        number("$.recipe.parts[0].grams", &json!(0.5)),
        text("$.recipe.parts[1].item", "cheese"),
        number("$.grid[0][0]", &json!(1)),
        number("$.grid[0][1]", &json!(2)),
        number("$.grid[1][0]", &json!(3)),
        text("$['odd key']", "x"),
    ]));
    assert_eq!(
        serde_json::from_str::<Value>(&arguments(&read)).unwrap(),
        json!({
            "recipe": {"name": "Lasagna", "steps": ["Boil", "Bake"],
                       "parts": [{"item": "sauce", "grams": 0.5}, {"item": "cheese"}]},
            "grid": [[1, 2], [3]], "odd key": "x",
        })
    );
}

#[test]
fn the_arguments_grow_as_the_beginning_of_their_text() {
    let read = read(&call(&[
        text("$.a.b", "xy"),
        text("$.a.b", "z"),
        text("$.c", "w"),
    ]));
    let mut grown = String::new();
    let mut seen = Vec::new();
    for chunk in &read.chunks {
        if let crate::message::ChunkKind::Delta(delta) = chunk {
            for fragment in &delta.tool_calls {
                grown.push_str(&fragment.arguments);
                seen.push(grown.clone());
            }
        }
    }
    let whole = r#"{"a":{"b":"xyz"},"c":"w"}"#;
    assert_eq!(
        seen,
        [
            "",
            r#"{"a":{"b":"xy"#,
            r#"{"a":{"b":"xyz"#,
            r#"{"a":{"b":"xyz"},"c":"w"#,
            whole
        ]
    );
}

#[test]
fn pieces_in_any_other_order_have_the_same_value() {
    for (pieces, expected) in [
        (
            vec![
                text("$.a", "x"),
                text("$.b", "y"),
                text("$.a", "z"),
                text("$.b", "w"),
            ],
            json!({"a": "xz", "b": "yw"}),
        ),
        (
            vec![
                text("$.r.a", "x"),
                text("$.s", "y"),
                text("$.r.b", "z"),
                text("$.r.a", "!"),
            ],
            json!({"r": {"a": "x!", "b": "z"}, "s": "y"}),
        ),
        (
            vec![
                number("$.l[1]", &json!(2)),
                number("$.l[0]", &json!(1)),
                number("$.l[3]", &json!(4)),
            ],
            json!({"l": [1, 2, null, 4]}),
        ),
        (
            vec![number("$.a", &json!(1)), number("$.a", &json!(2))],
            json!({"a": 2}),
        ),
        (
            vec![
                text("$.a", "x"),
                number("$.a.b", &json!(2)),
                text("$.c", "y"),
            ],
            json!({"a": {"b": 2}, "c": "y"}),
        ),
        (
            vec![number("$.a.b", &json!(1)), number("$.a[0]", &json!(2))],
            json!({"a": [2]}),
        ),
        (
            vec![
                json!({"jsonPath": "$.a", "structValue": {"b": [1]}}),
                number("$.a.c", &json!(2)),
            ],
            json!({"a": {"b": [1], "c": 2}}),
        ),
        (
            vec![text("$.a", "{"), text("$.b", "{"), text("$.a", "}")],
            json!({"a": "{}", "b": "{"}),
        ),
        (
            vec![
                number("$.a", &json!(1)),
                number("$.b", &json!("1.")),
                number("$.a", &json!("-Infinity")),
            ],
            json!({"a": null, "b": null}),
        ),
    ] {
        let read = read(&call(&pieces));
        let joined: Value = serde_json::from_str(&arguments(&read)).unwrap();
        assert_eq!(joined, expected, "{pieces:?}");
    }
}

#[test]
fn half_a_character_at_the_end_of_a_piece_joins_with_the_next() {
    let event = |escape: &str| {
        let part = format!(r#"{{"jsonPath":"$.a","stringValue":"{escape}","willContinue":true}}"#);
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"partialArgs":[{part}],"willContinue":true}}}}]}}}}]}}"#
        )
    };
    let events = call(&[]);
    let read = read_texts(
        &[
            events[0].to_string(),
            event("\\ud83d"),
            event("\\ude00"),
            events[1].to_string(),
            events[2].to_string(),
        ],
        1,
    );
    assert_eq!(read.parts()[0]["arguments"], json!({"a": "😀"}));
}

#[test]
fn a_call_ends_where_nothing_more_is_announced() {
    for (end, is_done) in [
        (vec![piece(&json!({}))], true),
        (vec![piece(&json!({"willContinue": false}))], true),
        // The terminal event is missing.
        (vec![], true),
        (vec![piece(&json!({"name": "g", "args": {"b": 1}}))], true),
    ] {
        let mut events = vec![
            piece(&json!({"name": "f", "willContinue": true})),
            piece(&json!({"partialArgs": [text("$.a", "x")], "willContinue": true})),
        ];
        events.extend(end);
        let before = read(&events);
        events.push(last("STOP"));
        let read = read(&events);
        assert_eq!(read.parts()[0]["arguments"], json!({"a": "x"}));
        assert_eq!(!read.calls_done().is_empty(), is_done);
        // What has not ended must not look complete.
        assert_eq!(
            before.calls_done().is_empty(),
            events.len() == 3,
            "{events:?}"
        );
    }
    let pieces = [
        text("$.a", "x"),
        json!({"jsonPath": "$.b", "numberValue": 0.3}),
    ];
    let events = [
        piece(&json!({"name": "f", "willContinue": true})),
        piece(&json!({"partialArgs": [pieces[0]], "willContinue": true})),
        piece(&json!({"partialArgs": [pieces[1]]})),
    ];
    assert_eq!(read(&events).calls_done(), [r#"{"a":"x","b":0.3}"#]);
}

#[test]
fn a_call_that_a_limit_cut_stays_cut() {
    for word in ["MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"] {
        let mut events = call(&[text("$.a", "x"), number("$.b", &json!(1))]);
        events.truncate(3);
        events.push(last(word));
        let read = read(&events);
        let call = read.reply.choices[0].tool_calls().next().unwrap();
        assert_eq!(call.arguments, r#"{"a":"x","b":1"#, "{word}");
        assert!(read.calls_done().is_empty());
    }
}

#[test]
fn several_calls_follow_each_other_with_their_signatures() {
    let events = [
        event(&json!([{"functionCall": {"name": "f"}, "thoughtSignature": "S"}])),
        piece(&json!({"name": "g", "willContinue": true})),
        piece(&json!({"partialArgs": [text("$.id", "A")], "willContinue": true})),
        piece(&json!({})),
        event(
            &json!([{"functionCall": {"name": "g", "id": "i2", "willContinue": true}, "thoughtSignature": "T"}]),
        ),
        piece(
            &json!({"id": "i2", "name": "g", "partialArgs": [text("$.id", "B")], "willContinue": true}),
        ),
        piece(&json!({"id": "i2", "willContinue": false})),
        // It belongs to no call.
        piece(&json!({})),
        last("STOP"),
    ];
    let read = read(&events);
    assert_eq!(
        read.parts(),
        json!([
            {"call": "*", "name": "f", "arguments": {}, "extra": {"thoughtSignature": "S"}},
            {"call": "*", "name": "g", "arguments": {"id": "A"}},
            {"call": "i2", "name": "g", "arguments": {"id": "B"}, "extra": {"thoughtSignature": "T"}},
        ])
    );
    assert_eq!(read.calls_done().len(), 3);
}

#[test]
fn a_copy_of_the_whole_arguments_adds_what_the_pieces_lack() {
    let mut events = call(&[text("$.a", "x")]);
    events[2] = piece(&json!({"args": {"a": "x", "b": [1]}}));
    assert_eq!(
        read(&events).parts()[0]["arguments"],
        json!({"a": "x", "b": [1]})
    );
    events[1] = piece(&json!({"args": {"a": "y"}, "willContinue": true}));
    assert_eq!(
        read(&events).parts()[0]["arguments"],
        json!({"a": "x", "b": [1]})
    );
}

#[test]
fn a_piece_that_names_no_argument_is_an_error() {
    for path in ["$", "$[0]", "city", "$.a[100000000]", "$.a[*]"] {
        let read = read(&call(&[text(path, "x")]));
        let error = read.error.unwrap();
        assert_eq!(error.kind(), crate::error::ErrorKind::Decode, "{path}");
        assert!(!error.message().contains('\n'), "{error}");
    }
    // It says nothing yet.
    let pieces = [
        json!({"jsonPath": "$.a", "willContinue": true}),
        json!({}),
        json!(7),
    ];
    assert_eq!(arguments(&read(&call(&pieces))), "{}");
}

#[test]
fn half_a_character_of_a_late_piece_joins_with_the_next() {
    let event = |path: &str, escape: &str| {
        let part =
            format!(r#"{{"jsonPath":"{path}","stringValue":"{escape}","willContinue":true}}"#);
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"partialArgs":[{part}],"willContinue":true}}}}]}}}}]}}"#
        )
    };
    let events = call(&[text("$.a", "")]);
    let mut texts = vec![events[0].to_string(), events[1].to_string()];
    texts.extend(
        [("$.b", "x"), ("$.a", "\\ud83d"), ("$.a", "\\ude00")]
            .map(|(path, escape)| event(path, escape)),
    );
    texts.extend([events[2].to_string(), events[3].to_string()]);
    let read = read_texts(&texts, 1);
    assert_eq!(read.parts()[0]["arguments"], json!({"a": "😀", "b": "x"}));
}

#[test]
fn late_numbers_keep_their_digits() {
    let events = call(&[
        number("$.a", &json!(1)),
        number("$.b", &json!(2)),
        json!({"jsonPath": "$.a", "structValue": {"n": 0}}),
    ]);
    let mut texts: Vec<_> = events.iter().map(Value::to_string).collect();
    texts[3] = texts[3].replace(r#"{"n":0}"#, r#"{"n": 12345678901234567890.50}"#);
    let read = read_texts(&texts, 1);
    assert!(
        arguments(&read).ends_with(r#","a":{"n":12345678901234567890.50}}"#),
        "{}",
        arguments(&read)
    );
}
