use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::message::{Extra, FinishReason, Part, Reply};
use crate::wire::dialect;

pub(super) fn read(body: &str) -> Result<Reply, Error> {
    dialect("chat").unwrap().decode_reply(body.as_bytes(), 1)
}

pub(super) fn reply(message: &Value, finish: &str) -> Reply {
    let choice = json!({"index": 0, "message": message, "finish_reason": finish});
    let read =
        read(&json!({"id": "i", "model": "m", "created": 0, "choices": [choice]}).to_string());
    // A failed reply is in its error.
    read.unwrap_or_else(|error| Reply::clone(error.partial().unwrap()))
}

fn reason(message: &Value, finish: &str) -> Option<FinishReason> {
    reply(message, finish).choices[0].finish_reason
}

#[test]
fn the_finish_reason_follows_from_the_parts() {
    let text = json!({"content": "a"});
    let refusal = json!({"refusal": "no"});
    let call = json!({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": ""}}]});
    for (message, word, expected) in [
        (&text, "stop", Some(FinishReason::Stop)),
        (&text, "eos", Some(FinishReason::Stop)),
        (&text, "model_length", Some(FinishReason::Length)),
        (&text, "function_call", Some(FinishReason::ToolCalls)),
        (&text, "abort", Some(FinishReason::Abort)),
        (&text, "error", Some(FinishReason::Error)),
        (
            &text,
            "insufficient_system_resource",
            Some(FinishReason::Error),
        ),
        (&text, "network_error", Some(FinishReason::Error)),
        (&text, "sensitive", Some(FinishReason::ContentFilter)),
        (&text, "MAX_TOKENS", Some(FinishReason::Length)),
        (&text, "weird", Some(FinishReason::Other)),
        (&text, "", None),
        (&refusal, "stop", Some(FinishReason::Refusal)),
        (&refusal, "length", Some(FinishReason::Refusal)),
        (&call, "stop", Some(FinishReason::ToolCalls)),
        (&call, "length", Some(FinishReason::Length)),
        (&call, "content_filter", Some(FinishReason::ContentFilter)),
    ] {
        assert_eq!(reason(message, word), expected, "{word} {message}");
    }
    let choice = &reply(&text, "weird").choices[0];
    assert_eq!(choice.provider_finish_reason.as_deref(), Some("weird"));
}

#[test]
fn parts_are_in_order_with_unknown_blocks_after_them() {
    let message = json!({
        "role": "assistant", "annotations": [{"u": 1}], "audio": null, "x_empty": {}, "padding": "abc", "x_flag": true,
        "content": [
            {"type": "text", "text": "a"},
            {"type": "thinking", "thinking": [{"type": "text", "text": "t"}, {"type": "text", "text": "u"}],
                "signature": "s"},
            {"type": "reference", "reference_ids": [1]},
            {"type": "thinking", "thinking": "v"},
            "b",
            {"type": "refusal", "refusal": "no"},
        ],
        "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}, {"function": {"name": "g"}}],
    });
    let mut reply = reply(&message, "stop");
    let parts = &mut reply.choices[0].parts;
    for part in &mut *parts {
        if let Part::ToolCall(call) = part {
            assert_eq!(call.id.take().unwrap().len(), 9, "made up");
        }
    }
    let expected = json!([
        {"type": "text", "text": "a"},
        {"type": "reasoning", "text": "tu", "signature": "s", "field": "thinking"},
        {"type": "opaque", "field": "content", "json": {"type": "reference", "reference_ids": [1]}},
        {"type": "reasoning", "text": "v", "signature": null, "field": "thinking"},
        {"type": "text", "text": "b"},
        {"type": "refusal", "text": "no"},
        {"type": "tool_call", "id": null, "name": "f", "arguments": "{\"x\":1}"},
        {"type": "tool_call", "id": null, "name": "g", "arguments": ""},
        {"type": "opaque", "field": "annotations", "json": [{"u": 1}]},
    ]);
    assert_eq!(serde_json::to_value(parts).unwrap(), expected);
}

#[test]
fn two_fields_of_reasoning_are_one() {
    let message = json!({"reasoning": "r", "reasoning_content": "r", "content": "a"});
    let parts = &reply(&message, "stop").choices[0].parts;
    let expected = Part::Reasoning {
        text: "r".into(),
        signature: None,
        field: Some("reasoning_content".into()),
        extra: Extra::default(),
    };
    assert_eq!((parts.len(), &parts[0]), (2, &expected));
}

#[test]
fn the_old_function_call_is_a_tool_call() {
    let message = json!({"content": null, "function_call": {"name": "f", "arguments": "{}"}});
    let reply = reply(&message, "function_call");
    let call = reply.choices[0].tool_calls().next().unwrap();
    assert_eq!(
        (&*call.name, &*call.arguments, call.id.is_some()),
        ("f", "{}", true)
    );
}

#[test]
fn reasoning_is_added_if_the_total_includes_it() {
    let usage = |prompt: u64, completion: u64, total: u64, reasoning: u64| {
        let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total,
            "completion_tokens_details": {"reasoning_tokens": reasoning}, "cost": 0.00012});
        let body = json!({"choices": [{"message": {"content": "a"}}], "usage": usage});
        read(&body.to_string()).unwrap().usage.unwrap()
    };
    assert_eq!(usage(496, 77, 694, 121).completion_tokens, Some(198));
    assert_eq!(usage(10, 20, 30, 5).completion_tokens, Some(20));
    assert_eq!(usage(10, 20, 30, 5).cost_usd.as_deref(), Some("0.00012"));
}

