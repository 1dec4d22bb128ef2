//! How items become parts.

use serde_json::{Value, json};

use super::{added, call, completed, done, message, opened, parts, read, text_delta, whole};

#[test]
fn each_block_of_a_message_is_a_part_and_its_item_goes_with_the_first() {
    let item = json!({
        "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "phase": "commentary", "new": {"key": null},
        "content": [
            {"type": "output_text", "text": "one", "annotations": [{"type": "url_citation", "url": "u"}], "logprobs": []},
            {"type": "future", "data": [1]},
            {"type": "output_text", "text": "two", "annotations": [], "refusal": null},
            {"type": "refusal", "refusal": "no"},
        ],
    });
    let next = json!({"id": "msg_1", "continues": true});
    let expected = json!([
        {"text": "one", "extra": {
            "item": {"id": "msg_1", "status": "completed", "phase": "commentary", "new": {"key": null}},
            "annotations": [{"type": "url_citation", "url": "u"}],
        }},
        {"opaque": {"type": "future", "data": [1]}, "field": "content"},
        {"text": "two", "extra": {"item": next, "annotations": [], "refusal": null}},
        {"refusal": "no", "extra": {"item": next}},
    ]);
    assert_eq!(parts(&whole(&json!([item])).unwrap()), expected);
    assert_eq!(
        read(&[done(0, &item), completed(&json!([]))]).parts(),
        expected
    );
}

#[test]
fn an_item_without_other_keys_has_an_empty_item() {
    let reply =
        whole(&json!([{"type": "message", "content": [{"type": "output_text", "text": "a"}]}]));
    assert_eq!(
        parts(&reply.unwrap()),
        json!([{"text": "a", "extra": {"item": {}}}])
    );
}

#[test]
fn each_block_of_reasoning_is_a_part_and_the_last_one_has_what_is_encrypted() {
    let item = json!({
        "type": "reasoning", "id": "rs_1", "encrypted_content": "secret", "status": null,
        "summary": [{"type": "summary_text", "text": "s1"}, {"type": "summary_text", "text": "s2"}],
        "content": [{"type": "reasoning_text", "text": "c"}],
    });
    let next = json!({"item": {"id": "rs_1", "continues": true}});
    assert_eq!(
        parts(&whole(&json!([item])).unwrap()),
        json!([
            {"reasoning": "s1", "field": "summary", "signature": null, "extra": {"item": {"id": "rs_1", "status": null}}},
            {"reasoning": "s2", "field": "summary", "signature": null, "extra": next},
            {"reasoning": "c", "field": "content", "signature": "secret", "extra": next},
        ])
    );
}

#[test]
fn reasoning_without_blocks_is_one_part() {
    for item in [
        json!({"type": "reasoning", "id": "rs", "summary": []}),
        json!({"type": "reasoning", "id": "rs", "summary": [], "content": null, "encrypted_content": null}),
    ] {
        let expected = json!([{"reasoning": "", "field": null, "signature": null, "extra": {"item": {"id": "rs"}}}]);
        assert_eq!(parts(&whole(&json!([item])).unwrap()), expected);
        let streamed = read(&[added(0, &item), done(0, &item), completed(&json!([item]))]);
        assert_eq!(streamed.parts(), expected);
    }
}

