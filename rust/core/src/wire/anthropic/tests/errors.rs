//! Errors in replies, in events and in bodies with an error status.

use serde_json::{Value, json};

use super::{Dialect, Messages, begun, decoded, no_text, read_named, start, text};
use crate::error::{Error, ErrorKind};

fn body(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

fn refused(status: u16, body: &Value) -> Error {
    Messages.decode_error(status, body.to_string().as_bytes())
}

#[test]
fn each_type_of_error_has_its_kind_and_may_be_tried_again_or_not() {
    for (status, kind, message, expected, again) in [
        (
            400,
            "invalid_request_error",
            "temperature: range: 0..1",
            ErrorKind::Api,
            false,
        ),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 3333404 tokens > 200000 maximum",
            ErrorKind::ContextLength,
            false,
        ),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 199000 + 20000 > 200000",
            ErrorKind::ContextLength,
            false,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            ErrorKind::QuotaExceeded,
            false,
        ),
        (
            401,
            "authentication_error",
            "API key is invalid.",
            ErrorKind::Authentication,
            false,
        ),
        (402, "billing_error", "pay", ErrorKind::QuotaExceeded, false),
        (
            403,
            "permission_error",
            "no",
            ErrorKind::Authentication,
            false,
        ),
        (
            404,
            "not_found_error",
            "model: claude-nonexistent",
            ErrorKind::ModelNotFound,
            false,
        ),
        (404, "not_found_error", "Not found", ErrorKind::Api, false),
        (
            413,
            "request_too_large",
            "Request exceeds the maximum size",
            ErrorKind::Api,
            false,
        ),
        (
            429,
            "rate_limit_error",
            "slow down",
            ErrorKind::RateLimit,
            true,
        ),
        (
            500,
            "api_error",
            "Internal server error",
            ErrorKind::Server,
            true,
        ),
        (504, "timeout_error", "late", ErrorKind::Server, true),
        (
            529,
            "overloaded_error",
            "Overloaded",
            ErrorKind::Server,
            true,
        ),
    ] {
        let error = refused(status, &body(kind, message));
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (expected, again),
            "{kind}: {message}"
        );
        assert_eq!(error.message(), format!("HTTP {status}: {message}"));
        assert_eq!(error.request_id(), Some("req_1"));
        assert_eq!(error.api().unwrap().error_type.as_deref(), Some(kind));
    }
}

#[test]
fn a_spend_limit_is_not_tried_again() {
    let mut limit = body("rate_limit_error", "spend limit");
    limit["error"]["details"] = json!({"error_code": "enforced_spend_limit_reached"});
    let error = refused(429, &limit);
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::QuotaExceeded, false)
    );
}

#[test]
fn llama_server_answers_in_the_form_of_openai() {
    let error = refused(
        500,
        &json!({"error": {"code": 500, "message": "key 'messages' not found", "type": "server_error"}}),
    );
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(error.message(), "HTTP 500: key 'messages' not found");
}

#[test]
fn an_error_in_a_stream_is_known_by_its_type_or_its_name_and_keeps_what_came() {
    let overloaded = body("overloaded_error", "Overloaded").to_string();
    let bare = json!({"error": {"type": "overloaded_error", "message": "Overloaded"}}).to_string();
    let flat = json!({"type": "error", "message": "Overloaded", "code": 529}).to_string();
    let openai =
        json!({"error": {"code": 503, "message": "Overloaded", "type": "unavailable_error"}})
            .to_string();
    let before = [begun(), start(0, &no_text()), text(0, "half")].map(|event| event.to_string());
    for (name, data) in [
        ("error", &overloaded),
        ("", &overloaded),
        ("error", &bare),
        ("", &bare),
        ("error", &flat),
        ("", &flat),
        ("", &openai),
        ("message", &openai),
    ] {
        let events = before.iter().map(|data| ("", &**data));
        let streamed = read_named(events.chain([(name, &**data)]));
        let error = streamed.error.unwrap();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Server, true),
            "{name} {data}"
        );
        assert!(error.message().contains("Overloaded"));
        assert_eq!(streamed.reply.choices[0].text(), "half");
        if data == &overloaded {
            assert_eq!(error.request_id(), Some("req_1"));
        }
    }
    let plain = read_named([("error", "it broke")]).error.unwrap();
    assert!(plain.message().contains("it broke"), "{plain}");
}

#[test]
fn an_error_inside_a_200_is_one() {
    let error = decoded(&body("rate_limit_error", "slow down")).unwrap_err();
    assert_eq!(
        (error.kind(), error.request_id()),
        (ErrorKind::RateLimit, Some("req_1"))
    );
    let error = decoded(&json!({"error": {"message": "no", "code": 401}})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    let error = decoded(&json!({"type": "error", "message": "no"})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Api);
}

#[test]
fn an_event_that_is_broken_is_an_error_and_not_skipped() {
    for data in [
        "{\"type\":\"content_block_delta\",",
        "{\"type\":\"content_block_delta\"}}",
    ] {
        let error = read_named([("content_block_delta", data)]).error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Decode, "{data}");
    }
    // One that only keeps the connection open may have any form.
    assert!(read_named([("ping", "now"), ("ping", "")]).error.is_none());
}

#[test]
fn an_error_beside_what_a_reply_usually_has_is_an_error() {
    let error = json!({"type": "api_error", "message": "boom"});
    for body in [
        json!({"type": "error", "content": [], "error": error}),
        json!({"type": "message", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "error": error}),
    ] {
        let failed = decoded(&body).unwrap_err();
        assert!(failed.message().contains("boom"), "{failed}");
    }
    let nothing =
        json!({"type": "message", "content": [], "stop_reason": "end_turn", "error": null});
    assert!(decoded(&nothing).is_ok());
    let failing = json!({"type": "message_delta", "delta": {"stop_reason": null}, "error": error});
    let read = super::read(&[begun(), start(0, &no_text()), text(0, "Hi"), failing]);
    let failed = read.error.unwrap();
    assert!(failed.message().contains("boom"), "{failed}");
    assert_eq!(super::parts(&read.reply), json!([{"text": "Hi"}]));
}

#[test]
fn a_message_that_begins_as_an_error_is_that_error() {
    let overloaded = body("overloaded_error", "Overloaded");
    let beside = json!({"type": "message", "id": "m", "content": [], "error": overloaded["error"]});
    for message in [overloaded, beside] {
        let event = json!({"type": "message_start", "message": message}).to_string();
        let error = read_named([("message_start", &*event)]).error.unwrap();
        assert_eq!(
            (error.kind(), error.is_retryable(), error.message()),
            (
                ErrorKind::Server,
                true,
                "the provider reports an error: Overloaded"
            ),
            "{event}"
        );
    }
}
