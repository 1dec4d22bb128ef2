//! The words with which a request is refused.

use serde_json::Value;

use crate::script::ErrorReply;

/// An error whose type follows from its status.
pub(super) fn refusal(status: u16, message: impl Into<String>) -> Box<ErrorReply> {
    Box::new(ErrorReply::new(status, message))
}

/// A 400.
pub(super) fn invalid(message: impl Into<String>) -> Box<ErrorReply> {
    refusal(400, message)
}

/// A 400 that names the field. `rule` says what it must be.
pub(super) fn wrong(place: &str, rule: &str) -> Box<ErrorReply> {
    invalid(format!("{place}: {rule}"))
}

/// The 400 for a field that must be there.
pub(super) fn missing(place: &str) -> Box<ErrorReply> {
    wrong(place, "Field required")
}

/// The 400 for a field that is unknown.
pub(super) fn extra(place: &str) -> Box<ErrorReply> {
    wrong(place, "Extra inputs are not permitted")
}

/// The 400 for a `type` that is not one of these.
pub(super) fn wrong_tag(place: &str, tag: &str, known: &[&str]) -> Box<ErrorReply> {
    let known: Vec<String> = known.iter().map(|word| format!("'{word}'")).collect();
    let known = known.join(", ");
    let message = format!(
        "{place}: Input tag '{tag}' found using 'type' does not match any of the expected tags: \
         {known}"
    );
    invalid(message)
}

/// The 400 for a word that is not one of these.
pub(super) fn wrong_word(place: &str, known: &[&str]) -> Box<ErrorReply> {
    let known: Vec<String> = known.iter().map(|word| format!("'{word}'")).collect();
    let known = match known.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        one => one.concat(),
    };
    wrong(place, &format!("Input should be {known}"))
}

/// `error.type` of a status, as the API documents it.
pub(super) fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// The JSON of an error.
pub(super) fn error_body(error: &ErrorReply, request_id: &str) -> Value {
    let message = error.message.as_deref();
    let message = message.unwrap_or("The simulator's script asks for this error.");
    let kind = error.kind.as_deref().unwrap_or(kind(error.status()));
    let mut inner = serde_json::json!({"type": kind, "message": message});
    if let (Some(code), Value::Object(fields)) = (&error.code, &mut inner) {
        fields.insert(
            "details".to_owned(),
            serde_json::json!({ "error_code": code }),
        );
    }
    serde_json::json!({"type": "error", "error": inner, "request_id": request_id})
}