#[test]
fn logprobs_of_both_apis_are_one_list() {
    let chat = json!({"content": [{"token": "a", "logprob": -0.5, "bytes": [97],
        "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": null}]}], "refusal": null});
    let text = json!({"tokens": ["a", "b"], "token_logprobs": [null, -1], "top_logprobs": [null, {"b": -1, "c": -2}],
        "text_offset": [0, 1]});
    let logprobs = |logprobs: &Value| {
        let body =
            json!({"choices": [{"text": "ab", "logprobs": logprobs, "finish_reason": "stop"}]});
        serde_json::to_value(&read(&body.to_string()).unwrap().choices[0].logprobs).unwrap()
    };
    let top = json!({"token": "a", "logprob": -0.5, "bytes": null});
    let expected =
        json!([{"token": "a", "logprob": -0.5, "bytes": [97], "top": [top], "text_offset": null}]);
    assert_eq!(logprobs(&chat), expected);
    let top = json!([{"token": "b", "logprob": -1.0, "bytes": null}, {"token": "c", "logprob": -2.0, "bytes": null}]);
    let expected = json!([
        {"token": "a", "logprob": null, "bytes": null, "top": [], "text_offset": 0},
        {"token": "b", "logprob": -1.0, "bytes": null, "top": top, "text_offset": 1},
    ]);
    assert_eq!(logprobs(&text), expected);
    assert_eq!(logprobs(&json!({"content": null, "x": 1})), Value::Null);
    let body =
        r#"{"choices":[{"logprobs":{"content":[{"token":"a","logprob":-1e999}]},"text":"a"}]}"#;
    let choice = read(body).unwrap().choices.remove(0);
    let tokens = choice.logprobs.unwrap().tokens();
    assert_eq!(tokens[0].logprob, Some(f64::NEG_INFINITY));
}

#[test]
fn usage_without_counts_is_absent() {
    let body = json!({"choices": [{"message": {"content": "a"}}], "usage": {"x": 1}});
    assert_eq!(read(&body.to_string()).unwrap().usage, None);
}

#[test]
fn a_reason_may_be_a_number() {
    let body = json!({"choices": [{"message": {"content": "a"}, "finish_reason": 2}]});
    let choice = read(&body.to_string()).unwrap().choices.remove(0);
    assert_eq!(choice.finish_reason, Some(FinishReason::Other));
    assert_eq!(choice.provider_finish_reason.as_deref(), Some("2"));
}

