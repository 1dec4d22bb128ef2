//! What a reply says of itself: status, finish reason, usage and facts.

use serde_json::{Value, json};

use super::{call, decoded, message, read};
use crate::error::ErrorKind;
use crate::message::{FinishReason, RawJson};
use crate::wire::{Dialect, Responses};

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn the_finish_reason_follows_from_status_reason_and_items() {
    let text = message("m", "t");
    let refusal = json!({"type": "message", "content": [{"type": "refusal", "refusal": "no"}]});
    let cut = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{", "status": "incomplete"});
    for (status, details, item, reason, word) in [
        (
            "completed",
            Value::Null,
            &text,
            Some(FinishReason::Stop),
            "completed",
        ),
        (
            "complete",
            Value::Null,
            &text,
            Some(FinishReason::Stop),
            "complete",
        ),
        (
            "completed",
            Value::Null,
            &call("a", "{}"),
            Some(FinishReason::ToolCalls),
            "completed",
        ),
        (
            "completed",
            Value::Null,
            &refusal,
            Some(FinishReason::Refusal),
            "completed",
        ),
        (
            "incomplete",
            json!({"reason": "max_output_tokens"}),
            &text,
            Some(FinishReason::Length),
            "max_output_tokens",
        ),
        (
            "incomplete",
            json!({"reason": "max_output_tokens"}),
            &cut,
            Some(FinishReason::Length),
            "max_output_tokens",
        ),
        (
            "incomplete",
            json!({"reason": "content_filter"}),
            &text,
            Some(FinishReason::ContentFilter),
            "content_filter",
        ),
        (
            "incomplete",
            json!({"reason": "content_filter"}),
            &refusal,
            Some(FinishReason::Refusal),
            "content_filter",
        ),
        (
            "incomplete",
            json!({"reason": "steered"}),
            &text,
            Some(FinishReason::Other),
            "steered",
        ),
        (
            "incomplete",
            json!({"reason": "steered"}),
            &cut,
            Some(FinishReason::Length),
            "steered",
        ),
        (
            "incomplete",
            Value::Null,
            &text,
            Some(FinishReason::Other),
            "incomplete",
        ),
        (
            "incomplete",
            json!({}),
            &text,
            Some(FinishReason::Other),
            "incomplete",
        ),
        (
            "new_word",
            Value::Null,
            &text,
            Some(FinishReason::Other),
            "new_word",
        ),
    ] {
        let body = json!({"object": "response", "status": status, "incomplete_details": details, "output": [item]});
        let reply = decoded(&body).unwrap();
        let choice = &reply.choices[0];
        assert_eq!(choice.finish_reason, reason, "{body}");
        assert_eq!(choice.provider_finish_reason.as_deref(), Some(word));
        assert_eq!(reply.status.as_deref(), Some(status));
        let kept = choice.stop_details.as_ref().map(RawJson::get);
        assert_eq!(
            kept,
            (!details.is_null()).then(|| details.to_string()).as_deref()
        );
    }
}

#[test]
fn a_queued_reply_is_a_reply_without_a_finish_reason() {
    for status in ["queued", "in_progress"] {
        for usage in [Value::Null, json!({"input_tokens": 1, "output_tokens": 0})] {
            let body = json!({"id": "resp_1", "object": "response", "status": status, "output": [], "error": null, "usage": usage});
            let reply = decoded(&body).unwrap();
            assert_eq!(reply.status.as_deref(), Some(status));
            assert_eq!(reply.choices.len(), 1, "{body}");
            assert_eq!(reply.choices[0].finish_reason, None);
            assert_eq!(reply.choices[0].provider_finish_reason, None);
            assert_eq!(reply.usage.is_some(), !usage.is_null());
        }
    }
}

#[test]
fn a_cancelled_reply_is_a_failure_with_what_there_is() {
    let body =
        json!({"object": "response", "status": "cancelled", "output": [message("m", "half")]});
    let error = decoded(&body).unwrap_err();
    let partial = error.partial().unwrap();
    assert_eq!(partial.choices[0].text(), "half");
    assert_eq!(partial.choices[0].finish_reason, Some(FinishReason::Abort));
}

#[test]
fn the_counts_are_those_of_the_provider_and_what_else_it_counts_is_kept() {
    let usage = |usage: Value| {
        let body =
            json!({"object": "response", "status": "completed", "output": [], "usage": usage});
        let usage = decoded(&body).unwrap().usage;
        usage.map(|usage| serde_json::to_value(usage).unwrap())
    };
    let full = usage(json!({
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 7, "cache_write_tokens_details": {"ttl_30m_tokens": 7}},
        "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 5, "tool_output_tokens": 3},
        "total_tokens": 120, "cost": 0.000_035_5, "num_sources_used": 0, "cost_details": {"a": null}, "empty": {}, "none": null,
    }));
    let full = full.unwrap();
    for (key, count) in [
        ("prompt_tokens", 100),
        ("completion_tokens", 20),
        ("total_tokens", 120),
        ("cached_tokens", 60),
        ("cache_write_tokens", 7),
        ("reasoning_tokens", 5),
    ] {
        assert_eq!(full[key], count, "{key}");
    }
    assert_eq!(full["cost_usd"], "0.0000355");
    assert_eq!(
        full["details"],
        json!({
            "input_tokens_details": {"cache_write_tokens_details": {"ttl_30m_tokens": 7}},
            "output_tokens_details": {"tool_output_tokens": 3},
            "num_sources_used": 0, "cost_details": {"a": null},
        })
    );
    let short = usage(json!({"input_tokens": 3, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 0}})).unwrap();
    assert_eq!(short["total_tokens"], 7);
    assert_eq!(
        (&short["cached_tokens"], &short["reasoning_tokens"]),
        (&json!(0), &Value::Null)
    );
    assert!(short.get("details").is_none(), "{short}");
    assert_eq!(usage(json!({})), None);
    assert_eq!(usage(Value::Null), None);
}

