//! Whole replies: parts, counts, facts and probabilities.

use serde_json::{Value, json};

use super::{Gemini, decoded, event, last, parts, read, whole};
use crate::error::ErrorKind;
use crate::message::{FinishReason, Usage};
use crate::wire::Dialect;

#[test]
fn each_part_becomes_a_part_of_ours_in_its_place() {
    let reply = whole(&json!([
        {"text": "Let me ", "thought": true},
        {"text": "think.", "thought": true, "thoughtSignature": "S1"},
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {}, "id": "t"}, "thoughtSignature": "S2"},
        {"text": "Hi"},
        {"text": " there", "thought": false},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "thoughtSignature": "S3"},
        {"functionCall": {"name": "f", "args": {"a": [1, {"b": null}]}, "id": "c1", "scheduling": "SILENT"},
         "thoughtSignature": "S4"},
        {"functionCall": {"name": "g", "args": {}}},
        {"functionCall": {"name": "h", "id": "", "args": null}},
        {"text": "", "thoughtSignature": "S5"},
        {"text": ""},
        {"text": "x", "partMetadata": {"k": 1}, "videoMetadata": null},
        {"future": {"x": 1}},
        {}, null, {"thought": true},
    ]))
    .unwrap();
    assert_eq!(
        parts(&reply),
        json!([
            {"thought": "Let me ", "field": "thought", "signature": null},
            {"thought": "think.", "field": "thought", "signature": "S1"},
            {"opaque": {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {}, "id": "t"}, "thoughtSignature": "S2"},
             "field": "parts"},
            {"text": "Hi"},
            {"text": " there"},
            {"opaque": {"executableCode": {"language": "PYTHON", "code": "1"}}, "field": "parts"},
            {"opaque": {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}, "field": "parts"},
            {"opaque": {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "thoughtSignature": "S3"},
             "field": "parts"},
            {"call": "c1", "name": "f", "arguments": {"a": [1, {"b": null}]},
             "extra": {"thoughtSignature": "S4", "function": {"scheduling": "SILENT"}}},
            {"call": "*", "name": "g", "arguments": {}},
            {"call": "*", "name": "h", "arguments": {}},
            {"text": "", "extra": {"thoughtSignature": "S5"}},
            {"text": "x", "extra": {"partMetadata": {"k": 1}}},
            {"opaque": {"future": {"x": 1}}, "field": "parts"},
        ])
    );
    assert_eq!(reply.choices[0].text(), "Hi therex");
    assert_eq!(
        reply.choices[0].finish_reason,
        Some(FinishReason::ToolCalls)
    );
    assert_eq!(
        reply.choices[0].provider_finish_reason.as_deref(),
        Some("STOP")
    );
}

#[test]
fn the_arguments_of_a_whole_call_are_the_text_that_was_sent() {
    let body = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{ "n": 1.50, "s": "\u00e9" }}}]},"finishReason":"STOP"}]}"#;
    let reply = Gemini.decode_reply(body.as_bytes(), 1).unwrap();
    let call = reply.choices[0].tool_calls().next().unwrap();
    assert_eq!(call.arguments, r#"{ "n": 1.50, "s": "\u00e9" }"#);
}

