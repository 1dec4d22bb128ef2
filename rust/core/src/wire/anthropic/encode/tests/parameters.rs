//! Parameters, and what families of models make of them.

use serde_json::{Value, json};

use super::{asking, body, encoded, refused};
use crate::error::ErrorKind;
use crate::wire::{OutputMode, dialect, providers};

fn with(model: &str, params: &Value) -> Value {
    body(&asking(model, params))
}

#[test]
fn each_parameter_is_at_its_place() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for (name, value, place, written) in [
        ("max_tokens", json!(5), "/max_tokens", json!(5)),
        ("max_tokens", json!(0), "/max_tokens", json!(0)),
        ("max_completion_tokens", json!(5), "/max_tokens", json!(5)),
        ("temperature", json!(0.5), "/temperature", json!(0.5)),
        ("top_p", json!(0.5), "/top_p", json!(0.5)),
        ("top_k", json!(4), "/top_k", json!(4)),
        ("stop", json!("a"), "/stop_sequences", json!(["a"])),
        (
            "stop",
            json!(["a", "b"]),
            "/stop_sequences",
            json!(["a", "b"]),
        ),
        ("tools", tools, "/tools/0/name", json!("f")),
        (
            "tool_choice",
            json!("required"),
            "/tool_choice/type",
            json!("any"),
        ),
        ("user", json!("u"), "/metadata", json!({"user_id": "u"})),
        (
            "metadata",
            json!({"user_id": "u"}),
            "/metadata",
            json!({"user_id": "u"}),
        ),
        (
            "response_format",
            json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}),
            "/output_config/format",
            json!({"type": "json_schema", "schema": {"type": "object", "properties": {}, "additionalProperties": false}}),
        ),
        (
            "reasoning_effort",
            json!("low"),
            "/output_config/effort",
            json!("low"),
        ),
    ] {
        let body = with("claude-sonnet-4-6", &json!({name: value}));
        assert_eq!(body.pointer(place), Some(&written), "{name}: {body}");
    }
    let both = json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}], "parallel_tool_calls": false});
    assert_eq!(
        with("claude-sonnet-4-6", &both)["tool_choice"],
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
    // Without tools there is nothing to say.
    let alone = with("claude-sonnet-4-6", &json!({"parallel_tool_calls": false}));
    assert_eq!(alone.get("tool_choice"), None);
    let text = json!({"response_format": {"type": "text"}});
    assert_eq!(with("claude-sonnet-4-6", &text).get("output_config"), None);
}

#[test]
fn what_it_has_no_place_for_is_refused_by_name_or_dropped_and_listed() {
    for (name, value) in [
        ("seed", json!(1)),
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("top_logprobs", json!(1)),
        ("logit_bias", json!({"1": 1})),
        ("frequency_penalty", json!(1)),
        ("presence_penalty", json!(1)),
        ("verbosity", json!("low")),
        ("store", json!(true)),
        ("prompt_cache_key", json!("k")),
        ("previous_response_id", json!("r")),
    ] {
        let mut request = asking("claude-opus-4-8", &json!({name: value}));
        let (kind, text) = refused(&request);
        assert_eq!(kind, ErrorKind::Validation, "{text}");
        let start = format!("params.{name}: messages has no such parameter; ");
        assert!(text.starts_with(&start) && !text.contains('\n'), "{text}");
        request["drop_unsupported"] = json!(true);
        let (body, encoded) = encoded("anthropic", &request).unwrap();
        assert_eq!(
            body,
            json!({"model": "claude-opus-4-8", "max_tokens": 4096, "messages": [{"role": "user", "content": "hi"}]})
        );
        assert_eq!(encoded.dropped, [name]);
    }
    let metadata = json!({"metadata": {"team": "a", "user_id": "u"}});
    let mut request = asking("claude-opus-4-8", &metadata);
    assert_eq!(
        refused(&request).1,
        "params.metadata.team: messages takes only user_id there; leave it out, or give drop_unsupported=True"
    );
    request["drop_unsupported"] = json!(true);
    let (body, encoded) = encoded("anthropic", &request).unwrap();
    assert_eq!(
        (&body["metadata"], &*encoded.dropped),
        (&json!({"user_id": "u"}), &["metadata.team".to_owned()][..])
    );
    for (params, message) in [
        (
            json!({"user": "a", "metadata": {"user_id": "b"}}),
            "params.metadata.user_id: user is set too; they are the same, so set only one",
        ),
        (
            json!({"response_format": {"type": "json_object"}}),
            "params.response_format: messages has no json_object; give a type or a JSON schema, or output_mode=\"prompt\"",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}),
            "params.response_format.json_schema.schema: it is missing",
        ),
        (
            json!({"tool_choice": "always"}),
            "params.tool_choice: it must be \"auto\", \"none\", \"required\" or a tool, not \"always\"",
        ),
    ] {
        assert_eq!(refused(&asking("claude-opus-4-8", &params)).1, message);
    }
}

