//! Statements of `OpenAI`'s documentation about requests, each with its test. The other files have those that need more.

use serde_json::{Value, json};

use super::{assistant, body, sent, user, whole};

fn with(params: &Value) -> Value {
    body(&json!({"model": "gpt-5.4", "input": "hi", "params": params}))
}

#[test]
fn structured_output_is_text_format_without_a_wrapper() {
    let schema =
        json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    let format = json!({"type": "json_schema",
        "json_schema": {"name": "a", "description": null, "schema": schema, "strict": true}});
    let body = with(&json!({"response_format": format, "verbosity": "low"}));
    assert_eq!(
        body["text"],
        json!({"format": {"type": "json_schema", "name": "a", "schema": schema, "strict": true}, "verbosity": "low"})
    );
}

#[test]
fn usage_always_comes_so_a_stream_does_not_ask_for_it() {
    for usage in [json!(null), json!(true), json!(false)] {
        let request = json!({"model": "m", "input": "hi", "stream": true, "stream_usage": usage});
        assert_eq!(
            body(&request),
            json!({"model": "m", "input": "hi", "store": false, "stream": true})
        );
    }
}

#[test]
fn stateless_reasoning_goes_back_untouched_and_before_the_item_it_led_to() {
    let thought = |id: &str, text: &str| {
        sent(
            json!({"type": "reasoning", "text": text, "field": "summary", "signature": "enc", "item": {"id": id, "x": null}}),
        )
    };
    let call = |id: &str| {
        sent(
            json!({"type": "tool_call", "id": id, "name": "f", "arguments": "{}", "extra": {"item": {"id": id}}}),
        )
    };
    let parts = json!([
        thought("rs_1", "a"),
        call("c1"),
        thought("rs_2", ""),
        call("c2")
    ]);
    let request = json!({"model": "gpt-5.4", "input": assistant(&parts)});
    let body = body(&request);
    assert_eq!(
        (&body["store"], &body["include"]),
        (&json!(false), &json!(["reasoning.encrypted_content"]))
    );
    let ids: Vec<_> = body["input"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["id"])
        .collect();
    assert_eq!(ids, ["rs_1", "c1", "rs_2", "c2"]);
    assert_eq!(
        body["input"][0],
        json!({"type": "reasoning", "id": "rs_1", "x": null, "encrypted_content": "enc",
               "summary": [{"type": "summary_text", "text": "a"}]})
    );
}

#[test]
fn two_messages_of_a_turn_are_not_merged_and_keep_their_phases() {
    let text = |text: &str, id: &str, phase: &str| {
        sent(json!({"type": "text", "text": text, "item": {"id": id, "phase": phase}}))
    };
    let parts = json!([
        text("a", "msg_1", "commentary"),
        text("b", "msg_2", "final_answer")
    ]);
    let items = whole(&assistant(&parts));
    assert_eq!(items.as_array().unwrap().len(), 2);
    assert_eq!(
        (&items[0]["phase"], &items[1]["phase"]),
        (&json!("commentary"), &json!("final_answer"))
    );
    // They also stay two without ids.
    let text = |text: &str| sent(json!({"type": "text", "text": text, "item": {}}));
    assert_eq!(
        whole(&assistant(&json!([text("a"), text("b")])))
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn effort_stands_beside_summary_context_and_mode() {
    let extra =
        json!({"reasoning": {"summary": "detailed", "context": "all_turns", "mode": "pro"}});
    let request = json!({"model": "m", "input": "hi", "params": {"reasoning_effort": "high"}, "extra_body": extra});
    assert_eq!(
        body(&request)["reasoning"],
        json!({"effort": "high", "summary": "detailed", "context": "all_turns", "mode": "pro"})
    );
}

#[test]
fn a_call_carries_namespace_caller_and_async_back() {
    let item = json!({"id": "fc_1", "status": "completed", "namespace": "n", "caller": {"type": "direct"}, "async": true});
    let call = sent(
        json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{}", "extra": {"item": item}}),
    );
    let mut expected = item;
    for (key, value) in [
        ("type", "function_call"),
        ("call_id", "c"),
        ("name", "f"),
        ("arguments", "{}"),
    ] {
        expected[key] = json!(value);
    }
    assert_eq!(whole(&assistant(&json!([call])))[0], expected);
}

#[test]
fn items_of_other_types_go_back_verbatim() {
    for kind in [
        "program",
        "program_output",
        "additional_tools",
        "configuration_update",
        "tool_search_call",
        "tool_search_output",
        "compaction",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "computer_call",
        "mcp_list_tools",
        "mcp_call",
        "mcp_approval_request",
        "web_search_call",
        "image_generation_call",
        "x_of_tomorrow",
    ] {
        let item =
            json!({"type": kind, "id": "i", "encrypted_content": "e", "x": [null, {"y": 1.50}]});
        let part = sent(json!({"type": "opaque", "field": "output", "json": item}));
        assert_eq!(whole(&assistant(&json!([part]))), json!([item]));
        // So do those that the caller wrote.
        assert_eq!(whole(&json!([item])), json!([item]));
    }
}

#[test]
fn a_message_without_blocks_goes_back_too() {
    let item = json!({"type": "message", "role": "assistant", "id": "msg_1", "content": []});
    let part = sent(json!({"type": "opaque", "field": "output", "json": item}));
    assert_eq!(whole(&assistant(&json!([part]))), json!([item]));
}

#[test]
fn reasoning_without_blocks_goes_back_with_its_encrypted_content() {
    let part =
        sent(json!({"type": "reasoning", "text": "", "signature": "e", "item": {"id": "rs_1"}}));
    assert_eq!(
        whole(&assistant(&json!([part]))),
        json!([{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"}])
    );
}

#[test]
fn a_user_is_the_user_and_a_cache_key_the_key() {
    let body = with(&json!({"user": "u", "prompt_cache_key": "k"}));
    assert_eq!(
        (&body["user"], &body["prompt_cache_key"]),
        (&json!("u"), &json!("k"))
    );
}

#[test]
fn a_developer_speaks_in_the_input() {
    let messages = json!([{"role": "developer", "parts": [{"type": "text", "text": "brief"}]}]);
    assert_eq!(
        whole(&messages),
        json!([{"role": "developer", "content": "brief"}])
    );
    let empty = user(&json!([]));
    assert_eq!(whole(&empty), json!([{"role": "user", "content": []}]));
}
