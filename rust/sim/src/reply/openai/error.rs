//! `OpenAI`'s shape of an error.

use serde_json::{Value, json};

use crate::script::ErrorReply;

/// The body of an error reply.
pub(crate) fn error_body(error: &ErrorReply) -> Vec<u8> {
    match &error.body {
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(other) => other.to_string().into_bytes(),
        None => {
            let kind = error.kind.as_deref().unwrap_or(match error.status {
                401 => "authentication_error",
                403 => "permission_error",
                429 => "rate_limit_error",
                400..=499 => "invalid_request_error",
                _ => "server_error",
            });
            let message = error
                .message
                .as_deref()
                .unwrap_or("The simulator was told to fail.");
            json!({"error": {"message": message, "type": kind, "param": error.param,
                             "code": error.code}})
            .to_string()
            .into_bytes()
        }
    }
}

/// The data of an error event of a server that failed.
const SERVER_ERROR: &str = "{\"error\":{\"message\":\"The server had an error while processing \
                            your request.\",\"type\":\"server_error\",\"param\":null,\
                            \"code\":null}}";

/// An error inside a stream.
pub(crate) fn error_event(named: bool, body: Option<&Value>) -> Vec<u8> {
    let body = body.map_or_else(|| SERVER_ERROR.to_owned(), ToString::to_string);
    let name = if named { "event: error\n" } else { "" };
    format!("{name}data: {body}\n\n").into_bytes()
}

/// A 400 that names the parameter.
pub(crate) fn bad_request(param: &str, message: impl Into<String>) -> Box<ErrorReply> {
    Box::new(ErrorReply {
        status: 400,
        message: Some(message.into()),
        kind: Some("invalid_request_error".to_owned()),
        param: (!param.is_empty()).then(|| param.to_owned()),
        ..ErrorReply::default()
    })
}

/// The 404 for a model that does not exist.
pub(crate) fn model_not_found(model: &str) -> Box<ErrorReply> {
    Box::new(ErrorReply {
        status: 404,
        message: Some(format!(
            "The model `{model}` does not exist or you do not have access to it."
        )),
        kind: Some("invalid_request_error".to_owned()),
        code: Some("model_not_found".to_owned()),
        ..ErrorReply::default()
    })
}

/// The 404 for a path that is not an endpoint.
pub(crate) fn unknown_path(method: &str, path: &str) -> Box<ErrorReply> {
    Box::new(ErrorReply {
        status: 404,
        message: Some(format!("Invalid URL ({method} {path})")),
        kind: Some("invalid_request_error".to_owned()),
        ..ErrorReply::default()
    })
}

/// The 401 for a wrong or missing key.
pub(crate) fn wrong_key(missing: bool) -> Box<ErrorReply> {
    let message = if missing {
        "You didn't provide an API key."
    } else {
        "Incorrect API key provided."
    };
    Box::new(ErrorReply {
        status: 401,
        message: Some(message.to_owned()),
        kind: Some("invalid_request_error".to_owned()),
        code: (!missing).then(|| "invalid_api_key".to_owned()),
        ..ErrorReply::default()
    })
}
