use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::message::{Choice, ChunkKind, FinishReason, Fold, Reply};
use crate::wire::{Step, StreamDecoder, dialect};

pub(super) fn feed(events: &[&str]) -> Result<(Vec<ChunkKind>, Box<dyn StreamDecoder>), Error> {
    let mut decoder = dialect("chat").unwrap().stream(1);
    let mut out = Vec::new();
    for event in events {
        decoder.event(b"", event.as_bytes(), &mut out)?;
    }
    Ok((out, decoder))
}

pub(super) fn folded(events: &[String]) -> Reply {
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    let mut fold = Fold::default();
    for chunk in &feed(&events).unwrap().0 {
        fold.apply(chunk);
    }
    fold.settle();
    fold.into_reply()
}

pub(super) fn delta(delta: &Value) -> String {
    json!({"choices": [{"index": 0, "delta": delta}]}).to_string()
}

pub(super) fn deltas(list: &Value) -> Choice {
    let events: Vec<_> = list.as_array().unwrap().iter().map(delta).collect();
    folded(&events).choices.remove(0)
}

#[test]
fn plain_text_takes_the_short_form() {
    let (chunks, decoder) = feed(&[
        &delta(&json!({"role": "assistant"})),
        &delta(&json!({"content": "hi"})),
    ])
    .unwrap();
    assert_eq!(
        chunks,
        [ChunkKind::Text("".into()), ChunkKind::Text("hi".into())]
    );
    assert_eq!(decoder.missing().unwrap(), "choice 0 had not finished");
    let text = json!({"choices": [{"text": "hi", "index": 0, "logprobs": null, "finish_reason": null}], "usage": null});
    assert_eq!(
        feed(&[&text.to_string()]).unwrap().0,
        [ChunkKind::Text("hi".into())]
    );
}

