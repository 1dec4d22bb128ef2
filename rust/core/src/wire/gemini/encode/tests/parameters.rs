//! Parameters and their places.

use serde_json::{Value, json};

use super::{body, encoded, refused};
use crate::error::ErrorKind;

const MODEL: &str = "gemini-2.5-flash";

fn with(model: &str, params: &Value) -> Value {
    body(&json!({"model": model, "input": "hi", "params": params}))
}

fn why(model: &str, params: &Value) -> String {
    refused(&json!({"model": model, "input": "hi", "params": params})).1
}

#[test]
fn each_parameter_is_at_its_place() {
    for (name, value, key, written) in [
        ("max_tokens", json!(5), "maxOutputTokens", json!(5)),
        (
            "max_completion_tokens",
            json!(5),
            "maxOutputTokens",
            json!(5),
        ),
        ("temperature", json!(0.5), "temperature", json!(0.5)),
        ("top_p", json!(0.5), "topP", json!(0.5)),
        ("top_k", json!(4), "topK", json!(4)),
        ("n", json!(2), "candidateCount", json!(2)),
        ("stop", json!("a"), "stopSequences", json!(["a"])),
        (
            "stop",
            json!(["a", "b"]),
            "stopSequences",
            json!(["a", "b"]),
        ),
        ("seed", json!(7), "seed", json!(7)),
        ("random_seed", json!(7), "seed", json!(7)),
        (
            "presence_penalty",
            json!(0.5),
            "presencePenalty",
            json!(0.5),
        ),
        (
            "frequency_penalty",
            json!(0.5),
            "frequencyPenalty",
            json!(0.5),
        ),
        ("logprobs", json!(true), "responseLogprobs", json!(true)),
        (
            "response_format",
            json!({"type": "json_object"}),
            "responseMimeType",
            json!("application/json"),
        ),
        (
            "reasoning_effort",
            json!("none"),
            "thinkingConfig",
            json!({"thinkingBudget": 0}),
        ),
    ] {
        assert_eq!(
            with(MODEL, &json!({name: value})),
            json!({"generationConfig": {key: written}, "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
            "{name}"
        );
    }
    assert_eq!(with(MODEL, &json!({"store": false}))["store"], false);
}

#[test]
fn only_vertex_has_labels() {
    let labels = json!({"team": "a"});
    let mut request = json!({"model": MODEL, "input": "hi", "params": {"metadata": labels}});
    assert_eq!(encoded("vertex", &request).unwrap().0["labels"], labels);
    for provider in ["google", "sim"] {
        let error = encoded(provider, &request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert_eq!(
            error.message(),
            "params.metadata: gemini has no such parameter; api=\"chat\" takes it (extra_body sends a key as it is)"
        );
    }
    request["drop_unsupported"] = json!(true);
    let (body, encoded) = encoded("google", &request).unwrap();
    assert_eq!(body, with(MODEL, &json!({})));
    assert_eq!(encoded.dropped, ["metadata"]);
}

#[test]
fn log_probabilities_are_asked_for_by_a_flag_and_a_number() {
    for (params, expected) in [
        (
            json!({"logprobs": 3}),
            json!({"responseLogprobs": true, "logprobs": 3}),
        ),
        (json!({"logprobs": 0}), json!({"responseLogprobs": true})),
        (
            json!({"top_logprobs": 2}),
            json!({"responseLogprobs": true, "logprobs": 2}),
        ),
        (
            json!({"logprobs": true, "top_logprobs": 2}),
            json!({"responseLogprobs": true, "logprobs": 2}),
        ),
        (json!({"logprobs": false}), Value::Null),
    ] {
        assert_eq!(
            with(MODEL, &params)["generationConfig"],
            expected,
            "{params}"
        );
    }
}

#[test]
fn a_parameter_without_a_place_is_refused_by_name_or_left_out() {
    for (name, value) in [
        ("user", json!("u")),
        ("logit_bias", json!({"1": 1})),
        ("prompt_cache_key", json!("k")),
        ("verbosity", json!("low")),
        ("parallel_tool_calls", json!(false)),
        ("previous_response_id", json!("r")),
    ] {
        let mut request = json!({"model": MODEL, "input": "hi", "params": {name: value}});
        let (kind, text) = refused(&request);
        assert_eq!(kind, ErrorKind::Validation);
        assert!(
            text.starts_with(&format!("params.{name}: gemini has no such parameter; ")),
            "{text}"
        );
        request["drop_unsupported"] = json!(true);
        let (body, encoded) = encoded("google", &request).unwrap();
        assert_eq!(body, with(MODEL, &json!({})));
        assert_eq!(encoded.dropped, [name]);
    }
    // It calls in parallel without being asked.
    assert_eq!(
        with(MODEL, &json!({"parallel_tool_calls": true})),
        with(MODEL, &json!({}))
    );
}

#[test]
fn the_number_of_choices_is_that_of_the_candidates() {
    let choices = |request: &Value| encoded("google", request).unwrap().1.choices;
    assert_eq!(choices(&json!({"model": MODEL, "input": "hi"})), 1);
    assert_eq!(
        choices(&json!({"model": MODEL, "input": "hi", "params": {"n": 3}})),
        3
    );
    for extra in [
        json!({"generationConfig": {"candidateCount": 2}}),
        json!({"generation_config": {"candidate_count": 2}}),
    ] {
        assert_eq!(
            choices(
                &json!({"model": MODEL, "input": "hi", "params": {"n": 3}, "extra_body": extra})
            ),
            2
        );
    }
}

#[test]
fn an_effort_is_a_level_or_a_budget_and_never_both() {
    let level = |level: &str| json!({"thinkingLevel": level, "includeThoughts": true});
    let budget = |tokens: u32| json!({"thinkingBudget": tokens, "includeThoughts": true});
    for (model, effort, expected) in [
        ("gemini-3-flash-preview", "minimal", level("minimal")),
        ("gemini-3-flash-preview", "low", level("low")),
        ("gemini-3.6-flash", "medium", level("medium")),
        ("gemini-flash-latest", "high", level("high")),
        ("gemini-3.6-flash", "xhigh", level("xhigh")),
        ("gemini-3.1-pro-preview", "minimal", level("low")),
        ("gemini-2.5-flash", "minimal", budget(1_024)),
        ("gemini-2.5-flash-lite", "low", budget(1_024)),
        ("gemini-2.5-pro", "medium", budget(8_192)),
        ("gemini-2.5-flash", "high", budget(24_576)),
        ("gemini-2.5-flash", "xhigh", budget(24_576)),
        ("gemini-2.5-pro", "xhigh", budget(32_768)),
        ("gemini-2.5-flash", "none", json!({"thinkingBudget": 0})),
    ] {
        let body = with(model, &json!({"reasoning_effort": effort}));
        assert_eq!(
            body["generationConfig"]["thinkingConfig"], expected,
            "{model} {effort}"
        );
    }
}

#[test]
fn an_effort_that_a_model_does_not_have_is_refused_by_name() {
    for (model, effort, expected) in [
        (
            "gemini-3-flash-preview",
            "none",
            "gemini-3-flash-preview always thinks; \"minimal\" is the least",
        ),
        (
            "gemini-3.1-pro-preview",
            "none",
            "gemini-3.1-pro-preview always thinks; \"low\" is the least",
        ),
        (
            "gemini-2.5-pro",
            "none",
            "gemini-2.5-pro always thinks; \"minimal\" is the least",
        ),
        (
            "gemini-2.0-flash",
            "low",
            "gemini-2.0-flash does not take it, it does not think; leave it out, or give drop_unsupported=True",
        ),
        (
            "gemini-2.5-flash",
            "much",
            "gemini-2.5-flash takes \"minimal\", \"low\", \"medium\", \"high\" or \"xhigh\"",
        ),
        (
            "gemini-3.6-flash",
            "much",
            "gemini-3.6-flash takes \"minimal\", \"low\", \"medium\", \"high\" or \"xhigh\"",
        ),
    ] {
        assert_eq!(
            why(model, &json!({"reasoning_effort": effort})),
            format!("params.reasoning_effort: {expected}")
        );
    }
}

#[test]
fn explicit_thinking_is_never_mixed_with_an_effort() {
    for extra in [
        json!({"thinking": {"type": "enabled"}}),
        json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 5}}}),
        json!({"generation_config": {"thinking_config": {"include_thoughts": false}}}),
    ] {
        let request = json!({"model": MODEL, "input": "hi", "params": {"reasoning_effort": "low"}, "extra_body": extra});
        assert_eq!(
            refused(&request).1,
            "params.reasoning_effort: extra_body has thinkingConfig, too; give only one of them"
        );
    }
}

