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

fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

#[test]
fn each_mistake_is_refused_in_the_words_of_the_api() {
    let sim = sim(json!({}));
    let object = json!({"type": "object"});
    let tool = |schema: Value| json!({"tools": [{"name": "f", "input_schema": schema}]});
    let format = |schema: Value| json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let text = json!({"type": "text", "text": "a"});
    let cached = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
    let long = json!({"type": "text", "text": "a",
                      "cache_control": {"type": "ephemeral", "ttl": "1h"}});
    let cases: Vec<(Value, &str)> = vec![
        (json!({"max_tokens": null}), "max_tokens: Field required"),
        (
            json!({"max_tokens": "5"}),
            "max_tokens: Input should be a valid integer",
        ),
        (json!({"model": null}), "model: Field required"),
        (json!({"messages": null}), "messages: Field required"),
        (
            json!({"messages": []}),
            "messages: at least one message is required",
        ),
        (json!({"seed": 1}), "seed: Extra inputs are not permitted"),
        (json!({"stop": "x"}), "stop: Extra inputs are not permitted"),
        (json!({"temperature": 1.5}), "temperature: range: 0..1"),
        (
            json!({"stream": "yes"}),
            "stream: Input should be a valid boolean",
        ),
        (
            json!({"stop_sequences": [" "]}),
            "stop_sequences: each stop sequence must",
        ),
        (
            json!({"messages": [{"role": "tool", "content": "a"}]}),
            "messages.0.role: Input should be",
        ),
        (
            json!({"messages": [{"role": "user"}]}),
            "messages.0.content: Field required",
        ),
        (
            json!({"messages": [{"role": "user", "content": ""}]}),
            "messages.0: all messages must have",
        ),
        (
            user(json!([{"type": "text", "text": ""}])),
            "messages: text content blocks must be non-empty",
        ),
        (
            user(json!([{"type": "text", "text": " "}])),
            "messages: text content blocks must contain",
        ),
        (
            user(json!([{"type": "text"}])),
            "messages.0.content.0.text.text: Field required",
        ),
        (
            user(json!([{"type": "text", "text": "a", "parsed": 1}])),
            "messages.0.content.0.text.parsed: Extra inputs are not permitted",
        ),
        (
            user(json!([{"type": "image_url", "image_url": {}}])),
            "messages.0.content.0: Input tag 'image_url'",
        ),
        (
            user(
                json!([{"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "AA"}}]),
            ),
            "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg'",
        ),
        (
            user(json!([{"type": "image", "source": {"type": "data"}}])),
            "messages.0.content.0.image.source: Input tag 'data'",
        ),
        (
            user(json!([{"type": "tool_use", "id": "a", "name": "f", "input": {}}])),
            "messages.0: `tool_use` blocks can only be in `assistant` messages",
        ),
        (
            user(json!([{"type": "tool_result", "tool_use_id": "a"}])),
            "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: a",
        ),
        (
            json!({"thinking": {"type": "enabled"}}),
            "thinking.enabled.budget_tokens: Field required",
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1000}}),
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
            "`max_tokens` must be greater than `thinking.budget_tokens`",
        ),
        (
            json!({"thinking": {"type": "on"}}),
            "thinking: Input tag 'on'",
        ),
        (
            json!({"thinking": {"type": "adaptive"}, "temperature": 0.5}),
            "`temperature` may only be set to 1",
        ),
        (
            json!({"thinking": {"type": "adaptive"}, "top_k": 5}),
            "`top_k` must be unset",
        ),
        (
            json!({"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}}),
            "adaptive thinking is not supported",
        ),
        (
            json!({"model": "claude-opus-4-7", "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            "\"thinking.type.enabled\" is not supported for this model.",
        ),
        (
            json!({"model": "claude-opus-4-8", "temperature": 1}),
            "`temperature` is deprecated for this model.",
        ),
        (
            json!({"model": "claude-sonnet-5", "top_p": 0.5}),
            "`top_p` is deprecated for this model.",
        ),
        (
            json!({"output_config": {"effort": "huge"}}),
            "output_config.effort: Input should be 'low'",
        ),
        (
            json!({"model": "claude-opus-4-6", "output_config": {"effort": "xhigh"}}),
            "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
        ),
        (
            json!({"model": "claude-sonnet-4-5-20250929x", "messages": [
            {"role": "user", "content": "a"}, {"role": "assistant", "content": "b "}]}),
            "messages: final assistant content cannot end with trailing whitespace",
        ),
        (
            json!({"model": "claude-opus-4-7", "messages": [
            {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
            "This model does not support assistant message prefill.",
        ),
        (
            format(json!({"type": "object", "properties": {}})),
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
        ),
        (
            format(json!({"type": "integer", "minimum": 1})),
            "output_config.format.schema: For 'integer' type, property 'minimum' is not supported",
        ),
        (
            tool(json!({"properties": {}})),
            "tools.0.custom.input_schema.type: Field required",
        ),
        (
            tool(json!({"type": "string"})),
            "tools.0.custom.input_schema.type: Input should be 'object'",
        ),
        (
            json!({"tools": [{"type": "function", "function": {}}]}),
            "tools.0: Input tag 'function'",
        ),
        (
            json!({"tools": [{"name": "f", "input_schema": object, "parameters": {}}]}),
            "tools.0.custom.parameters: Extra inputs are not permitted",
        ),
        (
            json!({"tools": [{"name": "a b", "input_schema": object}]}),
            "tools.0.custom.name: String should match",
        ),
        (
            json!({"tools": [{"name": "f", "input_schema": object}, {"name": "f", "input_schema": object}]}),
            "tools: Tool names must be unique.",
        ),
        (
            json!({"tools": [{"name": "f", "strict": true, "input_schema": object}]}),
            "tools.0.custom: For 'object' type, 'additionalProperties'",
        ),
        (
            json!({"tool_choice": "auto"}),
            "tool_choice: Input should be a valid dictionary",
        ),
        (
            json!({"tool_choice": {"type": "auto"}}),
            "tool_choice: tool_choice may only be specified",
        ),
        (
            json!({"tools": [{"name": "f", "input_schema": object}], "tool_choice": {"type": "tool", "name": "g"}}),
            "tool_choice: Tool 'g' not found in provided tools",
        ),
        (
            json!({"tools": [{"name": "f", "input_schema": object}], "tool_choice": {"type": "any"},
                "thinking": {"type": "adaptive"}}),
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            user(json!([cached, cached, cached, cached, cached])),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            user(json!([cached, long])),
            "messages.0.content.1.cache_control.ttl: a ttl='1h'",
        ),
        (
            json!({"system": [{"type": "image", "source": {}}]}),
            "system.0: `image` blocks can only be in `user` messages",
        ),
    ];
    for (more, expected) in cases {
        let message = refused(&sim, more);
        assert!(message.starts_with(expected), "{message}\nnot {expected}");
    }
    let answer = post(&sim, VERSION, &body(user(json!([text, cached, text]))));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let unversioned = post(&sim, "", &body(json!({})));
    assert_eq!(unversioned.status, 400);
    assert!(
        unversioned
            .text()
            .contains("anthropic-version: header is required")
    );
    let absent = client::sim(json!({"models": ["m"]}));
    let answer = post(&absent, VERSION, &body(json!({})));
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["error"]["message"], "model: words");
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

#[allow(clippy::indexing_slicing)]
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

    // Neighbours of one role are joined, and system messages may stand between.
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
