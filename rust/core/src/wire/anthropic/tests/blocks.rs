//! Blocks of text, reasoning and calls: they join by index, in the order of the content.

use serde_json::{Value, json};

use super::{
    delta, end, finish, input, no_text, parts, read, start, stop, stream, text, tool, whole,
};

fn thinking(index: usize, text: &str) -> Value {
    delta(index, &json!({"type": "thinking_delta", "thinking": text}))
}

fn signature(index: usize, signature: &str) -> Value {
    delta(
        index,
        &json!({"type": "signature_delta", "signature": signature}),
    )
}

fn no_thoughts() -> Value {
    json!({"type": "thinking", "thinking": "", "signature": ""})
}

#[test]
fn pieces_join_by_the_index_of_their_block_and_parts_are_in_the_order_of_the_content() {
    let events = stream(
        &[
            start(1, &tool("a")),
            start(0, &no_text()),
            input(1, "{\"x\":"),
            text(0, "one"),
            start(2, &no_text()),
            text(2, "three"),
            input(1, "1}"),
            text(0, " two"),
            stop(2),
            stop(0),
            stop(1),
        ],
        "tool_use",
    );
    let expected = json!([
        {"text": "one two"},
        {"call": "a", "name": "f", "arguments": "{\"x\":1}"},
        {"text": "three"},
    ]);
    assert_eq!(read(&events).parts(), expected);
}

#[test]
fn neighbouring_texts_stay_two_parts() {
    let events = stream(
        &[
            start(0, &no_text()),
            text(0, "a"),
            stop(0),
            start(1, &no_text()),
            text(1, "b"),
            stop(1),
        ],
        "end_turn",
    );
    let streamed = read(&events);
    assert_eq!(streamed.parts(), json!([{"text": "a"}, {"text": "b"}]));
    assert_eq!(streamed.reply.choices[0].text(), "ab");
}

#[test]
fn a_block_of_llama_server_begins_before_the_one_before_it_ends() {
    // Its calls begin without an `input`, and it ends all blocks together.
    let events = stream(
        &[
            start(0, &json!({"type": "thinking", "thinking": ""})),
            thinking(0, "hm"),
            start(1, &no_text()),
            text(1, "ok"),
            start(2, &json!({"type": "tool_use", "id": "c", "name": "f"})),
            input(2, "{}"),
            signature(0, ""),
            stop(0),
            stop(1),
            stop(2),
        ],
        "tool_use",
    );
    let expected = json!([
        {"thinking": "hm", "field": "thinking"},
        {"text": "ok"},
        {"call": "c", "name": "f", "arguments": "{}"},
    ]);
    assert_eq!(read(&events).parts(), expected);
}

#[test]
fn without_its_beginning_the_type_of_a_delta_says_what_a_block_is() {
    let events = stream(
        &[
            thinking(0, "a"),
            signature(0, "s"),
            stop(0),
            text(1, "b"),
            text(1, "c"),
            stop(1),
        ],
        "end_turn",
    );
    let expected = json!([
        {"thinking": "a", "field": "thinking", "signature": "s"},
        {"text": "bc"},
    ]);
    assert_eq!(read(&events).parts(), expected);
    // Neither does it need a type, nor an index.
    let bare =
        |key: &str, value: &str| json!({"type": "content_block_delta", "delta": {key: value}});
    let events = stream(&[bare("text", "a"), bare("text", "b")], "end_turn");
    assert_eq!(read(&events).parts(), json!([{"text": "ab"}]));
}

#[test]
fn a_server_may_leave_out_where_blocks_end() {
    let events = stream(
        &[
            start(0, &no_text()),
            text(0, "a"),
            start(1, &tool("t")),
            input(1, "{\"a\":1}"),
        ],
        "tool_use",
    );
    let streamed = read(&events);
    let expected = json!([{"text": "a"}, {"call": "t", "name": "f", "arguments": "{\"a\":1}"}]);
    assert_eq!(streamed.parts(), expected);
    assert_eq!(streamed.calls_done(), ["{\"a\":1}"]);
}

#[test]
fn a_server_may_give_all_blocks_one_index_or_count_from_1() {
    for indices in [[0, 0, 0], [1, 2, 3]] {
        let [a, b, c] = indices;
        let events = stream(
            &[
                start(a, &no_text()),
                text(a, "a"),
                stop(a),
                start(b, &no_text()),
                text(b, "b"),
                stop(b),
                start(c, &tool("t")),
                input(c, "{}"),
                stop(c),
            ],
            "tool_use",
        );
        let expected = json!([
            {"text": "a"}, {"text": "b"}, {"call": "t", "name": "f", "arguments": "{}"},
        ]);
        assert_eq!(read(&events).parts(), expected, "{indices:?}");
    }
}