#[test]
fn penalties_are_refused_where_the_model_refuses_them() {
    let params = json!({"presence_penalty": 0.5});
    let mut request = json!({"model": "gemini-3.6-flash", "input": "hi", "params": params});
    let (kind, text) = refused(&request);
    assert_eq!(kind, ErrorKind::Validation);
    assert!(
        text.starts_with("params.presence_penalty: gemini-3.6-flash does not take it"),
        "{text}"
    );
    request["drop_unsupported"] = json!(true);
    let (body, encoded) = encoded("google", &request).unwrap();
    assert_eq!(body.get("generationConfig"), None);
    assert_eq!(encoded.dropped, ["presence_penalty"]);
}

#[test]
fn extra_body_is_merged_into_the_generation_config_in_one_spelling() {
    for extra in [
        json!({"generationConfig": {"topK": 3, "responseModalities": ["TEXT"]}, "safetySettings": [], "cachedContent": "c"}),
        json!({"generation_config": {"top_k": 3, "response_modalities": ["TEXT"]}, "safety_settings": [], "cached_content": "c"}),
    ] {
        let request = json!({"model": MODEL, "input": "hi", "params": {"top_k": 9, "max_tokens": 5}, "extra_body": extra});
        let body = body(&request);
        assert_eq!(
            body["generationConfig"],
            json!({"maxOutputTokens": 5, "topK": 3, "responseModalities": ["TEXT"]})
        );
        assert_eq!(
            (&body["safetySettings"], &body["cachedContent"]),
            (&json!([]), &json!("c"))
        );
        assert_eq!(body.as_object().unwrap().len(), 4);
    }
    // The keys of labels are the caller's.
    let labels = json!({"model": MODEL, "input": "hi", "extra_body": {"labels": {"my_team": "a"}, "service_tier": "flex"}});
    assert_eq!(body(&labels)["labels"], json!({"my_team": "a"}));
    assert_eq!(body(&labels)["serviceTier"], "flex");
}
