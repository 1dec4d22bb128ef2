//! Messages: what is refused, and what must come back of earlier replies.

mod client;

use client::{Answer, Client, sim};
use serde_json::{Value, json};
use tokenwire_sim::Sim;

const VERSION: &str = "anthropic-version: 2023-06-01\r\n";

#[allow(clippy::unwrap_used)]
fn post(sim: &Sim, headers: &str, body: &Value) -> Answer {
    let mut client = Client::new(sim);
    client.send("/v1/messages", headers, body);
    client.read().unwrap()
}

/// A request whose fields are these; null leaves one out.
#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
fn body(more: Value) -> Value {
    let mut body = json!({"model": "words", "max_tokens": 2000,
                          "messages": [{"role": "user", "content": "hi"}]});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    fields.retain(|_, value| !value.is_null());
    body
}

/// What a request is refused with.
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn refused(sim: &Sim, more: Value) -> String {
    let answer = post(sim, VERSION, &body(more));
    let error = answer.json();
    assert_eq!(answer.status, 400, "{error}");
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert!(error["request_id"].is_string());
    error["error"]["message"].as_str().unwrap().to_owned()
}

fn weather() -> Value {
    json!([{"name": "weather", "input_schema": {
        "type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}}])
}

/// A conversation with calls, whose reply came with thinking, and the settings of its request.
#[allow(clippy::indexing_slicing)]
fn asked_with_thinking(sim: &Sim, thinking: &Value) -> (Value, Value) {
    let more = json!({"model": "sim-tools", "tools": weather(), "thinking": thinking});
    let reply = post(sim, VERSION, &body(more.clone())).json();
    (more, reply["content"].clone())
}

#[allow(clippy::needless_pass_by_value)]
fn turns(content: &Value, results: Value) -> Value {
    json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": content},
           {"role": "user", "content": results}])
}

#[test]
fn thinking_and_calls_come_back_as_they_were() {
    let sim = sim(json!({}));
    for thinking in [
        json!({"type": "enabled", "budget_tokens": 1024}),
        json!({"type": "adaptive", "display": "omitted"}),
    ] {
        let (mut more, content) = asked_with_thinking(&sim, &thinking);
        assert_eq!(content[0]["type"], "thinking");
        let id = content[1]["id"].clone();
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": "It rains."});
        more["messages"] = turns(&content, json!([result]));
        let reply = post(&sim, VERSION, &body(more.clone())).json();
        let text = reply["content"][1]["text"].as_str().unwrap_or_default();
        assert!(
            text.starts_with("The tool weather returned: It rains."),
            "{reply}"
        );

        let with = |place: &str, value: Value| {
            let mut more = more.clone();
            *more.pointer_mut(place).unwrap() = value;
            refused(&sim, more)
        };
        let signature = "/messages/1/content/0/signature";
        let thought = "/messages/1/content/0/thinking";
        let invalid = "messages.1.content.0: Invalid `signature` in `thinking` block";
        assert_eq!(with(signature, json!("EqQBabc")), invalid);
        assert_eq!(with(thought, json!("changed")), invalid);
        let mut unsigned = content.clone();
        unsigned[0].as_object_mut().unwrap().remove("signature");
        assert_eq!(
            with("/messages/1/content", unsigned),
            "messages.1.content.0.thinking.signature: Field required"
        );
        let lost = with("/messages/1/content", json!([content[1]]));
        let expected = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but \
                        found `tool_use`.";
        assert!(lost.starts_with(expected), "{lost}");
        // Without thinking, the API does not ask for it.
        more["messages"][1]["content"] = json!([content[1]]);
        more.as_object_mut().unwrap().remove("thinking");
        assert_eq!(post(&sim, VERSION, &body(more)).status, 200);
    }
}

#[test]
fn hidden_thinking_comes_back_as_it_was() {
    let sim = sim(json!({"rules": [{"times": 1, "then": {"reply": {
        "reasoning": "Hm.", "reasoning_field": "redacted", "text": "Yes."}}}]}));
    let content = post(&sim, VERSION, &body(json!({}))).json()["content"].clone();
    let mut more = json!({"messages": turns(&content, json!("And?"))});
    assert_eq!(post(&sim, VERSION, &body(more.clone())).status, 200);
    more["messages"][1]["content"][0]["data"] = "EqQBabc".into();
    let message = refused(&sim, more);
    assert_eq!(
        message,
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block"
    );
}

#[test]
fn each_call_has_its_result_in_the_next_message() {
    let sim = sim(json!({}));
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "weather", "input": {}});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "a"});
    let text = json!({"type": "text", "text": "a"});
    let calls = json!([text, call("a"), call("b")]);
    let says = |messages: Value| refused(&sim, json!({"messages": messages}));
    let open = "messages.1: `tool_use` ids were found without `tool_result` blocks immediately \
                after: ";
    for (results, ids) in [
        (json!([result("a")]), "b."),
        (json!([text]), "a, b."),
        (json!([text, result("a"), result("b")]), "a, b."),
    ] {
        let message = says(turns(&calls, results));
        assert!(message.starts_with(&format!("{open}{ids}")), "{message}");
    }
    let message = says(json!([{"role": "user", "content": "hi"},
                              {"role": "assistant", "content": calls}]));
    assert!(message.starts_with(open), "{message}");
    let message = says(turns(
        &calls,
        json!([result("a"), result("b"), result("b")]),
    ));
    assert!(message.contains("must have a single result"), "{message}");
    let message = says(turns(&json!([call("a"), call("a")]), json!([result("a")])));
    assert!(
        message.contains("`tool_use` ids must be unique"),
        "{message}"
    );
    let mut bad = call("a");
    bad["input"] = "{}".into();
    let message = says(turns(&json!([bad]), json!([result("a")])));
    assert_eq!(
        message,
        "messages.1.content.0.tool_use.input: Input should be a valid dictionary"
    );
    let message = says(turns(&json!([call("a b")]), json!([result("a b")])));
    assert!(message.starts_with("messages.1.content.0.tool_use.id: String should match"));

    // The calls of a thread are not in the request.
    let thread = json!({"type": "continue", "previous_message_id": "msg_1"});
    let more = json!({"thread": thread, "messages": [{"role": "user", "content": [result("a")]}]});
    let reply = post(&sim, VERSION, &body(more)).json();
    assert_eq!(
        reply["content"][0]["text"],
        "The tool returned: a. A real model would write its answer from that."
    );

    // Neighbours of one role are joined, and system messages may come between.
    let answer = post(
        &sim,
        VERSION,
        &body(json!({"messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [text]},
            {"role": "assistant", "content": [call("a"), call("b")]},
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [result("b")]},
            {"role": "user", "content": [result("a"), text]},
        ]})),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
}
