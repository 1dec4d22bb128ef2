//! Messages: what is refused, in the words of the API.

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

#[allow(clippy::needless_pass_by_value)]
fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

/// Each request is refused with a message that begins like this.
fn are_refused(cases: Vec<(Value, &str)>) {
    let sim = sim(json!({}));
    for (more, expected) in cases {
        let message = refused(&sim, more);
        assert!(message.starts_with(expected), "{message}\nnot {expected}");
    }
}

#[test]
fn a_field_that_is_missing_unknown_or_wrong_is_refused() {
    are_refused(vec![
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
    ]);
}

#[test]
fn a_block_that_is_unknown_or_wrong_is_refused() {
    let cached = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
    let long = json!({"type": "text", "text": "a",
                      "cache_control": {"type": "ephemeral", "ttl": "1h"}});
    are_refused(vec![
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
    ]);
}

#[test]
fn what_a_model_does_not_take_is_refused() {
    are_refused(vec![
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
    ]);
}

#[test]
fn a_tool_or_a_schema_that_is_wrong_is_refused() {
    let object = json!({"type": "object"});
    let tool = |schema: Value| json!({"tools": [{"name": "f", "input_schema": schema}]});
    let format = |schema: Value| json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
    are_refused(vec![
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
                "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
    ]);
}

#[test]
fn a_version_and_a_model_that_exists_are_needed() {
    let sim = sim(json!({}));
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
