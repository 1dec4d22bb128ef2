use serde_json::{Value, json};

use super::replies::reply;
use super::streams::{delta, feed, folded};
use crate::message::{ChunkKind, StreamEvent, StreamEvents, ToolCall};

/// Stands for an id that the decoder made up.
const MADE_UP: &str = "?";

/// Id, name and arguments of the calls in the `tool_calls` lists of some deltas.
fn calls(fragments: &Value) -> Vec<(String, String, String)> {
    let list: Vec<_> = fragments
        .as_array()
        .unwrap()
        .iter()
        .map(|calls| json!({"tool_calls": calls}))
        .collect();
    let mut events: Vec<_> = list.iter().map(delta).collect();
    events.push("[DONE]".to_owned());
    let choice = folded(&events).choices.remove(0);
    let calls = choice.tool_calls();
    calls
        .map(|call| {
            let id = call.id.clone().unwrap_or_default();
            // The ids of the tests are shorter than those that are made up.
            let id = if id.len() == 9 { MADE_UP.into() } else { id };
            (id, call.name.clone(), call.arguments.clone())
        })
        .collect()
}

fn expected(calls: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    calls
        .iter()
        .map(|(id, name, arguments)| ((*id).into(), (*name).into(), (*arguments).into()))
        .collect()
}

#[test]
fn a_fragment_finds_its_call() {
    let named = |index: Option<u32>, id: Option<&str>, name: &str, arguments: &str| {
        let mut call = json!({"function": {"name": name, "arguments": arguments}});
        if let Some(index) = index {
            call["index"] = json!(index);
        }
        if let Some(id) = id {
            call["id"] = json!(id);
        }
        call
    };
    let more = |index: Option<u32>, id: Option<&str>, arguments: &str| {
        let mut call = named(index, id, "", arguments);
        call["function"]["name"] = Value::Null;
        call
    };
    // As specified.
    let plain = json!([
        [named(Some(0), Some("a"), "f", "")],
        [more(Some(0), None, "{")],
        [more(Some(0), None, "}")]
    ]);
    assert_eq!(calls(&plain), expected(&[("a", "f", "{}")]));
    // The id repeated, null or empty.
    let repeated = json!([
        [named(Some(0), Some("a"), "f", "{")],
        [named(Some(0), Some("a"), "f", "1")],
        [more(Some(0), Some("null"), "2")],
        [more(Some(0), Some(""), "}")]
    ]);
    assert_eq!(calls(&repeated), expected(&[("a", "f", "{12}")]));
    // Parallel calls, all with index 0.
    let zeros = json!([
        [named(Some(0), Some("a"), "f", "{}")],
        [named(Some(0), Some("b"), "f", "{1}")]
    ]);
    assert_eq!(
        calls(&zeros),
        expected(&[("a", "f", "{}"), ("b", "f", "{1}")])
    );
    // No index.
    let bare = json!([
        [named(None, Some("a"), "f", "{")],
        [more(None, None, "}")],
        [named(None, Some("b"), "g", "{}")]
    ]);
    assert_eq!(
        calls(&bare),
        expected(&[("a", "f", "{}"), ("b", "g", "{}")])
    );
    // No index, and a fragment of the call before the last one.
    let back = json!([
        [named(None, Some("a"), "f", "{")],
        [named(None, Some("b"), "g", "{}")],
        [more(None, Some("a"), "}")]
    ]);
    assert_eq!(
        calls(&back),
        expected(&[("a", "f", "{}"), ("b", "g", "{}")])
    );
    // A new random id in every fragment.
    let random = json!([
        [named(Some(0), Some("a"), "f", "{")],
        [more(Some(0), Some("b"), "}")]
    ]);
    assert_eq!(calls(&random), expected(&[("a", "f", "{}")]));
    // Two headers first, then their arguments mixed.
    let mixed = json!([
        [
            named(Some(0), Some("a"), "f", ""),
            named(Some(1), Some("b"), "g", "")
        ],
        [more(Some(1), None, "{1")],
        [more(Some(0), None, "{0}")],
        [more(Some(1), None, "}")]
    ]);
    assert_eq!(
        calls(&mixed),
        expected(&[("a", "f", "{0}"), ("b", "g", "{1}")])
    );
    // No ids at all, the same index, another name.
    let anonymous = json!([
        [named(Some(0), None, "f", "{}")],
        [named(Some(0), None, "g", "{}")]
    ]);
    assert_eq!(
        calls(&anonymous),
        expected(&[(MADE_UP, "f", "{}"), (MADE_UP, "g", "{}")])
    );
    // A name in pieces.
    let pieces = json!([
        [named(Some(0), Some("a"), "get_", "")],
        [named(Some(0), None, "time", "{}")]
    ]);
    assert_eq!(calls(&pieces), expected(&[("a", "get_time", "{}")]));
    // Absurd indices cost nothing.
    let absurd = json!([[named(Some(u32::MAX), Some("a"), "f", "{}")],
        [{"index": -1, "id": "b", "function": {"name": "g", "arguments": {"x": 1}, "strict": true}}, null]]);
    assert_eq!(
        calls(&absurd),
        expected(&[("a", "f", "{}"), ("b", "g", "{\"x\":1}")])
    );
}

