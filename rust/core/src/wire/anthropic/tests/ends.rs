//! Why a reply ended, and the events at its end.

use serde_json::{Value, json};

use super::{
    begun, decoded, end, finish, no_text, read, read_texts, start, stop, stream, text, tool,
};
use crate::error::ErrorKind;
use crate::message::{Choice, FinishReason};
use crate::wire::Step;

fn said(choice: &Choice) -> (Option<FinishReason>, Option<&str>, Value) {
    let details = choice.stop_details.as_ref();
    let details = details.map(|json| serde_json::from_str(json.get()).unwrap());
    (
        choice.finish_reason,
        choice.provider_finish_reason.as_deref(),
        details.unwrap_or_default(),
    )
}

#[test]
fn each_word_has_its_reason_and_is_kept() {
    use FinishReason as F;
    for (word, reason) in [
        ("end_turn", F::Stop),
        ("stop_sequence", F::Stop),
        ("max_tokens", F::Length),
        ("model_context_window_exceeded", F::Length),
        ("tool_use", F::ToolCalls),
        ("refusal", F::Refusal),
        ("pause_turn", F::Other),
        ("compaction", F::Other),
        ("some_future_word", F::Other),
        // Words of other APIs, from servers that only speak this one.
        ("length", F::Length),
        ("content_filter", F::ContentFilter),
    ] {
        let events = stream(&[start(0, &no_text()), text(0, "a"), stop(0)], word);
        let streamed = read(&events);
        let expected = (Some(reason), Some(word), Value::Null);
        assert_eq!(said(&streamed.whole().choices[0]), expected, "{word}");
        let body = json!({"type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": word});
        assert_eq!(
            said(&decoded(&body).unwrap().choices[0]),
            expected,
            "{word}"
        );
    }
}

#[test]
fn a_refusal_may_have_no_content() {
    let details = json!({"type": "refusal", "category": "bio", "explanation": "no"});
    let expected = (
        Some(FinishReason::Refusal),
        Some("refusal"),
        details.clone(),
    );
    for content in [json!([]), json!(null)] {
        let body = json!({"type": "message", "content": content, "stop_reason": "refusal", "stop_details": details});
        let reply = decoded(&body).unwrap();
        assert_eq!(said(&reply.choices[0]), expected);
        assert!(reply.choices[0].parts.is_empty());
    }
    let mut ended = finish("refusal");
    ended["delta"]["stop_details"] = details;
    let streamed = read(&[begun(), ended, end()]);
    assert_eq!(said(&streamed.whole().choices[0]), expected);
}

#[test]
fn a_refusal_in_the_middle_of_a_call_stays_one() {
    let events = stream(&[start(0, &tool("t"))], "refusal");
    let streamed = read(&events);
    let reason = streamed.whole().choices[0].finish_reason;
    assert_eq!(reason, Some(FinishReason::Refusal));
    assert!(streamed.calls_done().is_empty());
}

#[test]
fn a_paused_reply_with_tools_of_the_server_is_not_one_that_called_tools() {
    let block = json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}});
    let events = stream(&[start(0, &block), stop(0)], "pause_turn");
    let streamed = read(&events);
    assert_eq!(
        streamed.whole().choices[0].finish_reason,
        Some(FinishReason::Other)
    );
    let body = json!({"type": "message", "content": [block], "stop_reason": "pause_turn"});
    let reply = decoded(&body).unwrap();
    assert_eq!(reply.choices[0].finish_reason, Some(FinishReason::Other));
}

#[test]
fn a_stop_sequence_is_among_the_details_unless_there_are_others() {
    let details = json!({"type": "refusal"});
    for (sequence, details, expected) in [
        (
            json!("\n\"."),
            Value::Null,
            json!({"stop_sequence": "\n\"."}),
        ),
        (json!("x"), details.clone(), details),
        (Value::Null, Value::Null, Value::Null),
        (json!(7), Value::Null, Value::Null),
    ] {
        let body = json!({
            "type": "message", "content": [], "stop_reason": "stop_sequence",
            "stop_sequence": sequence, "stop_details": details,
        });
        assert_eq!(said(&decoded(&body).unwrap().choices[0]).2, expected);
        let mut ended = finish("stop_sequence");
        ended["delta"]["stop_sequence"] = sequence;
        ended["delta"]["stop_details"] = details;
        let streamed = read(&[begun(), start(0, &no_text()), stop(0), ended, end()]);
        assert_eq!(said(&streamed.whole().choices[0]).2, expected);
    }
}

#[test]
fn a_stream_ends_with_message_stop_and_nothing_that_follows_counts() {
    let mut events = stream(&[start(0, &no_text()), text(0, "a"), stop(0)], "end_turn");
    // Two streams that were glued together.
    events.extend(stream(
        &[start(0, &no_text()), text(0, "b"), stop(0)],
        "max_tokens",
    ));
    let streamed = read(&events);
    assert_eq!(streamed.parts(), json!([{"text": "a"}]));
    let mut decoder = super::Dialect::stream(&super::Messages, 1);
    let (mut out, mut steps) = (Vec::new(), Vec::new());
    for event in &events {
        steps.push(
            decoder
                .event(b"", event.to_string().as_bytes(), &mut out)
                .unwrap(),
        );
    }
    let done = steps.iter().position(|step| *step == Step::Done).unwrap();
    assert_eq!(done, 5);
    assert!(steps[done..].iter().all(|step| *step == Step::Done));
}