#[test]
fn the_limit_is_the_callers_or_the_models_up_to_32_000_or_4_096() {
    let most = |largest: Value, params: Value, extra: Value| {
        body(&json!({"model": "claude-opus-4-8", "input": "hi", "largest_answer": largest, "params": params, "extra_body": extra}))
            ["max_tokens"]
            .take()
    };
    let none = || json!({});
    assert_eq!(most(Value::Null, none(), none()), 4096);
    assert_eq!(most(json!(8192), none(), none()), 8192);
    assert_eq!(most(json!(128_000), none(), none()), 32_000);
    assert_eq!(most(json!(8192), json!({"max_tokens": 9}), none()), 9);
    assert_eq!(
        most(json!(8192), json!({"max_completion_tokens": 9}), none()),
        9
    );
    assert_eq!(most(json!(8192), none(), json!({"max_tokens": 7})), 7);
    assert_eq!(
        most(
            Value::Null,
            json!({"max_tokens": 9}),
            json!({"max_tokens": 7})
        ),
        7
    );
}

/// What an effort becomes.
fn effort(model: &str, params: Value) -> [Value; 3] {
    let mut params = params;
    if params.is_string() {
        params = json!({"reasoning_effort": params});
    }
    let mut body = with(model, &params);
    ["thinking", "output_config", "max_tokens"].map(|key| body[key].take())
}

#[test]
fn effort_is_adaptive_thinking_from_4_6_on_and_shown_where_it_would_be_hidden() {
    let shown = json!({"type": "adaptive", "display": "summarized"});
    for (model, thinking) in [
        ("claude-opus-4-7", &shown),
        ("claude-sonnet-5", &shown),
        ("claude-fable-5", &shown),
        ("claude-mythos-preview", &shown),
        ("claude-next", &shown),
        ("next", &shown),
        ("claude-opus-4-6", &json!({"type": "adaptive"})),
    ] {
        for (given, written) in [
            ("minimal", "low"),
            ("low", "low"),
            ("high", "high"),
            ("xhigh", "xhigh"),
            ("max", "max"),
        ] {
            assert_eq!(
                effort(model, json!(given)),
                [thinking.clone(), json!({"effort": written}), json!(4096)],
                "{model}"
            );
        }
    }
}

#[test]
fn effort_is_a_budget_up_to_4_5_which_leaves_room_for_the_answer() {
    let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    for model in [
        "claude-3-7-sonnet-latest",
        "claude-sonnet-4-0",
        "claude-opus-4-5",
        "claude-haiku-4-5",
    ] {
        for (given, tokens, most) in [
            ("minimal", 1024, 5120),
            ("low", 1024, 5120),
            ("medium", 4096, 8192),
            ("high", 16_384, 20_480),
            ("max", 32_000 / 2 + 2048, 36_096),
        ] {
            assert_eq!(
                effort(model, json!(given)),
                [budget(tokens.min(most / 2)), Value::Null, json!(most)],
                "{model} {given}"
            );
        }
    }
    let limited = |most: u64| json!({"reasoning_effort": "high", "max_tokens": most});
    for (most, tokens) in [(1025, 1024), (2000, 1024), (5000, 2500), (40_000, 16_384)] {
        assert_eq!(
            effort("claude-haiku-4-5", limited(most)),
            [budget(tokens), Value::Null, json!(most)]
        );
    }
    assert_eq!(
        refused(&asking("claude-haiku-4-5", &limited(1024))).1,
        "params.max_tokens: 1024 leaves no room to think, which takes 1024 tokens; give more, or reasoning_effort=\"none\""
    );
    assert_eq!(
        refused(&asking(
            "claude-haiku-4-5",
            &json!({"reasoning_effort": "much"})
        ))
        .1,
        "params.reasoning_effort: it must be none, minimal, low, medium, high, xhigh or max"
    );
    let largest = json!({"model": "claude-3-7-sonnet-latest", "input": "hi", "largest_answer": 8192, "params": {"reasoning_effort": "high"}});
    let sent = body(&largest);
    assert_eq!(
        (&sent["thinking"], &sent["max_tokens"]),
        (&budget(4096), &json!(8192))
    );
}

