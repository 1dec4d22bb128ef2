//! Parameters, tools and state.

use serde_json::{Value, json};

use super::{body, encoded, refused};
use crate::error::ErrorKind;

fn with(model: &str, params: &Value) -> Value {
    body(&json!({"model": model, "input": "hi", "params": params}))
}

#[test]
fn each_parameter_is_at_its_place() {
    let schema = json!({"type": "object"});
    let described = json!({"name": "a", "schema": schema, "strict": true});
    for (name, value, place, written) in [
        ("max_tokens", json!(5), "/max_output_tokens", json!(5)),
        (
            "max_completion_tokens",
            json!(5),
            "/max_output_tokens",
            json!(5),
        ),
        ("temperature", json!(0.5), "/temperature", json!(0.5)),
        ("top_p", json!(0.5), "/top_p", json!(0.5)),
        (
            "logprobs",
            json!(true),
            "/include/0",
            json!("message.output_text.logprobs"),
        ),
        ("logprobs", json!(3), "/top_logprobs", json!(3)),
        (
            "logprobs",
            json!(3),
            "/include/0",
            json!("message.output_text.logprobs"),
        ),
        ("top_logprobs", json!(2), "/top_logprobs", json!(2)),
        (
            "top_logprobs",
            json!(2),
            "/include/0",
            json!("message.output_text.logprobs"),
        ),
        (
            "parallel_tool_calls",
            json!(false),
            "/parallel_tool_calls",
            json!(false),
        ),
        (
            "response_format",
            json!({"type": "json_object"}),
            "/text/format",
            json!({"type": "json_object"}),
        ),
        (
            "response_format",
            json!({"type": "json_schema", "json_schema": described}),
            "/text/format",
            json!({"type": "json_schema", "name": "a", "schema": schema, "strict": true}),
        ),
        (
            "response_format",
            json!({"type": "json_schema", "name": "a", "schema": schema}),
            "/text/format",
            json!({"type": "json_schema", "name": "a", "schema": schema}),
        ),
        ("verbosity", json!("low"), "/text/verbosity", json!("low")),
        (
            "reasoning_effort",
            json!("low"),
            "/reasoning/effort",
            json!("low"),
        ),
        ("store", json!(true), "/store", json!(true)),
        (
            "previous_response_id",
            json!("resp_1"),
            "/previous_response_id",
            json!("resp_1"),
        ),
        (
            "conversation",
            json!("conv_1"),
            "/conversation",
            json!("conv_1"),
        ),
        (
            "conversation",
            json!({"id": "conv_1"}),
            "/conversation/id",
            json!("conv_1"),
        ),
        ("background", json!(true), "/background", json!(true)),
        (
            "prompt_cache_key",
            json!("k"),
            "/prompt_cache_key",
            json!("k"),
        ),
        ("user", json!("u"), "/user", json!("u")),
        ("metadata", json!({"a": "b"}), "/metadata/a", json!("b")),
    ] {
        let body = with("gpt-4.1", &json!({name: value}));
        assert_eq!(body.pointer(place), Some(&written), "{name}: {body}");
    }
    assert_eq!(
        with("gpt-4.1", &json!({"logprobs": false})).get("include"),
        None
    );
}

#[test]
fn there_is_no_stop_seed_n_logit_bias_or_penalty() {
    for (name, value) in [
        ("stop", json!(["a"])),
        ("seed", json!(1)),
        ("random_seed", json!(1)),
        ("n", json!(2)),
        ("logit_bias", json!({"1": 1})),
        ("frequency_penalty", json!(1)),
        ("presence_penalty", json!(1)),
        ("top_k", json!(4)),
    ] {
        let mut request = json!({"model": "m", "input": "hi", "params": {name: value}});
        let (kind, text) = refused(&request);
        assert_eq!(kind, ErrorKind::Validation);
        let hint = match name {
            "n" => "make a call for each answer, such as map([prompt] * 2)",
            _ => "api=\"chat\" takes it (extra_body sends a key as it is)",
        };
        assert_eq!(
            text,
            format!("params.{name}: responses has no such parameter; {hint}")
        );
        request["drop_unsupported"] = json!(true);
        let (body, encoded) = encoded("openai", &request).unwrap();
        assert_eq!(body, json!({"model": "m", "input": "hi", "store": false}));
        assert_eq!(encoded.dropped, [name]);
    }
}

#[test]
fn a_name_that_no_api_has_stays_an_error() {
    let request =
        json!({"model": "m", "input": "hi", "params": {"temprature": 1}, "drop_unsupported": true});
    let (kind, text) = refused(&request);
    assert_eq!(kind, ErrorKind::Config);
    assert!(text.contains("did you mean temperature?"), "{text}");
    let request = json!({"model": "m", "input": "hi", "params": {"max_tokens": 1, "max_completion_tokens": 1}});
    assert!(refused(&request).1.contains("they are the same parameter"));
}

