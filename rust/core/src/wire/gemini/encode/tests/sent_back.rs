//! What a reply was read as goes back as the parts that it came as.

use serde_json::{Value, json};

use super::{assistant, contents, encoded, sent};

/// A message with a part of each kind, as the reply had them.
fn reply() -> Value {
    assistant(&json!([
        sent(json!({"type": "reasoning", "text": "hm", "field": "thought", "signature": "s1"})),
        sent(json!({"type": "reasoning", "text": "so", "field": "thought", "x": null})),
        sent(json!({"type": "text", "text": "a"})),
        sent(json!({"type": "text", "text": "b", "thoughtSignature": "s2", "x": null})),
        sent(
            json!({"type": "opaque", "field": "parts", "json": {"executableCode": {"code": "1"}, "thoughtSignature": "s3"}})
        ),
        sent(
            json!({"type": "opaque", "field": "parts", "json": {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}})
        ),
        sent(
            json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{\"b\":1,\"a\":2}",
            "extra": {"thoughtSignature": "s4", "function": {"y": 1}}})
        ),
        sent(json!({"type": "tool_call", "name": "g", "arguments": "{}"})),
        sent(json!({"type": "text", "text": "", "thoughtSignature": "s5"})),
        sent(
            json!({"type": "opaque", "field": "groundingMetadata", "json": {"webSearchQueries": []}})
        ),
    ]))
}

#[test]
fn parts_of_a_reply_become_its_parts_again() {
    let (contents, dropped) = contents("gemini-3-flash-preview", &reply());
    assert_eq!(
        contents,
        json!([{"role": "model", "parts": [
            {"text": "hm", "thought": true, "thoughtSignature": "s1"},
            {"text": "so", "thought": true, "x": null},
            {"text": "a"},
            {"text": "b", "thoughtSignature": "s2", "x": null},
            {"executableCode": {"code": "1"}, "thoughtSignature": "s3"},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
            {"functionCall": {"name": "f", "args": {"b": 1, "a": 2}, "id": "c", "y": 1}, "thoughtSignature": "s4"},
            {"functionCall": {"name": "g", "args": {}}},
            {"text": "", "thoughtSignature": "s5"},
        ]}])
    );
    // What belongs to the candidate only describes it, and is not missed.
    assert!(dropped.is_empty(), "{dropped:?}");
}

#[test]
fn reasoning_and_blocks_of_another_provider_are_left_out_and_listed() {
    let messages = json!([{"role": "assistant", "parts": [
        {"type": "reasoning", "text": "hm", "signature": "e", "provider": "anthropic", "api": "messages"},
        {"type": "reasoning", "text": "hm", "field": "reasoning_content", "provider": "google"},
        {"type": "reasoning", "text": "by hand"},
        {"type": "text", "text": "a", "annotations": [], "item": {"id": "m"}, "provider": "openai", "api": "responses"},
        {"type": "refusal", "text": "no"},
        {"type": "opaque", "field": "parts", "json": {"x": 1}, "provider": "openai"},
    ]}]);
    let (contents, dropped) = contents("gemini-3-flash-preview", &messages);
    assert_eq!(
        contents,
        json!([{"role": "model", "parts": [{"text": "a"}, {"text": "no"}]}])
    );
    assert_eq!(
        dropped,
        ["[0]", "[1]", "[2]", "[5]"].map(|place| format!("messages[0].parts{place}"))
    );
}

#[test]
fn an_assistant_of_whom_nothing_is_left_is_left_out() {
    let messages = json!([{"role": "user", "content": "a"},
        {"role": "assistant", "parts": [{"type": "reasoning", "text": "hm", "provider": "x"}]}, {"role": "user", "content": "b"}]);
    let (contents, dropped) = contents("gemini-3-flash-preview", &messages);
    assert_eq!(contents.as_array().unwrap().len(), 2);
    assert_eq!(dropped, ["messages[1].parts[0]"]);
}

#[test]
fn chat_gets_the_content_alone_of_what_came_by_gemini() {
    let (sent, _) = sent_by("chat", "openai");
    assert!(!sent.contains("ignature\":\"s"), "{sent}");
}

/// What another API sends of the reply, and lists as dropped.
fn sent_by(api: &str, provider: &str) -> (String, Vec<String>) {
    let params = json!({"max_tokens": 5});
    let text = json!({"model": "m", "input": reply(), "params": params}).to_string();
    let request = serde_json::from_str(&text).unwrap();
    let provider = crate::wire::providers::find(provider).unwrap();
    let api = crate::wire::dialect(api).unwrap();
    let encoded = api.encode(&request, &provider).unwrap();
    (String::from_utf8(encoded.body).unwrap(), encoded.dropped)
}

#[test]
fn every_other_api_lists_what_stayed_but_not_what_only_describes_the_reply() {
    // Two thoughts, a signed text, two steps of the server, a signed call, and a signature by itself.
    let stayed = [
        "[0]",
        "[1]",
        "[3].extra",
        "[4]",
        "[5]",
        "[6].extra",
        "[8].extra",
    ];
    let stayed = stayed.map(|place| format!("messages[0].parts{place}"));
    for (api, provider) in [
        ("chat", "openai"),
        ("chat", "google"),
        ("responses", "openai"),
        ("messages", "anthropic"),
        ("gemini", "sim"),
    ] {
        assert_eq!(sent_by(api, provider).1, stayed, "{api} {provider}");
    }
}

#[test]
fn a_reply_of_a_service_with_other_keys_is_not_sent_back_to_it() {
    // A signature is bound to the route that it came by.
    let (body, encoded) = encoded(
        "sim",
        &json!({"model": "gemini-3-flash-preview", "input": reply()}),
    )
    .unwrap();
    let parts = body["contents"][0]["parts"].as_array().unwrap();
    assert_eq!(parts[..2], [json!({"text": "a"}), json!({"text": "b"})]);
    assert_eq!(
        parts[2]["thoughtSignature"],
        "skip_thought_signature_validator"
    );
    assert_eq!(encoded.dropped.len(), 7);
}