#[test]
fn no_effort_is_thinking_switched_off_where_that_can_be() {
    let disabled = [json!({"type": "disabled"}), Value::Null, json!(4096)];
    for model in [
        "claude-haiku-4-5",
        "claude-opus-4-6",
        "claude-opus-4-8",
        "claude-sonnet-5",
    ] {
        assert_eq!(effort(model, json!("none")), disabled, "{model}");
    }
    assert_eq!(
        effort("claude-3-5-haiku-latest", json!("none"))[0],
        Value::Null
    );
    for (model, given, why) in [
        (
            "claude-fable-5",
            "none",
            "it always thinks, at least with \"low\"",
        ),
        (
            "claude-mythos-5",
            "none",
            "it always thinks, at least with \"low\"",
        ),
        ("claude-3-5-haiku-latest", "low", "it does not think"),
    ] {
        let mut request = asking(model, &json!({"reasoning_effort": given}));
        assert_eq!(
            refused(&request).1,
            format!(
                "params.reasoning_effort: {model} does not take this value, {why}; leave it out, or give drop_unsupported=True"
            )
        );
        request["drop_unsupported"] = json!(true);
        let (body, encoded) = encoded("anthropic", &request).unwrap();
        assert_eq!(
            (body.get("thinking"), &*encoded.dropped),
            (None, &["reasoning_effort".to_owned()][..])
        );
    }
}

#[test]
fn other_vendors_models_are_asked_with_a_budget() {
    let request = json!({"model": "kimi-k2", "input": "hi", "params": {"reasoning_effort": "low", "temperature": 1.5, "top_p": 0.5, "top_k": 3}});
    let (body, _) = encoded("llamacpp", &request).unwrap();
    assert_eq!(
        (&body["thinking"], &body["temperature"], &body["top_k"]),
        (
            &json!({"type": "enabled", "budget_tokens": 1024}),
            &json!(1.5),
            &json!(3)
        )
    );
}

#[test]
fn thinking_of_the_callers_is_sent_alone() {
    let thinking = json!({"type": "enabled", "budget_tokens": 2000});
    let mut request =
        json!({"model": "claude-haiku-4-5", "input": "hi", "extra_body": {"thinking": thinking}});
    assert_eq!(body(&request)["thinking"], thinking);
    // The limit, which has to be larger, is ours.
    assert_eq!(body(&request)["max_tokens"], 6096);
    request["params"] = json!({"reasoning_effort": "low"});
    assert_eq!(
        refused(&request).1,
        "params.reasoning_effort: extra_body has thinking, too; give only one of them"
    );
}

#[test]
fn parameters_of_sampling_are_refused_by_name_where_the_family_refuses_them() {
    let on = json!({"reasoning_effort": "low"});
    let off = json!({});
    for (model, more, name, value, is_refused) in [
        ("claude-opus-4-7", &off, "temperature", json!(1), true),
        ("claude-opus-4-8", &off, "top_p", json!(0.5), true),
        ("claude-opus-5", &off, "top_k", json!(5), true),
        ("claude-fable-5", &off, "temperature", json!(0), true),
        ("claude-sonnet-4-6", &off, "temperature", json!(0), false),
        ("claude-sonnet-4-6", &off, "temperature", json!(1.01), true),
        ("claude-sonnet-4-6", &off, "temperature", json!(-1), true),
        ("claude-sonnet-4-6", &on, "temperature", json!(0.5), true),
        ("claude-sonnet-4-6", &on, "temperature", json!(1.0), false),
        ("claude-haiku-4-5", &on, "top_p", json!(0.5), true),
        ("claude-haiku-4-5", &on, "top_p", json!(0.97), false),
        ("claude-haiku-4-5", &on, "top_k", json!(5), true),
        ("claude-haiku-4-5", &off, "top_k", json!(5), false),
    ] {
        let mut params = more.clone();
        params[name] = value;
        let mut request = asking(model, &params);
        if !is_refused {
            assert_eq!(body(&request)[name], params[name], "{model} {name}");
            continue;
        }
        let (kind, text) = refused(&request);
        assert_eq!(kind, ErrorKind::Validation);
        assert!(
            text.starts_with(&format!(
                "params.{name}: {model} does not take this value, it "
            )),
            "{text}"
        );
        request["drop_unsupported"] = json!(true);
        let (body, encoded) = encoded("anthropic", &request).unwrap();
        assert_eq!(
            (body.get(name), &*encoded.dropped),
            (None, &[name.to_owned()][..])
        );
    }
    let both = json!({"temperature": 0.5, "top_p": 0.5});
    assert!(refused(&asking("claude-opus-4-1", &both)).1.starts_with("params.top_p: claude-opus-4-1 does not take this value, it takes temperature or top_p, and not both;"));
    assert_eq!(with("claude-sonnet-4-0", &both)["top_p"], 0.5);
    // Also beside thinking of the caller's.
    let request = json!({"model": "claude-haiku-4-5", "input": "hi", "params": {"temperature": 0},
        "extra_body": {"thinking": {"type": "enabled", "budget_tokens": 2000}}});
    assert!(refused(&request).1.starts_with("params.temperature: "));
}