#[test]
fn calls_keep_their_item_and_a_custom_tool_is_marked() {
    let reply = whole(&json!([
        {"type": "function_call", "id": "fc", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed", "namespace": "n"},
        {"type": "custom_tool_call", "id": "ctc", "call_id": "c2", "name": "g", "input": "free text"},
    ]));
    assert_eq!(
        parts(&reply.unwrap()),
        json!([
            {"call": "c1", "name": "f", "arguments": "{}",
             "extra": {"item": {"id": "fc", "status": "completed", "namespace": "n"}}},
            {"call": "c2", "name": "g", "arguments": "free text", "extra": {"item": {"id": "ctc"}, "custom": {}}},
        ])
    );
}

#[test]
fn items_of_all_other_types_are_kept_as_they_came() {
    let items = [
        "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call",
        "mcp_list_tools", "mcp_call", "mcp_approval_request", "shell_call", "shell_call_output",
        "apply_patch_call", "local_shell_call", "computer_call", "compaction", "program",
        "tool_search_call", "some_future_type",
    ]
    .map(|kind| json!({"type": kind, "id": "x", "content": [{"type": "output_text", "text": "no text of the reply"}], "n": 1e2}));
    let expected: Value = items
        .iter()
        .map(|item| json!({"opaque": item, "field": "output"}))
        .collect();
    let output: Value = items.iter().cloned().collect();
    assert_eq!(parts(&whole(&output).unwrap()), expected);
    let events: Vec<_> = items
        .iter()
        .enumerate()
        .flat_map(|(index, item)| {
            [
                added(index, &json!({"type": item["type"], "id": "x", "status": "in_progress"})),
                json!({"type": format!("response.{}.in_progress", item["type"].as_str().unwrap()), "output_index": index}),
                done(index, item),
            ]
        })
        .chain([completed(&output)])
        .collect();
    assert_eq!(read(&events).parts(), expected);
}

#[test]
fn a_message_without_blocks_is_kept_as_it_came() {
    let item = json!({"type": "message", "id": "m", "role": "assistant", "content": [], "phase": "final_answer"});
    let expected = json!([{"opaque": item, "field": "output"}]);
    assert_eq!(parts(&whole(&json!([item])).unwrap()), expected);
    assert_eq!(
        read(&[added(0, &item), done(0, &item), completed(&json!([item]))]).parts(),
        expected
    );
}

#[test]
fn two_texts_of_one_turn_stay_two() {
    let (one, two) = (message("a", "one"), message("b", "two"));
    let events = [
        added(0, &opened("a")),
        text_delta(0, "one"),
        done(0, &one),
        added(1, &opened("b")),
        text_delta(1, "two"),
        done(1, &two),
        completed(&json!([one, two])),
    ];
    let text = |id: &str, text: &str| json!({"text": text, "extra": {"annotations": [], "item": {"id": id, "status": "completed"}}});
    assert_eq!(
        read(&events).parts(),
        json!([text("a", "one"), text("b", "two")])
    );
}

#[test]
fn parts_are_in_the_order_of_the_output_however_they_arrive() {
    let (one, two, three) = (message("a", "one"), call("fc", "{}"), message("b", "two"));
    let output = json!([one, two, three]);
    let whole = parts(&whole(&output).unwrap());
    let pieces = |order: [usize; 3]| {
        let mut events: Vec<_> = order.iter().map(|&at| done(at, &output[at])).collect();
        events.push(completed(&json!([])));
        read(&events).parts()
    };
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        assert_eq!(pieces(order), whole, "{order:?}");
    }
    // Pieces of two items by turns.
    let events = [
        added(2, &opened("b")),
        added(0, &opened("a")),
        text_delta(2, "t"),
        text_delta(0, "o"),
        text_delta(2, "wo"),
        text_delta(0, "ne"),
        done(1, &two),
        done(2, &three),
        done(0, &one),
        completed(&output),
    ];
    assert_eq!(read(&events).parts(), whole);
    // What was cut has the same order.
    assert_eq!(parts(&read(&events[..5]).reply)[0]["text"], "o");
}

#[test]
fn an_item_that_only_the_end_has_gets_its_place() {
    let output = json!([
        {"type": "mcp_list_tools", "id": "m0", "tools": [1]},
        message("a", "text"),
        {"type": "mcp_list_tools", "id": "m2", "tools": [2]},
        message("b", "more"),
    ]);
    let events = [done(1, &output[1]), done(3, &output[3]), completed(&output)];
    assert_eq!(read(&events).parts(), parts(&whole(&output).unwrap()));
}

#[test]
fn the_indices_of_blocks_may_begin_at_1_and_ids_may_change() {
    let delta = |index: usize, id: &str, text: &str| {
        json!({
            "type": "response.output_text.delta", "output_index": 0, "content_index": index, "item_id": id, "delta": text,
        })
    };
    let item = json!({"type": "message", "id": "last", "content": [
        {"type": "output_text", "text": "one"}, {"type": "output_text", "text": "two"},
    ]});
    let events = [
        added(0, &opened("first")),
        delta(1, "second", "one"),
        delta(2, "third", "tw"),
        done(0, &item),
        completed(&json!([item])),
    ];
    assert_eq!(
        read(&events).parts(),
        json!([
            {"text": "one", "extra": {"item": {"id": "last"}}},
            {"text": "two", "extra": {"item": {"id": "last", "continues": true}}},
        ])
    );
}

#[test]
fn events_without_indices_are_joined_by_id_or_belong_to_what_began_last() {
    let arguments = |id: Option<&str>, text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": id, "delta": text});
    let bare = |kind: &str, item: &Value| json!({"type": kind, "item": item});
    let (one, two) = (call("1", "{\"a\":1}"), call("2", "{\"b\":2}"));
    for ids in [[Some("1"), Some("2")], [None, None]] {
        let events = [
            bare("response.output_item.added", &call("1", "")),
            arguments(ids[0], "{\"a\""),
            arguments(ids[0], ":1}"),
            bare("response.output_item.added", &call("2", "")),
            arguments(ids[1], "{\"b\""),
            arguments(ids[1], ":2}"),
            bare("response.output_item.done", &one),
            bare("response.output_item.done", &two),
            completed(&json!([one, two])),
        ];
        let streamed = read(&events);
        assert_eq!(streamed.parts(), parts(&whole(&json!([one, two])).unwrap()));
        assert_eq!(streamed.calls_done(), ["{\"a\":1}", "{\"b\":2}"]);
    }
}
