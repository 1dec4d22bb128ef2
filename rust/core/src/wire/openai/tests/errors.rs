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
fn the_text_is_found_in_every_layer_and_shown_once() {
    for (body, message) in [
        (
            r#"{"error":"Not Found","message":"no route","statusCode":404}"#,
            "Not Found: no route",
        ),
        (r#"{"error":{"message":"m"},"message":"m"}"#, "m"),
        (r#"{"error":["a","b"]}"#, "a; b"),
        (r#"{"error":true,"message":"m"}"#, "m"),
        (r#"{"error":{"error":{"message":"m"}}}"#, "m"),
        (r#"{"error":"{\"error\":{\"message\":\"m\"}}"}"#, "m"),
        (r#""{\"error\":{\"message\":\"m\"}}""#, "m"),
        (r#"{"message":{"message":{"detail":"m"}}}"#, "m"),
        (
            r#"{"errors":[{"code":7,"message":"m"}],"messages":[]}"#,
            "m",
        ),
        (r#"{"errors":[],"message":"m"}"#, "m"),
        (r#"{"errors":[]}"#, r#"{"errors":[]}"#),
        (r#"{"error":{}}"#, r#"{"error":{}}"#),
        (
            r#"{"error":"invalid_grant","error_description":"why"}"#,
            "invalid_grant: why",
        ),
        (
            r#"{"type":"about:blank","title":"t","status":400,"detail":"d"}"#,
            "d",
        ),
        (r#"{"type":"about:blank","title":"t","status":400}"#, "t"),
        (r#"{"title":"t","errors":{"x":["a","b"]}}"#, "x: a; b"),
        (
            r#"{"errors":[{"detail":"d","source":{"pointer":"/n"}}]}"#,
            "/n: d",
        ),
        (r#"{"Message":"m"}"#, "m"),
        (
            r#"{"error":{"message":"m","innererror":{"message":"i"}}}"#,
            "m: i",
        ),
        (r#"{"provider":{"error":{"message":"m"}}}"#, "m"),
        (
            r#"{"error":{"message":"Provider returned error","metadata":{"provider_name":"P","raw":"{\"error\":{\"message\":\"why\"}}"}}}"#,
            "Provider returned error: why",
        ),
        (
            r#"{"error":{"message":"m","metadata":{"raw":{"detail":[{"loc":["body","n"],"msg":"r"}]}}}}"#,
            "m: body.n: r",
        ),
        (
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>No</Message></Error>",
            "No",
        ),
        (
            "event: error\ndata: {\"error\":{\"message\":\"m\"}}\n\n",
            "m",
        ),
        ("{\"error\":\"a\"}\n{\"error\":\"b\"}\n", "a"),
        ("\u{feff}{\"error\":\"m\"}", "m"),
        (
            "<think> in a text",
            "the answer is an HTML page, not an API reply",
        ),
        (
            "<html><title>No\n way</title>",
            "the answer is an HTML page (\"No way\"), not an API reply",
        ),
        (
            r#"{"error":"<html><head><title>502</title></head>long</html>"}"#,
            "an HTML page (\"502\")",
        ),
    ] {
        assert_eq!(
            error(400, body).message(),
            format!("HTTP 400: {message}"),
            "{body}"
        );
    }
    let deep = format!("{}{}", "{\"error\":".repeat(100), "}".repeat(100));
    assert!(error(400, &deep).message().len() < 1_200);
    let deep = "[".repeat(20_000);
    assert!(error(400, &deep).message().starts_with("HTTP 400: [[["));
}

#[test]
fn the_field_that_a_server_complains_about_is_named() {
    for (body, message, param) in [
        (
            r#"{"detail":[{"loc":["body","messages",0,"content"],"msg":"m"}]}"#,
            "body.messages[0].content: m",
            "messages[0].content",
        ),
        (
            r#"{"object":"error","message":{"detail":[{"loc":["body","n"],"msg":"m"},{"loc":["body","k"],"msg":"l"}]}}"#,
            "body.n: m; body.k: l",
            "n",
        ),
        (r#"{"detail":[{"loc":"n","msg":"m"}]}"#, "n: m", "n"),
        (r#"{"detail":[{"loc":{"at":"n"},"msg":"m"}]}"#, "n: m", "n"),
        (
            r#"{"detail":{"loc":["body","n"],"msg":"m"}}"#,
            "body.n: m",
            "n",
        ),
        (r#"{"error":{"message":"m","param":"p"}}"#, "m", "p"),
        (r#"{"errors":{"p":["m"]}}"#, "p: m", "p"),
        (
            r#"{"error":{"errors":[{"field":"p","message":"p: m"}]}}"#,
            "p: m",
            "p",
        ),
        (
            r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"@type":"x","reason":"r"},{"fieldViolations":[{"field":"p","description":"d"}]}]}}]"#,
            "m: p: d",
            "p",
        ),
    ] {
        let found = error(422, body);
        assert_eq!(found.message(), format!("HTTP 422: {message}"));
        assert_eq!(found.api().unwrap().param.as_deref(), Some(param), "{body}");
    }
    let many = json!({"detail": [{"loc": ["x"], "msg": "m"}, {"loc": ["y"], "msg": "m"}, {"msg": "1"}, {"msg": "2"}, {"msg": "3"}, {"msg": "4"}]});
    assert_eq!(
        error(422, &many.to_string()).message(),
        "HTTP 422: x: m; y: m; 1; 2; 3; and 1 more"
    );
}

#[test]
fn a_field_that_we_chose_comes_with_the_setting_that_changes_it() {
    let usage = "(stream_usage=False leaves it out)";
    let limit = "(max_completion_tokens=… is sent by that name)";
    let other = "(extra_body={\"max_tokens\": …} is sent by that name)";
    let form = "(output_mode=… asks for JSON in another way)";
    for (body, remedy) in [
        (
            json!({"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}),
            usage,
        ),
        (
            json!({"error": {"message": "Unknown parameter: 'stream_options'."}}),
            usage,
        ),
        // DeepSeek, now and before; Groq; LM Studio; xAI; vLLM.
        (
            json!({"error": {"message": "This response_format type is unavailable now"}}),
            form,
        ),
        (
            json!({"error": {"message": "Failed to deserialize the JSON body into the target type: response_format: response_format.type `json_schema` is unavailable now at line 1 column 1"}}),
            form,
        ),
        (
            json!({"error": {"message": "This model does not support response format `json_schema`."}}),
            form,
        ),
        (
            json!({"error": "'response_format.type' must be 'json_schema' or 'text'"}),
            form,
        ),
        (
            json!({"error": "The response_format parameter is unsupported at the moment."}),
            form,
        ),
        (
            json!({"detail": [{"loc": ["body", "response_format"], "msg": "Extra inputs are not permitted"}]}),
            form,
        ),
        (
            json!({"error": {"message": "bad", "param": "stream_options.include_usage"}}),
            usage,
        ),
        (
            json!({"error": {"message": "Unsupported parameter: 'max_tokens'", "param": "max_tokens"}}),
            limit,
        ),
        (
            json!({"detail": [{"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}]}),
            other,
        ),
        (
            json!({"error": {"message": "max_tokens is too large: 9", "param": "max_tokens"}}),
            "9",
        ),
        (
            json!({"error": {"message": "Unknown parameter: 'x'.", "param": "x"}}),
            "'x'.",
        ),
        (
            json!({"error": {"message": "Invalid schema for response_format 'A': 'required' is missing", "param": "response_format"}}),
            "is missing",
        ),
    ] {
        let found = error(400, &body.to_string());
        assert!(found.message().ends_with(remedy), "{}", found.message());
    }
}

#[test]
fn one_list_says_which_statuses_are_retried() {
    let retried = [
        408, 409, 425, 429, 498, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529,
    ];
    for status in 300..=599 {
        let found = error(status, "{}");
        assert_eq!(found.is_retryable(), retried.contains(&status), "{status}");
    }
    // The status of an error in a stream is its code.
    for (code, again) in [
        (json!(502), true),
        (json!("501"), false),
        (json!(400), false),
    ] {
        let body = json!({"error": {"message": "m", "code": code}}).to_string();
        let found = crate::wire::errors::decode(None, body.as_bytes());
        assert_eq!(found.is_retryable(), again, "{code}");
    }
}

#[test]
fn only_an_address_that_has_nothing_to_offer_is_doubted() {
    for (status, body, doubted) in [
        (404, json!({"detail": "Not Found"}), true),
        (405, json!({"detail": "Method Not Allowed"}), true),
        (
            404,
            json!({"error": {"message": "The model `x` does not exist"}}),
            false,
        ),
        (
            404,
            json!({"error": {"message": "x", "code": "model_not_found"}}),
            false,
        ),
        (400, json!({"detail": "Not Found"}), false),
        (502, json!({}), false),
    ] {
        let found = error(status, &body.to_string());
        assert_eq!(found.may_be_wrong_address(), doubted, "{status} {body}");
    }
}

#[test]
fn an_id_of_the_request_in_the_body_is_found() {
    for body in [
        json!({"type": "error", "error": {"message": "m"}, "request_id": "r"}),
        json!({"error": {"message": "m", "request_id": "r"}}),
        json!({"message": "m", "requestId": "r"}),
    ] {
        assert_eq!(error(400, &body.to_string()).request_id(), Some("r"));
    }
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

#[test]
fn of_a_body_without_its_end_the_beginning_is_read() {
    let input = "x".repeat(70_000);
    let list: Vec<_> = (0..9_999)
        .map(|i| json!({"loc": ["body", "messages", i], "msg": format!("bad {i}"), "input": "é"}))
        .collect();
    for (body, text, param) in [
        (
            json!({"detail": [{"loc": ["body", "foo"], "msg": "Not permitted", "zinput": input}]}),
            "HTTP 422: body.foo: Not permitted",
            Some("foo"),
        ),
        (
            json!({"detail": list}),
            "HTTP 422: body.messages[0]: bad 0; body.messages[1]: bad 1; ",
            Some("messages[0]"),
        ),
        (
            json!({"error": {"code": "context_length_exceeded", "message": format!("too long: {input}")}}),
            "HTTP 422: too long: xxx",
            None,
        ),
    ] {
        let body = body.to_string();
        for cut in [64 << 10, (64 << 10) - 1] {
            let found = decode_cut(&body, cut);
            assert!(found.message().starts_with(text), "{}", found.message());
            assert_eq!(found.api().unwrap().param.as_deref(), param);
        }
    }
    let code = decode_cut(
        r#"{"error":{"code":"context_length_exceeded","message":"so lo"#,
        999,
    );
    assert_eq!(
        (code.kind(), code.message()),
        (ErrorKind::ContextLength, "HTTP 422: so lo")
    );
}

fn decode_cut(body: &str, at: usize) -> Error {
    error(422, &body[..body.floor_char_boundary(at)])
}
