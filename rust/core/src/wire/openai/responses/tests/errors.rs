//! Errors in replies, in events and in bodies with an error status.

use serde_json::{Value, json};

use super::{Dialect, Responses, added, decoded, message, opened, read, text_delta};
use crate::error::{Error, ErrorKind};

#[test]
fn an_error_event_is_read_in_both_forms_and_keeps_what_came() {
    for (event, kind, retryable) in [
        (
            json!({"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": null, "sequence_number": 3}),
            ErrorKind::RateLimit,
            true,
        ),
        (
            json!({"type": "error", "sequence_number": 2, "error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "Slow down"}}),
            ErrorKind::QuotaExceeded,
            false,
        ),
        (
            json!({"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "Slow down"}}),
            ErrorKind::Server,
            true,
        ),
        (
            json!({"error": {"message": "Slow down", "code": 500}}),
            ErrorKind::Server,
            true,
        ),
        (
            json!({"code": "invalid-argument", "error": "Slow down"}),
            ErrorKind::Api,
            false,
        ),
        (
            json!({"object": "error", "message": "Slow down", "code": 400}),
            ErrorKind::Api,
            false,
        ),
    ] {
        let streamed = read(&[added(0, &opened("m")), text_delta(0, "half"), event.clone()]);
        let error = streamed.error.unwrap();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (kind, retryable),
            "{event}"
        );
        assert!(error.message().contains("Slow down"), "{event}: {error}");
        assert_eq!(streamed.reply.choices[0].text(), "half");
    }
}

#[test]
fn a_failed_response_is_an_error_by_its_code() {
    for (error, kind, retryable) in [
        (
            json!({"code": "rate_limit_exceeded", "message": "m"}),
            ErrorKind::RateLimit,
            true,
        ),
        (
            json!({"code": "server_error", "message": "m"}),
            ErrorKind::Server,
            true,
        ),
        (
            json!({"code": "vector_store_timeout", "message": "m"}),
            ErrorKind::Server,
            true,
        ),
        (
            json!({"code": "insufficient_quota", "message": "m"}),
            ErrorKind::QuotaExceeded,
            false,
        ),
        (
            json!({"code": "image_content_policy_violation", "message": "m"}),
            ErrorKind::ContentFilter,
            false,
        ),
        (
            json!({"code": "invalid_prompt", "message": "m"}),
            ErrorKind::Api,
            false,
        ),
        (
            json!({"code": "invalid_prompt", "message": "Invalid prompt: your prompt was flagged as potentially violating our usage policy."}),
            ErrorKind::ContentFilter,
            false,
        ),
        (
            json!({"code": "context_length_exceeded", "message": "m"}),
            ErrorKind::ContextLength,
            false,
        ),
        (Value::Null, ErrorKind::Server, true),
    ] {
        let response = json!({"id": "resp_1", "object": "response", "status": "failed", "error": error, "output": []});
        let event = json!({"type": "response.failed", "response": response});
        let streamed = read(&[text_delta(0, "half"), event.clone()]);
        let failure = streamed.error.unwrap();
        assert_eq!(
            (failure.kind(), failure.is_retryable()),
            (kind, retryable),
            "{event}"
        );
        assert_eq!(streamed.reply.choices[0].text(), "half");
        assert_eq!(decoded(&response).unwrap_err().kind(), kind);
    }
}

#[test]
fn a_failure_before_any_item_leaves_nothing_that_another_attempt_would_repeat() {
    let created = json!({"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}});
    for end in [
        json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error", "message": "m"}}}),
        json!({"type": "error", "code": "server_error", "message": "m"}),
    ] {
        let streamed = read(&[created.clone(), end]);
        assert_eq!(streamed.chunks, []);
        assert!(streamed.error.unwrap().is_retryable());
    }
}

#[test]
fn an_event_named_error_is_an_error_whatever_it_has() {
    let mut decoder = Responses.stream(1);
    let failed = decoder.event(b"error", b"{\"message\": \"broken\"}", &mut Vec::new());
    assert!(failed.unwrap_err().message().contains("broken"));
}

#[test]
fn a_body_with_status_200_may_be_an_error() {
    for body in [
        json!({"error": {"message": "broken", "code": "server_error"}}),
        json!({"detail": "broken"}),
        json!([{"error": {"message": "broken"}}]),
    ] {
        let error = decoded(&body).unwrap_err();
        assert!(error.message().contains("broken"), "{body}: {error}");
    }
    assert!(decoded(&json!({"object": "response", "status": "completed", "error": null, "output": [message("m", "t")]})).is_ok());
}

#[test]
fn what_is_no_reply_is_said_to_be_what_it_is() {
    for (body, words) in [
        ("", "no body"),
        ("<html><title>Welcome</title>", "an HTML page (\"Welcome\")"),
        ("hello", "not JSON"),
        ("{\"a\": 1}", ""),
        (
            "{\"object\": \"response\"}\n{\"object\": \"response\"}",
            "NDJSON",
        ),
        ("{\"object\": \"response\", \"output\": [", ""),
    ] {
        let error = Responses.decode_reply(body.as_bytes(), 1).unwrap_err();
        assert!(error.message().contains(words), "{body}: {error}");
        assert!(
            matches!(
                error.kind(),
                ErrorKind::UnexpectedContent | ErrorKind::Decode
            ),
            "{error:?}"
        );
    }
}

#[test]
fn a_reply_may_begin_with_blanks_and_a_mark_and_be_a_stream() {
    let body = json!({"object": "response", "status": "completed", "output": [message("m", "t")]});
    let marked = format!("\u{feff}\n\n {body}");
    assert_eq!(
        Responses
            .decode_reply(marked.as_bytes(), 1)
            .unwrap()
            .choices[0]
            .text(),
        "t"
    );
    let events = format!(
        "event: response.completed\ndata: {}\n\n",
        json!({"type": "response.completed", "response": body})
    );
    assert_eq!(
        Responses
            .decode_reply(events.as_bytes(), 1)
            .unwrap()
            .choices[0]
            .text(),
        "t"
    );
    let commented = format!(": OPENROUTER PROCESSING\n\n{events}");
    let reply = Responses.decode_reply(commented.as_bytes(), 1).unwrap();
    assert_eq!(reply.choices[0].text(), "t");
    let cut = format!("data: {}\n\n", text_delta(0, "half"));
    let error = Responses.decode_reply(cut.as_bytes(), 1).unwrap_err();
    assert!(
        error
            .message()
            .contains("response.completed did not arrive")
    );
    assert_eq!(error.partial().unwrap().choices[0].text(), "half");
}

#[test]
fn a_broken_character_does_not_cost_the_reply() {
    let body =
        json!({"object": "response", "status": "completed", "output": [message("m", "aXb")]})
            .to_string();
    let bytes: Vec<u8> = body
        .bytes()
        .map(|byte| if byte == b'X' { 0xff } else { byte })
        .collect();
    assert_eq!(
        Responses.decode_reply(&bytes, 1).unwrap().choices[0].text(),
        "a\u{fffd}b"
    );
    let event: Vec<u8> = text_delta(0, "aXb")
        .to_string()
        .bytes()
        .map(|byte| if byte == b'X' { 0xff } else { byte })
        .collect();
    let mut out = Vec::new();
    Responses.stream(1).event(b"", &event, &mut out).unwrap();
    assert_eq!(
        out.last().unwrap(),
        &crate::message::ChunkKind::Text("a\u{fffd}b".into())
    );
}

fn refused(api: &str, status: u16, message: &str) -> Error {
    let body = json!({"error": {"message": message, "type": "invalid_request_error"}});
    crate::wire::dialect(api)
        .unwrap()
        .decode_error(status, body.to_string().as_bytes())
}

#[test]
fn a_model_that_another_api_serves_is_said_with_the_api_to_give() {
    for (message, remedy) in [
        (
            "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
            "api=\"responses\"",
        ),
        (
            "This model is only supported in v1/responses and not in v1/chat/completions.",
            "api=\"responses\"",
        ),
        (
            "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?",
            "api=\"chat\"",
        ),
        (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",
            "api=\"completions\"",
        ),
    ] {
        for api in ["chat", "responses"] {
            let error = refused(api, 400, message);
            assert!(error.message().contains(remedy), "{error}");
            assert_eq!(error.kind(), ErrorKind::Api);
        }
    }
    assert!(
        !refused("chat", 400, "v1/responses said that it is broken")
            .message()
            .contains("api=")
    );
}

#[test]
fn the_refusals_of_stateless_reasoning_are_not_repeated() {
    for message in [
        "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.",
        "Encrypted content is not supported with this model.",
        "No tool output found for function call call_1.",
    ] {
        let error = refused("responses", 400, message);
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Api, false),
            "{message}"
        );
    }
    let body = json!({"error": {"message": "The encrypted content could not be verified.", "type": "invalid_request_error", "code": "invalid_encrypted_content"}});
    let error = Responses.decode_error(400, body.to_string().as_bytes());
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Api, false)
    );
}

#[test]
fn an_error_may_be_named_like_the_events_of_a_response() {
    let event = json!({"type": "response.error", "error": {"code": "rate_limit_exceeded", "message": "slow"}});
    let error = read(&[event]).error.unwrap();
    assert_eq!(error.kind(), ErrorKind::RateLimit);
}