#[test]
fn a_model_with_a_budget_does_not_think_where_a_tool_is_forced_or_a_turn_began_without_a_thought() {
    let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
    let forced = json!({"reasoning_effort": "low", "tools": tools, "tool_choice": "required"});
    for (model, thinks) in [("claude-haiku-4-5", false), ("claude-opus-4-6", true)] {
        let (body, encoded) = encoded("anthropic", &asking(model, &forced)).unwrap();
        let dropped: &[&str] = if thinks { &[] } else { &["reasoning_effort"] };
        assert_eq!(
            (body.get("thinking").is_some(), &*encoded.dropped),
            (
                thinks,
                &dropped
                    .iter()
                    .map(|it| (*it).to_owned())
                    .collect::<Vec<_>>()[..]
            )
        );
    }
    let turn = |parts: Value| {
        json!({"model": "claude-haiku-4-5", "params": {"reasoning_effort": "low"}, "input": [
            {"role": "user", "content": "hi"}, {"role": "assistant", "parts": parts},
            {"role": "tool", "tool_call_id": "c", "content": "1"}]})
    };
    let call = json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"});
    let thought = super::sent(json!({"type": "reasoning", "text": "", "signature": "s"}));
    let hidden = super::sent(
        json!({"type": "opaque", "field": "content", "json": {"data": "d", "type": "redacted_thinking"}}),
    );
    assert_eq!(body(&turn(json!([call]))).get("thinking"), None);
    for parts in [json!([thought, call]), json!([hidden, call])] {
        assert_eq!(body(&turn(parts))["thinking"]["type"], "enabled");
    }
    // A new turn may begin with one.
    let mut request = turn(json!([call]));
    for message in [
        json!({"role": "assistant", "content": "1"}),
        json!({"role": "user", "content": "and?"}),
    ] {
        request["input"].as_array_mut().unwrap().push(message);
    }
    assert_eq!(body(&request)["thinking"]["type"], "enabled");
}

#[test]
fn keys_of_extra_body_win_and_objects_are_merged() {
    let request = json!({"model": "claude-opus-4-8", "input": "hi",
        "params": {"reasoning_effort": "low", "user": "u", "tool_choice": "auto"},
        "extra_body": {"output_config": {"task_budget": {"total": 5}}, "metadata": {"user_id": "v"}, "tool_choice": {"type": "none"},
                       "system": "S", "inference_geo": "us"}});
    let sent = body(&request);
    assert_eq!(
        sent["output_config"],
        json!({"effort": "low", "task_budget": {"total": 5}})
    );
    assert_eq!(sent["metadata"], json!({"user_id": "v"}));
    assert_eq!(sent["tool_choice"], json!({"type": "none"}));
    assert_eq!(
        (&sent["system"], &sent["inference_geo"]),
        (&json!("S"), &json!("us"))
    );
}

#[test]
fn a_model_without_schemas_is_asked_by_a_tool() {
    let mode = |provider: &str, model: &str| {
        dialect("messages")
            .unwrap()
            .output_mode(&providers::find(provider).unwrap(), model)
    };
    for (provider, model, expected) in [
        ("anthropic", "claude-3-7-sonnet-latest", OutputMode::Tool),
        ("anthropic", "claude-opus-4-0", OutputMode::Tool),
        ("anthropic", "claude-opus-4-1", OutputMode::JsonSchema),
        ("anthropic", "claude-sonnet-5", OutputMode::JsonSchema),
        ("anthropic", "new", OutputMode::JsonSchema),
        (
            "openai-compatible",
            "claude-opus-4-8",
            OutputMode::JsonSchema,
        ),
        ("zai", "glm-4.6", OutputMode::Tool),
        ("llamacpp", "qwen", OutputMode::Tool),
    ] {
        assert_eq!(mode(provider, model), expected, "{model}");
    }
}