#[test]
fn the_input_of_a_call_is_its_pieces_joined_as_they_came() {
    let pieces = ["", "{\"a\": ", "\"\\u00", "e9\", ", "\"b\":1.0 }", ""];
    let mut events = vec![start(0, &tool("t"))];
    events.extend(pieces.map(|piece| input(0, piece)));
    events.push(stop(0));
    let streamed = read(&stream(&events, "tool_use"));
    assert_eq!(streamed.parts()[0]["arguments"], pieces.concat());
    assert_eq!(streamed.calls_done(), [pieces.concat()]);
}

#[test]
fn half_a_character_waits_for_the_other_half() {
    let half = |index: usize, kind: &str, key: &str, json: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{key}":"{json}"}}}}"#
        )
    };
    let mut events: Vec<String> = [start(0, &no_text()), start(1, &tool("t"))]
        .map(|event| event.to_string())
        .into();
    for (index, kind, key) in [
        (0, "text_delta", "text"),
        (1, "input_json_delta", "partial_json"),
    ] {
        events.push(half(index, kind, key, r"a\ud83d"));
        events.push(half(index, kind, key, r"\ude00b\ud83d"));
    }
    events.extend([stop(0), stop(1), finish("tool_use"), end()].map(|event| event.to_string()));
    let parts = super::read_texts(&events).parts();
    assert_eq!(parts[0]["text"], "a\u{1f600}b\u{fffd}");
    assert_eq!(parts[1]["arguments"], "a\u{1f600}b\u{fffd}");
}

#[test]
fn without_any_piece_the_input_is_that_of_the_beginning_or_an_empty_object() {
    for (block, pieces, expected) in [
        (json!({"input": {}}), &[][..], "{}"),
        (json!({}), &[], "{}"),
        (json!({"input": null}), &["", ""], "{}"),
        (json!({"input": ""}), &[], "{}"),
        (json!({"input": {"a": 1}}), &[""], "{\"a\":1}"),
        (json!({"input": "{\"a\": 1}"}), &[], "{\"a\": 1}"),
        (json!({"input": {"a": 1}}), &["{\"b\"", ":2}"], "{\"b\":2}"),
    ] {
        let mut block = block.clone();
        block.as_object_mut().unwrap().extend([
            ("type".to_owned(), json!("tool_use")),
            ("id".to_owned(), json!("t")),
            ("name".to_owned(), json!("f")),
        ]);
        let mut events = vec![start(0, &block)];
        events.extend(pieces.iter().map(|piece| input(0, piece)));
        events.push(stop(0));
        let streamed = read(&stream(&events, "tool_use"));
        assert_eq!(streamed.parts()[0]["arguments"], expected, "{block}");
        assert_eq!(streamed.calls_done(), [expected], "{block}");
        if pieces.is_empty() {
            assert_eq!(
                parts(&whole(&json!([block])).unwrap())[0]["arguments"],
                expected
            );
        }
    }
}

#[test]
fn the_input_of_a_whole_reply_is_its_text_as_sent() {
    let body = r#"{"type":"message","content":[{"type":"tool_use","id":"t","name":"f","input":{ "a" : 1.0, "b":[1e400] } }],"stop_reason":"tool_use"}"#;
    let reply = super::Messages;
    let reply = crate::wire::Dialect::decode_reply(&reply, body.as_bytes(), 1).unwrap();
    assert_eq!(
        parts(&reply)[0]["arguments"],
        r#"{ "a" : 1.0, "b":[1e400] }"#
    );
}

#[test]
fn a_call_is_complete_where_its_block_ends() {
    let events = stream(
        &[
            start(0, &tool("a")),
            input(0, "{}"),
            stop(0),
            start(1, &tool("b")),
            input(1, "{\"b\":"),
            input(1, "2}"),
            stop(1),
        ],
        "tool_use",
    );
    for (count, done) in [(3, 0), (4, 1), (7, 1), (8, 2), (10, 2)] {
        assert_eq!(read(&events[..count]).calls_done().len(), done, "{count}");
    }
}

#[test]
fn a_call_without_input_is_complete_as_soon_as_another_block_follows() {
    let events = stream(
        &[
            start(0, &tool("a")),
            stop(0),
            start(1, &tool("b")),
            input(1, "{\"b\":2}"),
            stop(1),
            start(2, &tool("c")),
            stop(2),
        ],
        "tool_use",
    );
    assert!(read(&events[..3]).calls_done().is_empty());
    assert_eq!(read(&events[..4]).calls_done(), ["{}"]);
    let streamed = read(&events);
    assert_eq!(streamed.parts()[0]["arguments"], "{}");
    assert_eq!(streamed.calls_done(), ["{}", "{\"b\":2}", "{}"]);
}

