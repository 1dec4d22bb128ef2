//! Blocks that only the provider understands.

use serde_json::{Value, json};

use super::{begun, delta, input, parts, read, start, stop, stream, text, whole};

/// The only part of a stream of one block.
fn block(began: &Value, deltas: &[Value]) -> Value {
    let mut events = vec![start(0, began)];
    events.extend(deltas.iter().map(|one| delta(0, one)));
    events.push(stop(0));
    read(&stream(&events, "pause_turn")).parts()[0]["opaque"].clone()
}

fn piece(json: &str) -> Value {
    json!({"type": "input_json_delta", "partial_json": json})
}

#[test]
fn a_block_that_comes_whole_stays_as_it_is_and_in_its_place() {
    let result = json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result", "url": "u"}]});
    let hidden = json!({"type": "redacted_thinking", "data": "xyz"});
    let content = json!([hidden, {"type": "text", "text": "a"}, result, {"type": "text", "text": "b"}, {"type": "some_future_type"}]);
    let expected = json!([
        {"opaque": hidden}, {"text": "a"}, {"opaque": result}, {"text": "b"},
        {"opaque": {"type": "some_future_type"}},
    ]);
    assert_eq!(parts(&whole(&content).unwrap()), expected);
    let mut events = Vec::new();
    for (index, block) in content.as_array().unwrap().iter().enumerate() {
        events.extend([start(index, block), stop(index)]);
    }
    assert_eq!(read(&stream(&events, "end_turn")).parts(), expected);
}

#[test]
fn the_input_of_a_server_tool_is_put_together() {
    let began = json!({"type": "server_tool_use", "id": "s", "input": {}, "name": "web_search"});
    let whole = |input: Value| json!({"type": "server_tool_use", "id": "s", "input": input, "name": "web_search"});
    let pieces = ["", "{\"que", "ry\": \"a\\\"b\"", "}"].map(piece);
    assert_eq!(block(&began, &pieces), whole(json!({"query": "a\"b"})));
    assert_eq!(block(&began, &[piece("")]), whole(json!({})));
    assert_eq!(block(&began, &[]), began);
    // What was cut is no JSON.
    assert_eq!(block(&began, &[piece("{\"que")]), whole(json!("{\"que")));
    let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
    assert_eq!(block(&began, &[piece(&deep)]), whole(json!(deep)));
    let without = json!({"type": "mcp_tool_use", "id": "s"});
    let expected = json!({"type": "mcp_tool_use", "id": "s", "input": {"a": 1}});
    assert_eq!(block(&without, &[piece("{\"a\":1}")]), expected);
}

#[test]
fn a_compaction_comes_in_one_delta() {
    let began = json!({"type": "compaction", "content": null, "encrypted_content": null});
    let all = json!({"type": "compaction_delta", "content": "so far", "encrypted_content": "xyz"});
    let expected = json!({"type": "compaction", "content": "so far", "encrypted_content": "xyz"});
    assert_eq!(block(&began, std::slice::from_ref(&all)), expected);
    assert_eq!(block(&began, &[all.clone(), all]), expected);
    let failed = json!({"type": "compaction_delta", "content": null});
    assert_eq!(block(&began, &[failed]), began);
}

#[test]
fn pieces_of_an_unknown_block_follow_each_other() {
    let began = json!({"type": "note", "text": "a", "list": [1], "n": 1});
    let deltas = [
        json!({"type": "text_delta", "text": "b"}),
        json!({"type": "citations_delta", "citation": {"url": "u"}}),
        json!({"type": "citations_delta", "citation": {"url": "v"}}),
        json!({"type": "note_delta", "more": "x", "n": 2, "none": null, "list": [2]}),
        json!({"type": "note_delta", "more": "y"}),
        json!({"type": "signature_delta", "signature": "one"}),
        json!({"type": "signature_delta", "signature": "two"}),
    ];
    let expected = json!({
        "type": "note", "text": "ab", "list": [2], "n": 2, "more": "xy", "signature": "two",
        "citations": [{"url": "u"}, {"url": "v"}],
    });
    assert_eq!(block(&began, &deltas), expected);
    let began = json!({"type": "note", "citations": [{"url": "t"}]});
    let expected = json!({"type": "note", "citations": [{"url": "t"}, {"url": "u"}]});
    assert_eq!(block(&began, &deltas[1..2]), expected);
}

#[test]
fn half_a_character_of_an_unknown_block_is_joined() {
    let event = |json: &str| {
        format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"x","x":"{json}"}}}}"#)
    };
    let mut events = vec![
        begun().to_string(),
        start(0, &json!({"type": "note"})).to_string(),
    ];
    events.extend([r"\ud83d", r"\ude00", r"a\ud83d"].map(event));
    events
        .extend([stop(0), super::finish("end_turn"), super::end()].map(|event| event.to_string()));
    let parts = super::read_texts(&events).parts();
    assert_eq!(parts[0]["opaque"]["x"], "\u{1f600}a\u{fffd}");
}

#[test]
fn a_partial_reply_has_the_block_as_it_is_so_far() {
    let began = json!({"type": "server_tool_use", "id": "s", "name": "n", "input": {}});
    let events = [
        begun(),
        start(0, &super::no_text()),
        text(0, "a"),
        stop(0),
        start(1, &began),
        input(1, "{\"q\""),
        input(1, ":1"),
    ];
    for (count, expected) in [(5, json!({})), (6, json!("{\"q\"")), (7, json!("{\"q\":1"))] {
        let streamed = read(&events[..count]);
        assert_eq!(
            streamed.missing.as_deref(),
            Some("message_stop did not arrive")
        );
        assert_eq!(
            parts(&streamed.reply)[1]["opaque"]["input"],
            expected,
            "{count}"
        );
    }
}

#[test]
fn a_block_is_put_together_without_its_end_too() {
    let began = json!({"type": "server_tool_use", "id": "s", "name": "n", "input": {}});
    let events = stream(
        &[start(0, &began), input(0, "{\"q\":"), input(0, "1}")],
        "pause_turn",
    );
    assert_eq!(read(&events).parts()[0]["opaque"]["input"], json!({"q": 1}));
}