#[test]
fn without_message_stop_a_stream_is_incomplete_wherever_it_ends() {
    let events = stream(
        &[start(0, &no_text()), text(0, "a"), text(0, "b"), stop(0)],
        "end_turn",
    );
    for count in 0..events.len() {
        let streamed = read(&events[..count]);
        let missing = streamed.missing.as_deref();
        assert_eq!(missing, Some("message_stop did not arrive"), "{count}");
        let text = streamed
            .reply
            .choices
            .first()
            .map(|choice| choice.text().into_owned());
        let expected = ["", "a", "ab"][count.saturating_sub(2).min(2)];
        assert_eq!(text.unwrap_or_default(), expected);
    }
}

#[test]
fn the_mark_of_openrouter_ends_a_reply_that_has_a_reason() {
    let events = stream(&[start(0, &no_text()), text(0, "a"), stop(0)], "end_turn");
    let mut texts: Vec<_> = events.iter().map(ToString::to_string).collect();
    for has_stop in [true, false] {
        if !has_stop {
            texts.pop();
            texts.pop();
        }
        texts.push("[DONE] ".to_owned());
        assert_eq!(
            read_texts(&texts).parts(),
            json!([{"text": "a"}]),
            "{has_stop}"
        );
    }
    texts.drain(texts.len() - 2..texts.len() - 1);
    let error = read_texts(&texts).error.unwrap();
    assert_eq!(error.kind(), ErrorKind::StreamIncomplete);
    assert!(error.message().contains("[DONE]"), "{error}");
}

#[test]
fn a_server_that_never_says_why_it_ended_ends_all_the_same() {
    let events = [begun(), start(0, &tool("t")), stop(0), end()];
    let streamed = read(&events);
    assert_eq!(streamed.parts()[0]["arguments"], "{}");
    assert_eq!(streamed.calls_done(), ["{}"]);
    let choice = &streamed.reply.choices[0];
    assert_eq!(
        said(choice),
        (Some(FinishReason::ToolCalls), None, Value::Null)
    );
    // But nothing at all does not answer anything.
    assert_eq!(read(&[begun(), end()]).lost(), "it had no content");
}

#[test]
fn an_empty_content_is_an_answer() {
    let streamed = read(&stream(&[], "end_turn"));
    let choice = &streamed.whole().choices[0];
    assert_eq!((&*choice.text(), choice.parts.len()), ("", 0));
    for body in [
        json!({"type": "message", "content": [], "stop_reason": "end_turn"}),
        json!({"content": []}),
    ] {
        let reply = decoded(&body).unwrap();
        assert!(reply.choices[0].parts.is_empty());
    }
}

#[test]
fn a_reply_that_failed_is_an_error_with_what_came() {
    let events = stream(&[start(0, &no_text()), text(0, "half"), stop(0)], "error");
    let streamed = read(&events);
    assert_eq!(streamed.error.unwrap().kind(), ErrorKind::Server);
    assert_eq!(streamed.reply.choices[0].text(), "half");
    let body = json!({"type": "message", "content": [{"type": "text", "text": "half"}], "stop_reason": "error"});
    let error = decoded(&body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(error.partial().unwrap().choices[0].text(), "half");
}

#[test]
fn details_that_are_no_json_are_none() {
    let body = r#"{"type":"message","content":[],"stop_reason":"end_turn","stop_details":NaN}"#;
    let reply = super::Dialect::decode_reply(&super::Messages, body.as_bytes(), 1).unwrap();
    assert_eq!(reply.choices[0].stop_details, None);
}

#[test]
fn a_stream_that_ends_before_any_content_may_be_repeated() {
    for (block, more) in [
        (no_text(), text(0, "a")),
        (json!({"type": "thinking", "thinking": ""}), stop(0)),
        (tool("t"), super::input(0, "{")),
        (
            json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            stop(0),
        ),
    ] {
        may_be_repeated_after(&block, &more);
    }
}

fn may_be_repeated_after(block: &Value, more: &Value) {
    let mut decoder = super::Dialect::stream(&super::Messages, 1);
    let mut chunks = Vec::new();
    for event in [begun(), start(0, block), json!({"type": "ping"})] {
        let data = event.to_string();
        decoder.event(b"", data.as_bytes(), &mut chunks).unwrap();
        // A chunk would be something that the reader has seen.
        assert!(chunks.is_empty(), "{event}");
    }
    // Nor is there one before an error.
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}});
    let failed = decoder.event(b"error", error.to_string().as_bytes(), &mut chunks);
    assert!(failed.is_err() && chunks.is_empty());
    let failed = decoder.event(b"", error.to_string().as_bytes(), &mut chunks);
    assert!(failed.is_err() && chunks.is_empty());
    let data = more.to_string();
    decoder.event(b"", data.as_bytes(), &mut chunks).unwrap();
    assert!(!chunks.is_empty());
    // At its end, the part is there all the same.
    let read = read(&[begun(), start(0, block)]);
    assert_eq!(read.reply.choices[0].parts.len(), 1);
}
