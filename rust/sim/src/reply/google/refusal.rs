//! The words with which a request is refused.

use serde_json::{Value, json};

use crate::script::ErrorReply;

/// An error whose `status` follows from its number.
pub(super) fn refusal(status: u16, message: impl Into<String>) -> Box<ErrorReply> {
    Box::new(ErrorReply::new(status, message))
}

/// A 400.
pub(super) fn invalid(message: impl Into<String>) -> Box<ErrorReply> {
    refusal(400, message)
}

/// The 400 for a field that is unknown.
pub(super) fn unknown(name: &str, place: &str) -> Box<ErrorReply> {
    let at = match place {
        "" => String::new(),
        place => format!(" at '{place}'"),
    };
    invalid(format!(
        "Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field."
    ))
}

/// `error.status` of a number, as Google's APIs document it.
fn status_word(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        400..=499 => "INVALID_ARGUMENT",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

/// The JSON of an error. A script's `type` is its status, and `code` the reason in its details.
pub(super) fn error_body(error: &ErrorReply) -> Value {
    let message = error.message.as_deref();
    let message = message.unwrap_or("The simulator's script asks for this error.");
    let number = error.status();
    let status = error.kind.as_deref().unwrap_or(status_word(number));
    let mut inner = json!({"code": number, "message": message, "status": status});
    if let (Some(reason), Value::Object(fields)) = (&error.code, &mut inner) {
        let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
                          "domain": "googleapis.com"});
        fields.insert("details".to_owned(), json!([info]));
    }
    json!({ "error": inner })
}
