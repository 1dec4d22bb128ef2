//! Errors: in the body of a status, inside a reply, inside a stream, and replies of other APIs.

use serde_json::{Value, json};

use super::{Gemini, event, last, parts, read, read_texts};
use crate::error::{Error, ErrorKind};
use crate::wire::{Dialect, dialect};

fn of_status(status: u16, body: &str) -> Error {
    Gemini.decode_error(status, body.as_bytes())
}

fn body(code: u16, status: &str, message: &str, details: &Value) -> Value {
    json!({"error": {"code": code, "message": message, "status": status, "details": details}})
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_error_body_has_its_class_in_every_form_and_place() {
    use ErrorKind as K;
    let info = |reason: &str| json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}]);
    let quota = |id: &str| {
        json!([
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"},
        ])
    };
    let none = json!([]);
    for (code, status, message, details, kind, retryable) in [
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid.",
            info("API_KEY_INVALID"),
            K::Authentication,
            false,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "x",
            info("API_KEY_INVALID"),
            K::Authentication,
            false,
        ),
        (
            401,
            "UNAUTHENTICATED",
            "x",
            none.clone(),
            K::Authentication,
            false,
        ),
        (
            403,
            "PERMISSION_DENIED",
            "x",
            none.clone(),
            K::Authentication,
            false,
        ),
        (
            403,
            "PERMISSION_DENIED",
            "x",
            info("BILLING_DISABLED"),
            K::QuotaExceeded,
            false,
        ),
        (
            404,
            "NOT_FOUND",
            "models/x is not found for API version v1beta",
            none.clone(),
            K::ModelNotFound,
            false,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "Please use a valid role: user, model.",
            none.clone(),
            K::Api,
            false,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
            none.clone(),
            K::ContextLength,
            false,
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Resource exhausted.",
            none.clone(),
            K::RateLimit,
            true,
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "x",
            quota("GenerateRequestsPerMinutePerProjectPerModel"),
            K::RateLimit,
            true,
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "x",
            quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
            K::QuotaExceeded,
            false,
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Your project has exceeded its monthly spending cap. Please go to AI Studio.",
            none.clone(),
            K::QuotaExceeded,
            false,
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Your prepayment credits are depleted. Please go to AI Studio.",
            none.clone(),
            K::QuotaExceeded,
            false,
        ),
        (500, "INTERNAL", "x", none.clone(), K::Server, true),
        (
            503,
            "UNAVAILABLE",
            "The model is overloaded.",
            none.clone(),
            K::Server,
            true,
        ),
        (504, "DEADLINE_EXCEEDED", "x", none.clone(), K::Server, true),
    ] {
        let body = body(code, status, message, &details);
        let pretty = serde_json::to_string_pretty(&body).unwrap();
        let list = json!([body]).to_string();
        for text in [&body.to_string(), &pretty, &list] {
            let with_status = of_status(code, text);
            assert_eq!(
                (with_status.kind(), with_status.is_retryable()),
                (kind, retryable),
                "{text}"
            );
            assert_eq!(
                with_status.message(),
                format!("HTTP {code}: {message}"),
                "{text}"
            );
            let in_reply = Gemini.decode_reply(text.as_bytes(), 1).unwrap_err();
            assert_eq!(
                (in_reply.kind(), in_reply.is_retryable()),
                (kind, retryable),
                "{text}"
            );
            let in_stream = read_texts(std::slice::from_ref(text), 1).error.unwrap();
            assert_eq!(
                (in_stream.kind(), in_stream.is_retryable()),
                (kind, retryable),
                "{text}"
            );
            assert!(in_stream.message().ends_with(message), "{in_stream}");
        }
    }
}

#[test]
fn an_error_in_the_middle_of_a_stream_ends_it_with_what_came() {
    let error = body(503, "UNAVAILABLE", "overloaded", &json!([]));
    let text = event(&json!([{"text": "a"}]));
    let failed = read(&[text.clone(), error.clone()]);
    assert_eq!(failed.error.unwrap().kind(), ErrorKind::Server);
    assert_eq!(parts(&failed.reply), json!([{"text": "a"}]));
    // What comes in the same event belongs to the partial reply.
    let mut both = event(&json!([{"text": "b"}]));
    both["error"] = error["error"].clone();
    let failed = read(&[text.clone(), both.clone()]);
    assert!(failed.error.is_some());
    assert_eq!(parts(&failed.reply), json!([{"text": "ab"}]));
    let failed = Gemini
        .decode_reply(both.to_string().as_bytes(), 1)
        .unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Server);
    assert_eq!(parts(failed.partial().unwrap()), json!([{"text": "b"}]));
    // As the name of an event, or as a line.
    let mut decoder = Gemini.stream(1);
    let mut out = Vec::new();
    let named = decoder
        .event(b"error", br#"{"code":429,"message":"slow"}"#, &mut out)
        .unwrap_err();
    assert_eq!(named.kind(), ErrorKind::RateLimit);
    assert!(
        decoder
            .stray_field(b"error", error["error"].to_string().as_bytes())
            .is_err()
    );
    // An empty one does not say anything.
    let mut fine = last("STOP");
    fine["error"] = Value::Null;
    assert_eq!(read(&[text, fine]).parts(), json!([{"text": "a"}]));
}