#[test]
fn the_facts_of_a_reply_come_from_the_first_event_that_has_them_and_the_status_from_the_last() {
    let created = json!({"type": "response.created", "response": {"id": "resp_1", "created_at": 1_741_476_542.75, "model": "m", "status": "in_progress"}});
    let begun = read(std::slice::from_ref(&created)).reply;
    assert_eq!(begun.status.as_deref(), Some("in_progress"));
    let end = json!({"type": "response.completed", "response": {"id": "resp_2", "status": "completed", "model": "n", "output": []}});
    let reply = read(&[created, end]).reply;
    assert_eq!(
        (reply.id.as_deref(), reply.model.as_deref()),
        (Some("resp_1"), Some("m"))
    );
    assert_eq!(
        (reply.created, reply.status.as_deref()),
        (Some(1_741_476_542), Some("completed"))
    );
}

#[test]
fn logprobs_are_those_of_the_choice_and_come_once() {
    let token = json!({"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []});
    let delta = json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a", "logprobs": [token]});
    let text_done = json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "a", "logprobs": [token]});
    let item = json!({"type": "message", "content": [{"type": "output_text", "text": "a", "logprobs": [token]}]});
    let end = super::completed(&json!([item]));
    for events in [
        vec![delta.clone(), text_done.clone(), end.clone()],
        vec![super::text_delta(0, "a"), text_done, end.clone()],
        vec![delta, end.clone()],
        vec![end],
    ] {
        let reply = read(&events).reply;
        let tokens = reply.choices[0].logprobs.as_ref().unwrap().tokens();
        assert_eq!(tokens.len(), 1, "{events:?}");
        assert!(
            serde_json::to_value(&reply.choices[0].parts[0]).unwrap()["extra"]
                .get("logprobs")
                .is_none()
        );
    }
}

#[test]
fn a_complete_reply_without_output_is_not_an_empty_answer() {
    for response in [
        json!({"object": "response", "id": "r", "status": "completed"}),
        json!({"object": "response", "output": null}),
        json!({"object": "response", "status": "completed", "output": {"choices": []}}),
    ] {
        let body = response.to_string();
        let error = Responses.decode_reply(body.as_bytes(), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{body}");
        assert!(error.message().contains("no output"), "{error}");
        let event = json!({"type": "response.completed", "response": response});
        let error = read(&[event]).error.unwrap();
        assert!(error.message().contains("no output"), "{error}");
    }
    // An empty list is an answer without words.
    let empty = json!({"object": "response", "status": "completed", "output": []}).to_string();
    assert!(Responses.decode_reply(empty.as_bytes(), 1).is_ok());
}
