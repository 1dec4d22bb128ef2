//! Token counts.

use serde_json::{Value, json};

use super::{begun, decoded, end, finish, no_text, read, start, stop, text};
use crate::message::Usage;

fn whole(usage: &Value) -> Option<Usage> {
    let body = json!({"type": "message", "content": [], "stop_reason": "end_turn", "usage": usage});
    decoded(&body).unwrap().usage
}

fn streamed(first: &Value, last: &[Value]) -> Option<Usage> {
    let mut events = vec![begun(), start(0, &no_text()), text(0, "a"), stop(0)];
    events[0]["message"]["usage"] = first.clone();
    for usage in last {
        let mut event = finish("end_turn");
        event["usage"] = usage.clone();
        events.push(event);
    }
    events.push(end());
    read(&events).whole().usage.clone()
}

fn details(usage: &Usage) -> Value {
    let details = usage.details.as_ref();
    details.map_or(Value::Null, |json| {
        serde_json::from_str(json.get()).unwrap()
    })
}

#[test]
fn input_excludes_the_cache_and_output_includes_thinking() {
    let usage = whole(&json!({
        "input_tokens": 3, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 200,
        "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 20},
    }))
    .unwrap();
    let expected = Usage {
        prompt_tokens: Some(213),
        completion_tokens: Some(50),
        total_tokens: Some(263),
        cached_tokens: Some(200),
        cache_write_tokens: Some(10),
        reasoning_tokens: Some(20),
        ..Usage::default()
    };
    assert_eq!(usage, expected);
}

#[test]
fn what_is_absent_stays_none() {
    assert_eq!(whole(&json!({})), None);
    assert_eq!(whole(&json!(null)), None);
    assert_eq!(whole(&json!([1])), None);
    let usage = whole(&json!({"output_tokens": 5, "cache_read_input_tokens": null})).unwrap();
    let expected = Usage {
        completion_tokens: Some(5),
        ..Usage::default()
    };
    assert_eq!(usage, expected);
    let usage = whole(&json!({"input_tokens": 0, "output_tokens": 0, "total_tokens": 9})).unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.total_tokens),
        (Some(0), Some(9))
    );
    assert_eq!((usage.cached_tokens, usage.reasoning_tokens), (None, None));
}

#[test]
fn a_field_of_message_delta_takes_the_place_of_that_of_message_start() {
    let first = json!({
        "input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1, "service_tier": "standard",
        "cache_creation": {"ephemeral_5m_input_tokens": 1}, "speed": "fast",
    });
    // Older models send the output alone.
    let usage = streamed(&first, &[json!({"output_tokens": 30})]).unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens),
        (Some(15), Some(30))
    );
    assert_eq!(usage.total_tokens, Some(45));
    let last = json!({
        "input_tokens": 12, "output_tokens": 30, "cache_read_input_tokens": null, "speed": "standard",
        "service_tier": null, "server_tool_use": {"web_search_requests": 1},
        "output_tokens_details": {"thinking_tokens": 7, "x": 1},
    });
    let usage = streamed(&first, &[last.clone(), last]).unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.reasoning_tokens),
        (Some(17), Some(7))
    );
    let expected = json!({
        "service_tier": "standard", "cache_creation": {"ephemeral_5m_input_tokens": 1},
        "speed": "standard", "server_tool_use": {"web_search_requests": 1},
        "output_tokens_details": {"x": 1},
    });
    assert_eq!(details(&usage), expected);
}

#[test]
fn the_details_have_what_the_counts_do_not_come_from() {
    let usage = whole(&json!({
        "input_tokens": 1, "output_tokens": 2, "cost": 0.000_112, "is_byok": false,
        "cost_details": {"upstream_inference_cost": 0.1}, "iterations": [{"type": "message"}],
        "inference_geo": "us", "server_tool_use": null, "empty": {},
    }))
    .unwrap();
    assert_eq!(usage.cost_usd.as_deref(), Some("0.000112"));
    let expected = json!({
        "is_byok": false, "cost_details": {"upstream_inference_cost": 0.1},
        "iterations": [{"type": "message"}], "inference_geo": "us",
    });
    assert_eq!(details(&usage), expected);
    assert_eq!(
        details(&whole(&json!({"input_tokens": 1})).unwrap()),
        Value::Null
    );
}

#[test]
fn the_counts_are_reported_once_and_a_partial_reply_has_the_first_ones() {
    let mut first = begun();
    first["message"]["usage"] = json!({"input_tokens": 4, "output_tokens": 1});
    let events = [first, start(0, &no_text()), text(0, "a")];
    let usage = read(&events).reply.usage.unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens),
        (Some(4), Some(1))
    );
    let mut last = finish("end_turn");
    last["usage"] = json!({"output_tokens": 2});
    let mut whole = events.to_vec();
    whole.extend([stop(0), last.clone(), end()]);
    let streamed = read(&whole);
    let reports = streamed.chunks.iter().filter(|chunk| match chunk {
        crate::message::ChunkKind::Delta(delta) => delta.usage.is_some(),
        crate::message::ChunkKind::Text(_) => false,
    });
    assert_eq!(reports.count(), 1);
    // Without any in the end, those of the beginning count.
    whole.remove(4);
    assert_eq!(
        read(&whole).whole().usage.as_ref().unwrap().prompt_tokens,
        Some(4)
    );
}
