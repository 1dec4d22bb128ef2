use serde_json::{Value, json};

use super::*;
use crate::message::Fold;
use crate::wire::{Chat, Dialect, Reading, Responses};

fn reading() -> Reading {
    Reading {
        answer_tool: Some("Answer".into()),
        ..Reading::default()
    }
}

/// The parts of the first choice: `text`, `?reasoning`, `name(arguments)`; and why it ended.
fn shown(reply: &Reply) -> (Vec<String>, Option<FinishReason>) {
    let choice = reply.choices.first().unwrap();
    let parts = choice.parts.iter().map(|part| match part {
        Part::Text { text, .. } => text.clone(),
        Part::Reasoning { text, .. } => format!("?{text}"),
        Part::ToolCall(call) => format!("{}({})", call.name, call.arguments),
        other => panic!("{other:?}"),
    });
    (parts.collect(), choice.finish_reason)
}

fn read(dialect: &dyn Dialect, events: &[Value]) -> Reply {
    let mut decoder = reading().stream(dialect, 1);
    let mut fold = Fold::default();
    let mut out = Vec::new();
    for event in events {
        let name = event["type"].as_str().unwrap_or_default();
        decoder
            .event(name.as_bytes(), event.to_string().as_bytes(), &mut out)
            .unwrap();
        out.drain(..).for_each(|chunk| fold.apply(&chunk));
    }
    decoder.flush(&mut out);
    out.drain(..).for_each(|chunk| fold.apply(&chunk));
    fold.conclude();
    fold.into_reply()
}

fn piece(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

fn call(index: u32, name: Option<&str>, arguments: &str) -> Value {
    let function = match name {
        Some(name) => json!({"name": name, "arguments": arguments}),
        None => json!({"arguments": arguments}),
    };
    piece(&json!({"tool_calls": [{"index": index, "function": function}]}))
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn text(piece_of_it: &str) -> Value {
    piece(&json!({"content": piece_of_it}))
}

/// What the same reply is when it arrives whole.
fn whole(events: &[Value]) -> Reply {
    let mut decoder = Chat.stream(1);
    let mut fold = Fold::default();
    let mut out = Vec::new();
    for event in events {
        decoder
            .event(b"", event.to_string().as_bytes(), &mut out)
            .unwrap();
    }
    decoder.flush(&mut out);
    out.drain(..).for_each(|chunk| fold.apply(&chunk));
    fold.conclude();
    let mut reply = fold.into_reply();
    reading().of_whole(&mut reply);
    reply
}

fn assert_read(events: &[Value], parts: &[&str], reason: FinishReason) {
    let wanted = (
        parts.iter().map(ToString::to_string).collect(),
        Some(reason),
    );
    assert_eq!(shown(&read(&Chat, events)), wanted);
    assert_eq!(shown(&whole(events)), wanted, "whole");
}

#[test]
fn the_arguments_of_the_call_are_the_text() {
    let events = [
        call(0, Some("Answer"), ""),
        call(0, None, r#"{"a""#),
        call(0, None, ": 1}"),
        end("tool_calls"),
    ];
    assert_read(&events, &[r#"{"a": 1}"#], FinishReason::Stop);
}

#[test]
fn a_limit_that_cut_the_arguments_off_is_still_the_reason() {
    let events = [call(0, Some("Answer"), r#"{"a"#), end("length")];
    assert_read(&events, &[r#"{"a"#], FinishReason::Length);
}

#[test]
fn a_call_without_arguments_is_an_empty_object() {
    let events = [call(0, Some("Answer"), ""), end("tool_calls")];
    assert_read(&events, &["{}"], FinishReason::Stop);
}

#[test]
fn text_next_to_the_call_is_a_comment() {
    let events = [
        text("I "),
        text("answer."),
        call(0, Some("Answer"), "{}"),
        text("Done."),
        end("tool_calls"),
    ];
    assert_read(&events, &["?I answer.", "{}", "?Done."], FinishReason::Stop);
}

#[test]
fn text_without_the_call_is_the_text() {
    let events = [text("I "), text("answer."), end("stop")];
    assert_read(&events, &["I answer."], FinishReason::Stop);
    assert_eq!(shown(&read(&Chat, &events[..2])).0, ["I answer."]);
}

#[test]
fn text_before_a_call_of_another_tool_is_text() {
    let events = [text("Wait."), call(0, Some("f"), "{}"), end("tool_calls")];
    assert_read(&events, &["Wait.", "f({})"], FinishReason::ToolCalls);
    let events = [
        text("Wait."),
        call(0, Some("f"), "{}"),
        call(1, Some("Answer"), "[]"),
        end("tool_calls"),
    ];
    assert_read(&events, &["Wait.", "f({})", "[]"], FinishReason::ToolCalls);
}

#[test]
fn calls_next_to_the_answer_keep_their_fragments() {
    let events = [
        call(0, Some("Answer"), "["),
        call(1, Some("Answers"), "{"),
        call(2, Some("g"), ""),
        call(0, None, "]"),
        call(1, None, "}"),
        end("tool_calls"),
    ];
    assert_read(
        &events,
        &["[]", "Answers({})", "g()"],
        FinishReason::ToolCalls,
    );
}

#[test]
fn a_name_may_come_in_pieces_or_end_too_early() {
    let events = [
        call(0, Some("Ans"), ""),
        call(0, Some("wer"), "[1]"),
        end("stop"),
    ];
    assert_eq!(shown(&read(&Chat, &events)).0, ["[1]"]);
    for events in [
        vec![call(0, Some("Ans"), "[1]"), end("tool_calls")],
        vec![call(0, Some("Ans"), "[1]")],
    ] {
        assert_eq!(shown(&read(&Chat, &events)).0, ["Ans([1])"]);
    }
}

#[test]
fn text_that_is_too_long_for_a_comment_does_not_wait() {
    let mut decoder = reading().stream(&Chat, 1);
    let mut out = Vec::new();
    let long = "x".repeat(LONGEST_COMMENT / 2);
    for passed in [0, 0, 3, 4] {
        let event = text(&long).to_string();
        decoder.event(b"", event.as_bytes(), &mut out).unwrap();
        assert_eq!(out.len(), passed);
    }
}

#[test]
fn numbered_parts_stay_apart() {
    let item = |kind: &str, index: u32, item: Value| json!({"type": format!("response.output_item.{kind}"), "output_index": index, "item": item});
    let message = json!({"type": "message", "id": "m", "role": "assistant", "content": []});
    let call = json!({"type": "function_call", "id": "f", "call_id": "c", "name": "Answer", "arguments": ""});
    let events = [
        item("added", 0, message),
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hm."}),
        item("added", 1, call),
        json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{\"a\": "}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "1}"}),
    ];
    let (parts, _) = shown(&read(&Responses, &events));
    assert_eq!(parts, ["?Hm.", r#"{"a": 1}"#]);
}