#[test]
fn the_halves_of_a_character_are_joined() {
    let event =
        |key: &str, escape: &str| format!(r#"{{"choices":[{{"delta":{{"{key}":"{escape}"}}}}]}}"#);
    let reply = folded(&[
        event("content", r"a\ud83d"),
        event("reasoning", r"r\ud83d"),
        event("content", r"\ude00b"),
        event("reasoning", r"\ude00"),
        event("content", r"\ud83d"),
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#.to_owned(),
    ]);
    let choice = &reply.choices[0];
    assert_eq!(choice.text(), "a\u{1f600}b\u{fffd}");
    assert_eq!(choice.reasoning(), "r\u{1f600}");
    // Plain text after a half, and halves that nothing completes before the end.
    let reply = folded(&[
        event("content", "a"),
        event("content", r"b\ud83d"),
        event("content", "c"),
        event("content", r"\ud83d"),
        event("refusal", r"no\ud83d"),
        "[DONE]".to_owned(),
    ]);
    let choice = &reply.choices[0];
    assert_eq!(choice.text(), "ab\u{fffd}c\u{fffd}");
    assert_eq!(choice.refusal().as_deref(), Some("no\u{fffd}"));
}

#[test]
fn a_message_that_repeats_everything_is_not_doubled() {
    let event = |delta: &str, message: &str| {
        json!({"choices": [{"delta": {"content": delta}, "message": {"role": "assistant", "content": message}}]}).to_string()
    };
    let mut events = vec![event("a", "a"), event("b", "ab")];
    assert_eq!(folded(&events).choices[0].text(), "ab");
    let last = json!({"choices": [{"message": {"content": "abcd"}, "finish_reason": "stop"}]});
    events.push(last.to_string());
    assert_eq!(folded(&events).choices[0].text(), "abcd");
    let said = json!({"reasoning": "hm", "refusal": "no",
        "tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]});
    let all = json!({"choices": [{"message": said, "finish_reason": "stop"}]}).to_string();
    assert_eq!(
        folded(&[delta(&said), all.clone()]).choices,
        folded(&[all]).choices
    );
}

#[test]
fn finish_twice_with_usage_and_events_after_done() {
    let finish = r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    let again = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}"#;
    let last = r#"{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3}}"#;
    let (chunks, mut decoder) = feed(&[finish, again, last]).unwrap();
    assert_eq!(decoder.missing(), None);
    let mut fold = Fold::default();
    for chunk in &chunks {
        fold.apply(chunk);
    }
    let reply = fold.into_reply();
    let usage = reply.usage.unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.total_tokens),
        (Some(2), Some(5))
    );
    assert_eq!(
        (reply.choices.len(), reply.choices[0].finish_reason),
        (1, Some(FinishReason::Stop))
    );
    let mut out = Vec::new();
    assert_eq!(
        decoder.event(b"", b"[DONE] ", &mut out).unwrap(),
        Step::Done
    );
    assert_eq!(
        decoder
            .event(b"", br#"{"choices":[],"cost":"0"}"#, &mut out)
            .unwrap(),
        Step::Done
    );
    assert_eq!(
        decoder.event(b"", b"nonsense", &mut out).unwrap(),
        Step::Done
    );
    assert!(out.is_empty());
}

#[test]
fn choices_finish_one_by_one() {
    let event = |index: u32, reason: Option<&str>| {
        json!({"choices": [{"index": index, "delta": {"content": "x"}, "finish_reason": reason}]})
            .to_string()
    };
    let (_, decoder) = feed(&[
        &event(4_000_000_000, None),
        &event(1, Some("stop")),
        &event(0, None),
    ])
    .unwrap();
    assert_eq!(
        decoder.missing().unwrap(),
        "choice 0, 4000000000 had not finished"
    );
    let reply = folded(&[
        event(2, Some("stop")),
        event(0, Some("length")),
        event(1, Some("stop")),
    ]);
    assert_eq!(
        reply
            .choices
            .iter()
            .map(|choice| choice.index)
            .collect::<Vec<_>>(),
        [0, 1, 2]
    );
}

#[test]
fn errors_have_many_forms() {
    let event = |name: &[u8], data: &str| {
        let mut decoder = dialect("chat").unwrap().stream(1);
        decoder
            .event(name, data.as_bytes(), &mut Vec::new())
            .map(|_| ())
    };
    let kind = |name: &[u8], data: &str| event(name, data).unwrap_err().kind();
    assert_eq!(
        kind(
            b"",
            r#"{"error":{"message":"m","code":502},"choices":[{"delta":{}}]}"#
        ),
        ErrorKind::Server
    );
    assert_eq!(
        kind(
            b"error",
            r#"{"error":{"message":"m","code":"tool_use_failed"}}"#
        ),
        ErrorKind::Api
    );
    assert_eq!(kind(b"error", "gone"), ErrorKind::Api);
    assert_eq!(
        kind(b"", r#"{"x_groq":{"error":"stopped"},"choices":[]}"#),
        ErrorKind::Api
    );
    assert_eq!(kind(b"", "[done]"), ErrorKind::Decode);
    assert_eq!(kind(b"", "[DONE]{}"), ErrorKind::Decode);
    assert_eq!(kind(b"", "[DONE]"), ErrorKind::UnexpectedContent);
    assert_eq!(
        kind(b"", "{\"choices\":[{\"delta\":{\"content\":\"\u{1}\"}}]}"),
        ErrorKind::Decode
    );
    for fine in [
        "",
        " ",
        r#"{"error":null}"#,
        r#"{"type":"ping"}"#,
        r#"{"choices":null}"#,
        r#"{"choices":[null]}"#,
        r#"{"choices":[{"delta":null,"finish_reason":null,"index":null}],"usage":null}"#,
    ] {
        assert!(event(b"ping", fine).is_ok(), "{fine}");
    }
    let mut decoder = dialect("chat").unwrap().stream(1);
    assert!(decoder.stray_field(b"foo", b"bar").is_ok());
    for name in [&b"\x00\x01dat"[..], b"\xff\xfe"] {
        let damaged = decoder.stray_field(name, b"").unwrap_err();
        assert_eq!(damaged.kind(), ErrorKind::Decode);
    }
    let said = br#"{"error":{"message":"m"}}"#;
    let error = decoder.stray_field(b"error", said).unwrap_err();
    assert_eq!(error.message(), "the provider reports an error: m");
    let finish = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    let (_, mut ended) = feed(&[finish, "[DONE]"]).unwrap();
    assert!(ended.stray_field(b"error", said).is_ok());
}

#[test]
fn an_event_that_only_keeps_the_connection_open_may_hold_anything() {
    let event = |name: &str, data: &str| {
        let mut decoder = dialect("chat").unwrap().stream(1);
        let step = decoder.event(name.as_bytes(), data.as_bytes(), &mut Vec::new());
        step.map(|_| ())
    };
    for (name, data) in [
        ("ping", "keep-alive"),
        ("Ping", "{'time': 1}"),
        ("heartbeat", "12:30"),
        ("status", "queued"),
        ("done", "bye"),
    ] {
        assert!(event(name, data).is_ok(), "{name}: {data}");
    }
    for (name, data) in [
        ("", "keep-alive"),
        ("message", "keep-alive"),
        ("chunk", "{\"choices\":[{\"delta\""),
    ] {
        let error = event(name, data).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{name}: {data}");
    }
    let said = event("error", "gone").unwrap_err();
    assert!(said.message().contains("gone"));
}

#[test]
fn events_without_an_empty_line_between_them_are_named() {
    let choice = r#"{"choices":[{"delta":{"content":"a"}}]}"#;
    for data in [format!("{choice}\n{choice}"), format!("{choice}\r\n[DONE]")] {
        let error = feed(&[data.as_str()]).map(|_| ()).unwrap_err();
        assert!(error.message().contains("empty line"), "{error}");
    }
    let spread = choice.replace(',', ",\n");
    assert!(feed(&[spread.as_str(), "[DONE]"]).is_ok());
    let whole = format!("{choice}\n{choice}\n");
    let error = dialect("chat").unwrap().decode_reply(whole.as_bytes(), 1);
    assert!(error.unwrap_err().message().contains("NDJSON"));
    let said = "{\"error\":{\"message\":\"m\"}}\n{\"done\":true}";
    let error = dialect("chat").unwrap().decode_reply(said.as_bytes(), 1);
    assert_eq!(
        error.unwrap_err().message(),
        "the provider reports an error: m"
    );
}

#[test]
fn a_broken_byte_does_not_cost_the_reply() {
    let mut decoder = dialect("chat").unwrap().stream(1);
    let mut out = Vec::new();
    let event = b"{\"choices\":[{\"delta\":{\"content\":\"a\xffb\"}}]}";
    decoder.event(b"", event, &mut out).unwrap();
    assert!(matches!(&*out, [ChunkKind::Text(text)] if text == "a\u{fffd}b"));
    let whole = b"{\"choices\":[{\"message\":{\"content\":\"a\xffb\"}}]}";
    let reply = dialect("chat").unwrap().decode_reply(whole, 1).unwrap();
    let parts = serde_json::to_value(&reply.choices[0].parts).unwrap();
    assert_eq!(parts[0]["text"], "a\u{fffd}b");
}

#[test]
fn a_reply_inside_of_provider_is_read() {
    let reply = r#"{"id":"g","choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#;
    let body = format!(r#"{{"id":null,"choices":null,"model":null,"provider":{reply}}}"#);
    let read = |body: &str| dialect("chat").unwrap().decode_reply(body.as_bytes(), 1);
    assert_eq!(read(&body).unwrap().id.as_deref(), Some("g"));
    let failed = r#"{"choices":null,"provider":{"error":{"message":"m"}}}"#;
    assert_eq!(
        read(failed).unwrap_err().message(),
        "the provider reports an error: m"
    );
    assert!(read(r#"{"choices":null,"provider":"Google"}"#).is_err());
}

#[test]
fn a_body_of_another_kind_with_the_content_type_of_a_stream() {
    let lines = |lines: &[(&str, &str)]| {
        let mut decoder = dialect("chat").unwrap().stream(1);
        let mut feed = lines.iter();
        feed.find_map(|(name, value)| decoder.stray_field(name.as_bytes(), value.as_bytes()).err())
    };
    let pretty = [
        ("{", ""),
        ("  \"error\"", "{"),
        ("    \"message\"", "\"m\""),
        ("  }", ""),
        ("}", ""),
    ];
    assert_eq!(
        lines(&pretty).unwrap().message(),
        "the provider reports an error: m"
    );
    assert_eq!(
        lines(&[("{\"choices\"", "[]}")]).unwrap().kind(),
        ErrorKind::UnexpectedContent
    );
    assert_eq!(
        lines(&[("<!DOCTYPE html>", "")]).unwrap().kind(),
        ErrorKind::UnexpectedContent
    );
    // Only a part of an endless body is kept.
    let long = "x".repeat(100_000);
    assert!(lines(&[("{\"a\"", &long), ("}", "")]).is_none());
}

#[test]
fn a_folded_stream_is_the_whole_reply() {
    let details =
        |text: &str| json!([{"type": "reasoning.text", "text": text, "index": 0, "format": "x"}]);
    let call = json!([{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let streamed = deltas(&json!([
        {"role": "assistant", "content": "", "reasoning": "a", "reasoning_details": details("a")},
        {"role": "assistant", "content": "", "reasoning": "b", "reasoning_details": details("b")},
        {"content": "x", "annotations": [{"u": 1}]},
        {"content": "y", "annotations": [{"u": 2}]},
        {"refusal": ""},
        {"tool_calls": call},
    ]));
    let message = json!({"role": "assistant", "content": "xy", "reasoning": "ab", "reasoning_details": details("ab"),
        "annotations": [{"u": 1}, {"u": 2}], "refusal": null, "tool_calls": call});
    let whole = json!({"choices": [{"index": 0, "message": message}]}).to_string();
    let whole = dialect("chat")
        .unwrap()
        .decode_reply(whole.as_bytes(), 1)
        .unwrap();
    // Neither says why it ended, and only the whole one is known to have ended.
    let parts = |choice: &Choice| serde_json::to_value(&choice.parts).unwrap();
    assert_eq!(parts(&streamed), parts(&whole.choices[0]));
}

#[test]
fn the_error_of_a_stream_without_choices_shows_what_came() {
    let end = |events: &[&str]| feed(events).map(|_| ()).unwrap_err();
    let nothing = end(&["[DONE]"]);
    assert_eq!(nothing.kind(), ErrorKind::UnexpectedContent);
    let odd = end(&[r#"{"choices":[],"why":"no capacity"}"#, "[DONE]"]);
    assert_eq!(odd.kind(), ErrorKind::StreamIncomplete);
    assert!(odd.to_string().contains("no capacity"), "{odd}");
}

#[test]
fn a_reply_of_another_api_is_refused_by_name() {
    let bodies = [
        (
            r#"{"type":"response.created","response":{"output":[],"error":null}}"#,
            "Responses",
        ),
        (
            r#"{"id":"x","choices":[{"index":0,"delta":{"content":"a"}}]}"#,
            "Chat Completions",
        ),
        (
            r#"{"type":"message_start","message":{"role":"assistant","usage":{"input_tokens":1}}}"#,
            "Anthropic Messages",
        ),
        (
            r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#,
            "Gemini",
        ),
        (
            r#"{"output":{"message":{"content":[]}},"stopReason":"end_turn"}"#,
            "Bedrock Converse",
        ),
    ];
    for (api, own, read) in [
        ("chat", "Chat Completions", "chat or completions"),
        ("completions", "Chat Completions", "chat or completions"),
        ("responses", "Responses", "responses"),
    ] {
        for (body, name) in bodies.iter().filter(|(_, name)| *name != own) {
            let mut out = Vec::new();
            let dialect = dialect(api).unwrap();
            let mut decoder = dialect.stream(1);
            let odd = decoder.event(b"", br#"{"prompt_filter_results":[]}"#, &mut out);
            assert_eq!(odd.unwrap(), Step::Continue);
            let streamed = decoder.event(b"", body.as_bytes(), &mut out).unwrap_err();
            let whole = dialect.decode_reply(body.as_bytes(), 1).unwrap_err();
            let events = format!("data: {body}\n\n");
            let unasked = dialect.decode_reply(events.as_bytes(), 1).unwrap_err();
            for error in [streamed, whole, unasked] {
                assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{error}");
                let expected = format!("the form of {name}, not of {read}");
                assert!(error.message().contains(&expected), "{error}");
            }
        }
    }
}