/// A fragment with these fields; null ones are left out.
fn fragment(index: &Value, id: &str, name: &str, arguments: &str) -> Value {
    let mut fragment = json!({"function": {"arguments": arguments}});
    if !index.is_null() {
        fragment["index"] = index.clone();
    }
    if !id.is_empty() {
        fragment["id"] = json!(id);
    }
    if !name.is_empty() {
        fragment["function"]["name"] = json!(name);
    }
    fragment
}

#[test]
fn a_name_after_complete_arguments_begins_another_call() {
    let two = expected(&[
        (MADE_UP, "f", r#"{"day":"Mon"}"#),
        (MADE_UP, "f", r#"{"day":"Tue"}"#),
    ]);
    let (monday, tuesday) = (r#"{"day":"Mon"}"#, r#"{"day":"Tue"}"#);
    for index in [json!(0), json!(1), Value::Null] {
        let at = |name: &str, arguments: &str| json!([fragment(&index, "", name, arguments)]);
        // Whole calls, calls in pieces, and headers by themselves.
        let whole = json!([at("f", monday), at("f", tuesday)]);
        assert_eq!(calls(&whole), two, "{index}");
        let pieces = json!([
            at("f", r#"{"day""#),
            at("", r#":"Mon"}"#),
            at("f", r#"{"da"#),
            at("", r#"y":"Tue"}"#)
        ]);
        assert_eq!(calls(&pieces), two, "{index}");
        let headers = json!([at("f", ""), at("", monday), at("f", ""), at("", tuesday)]);
        assert_eq!(calls(&headers), two, "{index}");
        // The same call twice is two calls.
        let same = json!([at("f", "{}"), at("f", "{}")]);
        assert_eq!(calls(&same).len(), 2, "{index}");
    }
    // A list may be complete too, and brackets inside strings do not count.
    let lists = json!([
        [fragment(&json!(0), "", "f", r#"["]\""]"#)],
        [fragment(&json!(0), "", "f", r#"{"a":"{"}"#)]
    ]);
    assert_eq!(calls(&lists).len(), 2);
}

#[test]
fn a_header_in_each_fragment_begins_no_other_call() {
    for index in [json!(0), json!(3), Value::Null] {
        for id in ["", "a"] {
            let at = |arguments: &str| json!([fragment(&index, id, "f", arguments)]);
            let repeated = json!([at(""), at(r#"{"x":"#), at("1"), at("}"), at("")]);
            let id = if id.is_empty() { MADE_UP } else { id };
            assert_eq!(
                calls(&repeated),
                expected(&[(id, "f", r#"{"x":1}"#)]),
                "{index}"
            );
        }
    }
    // A call that is sent again as a whole, under its id.
    let again = json!([
        [fragment(&json!(0), "a", "f", r#"{"x":"#)],
        [fragment(&json!(0), "", "", "1}")],
        [fragment(&json!(0), "a", "f", r#"{"x":1}"#)]
    ]);
    assert_eq!(calls(&again), expected(&[("a", "f", r#"{"x":1}"#)]));
}

#[test]
fn ids_and_indices_may_change_in_the_middle_of_a_call() {
    let one = expected(&[("a", "f", "{12}")]);
    for (index, id) in [
        (json!(0), "b"),
        (json!(1), "a"),
        (json!(1), ""),
        (Value::Null, "b"),
    ] {
        let fragments = json!([
            [fragment(&json!(0), "a", "f", "{")],
            [fragment(&json!(0), "a", "", "1")],
            [fragment(&index, id, "", "2}")]
        ]);
        assert_eq!(calls(&fragments), one, "{index} {id}");
    }
    // An id that comes late is still the call's.
    let late = json!([
        [fragment(&json!(0), "", "f", "")],
        [fragment(&json!(0), "a", "", "{12}")]
    ]);
    assert_eq!(calls(&late), one);
}

#[test]
fn calls_at_one_index_are_told_apart_by_their_ids() {
    for index in [json!(0), Value::Null] {
        let mixed = json!([
            [
                fragment(&index, "a", "f", ""),
                fragment(&index, "b", "g", "")
            ],
            [fragment(&index, "a", "", "{0")],
            [fragment(&index, "b", "", "{1")],
            [
                fragment(&index, "a", "", "}"),
                fragment(&index, "b", "", "}")
            ]
        ]);
        let both = expected(&[("a", "f", "{0}"), ("b", "g", "{1}")]);
        assert_eq!(calls(&mixed), both, "{index}");
    }
}

#[test]
fn two_calls_never_have_one_id() {
    let same = json!([
        [fragment(&json!(0), "a", "f", "{")],
        [fragment(&json!(1), "a", "g", "{")],
        [fragment(&json!(1), "a", "g", "1}")],
        [fragment(&json!(0), "a", "f", "0}")]
    ]);
    let two = expected(&[("a", "f", "{0}"), (MADE_UP, "g", "{1}")]);
    assert_eq!(calls(&same), two);
    let whole = json!({"tool_calls": [
        {"id": "a", "function": {"name": "f", "arguments": "{}"}},
        {"id": "a", "function": {"name": "f", "arguments": "{}"}},
    ]});
    let ids = reply(&whole, "tool_calls").choices[0].ids();
    assert_eq!((ids.len(), &*ids[0], ids[1].len()), (2, "a", 9));
}

#[test]
fn an_entry_that_says_nothing_is_no_call() {
    let empty =
        json!([null, {}, {"index": 0}, {"function": {}}, {"id": "", "function": {"name": null}}]);
    let choice = folded(&[delta(&json!({"content": "a", "tool_calls": empty}))])
        .choices
        .remove(0);
    assert_eq!(choice.tool_calls().count(), 0);
    let whole = json!({"content": "a", "tool_calls": [{}], "function_call": {"name": ""}});
    assert_eq!(reply(&whole, "stop").choices[0].tool_calls().count(), 0);
}

#[test]
fn a_made_up_id_is_the_same_in_the_reply_and_in_its_events() {
    let at = |index: u32, name: &str, arguments: &str| {
        delta(&json!({"tool_calls": [fragment(&json!(index), "", name, arguments)]}))
    };
    let finish = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;
    let header = r#"{"choices":[{"index":0,"delta":{},"finish_reason":null}]}"#;
    for end in [finish, "[DONE]"] {
        let events = [
            header.to_owned(),
            at(0, "f", "{}"),
            at(1, "g", "{"),
            at(1, "", "}"),
            // Nothing more of a call that is complete.
            at(0, "", ""),
            end.to_owned(),
        ];
        let events: Vec<_> = events.iter().map(String::as_str).collect();
        let (chunks, _) = feed(&events).unwrap();
        let mut reply = crate::message::Fold::default();
        let (mut typed, mut seen) = (StreamEvents::default(), Vec::new());
        for chunk in &chunks {
            reply.apply(chunk);
            typed.push(chunk, &mut seen);
        }
        typed.finish(&mut seen);
        let done: Vec<&ToolCall> = seen
            .iter()
            .filter_map(|event| match event {
                StreamEvent::ToolCallDone { call, .. } => Some(call),
                _ => None,
            })
            .collect();
        let sent: Vec<_> = chunks.iter().flat_map(ids_of).collect();
        let reply = reply.into_reply();
        let ids = reply.choices[0].ids();
        assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
        assert_eq!(sent, ids);
        assert_eq!(done, reply.choices[0].tool_calls().collect::<Vec<_>>());
    }
}

fn ids_of(chunk: &ChunkKind) -> Vec<String> {
    match chunk {
        ChunkKind::Text(_) => Vec::new(),
        ChunkKind::Delta(delta) => delta
            .tool_calls
            .iter()
            .filter_map(|call| call.id.clone())
            .collect(),
    }
}

impl crate::message::Choice {
    fn ids(&self) -> Vec<String> {
        self.tool_calls()
            .filter_map(|call| call.id.clone())
            .collect()
    }
}

#[test]
fn calls_of_odd_forms() {
    let call = |name: &str, arguments: &str| json!({"index": 0, "function": {"name": name, "arguments": arguments}});
    let piece = |arguments: &str| json!({"index": 0, "function": {"arguments": arguments}});
    for (fragments, all) in [
        // The name comes after the arguments have begun.
        (
            json!([[{"index": 0, "id": "a", "function": {"arguments": "{"}}], [call("f", "}")]]),
            vec![("a", "f", "{}")],
        ),
        // One list names each of its calls once, even if they have no arguments.
        (
            json!([[call("f", ""), call("f", ""), call("g", "")]]),
            vec![(MADE_UP, "f", ""), (MADE_UP, "f", ""), (MADE_UP, "g", "")],
        ),
        // All arguments again at the end.
        (
            json!([[call("f", "{\"a\"")], [piece(":1}")], [piece("{\"a\":1}")]]),
            vec![(MADE_UP, "f", "{\"a\":1}")],
        ),
        // No list, and a number as id.
        (
            json!([{"id": 7, "function": {"name": "f", "arguments": "{}"}}]),
            vec![("7", "f", "{}")],
        ),
    ] {
        assert_eq!(calls(&fragments), expected(&all), "{fragments}");
    }
}

#[test]
fn a_header_that_is_only_repeated_is_no_content() {
    let header = json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]});
    let (chunks, _) = feed(&[&delta(&header), &delta(&header)]).unwrap();
    let has_content: Vec<_> = chunks.iter().map(ChunkKind::has_content).collect();
    assert_eq!(has_content, [true, false]);
}
