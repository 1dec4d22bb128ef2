//! What a reply was read as goes back as the items that it came as.

use serde_json::{Value, json};

use super::{assistant, encoded, items, sent, whole};

/// A part with the notes of its provider.
fn reply() -> Value {
    assistant(&json!([
        sent(
            json!({"type": "reasoning", "text": "one", "field": "summary", "item": {"id": "rs_1", "status": "completed"}})
        ),
        sent(
            json!({"type": "reasoning", "text": "two", "field": "summary", "item": {"id": "rs_1", "continues": true}})
        ),
        sent(
            json!({"type": "reasoning", "text": "raw", "field": "content", "signature": "enc", "item": {"id": "rs_1", "continues": true}})
        ),
        sent(
            json!({"type": "text", "text": "a", "annotations": [], "x": null, "item": {"id": "msg_1", "status": "completed", "phase": "commentary"}})
        ),
        sent(json!({"type": "refusal", "text": "no", "item": {"id": "msg_1", "continues": true}})),
        sent(json!({"type": "opaque", "field": "content", "json": {"type": "x_block", "x": null}})),
        sent(
            json!({"type": "text", "text": "b", "item": {"id": "msg_2", "phase": "final_answer"}})
        ),
        sent(
            json!({"type": "opaque", "field": "output", "json": {"type": "web_search_call", "id": "ws_1"}})
        ),
        sent(
            json!({"type": "tool_call", "id": "c1", "name": "f", "arguments": "{}",
            "extra": {"item": {"id": "fc_1", "status": "completed", "namespace": "n"}}})
        ),
        sent(
            json!({"type": "tool_call", "id": "c2", "name": "g", "arguments": "x",
            "extra": {"item": {"id": "ctc_1"}, "custom": {}}})
        ),
    ]))
}

#[test]
fn parts_of_a_reply_become_its_items_again() {
    assert_eq!(
        whole(&reply()),
        json!([
            {"type": "reasoning", "id": "rs_1", "status": "completed",
             "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}],
             "content": [{"type": "reasoning_text", "text": "raw"}], "encrypted_content": "enc"},
            {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "phase": "commentary",
             "content": [{"type": "output_text", "text": "a", "annotations": [], "x": null}, {"type": "refusal", "refusal": "no"},
                         {"type": "x_block", "x": null}]},
            {"type": "message", "role": "assistant", "id": "msg_2", "phase": "final_answer",
             "content": [{"type": "output_text", "text": "b"}]},
            {"type": "web_search_call", "id": "ws_1"},
            {"type": "function_call", "id": "fc_1", "status": "completed", "namespace": "n",
             "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "g", "input": "x"},
        ])
    );
}

#[test]
fn an_unknown_block_begins_the_message_of_the_text_behind_it() {
    let parts = json!([
        sent(json!({"type": "opaque", "field": "content", "json": {"type": "x"}})),
        sent(json!({"type": "text", "text": "a", "item": {"id": "msg_1"}})),
    ]);
    assert_eq!(
        whole(&assistant(&parts)),
        json!([{"type": "message", "role": "assistant", "id": "msg_1",
                "content": [{"type": "x"}, {"type": "output_text", "text": "a"}]}])
    );
}

#[test]
fn reasoning_that_a_server_without_memory_cannot_read_is_left_out_and_listed() {
    let parts = json!([
        sent(
            json!({"type": "reasoning", "text": "one", "field": "summary", "item": {"id": "rs_1"}})
        ),
        sent(
            json!({"type": "reasoning", "text": "two", "field": "summary", "item": {"id": "rs_1", "continues": true}})
        ),
        sent(
            json!({"type": "tool_call", "id": "c1", "name": "f", "arguments": "{}", "extra": {"item": {"id": "fc_1"}}})
        ),
        sent(json!({"type": "reasoning", "text": "", "signature": "enc", "item": {"id": "rs_2"}})),
        sent(json!({"type": "text", "text": "a", "item": {"id": "msg_1"}})),
    ]);
    let (sent, dropped) = items(&assistant(&parts));
    assert_eq!(
        sent,
        json!([
            // With its id, the server would miss the reasoning that led to it.
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "enc"},
            {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "a"}]},
        ])
    );
    assert_eq!(dropped, ["messages[0].parts[0]", "messages[0].parts[1]"]);
    // One that stores knows it by its id.
    let request =
        json!({"model": "gpt-5.4", "input": assistant(&parts), "params": {"store": true}});
    let (body, encoded) = encoded("openai", &request).unwrap();
    assert_eq!(encoded.dropped, [""; 0]);
    assert_eq!(body["input"][0]["id"], "rs_1");
    assert_eq!(body["input"][1]["id"], "fc_1");
}

#[test]
fn another_provider_gets_the_content_alone() {
    let request = json!({"model": "grok-4", "input": reply()});
    let (body, encoded) = encoded("xai", &request).unwrap();
    assert_eq!(
        body["input"],
        json!([
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "no"},
                {"type": "output_text", "text": "b"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
        ])
    );
    let dropped = ["[0]", "[1]", "[2]", "[5]", "[7]", "[8].extra", "[9].extra"];
    assert_eq!(
        encoded.dropped,
        dropped.map(|place| format!("messages[0].parts{place}"))
    );
}

#[test]
fn what_came_by_chat_stays_with_chat() {
    let by_chat = assistant(&json!([
        {"type": "reasoning", "text": "hm", "field": "reasoning_content", "provider": "openai"},
        {"type": "text", "text": "a", "provider": "openai", "x": 1},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": "{}", "provider": "openai", "extra": {"x": 1}},
        {"type": "opaque", "field": "audio", "provider": "openai", "json": {"id": "a"}},
    ]));
    let (items, dropped) = items(&by_chat);
    assert_eq!(
        items,
        json!([
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        ])
    );
    let dropped_places =
        ["[0]", "[2].extra", "[3]"].map(|place| format!("messages[0].parts{place}"));
    assert_eq!(dropped, dropped_places);
}

#[test]
fn chat_gets_the_content_alone_of_what_came_by_responses() {
    let text = json!({"model": "m", "input": reply()}).to_string();
    let request = serde_json::from_str(&text).unwrap();
    let provider = crate::wire::providers::find("openai").unwrap();
    let encoded = crate::wire::dialect("chat")
        .unwrap()
        .encode(&request, &provider)
        .unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!(
        body["messages"],
        json!([{"role": "assistant", "content": "ab", "refusal": "no", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
        ]}])
    );
    let dropped = ["[0]", "[1]", "[2]", "[5]", "[7]", "[8].extra", "[9].extra"];
    assert_eq!(
        encoded.dropped,
        dropped.map(|place| format!("messages[0].parts{place}"))
    );
}

#[test]
fn a_call_in_a_message_of_the_callers_goes_without_the_id_of_its_item() {
    // Python makes this of `LlmMessage("assistant", [*reply.tool_calls])`, which has lost the reasoning.
    let by_hand = assistant(&json!([
        {"type": "tool_call", "id": "c", "name": "f", "arguments": "{}", "api": "responses",
         "extra": {"item": {"id": "fc_1", "status": "completed", "namespace": "n"}}},
    ]));
    let mut call = json!({"type": "function_call", "status": "completed", "namespace": "n",
        "call_id": "c", "name": "f", "arguments": "{}"});
    assert_eq!(items(&by_hand), (json!([call]), Vec::new()));
    call["id"] = json!("fc_1");
    let stored =
        super::body(&json!({"model": "gpt-5.6", "input": by_hand, "params": {"store": true}}));
    assert_eq!(stored["input"], json!([call]));
}