#[test]
fn chat_refuses_what_only_responses_has() {
    let request = |drop: bool| {
        json!({"model": "m", "input": "hi", "params": {"background": true}, "drop_unsupported": drop}).to_string()
    };
    let chat = crate::wire::dialect("chat").unwrap();
    let provider = crate::wire::providers::find("openai").unwrap();
    let error = chat
        .encode(&serde_json::from_str(&request(false)).unwrap(), &provider)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    let refusal = "params.background: chat has no such parameter; api=\"responses\" takes it";
    assert!(error.message().starts_with(refusal));
    // Elsewhere than at its own address, a server may speak any API.
    for (name, words) in [
        ("openai-compatible", "; api=\"responses\" takes it"),
        ("moonshot", "; only api=\"responses\" takes it"),
    ] {
        let provider = crate::wire::providers::find(name).unwrap();
        let text = request(false);
        let error = chat
            .encode(&serde_json::from_str(&text).unwrap(), &provider)
            .unwrap_err();
        assert!(error.message().contains(words), "{}", error.message());
    }
    let text = request(true);
    let sent = chat
        .encode(&serde_json::from_str(&text).unwrap(), &provider)
        .unwrap();
    assert_eq!(sent.dropped, ["background"]);
    // What the provider's row lacks is left out, too.
    let text =
        json!({"model": "m", "input": "hi", "params": {"top_k": 4}, "drop_unsupported": true})
            .to_string();
    let sent = chat
        .encode(&serde_json::from_str(&text).unwrap(), &provider)
        .unwrap();
    assert_eq!(sent.dropped, ["top_k"]);
}

#[test]
fn gpt_5_6_accepts_only_temperature_1() {
    let mut request =
        json!({"model": "gpt-5.6", "input": "hi", "params": {"temperature": 0.2, "top_p": 1}});
    let (kind, text) = refused(&request);
    assert_eq!(kind, ErrorKind::Validation);
    assert_eq!(
        text,
        "params.temperature: gpt-5.6 does not take this value, it takes only temperature=1; leave it out, or give \
         drop_unsupported=True"
    );
    request["drop_unsupported"] = json!(true);
    let (body, encoded) = encoded("openai", &request).unwrap();
    assert_eq!((body.get("temperature"), &body["top_p"]), (None, &json!(1)));
    assert_eq!(encoded.dropped, ["temperature"]);
}

#[test]
fn tools_are_flat_and_say_whether_they_are_strict() {
    let parameters = json!({"type": "object", "properties": {"cache": {"type": "string"}}});
    let tools = json!([
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": parameters}},
        {"type": "function", "function": {"name": "g", "strict": true, "parameters": parameters}, "defer_loading": true},
        {"type": "function", "function": {"name": "h"}, "cache": true},
        {"type": "function", "name": "own", "parameters": {}},
        {"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}}},
        {"type": "web_search", "cache": true},
        {"type": "mcp", "server_label": "s"},
    ]);
    assert_eq!(
        with("m", &json!({"tools": tools}))["tools"],
        json!([
            {"type": "function", "name": "f", "description": "d", "parameters": parameters, "strict": false},
            {"type": "function", "name": "g", "strict": true, "parameters": parameters, "defer_loading": true},
            {"type": "function", "name": "h", "parameters": {"type": "object", "properties": {}}, "strict": false},
            {"type": "function", "name": "own", "parameters": {}},
            {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
            {"type": "web_search"},
            {"type": "mcp", "server_label": "s"},
        ])
    );
}

#[test]
fn the_choice_of_a_tool_is_flat() {
    let flat = json!({"type": "function", "name": "f"});
    for (given, written) in [
        (json!("auto"), json!("auto")),
        (json!("required"), json!("required")),
        (json!("any"), json!("required")),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            flat.clone(),
        ),
        (flat.clone(), flat.clone()),
        (
            json!({"type": "custom", "custom": {"name": "c"}}),
            json!({"type": "custom", "name": "c"}),
        ),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
                {"type": "function", "function": {"name": "f"}}, {"type": "mcp", "server_label": "s"}]}}),
            json!({"type": "allowed_tools", "mode": "auto", "tools": [flat, {"type": "mcp", "server_label": "s"}]}),
        ),
        (json!({"type": "web_search"}), json!({"type": "web_search"})),
    ] {
        assert_eq!(
            with("m", &json!({"tool_choice": given}))["tool_choice"],
            written
        );
    }
}