#[test]
fn arguments_that_the_limit_cut_stay_cut_and_the_call_is_never_complete() {
    for pieces in [&["{\"a\": [1, "][..], &[], &["", "{"]] {
        for has_stop in [true, false] {
            let mut events = vec![start(0, &no_text()), stop(0), start(1, &tool("t"))];
            events.extend(pieces.iter().map(|piece| input(1, piece)));
            events.extend(has_stop.then(|| stop(1)));
            let streamed = read(&stream(&events, "max_tokens"));
            let call = &streamed.parts()[1];
            let expected = pieces.concat();
            if has_stop && expected.is_empty() {
                assert_eq!(call["arguments"], "{}");
            } else {
                assert_eq!(call["arguments"], expected);
            }
            assert!(streamed.calls_done().is_empty(), "{pieces:?}");
            let choice = &streamed.reply.choices[0];
            assert_eq!(choice.finish_reason.unwrap().as_str(), "length");
        }
    }
}

#[test]
fn arguments_that_are_not_json_are_passed_on_with_the_end_of_the_reply() {
    let events = stream(
        &[start(0, &tool("t")), input(0, "{\"a\": oops"), stop(0)],
        "tool_use",
    );
    let streamed = read(&events);
    assert_eq!(streamed.parts()[0]["arguments"], "{\"a\": oops");
    assert_eq!(streamed.calls_done(), ["{\"a\": oops"]);
}

#[test]
fn a_call_without_an_id_gets_one() {
    let block = json!({"type": "tool_use", "name": "f", "input": {}});
    let streamed = read(&stream(&[start(0, &block), stop(0)], "tool_use"));
    let id = streamed.parts()[0]["call"].as_str().unwrap().to_owned();
    assert!(!id.is_empty());
    let id = whole(&json!([block])).unwrap();
    assert!(!parts(&id)[0]["call"].as_str().unwrap().is_empty());
}

#[test]
fn thinking_that_is_not_shown_is_a_part_without_text() {
    let events = stream(
        &[start(0, &no_thoughts()), signature(0, "sig"), stop(0)],
        "end_turn",
    );
    let streamed = read(&events);
    let expected = json!([{"thinking": "", "field": "thinking", "signature": "sig"}]);
    assert_eq!(streamed.parts(), expected);
    let block = json!({"type": "thinking", "thinking": "", "signature": "sig"});
    assert_eq!(parts(&whole(&json!([block])).unwrap()), expected);
}

#[test]
fn a_later_signature_takes_the_place_of_an_earlier_one() {
    let events = stream(
        &[
            start(0, &no_thoughts()),
            thinking(0, "a"),
            signature(0, "one"),
            signature(0, "two"),
            stop(0),
        ],
        "end_turn",
    );
    assert_eq!(read(&events).parts()[0]["signature"], "two");
}

#[test]
fn what_else_a_block_has_is_kept() {
    let blocks = json!([
        {"type": "text", "text": "t", "citations": null, "x": 1},
        {"type": "thinking", "thinking": "h", "signature": "s", "y": [2]},
        {"type": "tool_use", "id": "c", "name": "f", "input": {}, "caller": {"type": "direct"}},
    ]);
    let expected = json!([
        {"text": "t", "extra": {"citations": null, "x": 1}},
        {"thinking": "h", "field": "thinking", "signature": "s", "extra": {"y": [2]}},
        {"call": "c", "name": "f", "arguments": "{}", "extra": {"caller": {"type": "direct"}}},
    ]);
    assert_eq!(parts(&whole(&blocks).unwrap()), expected);
    let mut events = Vec::new();
    for (index, block) in blocks.as_array().unwrap().iter().enumerate() {
        events.extend([start(index, block), stop(index)]);
    }
    assert_eq!(read(&stream(&events, "tool_use")).parts(), expected);
}

#[test]
fn deltas_of_unknown_types_are_kept_with_their_block() {
    let more = json!({"type": "mood_delta", "mood": "glad", "none": null});
    let events = stream(
        &[
            start(0, &no_text()),
            text(0, "a"),
            delta(0, &more),
            text(0, "b"),
            stop(0),
            start(1, &tool("t")),
            input(1, "{}"),
            delta(1, &more),
            stop(1),
        ],
        "tool_use",
    );
    let expected = json!([
        {"text": "ab", "extra": {"mood": "glad"}},
        {"call": "t", "name": "f", "arguments": "{}", "extra": {"mood": "glad"}},
    ]);
    assert_eq!(read(&events).parts(), expected);
}