#[test]
fn arguments_that_are_not_an_object_are_kept_as_their_text() {
    for (args, expected) in [
        (
            json!("{\"a\": [1.50, \"\\u00e9\"]}"),
            r#"{"a": [1.50, "\u00e9"]}"#,
        ),
        (json!("{\"a\": "), "{\"a\": "),
        (json!("Oslo"), "Oslo"),
        (json!(["Oslo"]), r#"["Oslo"]"#),
        (json!(5), "5"),
        (json!(""), "{}"),
    ] {
        let parts = json!([{"functionCall": {"name": "f", "args": args}}]);
        let call = |reply: &crate::message::Reply| {
            let call = reply.choices[0].tool_calls().next().unwrap();
            assert!(call.extra.is_empty(), "{:?}", call.extra);
            call.arguments.clone()
        };
        assert_eq!(call(&whole(&parts).unwrap()), expected);
        assert_eq!(call(&read(&[event(&parts), last("STOP")]).reply), expected);
    }
}

#[test]
fn what_a_candidate_has_beside_its_content_is_at_the_end() {
    let reply = decoded(&json!({"candidates": [{
        "groundingMetadata": {"webSearchQueries": ["q"]}, "avgLogprobs": -0.5,
        "finishMessage": "Model generated function call(s).", "citationMetadata": {},
        "content": {"parts": [{"text": "a"}], "role": "model"}, "index": 0, "finishReason": "STOP",
        "safetyRatings": [], "urlContextMetadata": null, "tokenCount": 3,
    }]}))
    .unwrap();
    assert_eq!(
        parts(&reply),
        json!([
            {"text": "a"},
            {"opaque": -0.5, "field": "avgLogprobs"},
            {"opaque": "Model generated function call(s).", "field": "finishMessage"},
            {"opaque": {"webSearchQueries": ["q"]}, "field": "groundingMetadata"},
            {"opaque": 3, "field": "tokenCount"},
        ])
    );
}

#[test]
fn content_may_be_absent_empty_or_without_parts() {
    for content in [
        json!(null),
        json!({}),
        json!({"role": "model"}),
        json!({"parts": []}),
        json!({"parts": null}),
    ] {
        let mut body =
            json!({"candidates": [{"content": content, "finishReason": "MAX_TOKENS", "index": 0}]});
        for _ in 0..2 {
            let reply = decoded(&body).unwrap();
            assert_eq!(parts(&reply), json!([]), "{body}");
            assert_eq!(reply.choices[0].finish_reason, Some(FinishReason::Length));
            body["candidates"][0]
                .as_object_mut()
                .unwrap()
                .remove("content");
        }
    }
}

#[test]
fn each_candidate_is_a_choice_by_its_index_or_its_place() {
    let candidate = |text: &str, index: Value| json!({"content": {"parts": [{"text": text}]}, "finishReason": "STOP", "index": index});
    let texts = |candidates: Value| {
        let reply = Gemini
            .decode_reply(json!({"candidates": candidates}).to_string().as_bytes(), 2)
            .unwrap();
        reply
            .choices
            .iter()
            .map(|it| (it.index, it.text().into_owned()))
            .collect::<Vec<_>>()
    };
    let both = vec![(0, "a".to_owned()), (1, "b".to_owned())];
    assert_eq!(
        texts(json!([candidate("a", json!(0)), candidate("b", json!(1))])),
        both
    );
    assert_eq!(
        texts(json!([candidate("b", json!(1)), candidate("a", json!(0))])),
        both
    );
    assert_eq!(
        texts(json!([
            candidate("a", Value::Null),
            candidate("b", Value::Null)
        ])),
        both
    );
    // Two candidates with one index are not the same.
    assert_eq!(
        texts(json!([candidate("a", json!(0)), candidate("b", json!(0))])),
        both
    );
    // Some servers send one only.
    assert_eq!(texts(json!([candidate("a", json!(0))])), both[..1]);
}

#[test]
fn usage_has_one_arithmetic() {
    let usage = |metadata: &Value| {
        let body = json!({
            "candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}],
            "usageMetadata": metadata,
        });
        decoded(&body).unwrap().usage
    };
    let all = usage(&json!({
        "promptTokenCount": 100, "cachedContentTokenCount": 40, "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30, "toolUsePromptTokenCount": 7, "totalTokenCount": 157,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}], "serviceTier": "standard",
        "cacheTokensDetails": null,
    }));
    let mut all = all.unwrap();
    let details: Value = serde_json::from_str(all.details.take().unwrap().get()).unwrap();
    assert_eq!(
        details,
        json!({"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}], "serviceTier": "standard"})
    );
    let expected = Usage {
        prompt_tokens: Some(107),
        completion_tokens: Some(50),
        total_tokens: Some(157),
        cached_tokens: Some(40),
        reasoning_tokens: Some(30),
        ..Usage::default()
    };
    assert_eq!(all, expected);
    // A count of zero is absent.
    let thoughts = usage(&json!({"promptTokenCount": 5, "thoughtsTokenCount": 3})).unwrap();
    assert_eq!(
        (thoughts.completion_tokens, thoughts.total_tokens),
        (Some(3), Some(8))
    );
    let prompt = usage(&json!({"promptTokenCount": 5})).unwrap();
    assert_eq!(
        (prompt.completion_tokens, prompt.total_tokens),
        (None, None)
    );
    for none in [
        json!(null),
        json!({}),
        json!([]),
        json!({"promptTokenCount": null}),
    ] {
        assert_eq!(usage(&none), None, "{none}");
    }
}

#[test]
fn the_facts_of_a_reply_are_its_head() {
    let reply = decoded(&json!({
        "candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}],
        "modelVersion": "gemini-3-flash", "responseId": "r-1", "createTime": "2026-05-04T20:01:02.264968Z",
    }))
    .unwrap();
    assert_eq!(reply.id.as_deref(), Some("r-1"));
    assert_eq!(reply.request_id.as_deref(), Some("r-1"));
    assert_eq!(reply.model.as_deref(), Some("gemini-3-flash"));
    assert_eq!(reply.created, Some(1_777_924_862));
}

#[test]
fn token_probabilities_are_those_of_the_chosen_tokens() {
    let reply = decoded(&json!({"candidates": [{
        "content": {"parts": [{"text": "Hi!"}]}, "finishReason": "STOP", "logprobsResult": {
            "chosenCandidates": [
                {"token": "Hi", "tokenId": 5, "logProbability": -0.25}, {"token": "!"}, {"tokenId": 7},
            ],
            "topCandidates": [{"candidates": [
                {"token": "Hi", "logProbability": -0.25}, {"token": "\"", "logProbability": -2.5}, {},
            ]}, {"candidates": []}],
        },
    }]}))
    .unwrap();
    let tokens = reply.choices[0].logprobs.as_ref().unwrap().tokens();
    let shown: Vec<_> = tokens
        .iter()
        .map(|it| {
            (
                &*it.token,
                it.logprob,
                it.top
                    .iter()
                    .map(|it| (&*it.token, it.logprob))
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("Hi", Some(-0.25), vec![("Hi", -0.25), ("\"", -2.5)]),
            ("!", None, vec![])
        ]
    );
}

#[test]
fn a_stream_of_the_same_content_gives_an_equal_reply() {
    let content = [
        json!({"text": "Hm.", "thought": true}),
        json!({"functionCall": {"name": "f", "args": {"a": 1}, "id": "c"}, "thoughtSignature": "S"}),
        json!({"text": "Grüße 🎉"}),
        json!({"inlineData": {"mimeType": "a/b", "data": ""}}),
        json!({"text": "", "thoughtSignature": "T"}),
    ];
    let reply = whole(&json!(content)).unwrap();
    let mut events: Vec<_> = content.iter().map(|part| event(&json!([part]))).collect();
    events.push(last("STOP"));
    assert_eq!(read(&events).parts(), parts(&reply));
    // All of it in one event.
    assert_eq!(
        read(&[event(&json!(content)), last("STOP")]).parts(),
        parts(&reply)
    );
    // A whole reply may be a list of the events of a stream, or an event stream.
    let list = Gemini
        .decode_reply(json!(events).to_string().as_bytes(), 1)
        .unwrap();
    assert_eq!(parts(&list), parts(&reply));
    let stream = events.iter().fold(String::new(), |stream, event| {
        stream + &format!("data: {event}\r\n\r\n")
    });
    let stream = Gemini.decode_reply(stream.as_bytes(), 1).unwrap();
    assert_eq!(parts(&stream), parts(&reply));
}

#[test]
fn a_reply_without_an_answer_is_an_error() {
    for (body, retryable) in [
        (json!({"candidates": []}), true),
        (
            json!({"modelVersion": "m", "usageMetadata": {"promptTokenCount": 1}}),
            true,
        ),
        (json!({"candidates": [{}]}), true),
        (json!({"candidates": [null]}), true),
        // A resource of another kind.
        (
            json!({"name": "cachedContents/x", "usageMetadata": {"totalTokenCount": 5}}),
            false,
        ),
        (json!({}), false),
        (json!([]), true),
    ] {
        let error = decoded(&body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{body}");
        assert_eq!(error.is_retryable(), retryable, "{body}: {error}");
    }
}

#[test]
fn the_text_beside_a_call_in_one_part_is_kept() {
    let part = json!({"text": "Hi", "functionCall": {"name": "f", "args": {}}});
    let reply = whole(&json!([part])).unwrap();
    assert!(
        parts(&reply).to_string().contains("Hi"),
        "{}",
        parts(&reply)
    );
}

#[test]
fn a_call_without_a_name_is_not_a_reply() {
    let part = json!({"functionCall": {"args": {"a": 1}}});
    let failed = whole(&json!([part])).unwrap_err();
    assert!(failed.message().contains("has no name"), "{failed}");
}
