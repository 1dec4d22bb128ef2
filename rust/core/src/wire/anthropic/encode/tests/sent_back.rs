//! What a reply was read as goes back as the blocks that it came as.

use serde_json::{Value, json};

use super::{assistant, encoded, sent, whole, written};

/// The blocks of a reply.
fn came() -> Value {
    json!([
        {"type": "thinking", "thinking": "hm", "signature": "s1"},
        {"type": "thinking", "thinking": "", "signature": "s2", "x": null},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "a", "citations": [{"type": "web_search_result_location"}]},
        {"type": "text", "text": "b", "citations": null},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
    ])
}

/// What they were read as.
fn reply() -> Value {
    assistant(&json!([
        sent(json!({"type": "reasoning", "text": "hm", "field": "thinking", "signature": "s1"})),
        sent(
            json!({"type": "reasoning", "text": "", "field": "thinking", "signature": "s2", "x": null})
        ),
        sent(
            json!({"type": "opaque", "field": "content", "json": {"type": "redacted_thinking", "data": "d"}})
        ),
        sent(
            json!({"type": "text", "text": "a", "citations": [{"type": "web_search_result_location"}]})
        ),
        sent(json!({"type": "text", "text": "b", "citations": null})),
        sent(json!({"type": "opaque", "field": "content",
            "json": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}})),
        sent(
            json!({"type": "tool_call", "id": "toolu_1", "name": "f", "arguments": "{\"a\": 1}",
            "extra": {"caller": {"type": "direct"}}})
        ),
    ]))
}

#[test]
fn parts_of_a_reply_become_its_blocks_again() {
    assert_eq!(whole(&reply())[1]["content"], came());
}

#[test]
fn another_provider_or_api_gets_the_content_alone_and_the_rest_is_listed() {
    let content = json!([
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ]);
    let lost: Vec<_> = [0, 1, 2, 5]
        .map(|at| format!("messages[1].parts[{at}]"))
        .into_iter()
        .chain(["messages[1].parts[6].extra".to_owned()])
        .collect();
    for (key, value) in [("provider", "openrouter"), ("api", "chat")] {
        let mut other = reply();
        for part in other[1]["parts"].as_array_mut().unwrap() {
            part[key] = json!(value);
        }
        let (messages, dropped) = written(&other);
        assert_eq!((&messages[1]["content"], &dropped), (&content, &lost));
    }
    let request = json!({"model": "anthropic/claude-opus-4.6", "input": reply()});
    let (body, encoded) = encoded("llamacpp", &request).unwrap();
    assert_eq!(
        (&body["messages"][1]["content"], &encoded.dropped),
        (&content, &lost)
    );
}

#[test]
fn a_thought_without_its_signature_is_left_out_and_listed_unless_the_server_has_none() {
    let thought = |provider: &str, signature: Value| {
        assistant(&json!([
            {"type": "reasoning", "text": "hm", "field": "thinking", "signature": signature, "provider": provider, "api": "messages"},
            {"type": "text", "text": "a"},
        ]))
    };
    for signature in [Value::Null, json!("")] {
        let (messages, dropped) = written(&thought("anthropic", signature));
        assert_eq!(messages[1]["content"], "a");
        assert_eq!(dropped, ["messages[1].parts[0]"]);
    }
    let request = json!({"model": "kimi-k2", "input": thought("llamacpp", Value::Null)});
    let (body, encoded) = encoded("llamacpp", &request).unwrap();
    assert_eq!(encoded.dropped, [""; 0]);
    assert_eq!(
        body["messages"][1]["content"],
        json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}])
    );
}

#[test]
fn a_refusal_goes_on_as_text() {
    let parts = json!([{"type": "refusal", "text": "I will not.", "provider": "openai"}]);
    assert_eq!(whole(&assistant(&parts))[1]["content"], "I will not.");
}

#[test]
fn opaque_parts_of_other_places_and_what_only_a_dict_had_stay_behind() {
    let parts = json!([
        sent(json!({"type": "opaque", "field": "output", "json": {"type": "x"}})),
        {"type": "opaque", "field": "content", "json": {"type": "x"}},
        sent(json!({"type": "text", "text": "a", "item": {"id": "msg_1"}})),
    ]);
    let (messages, dropped) = written(&assistant(&parts));
    assert_eq!(messages[1]["content"], "a");
    assert_eq!(dropped, ["messages[1].parts[0]", "messages[1].parts[1]"]);
}

#[test]
fn keys_of_a_call_in_chat_and_in_responses_stay_behind_where_the_call_names_no_api() {
    for extra in [
        json!({"function": {"strict": true}}),
        json!({"item": {"id": "fc_1"}}),
    ] {
        let parts = json!([{"type": "tool_call", "id": "c1", "name": "f", "arguments": "{}", "extra": extra}]);
        let (messages, dropped) = written(&assistant(&parts));
        assert_eq!(
            messages[1]["content"],
            json!([{"type": "tool_use", "id": "c1", "name": "f", "input": {}}])
        );
        assert_eq!(dropped, ["messages[1].parts[0].extra"]);
    }
}