#[test]
fn extra_body_merges_into_our_objects() {
    let send = |params: Value, extra: Value| {
        body(&json!({"model": "m", "input": "hi", "params": params, "extra_body": extra}))
    };
    let body = send(
        json!({"reasoning_effort": "low"}),
        json!({"reasoning": {"summary": "auto"}}),
    );
    assert_eq!(
        body["reasoning"],
        json!({"effort": "low", "summary": "auto"})
    );
    let body = send(
        json!({"reasoning_effort": "low"}),
        json!({"reasoning": {"effort": "high"}}),
    );
    assert_eq!(body["reasoning"], json!({"effort": "high"}));
    let body = send(
        json!({"reasoning_effort": "low"}),
        json!({"reasoning": null}),
    );
    assert_eq!(body["reasoning"], Value::Null);
    let format = json!({"type": "json_object"});
    let body = send(
        json!({"response_format": format}),
        json!({"text": {"verbosity": "low"}}),
    );
    assert_eq!(body["text"], json!({"format": format, "verbosity": "low"}));
    // What has a type is replaced whole, and so is a list.
    let body = send(
        json!({"response_format": {"type": "json_schema", "name": "a", "schema": {}}, "logprobs": true}),
        json!({"text": {"format": {"type": "text"}}, "include": ["x"], "tools": []}),
    );
    assert_eq!(body["text"], json!({"format": {"type": "text"}}));
    assert_eq!(
        (&body["include"], &body["tools"]),
        (&json!(["x"]), &json!([]))
    );
    let request = json!({"model": "m", "input": "hi", "params": {"reasoning_effort": "low"}, "extra_body": {"thinking": {}}});
    assert_eq!(
        refused(&request).1,
        "params.reasoning_effort: extra_body has thinking, too; give only one of them"
    );
}

#[test]
fn store_is_false_unless_the_caller_says_otherwise() {
    let stored = |params: Value, extra: Value| {
        let body = body(
            &json!({"model": "gpt-5.4", "input": "hi", "params": params, "extra_body": extra}),
        );
        (body.get("store").cloned(), body.get("include").is_some())
    };
    let no = || (Some(json!(false)), true);
    assert_eq!(stored(json!({}), json!({})), no());
    assert_eq!(stored(json!({"store": false}), json!({})), no());
    assert_eq!(stored(json!({}), json!({"store": false})), no());
    assert_eq!(
        stored(json!({"background": false}), json!({"conversation": null})),
        no()
    );
    assert_eq!(
        stored(json!({"store": true}), json!({})),
        (Some(json!(true)), false)
    );
    assert_eq!(
        stored(json!({"store": false}), json!({"store": true})),
        (Some(json!(true)), false)
    );
    for state in [
        json!({"previous_response_id": "r"}),
        json!({"conversation": "c"}),
        json!({"conversation": {"id": "c"}}),
        json!({"background": true}),
    ] {
        assert_eq!(stored(state.clone(), json!({})), (None, false));
        assert_eq!(stored(json!({}), state), (None, false));
    }
    let both = json!({"model": "m", "input": "hi", "params": {"previous_response_id": "r", "conversation": "c"}});
    assert!(
        refused(&both)
            .1
            .starts_with("params.conversation: previous_response_id is set too")
    );
}

#[test]
fn encrypted_reasoning_is_asked_of_models_that_reason() {
    let asked = |model: &str, params: Value| with(model, &params).get("include").cloned();
    let encrypted = Some(json!(["reasoning.encrypted_content"]));
    assert_eq!(asked("o4-mini", json!({})), encrypted);
    assert_eq!(
        asked("gpt-5.4", json!({"reasoning_effort": "low"})),
        encrypted
    );
    assert_eq!(
        asked("my-deployment", json!({"reasoning_effort": "low"})),
        encrypted
    );
    assert_eq!(asked("gpt-5.4", json!({"reasoning_effort": "none"})), None);
    assert_eq!(asked("gpt-4.1", json!({})), None);
    assert_eq!(
        asked(
            "gpt-5.4",
            json!({"logprobs": 1, "reasoning_effort": "none"})
        ),
        Some(json!(["message.output_text.logprobs"]))
    );
}

#[test]
fn a_system_prompt_that_asks_for_json_is_in_the_input() {
    let format = json!({"response_format": {"type": "json_object"}});
    let request =
        json!({"model": "m", "input": "hi", "system": "Answer in JSON", "params": format});
    let body = body(&request);
    assert_eq!(body.get("instructions"), None);
    assert_eq!(
        body["input"],
        json!([{"role": "system", "content": "Answer in JSON"}, {"role": "user", "content": "hi"}])
    );
}

#[test]
fn one_choice_needs_no_parameter() {
    assert_eq!(with("m", &json!({"n": 1})), with("m", &json!({})));
}