#[test]
fn the_request_id_of_an_error_is_that_of_the_body() {
    let mut error = body(500, "INTERNAL", "x", &json!([]));
    error["responseId"] = json!("r-1");
    assert_eq!(of_status(500, &error.to_string()).request_id(), Some("r-1"));
}

#[test]
fn a_reply_in_the_form_of_another_api_names_both() {
    for (body, title) in [
        (
            r#"{"id":"x","choices":[{"message":{"content":"a"}}]}"#,
            "Chat Completions",
        ),
        (
            r#"{"type":"message","role":"assistant","content":[]}"#,
            "Anthropic Messages",
        ),
        (
            r#"{"type":"message_start","message":{}}"#,
            "Anthropic Messages",
        ),
        (r#"{"object":"response","output":[]}"#, "Responses"),
    ] {
        let expected = format!("the reply has the form of {title}, not of gemini");
        let whole = Gemini.decode_reply(body.as_bytes(), 1).unwrap_err();
        let stream = read_texts(&[body.to_owned()], 1).error.unwrap();
        for error in [whole, stream] {
            assert_eq!(error.kind(), ErrorKind::UnexpectedContent);
            assert!(error.message().starts_with(&expected), "{error}");
        }
    }
}

#[test]
fn a_reply_of_gemini_read_by_another_api_names_both() {
    let event = event(&json!([{"text": "a"}])).to_string();
    for name in ["chat", "responses"] {
        let other = dialect(name).unwrap();
        for body in [
            event.clone(),
            format!("[{event}]"),
            format!("[{event}\r\n,\r\n{event}]"),
        ] {
            let error = other.decode_reply(body.as_bytes(), 1).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{name}: {body}");
            assert!(
                error
                    .message()
                    .starts_with("the reply has the form of Gemini, not of "),
                "{error}"
            );
            assert!(
                error.message().ends_with("api=\"gemini\" may be meant"),
                "{error}"
            );
        }
        let mut out = Vec::new();
        let error = other
            .stream(1)
            .event(b"", event.as_bytes(), &mut out)
            .unwrap_err();
        assert!(
            error
                .message()
                .starts_with("the reply has the form of Gemini, not of "),
            "{error}"
        );
    }
}

#[test]
fn what_is_not_a_reply_is_named() {
    for (body, kind) in [
        ("", ErrorKind::UnexpectedContent),
        ("<html><title>Sign in</title>", ErrorKind::UnexpectedContent),
        ("plain text", ErrorKind::UnexpectedContent),
        ("{\"candidates\":[", ErrorKind::Decode),
        ("[{\"candidates\":[]}", ErrorKind::Decode),
        ("{\"candidates\":[]} x", ErrorKind::Decode),
    ] {
        let error = Gemini.decode_reply(body.as_bytes(), 1).unwrap_err();
        assert_eq!(error.kind(), kind, "{body}: {error}");
    }
    // A broken character costs only itself.
    let body = b"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\xff\"}]},\"finishReason\":\"STOP\"}]}";
    let reply = Gemini.decode_reply(body, 1).unwrap();
    assert_eq!(reply.choices[0].text(), "a\u{fffd}");
    let mut decoder = Gemini.stream(1);
    let mut out = Vec::new();
    decoder.event(b"", body, &mut out).unwrap();
    assert_eq!(decoder.missing(), None);
}

#[test]
fn content_of_another_kind_is_an_error_that_names_the_field() {
    let candidate = |content: Value| json!([{"content": content, "finishReason": "STOP"}]);
    let parts = |parts: Value| candidate(json!({"role": "model", "parts": parts}));
    let item = "an item of candidates[].content.parts";
    for (candidates, expected) in [
        (json!({"content": 1}), "candidates is an object, not a list"),
        (json!("a"), "candidates is a string, not a list"),
        (
            json!([{}, 5]),
            "an item of candidates is a number, not an object",
        ),
        (
            candidate(json!("a")),
            "candidates[].content is a string, not an object",
        ),
        (
            candidate(json!([{"text": "a"}])),
            "candidates[].content is a list, not an object",
        ),
        (
            parts(json!({"text": "a"})),
            "candidates[].content.parts is an object, not a list",
        ),
        (
            parts(json!("a")),
            "candidates[].content.parts is a string, not a list",
        ),
        (
            parts(json!([null, 5, "str"])),
            &format!("{item} is a number, not an object"),
        ),
        (
            parts(json!([{"text": "a"}, "str"])),
            &format!("{item} is a string, not an object"),
        ),
        (
            parts(json!([true])),
            &format!("{item} is a boolean, not an object"),
        ),
    ] {
        let body = json!({ "candidates": candidates });
        let first = read(std::slice::from_ref(&body)).error;
        let later = read(&[event(&json!([{"text": "x"}])), body.clone()]).error;
        let whole = Gemini.decode_reply(body.to_string().as_bytes(), 1);
        for error in [first.unwrap(), later.unwrap(), whole.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{body}");
            assert_eq!(
                error.message(),
                format!("the reply cannot be read: {expected}")
            );
        }
    }
    // What the server says of a failure is why the rest is odd.
    let mut failed = body(503, "UNAVAILABLE", "overloaded", &json!([]));
    failed["candidates"] = json!({});
    let whole = Gemini.decode_reply(failed.to_string().as_bytes(), 1);
    for error in [whole.unwrap_err(), read(&[failed]).error.unwrap()] {
        assert_eq!(error.kind(), ErrorKind::Server);
    }
}
