use serde_json::json;

use crate::error::{Error, ErrorKind};
use crate::wire::dialect;

fn error(status: u16, body: &str) -> Error {
    dialect("chat")
        .unwrap()
        .decode_error(status, body.as_bytes())
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn the_kind_follows_from_status_code_and_type() {
    use ErrorKind::{
        Api, Authentication, ContentFilter, ContextLength, ModelNotFound, QuotaExceeded, RateLimit,
        Server,
    };
    for (status, body, kind, retryable) in [
        (
            400,
            json!({"error": {"message": "bad", "type": "invalid_request_error"}}),
            Api,
            false,
        ),
        (
            401,
            json!({"error": {"message": "key"}}),
            Authentication,
            false,
        ),
        (403, json!({"detail": "no"}), Authentication, false),
        (404, json!({"detail": "Not Found"}), Api, false),
        (
            404,
            json!({"error": {"message": "x", "code": "model_not_found"}}),
            ModelNotFound,
            false,
        ),
        (
            404,
            json!({"error": {"code": "DeploymentNotFound", "message": "x"}}),
            ModelNotFound,
            false,
        ),
        (
            404,
            json!({"error": {"message": "model \"x\" not found, try pulling it first", "type": "not_found_error"}}),
            ModelNotFound,
            false,
        ),
        (
            400,
            json!({"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}),
            ModelNotFound,
            false,
        ),
        (
            400,
            json!({"error": {"message": "x", "code": "context_length_exceeded"}}),
            ContextLength,
            false,
        ),
        (
            400,
            json!({"object": "error", "message": "This model's maximum context length is 10 tokens", "code": 400}),
            ContextLength,
            false,
        ),
        (
            400,
            json!({"error": {"code": 400, "type": "exceed_context_size_error", "message": "x"}}),
            ContextLength,
            false,
        ),
        (
            400,
            json!({"error": {"code": "content_filter", "message": "x", "param": "prompt", "status": 400}}),
            ContentFilter,
            false,
        ),
        (
            429,
            json!({"error": {"message": "slow", "type": "requests", "code": "rate_limit_exceeded"}}),
            RateLimit,
            true,
        ),
        (
            429,
            json!({"error": {"message": "pay", "type": "insufficient_quota", "code": "insufficient_quota"}}),
            QuotaExceeded,
            false,
        ),
        (
            402,
            json!({"error": {"message": "Insufficient Balance"}}),
            QuotaExceeded,
            false,
        ),
        (500, json!({"error": {"message": "x"}}), Server, true),
        (501, json!({"error": {"message": "x"}}), Server, false),
        (529, json!({}), Server, true),
        (
            498,
            json!({"error": {"message": "capacity_exceeded"}}),
            Api,
            true,
        ),
        (408, json!({}), Api, true),
    ] {
        let found = error(status, &body.to_string());
        assert_eq!(
            (found.kind(), found.is_retryable()),
            (kind, retryable),
            "{status} {body}"
        );
        assert_eq!(found.api().unwrap().status, Some(status));
    }
}

#[test]
fn the_message_is_found_in_every_form_of_body() {
    for (body, message) in [
        (r#"{"error":{"message":"m"}}"#, "m"),
        (
            r#"[{"error":{"message":"m","status":"INVALID_ARGUMENT","code":400}}]"#,
            "m",
        ),
        (r#"{"error":"m","code":"invalid-argument"}"#, "m"),
        (r#"{"object":"error","message":"m","code":400}"#, "m"),
        (
            r#"{"object":"error","message":{"detail":[{"msg":"a"},{"msg":"b"}]}}"#,
            "a; b",
        ),
        (r#"{"detail":"m"}"#, "m"),
        (r#"{"detail":{"message":"m"}}"#, "m"),
        (r#"{"detail":{"x":1}}"#, r#"{"x":1}"#),
        (r#"{"detail":7}"#, "7"),
        (r#"{"detail":[{"msg":"m"},null]}"#, "m"),
        (r#"{"detail":[{"loc":["body"],"msg":"m","type":"t"}]}"#, "m"),
        (r#"{"statusCode":400,"message":"m"}"#, "m"),
        (
            r#"{"error":{"message":"m","metadata":{"raw":"r"}}}"#,
            "m: r",
        ),
    ] {
        let found = error(400, body);
        assert_eq!(found.message(), format!("HTTP 400: {message}"));
        assert_eq!(found.api().unwrap().message.as_deref(), Some(message));
    }
    assert_eq!(
        error(502, "Bad gateway\r\n").message(),
        "HTTP 502: Bad gateway"
    );
    assert_eq!(error(502, " ").message(), "HTTP 502: the body is empty");
    assert!(error(404, "<html>\n404").message().contains("base_url"));
}

#[test]
fn the_providers_message_is_kept_in_full_and_shown_short() {
    let body = json!({"error": {"message": "a\u{1b}[31m\n".repeat(400), "type": "t", "code": 7, "param": "p"}});
    let found = error(400, &body.to_string());
    assert!(found.message().len() < 3000 && !found.message().contains(['\n', '\u{1b}']));
    let api = found.api().unwrap();
    let facts = (
        api.error_type.as_deref(),
        api.code.as_deref(),
        api.param.as_deref(),
    );
    assert_eq!(facts, (Some("t"), Some("7"), Some("p")));
    assert_eq!(
        error(500, &"x".repeat(100_000)).api().unwrap().body.len(),
        64 << 10
    );
    // One event of a stream may have megabytes.
    let long = "é".repeat(100_000);
    let body = json!({"error": {"message": long, "code": long}}).to_string();
    let found = error(500, &body);
    let api = found.api().unwrap();
    for text in [&api.message, &api.code] {
        let text = text.as_deref().unwrap();
        assert!(text.len() <= (64 << 10) + 3 && text.ends_with("é…"));
    }
}