#[test]
fn the_error_names_a_body_of_another_kind() {
    let whole = r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#;
    assert!(read(&format!(" \n\n{whole}\n")).is_ok());
    assert!(read(&format!("\u{feff}{whole}")).is_ok());
    for (body, kind, part) in [
        ("", ErrorKind::UnexpectedContent, "no body"),
        ("<html></html>", ErrorKind::UnexpectedContent, "base_url"),
        (
            "upstream error",
            ErrorKind::UnexpectedContent,
            "upstream error",
        ),
        ("{}", ErrorKind::UnexpectedContent, "no choices"),
        (
            r#"{"choices":[]}"#,
            ErrorKind::UnexpectedContent,
            "no choices",
        ),
        (r#"{"choices":[{"#, ErrorKind::Decode, "byte 13"),
        (r#"{"choices":[nan]}"#, ErrorKind::Decode, "byte 12"),
        (
            r#"{"error":{"message":"m","code":503}}"#,
            ErrorKind::Server,
            "m",
        ),
        (
            r#"{"error":{"message":"m","code":"rate_limit_exceeded"},"choices":[]}"#,
            ErrorKind::Api,
            "m",
        ),
        (
            r#"{"object":"error","message":"maximum context length"}"#,
            ErrorKind::ContextLength,
            "maximum",
        ),
        (
            r#"{"error":{"message":"m","type":"authentication_error"}}"#,
            ErrorKind::Authentication,
            "m",
        ),
        (r#"{"detail":"m"}"#, ErrorKind::Api, "m"),
    ] {
        let error = read(body).unwrap_err();
        let kinds = [
            kind,
            if kind == ErrorKind::Api {
                ErrorKind::RateLimit
            } else {
                kind
            },
        ];
        assert!(kinds.contains(&error.kind()), "{body}: {error:?}");
        assert!(error.message().contains(part), "{body}: {error}");
    }
}

#[test]
fn a_stream_instead_of_a_reply_is_folded() {
    let wire = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    assert_eq!(read(wire).unwrap().choices[0].text(), "ab");
    let with_pings = wire.replace("data: [", ": ping\nx-note: 1\n\ndata: [");
    assert_eq!(read(&with_pings).unwrap(), read(wire).unwrap());
    assert_eq!(
        read(&wire[..60]).unwrap_err().kind(),
        ErrorKind::ConnectionLost
    );
}

#[test]
fn a_reply_with_values_of_other_types_is_read() {
    let choice =
        |message: Value| json!({"index": "0", "message": message, "finish_reason": "stop"});
    for (message, text) in [
        (json!("a"), "a"),
        (json!({"content": 5}), "5"),
        (json!({"content": {"type": "text", "text": "a"}}), "a"),
    ] {
        let body = json!({"choices": [choice(message)], "usage": {"prompt_tokens": "3", "completion_tokens": 2.0}});
        let reply = read(&body.to_string()).unwrap();
        assert_eq!(reply.choices[0].text(), text);
        assert_eq!(reply.usage.unwrap().total_tokens, Some(5));
    }
}

#[test]
fn choices_of_one_index_are_not_one_choice() {
    let choice = |index: u32, text: &str| json!({"index": index, "message": {"content": text}, "finish_reason": "stop"});
    let body = json!({"choices": [choice(0, "a"), choice(0, "b"), choice(1, "c")]});
    let reply = read(&body.to_string()).unwrap();
    let texts: Vec<_> = reply
        .choices
        .iter()
        .map(|choice| (choice.index, choice.text().into_owned()))
        .collect();
    let expected = [
        (0, "a".to_owned()),
        (1, "b".to_owned()),
        (2, "c".to_owned()),
    ];
    assert_eq!(texts, expected);
}

#[test]
fn an_error_with_nothing_in_it_is_none() {
    let choice = json!({"index": 0, "message": {"content": "a"}, "finish_reason": "stop"});
    for error in [
        json!(null),
        json!(false),
        json!(""),
        json!({}),
        json!({"code": null, "message": ""}),
    ] {
        let mut inside = choice.clone();
        inside["error"] = error.clone();
        let body = json!({"choices": [inside], "error": error});
        assert!(read(&body.to_string()).is_ok(), "{error}");
    }
    for error in [json!(true), json!("x"), json!({"code": 0, "message": ""})] {
        let body = json!({"choices": [choice], "error": error});
        assert!(read(&body.to_string()).is_err(), "{error}");
    }
    let mut inside = choice.clone();
    inside["message"]["error"] = json!({"message": "the model is gone"});
    for body in [
        json!({"choices": [inside]}),
        json!({"errors": [{"message": "the model is gone"}]}),
        json!({"provider": {"error": {"message": "the model is gone"}}}),
    ] {
        let error = read(&body.to_string()).unwrap_err();
        assert!(error.to_string().contains("the model is gone"), "{error}");
    }
}

#[test]
fn a_reply_with_neither_content_nor_reason_is_an_error() {
    let body = |choice: Value| json!({"choices": [choice]}).to_string();
    assert!(read(&body(json!({"message": {"role": "assistant"}}))).is_err());
    assert!(read(&body(json!({"message": {"content": "a"}}))).is_ok());
    assert!(read(&body(json!({"message": {}, "finish_reason": "stop"}))).is_ok());
}

#[test]
fn words_of_failure_are_failures() {
    for word in [
        "error",
        "network_error",
        "server-error",
        "FAILED",
        "engine_overloaded",
        "cancelled",
        "aborted",
        "function_call_filter: MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
    ] {
        assert!(
            FinishReason::from_word(word).unwrap().is_failure(),
            "{word}"
        );
    }
    for (word, reason) in [
        ("content_filter: SAFETY", FinishReason::ContentFilter),
        ("ERROR_TOXIC", FinishReason::ContentFilter),
        ("ERROR_LIMIT", FinishReason::Length),
        ("COMPLETE", FinishReason::Stop),
        ("terror", FinishReason::Other),
    ] {
        assert_eq!(FinishReason::from_word(word), Some(reason));
    }
}
