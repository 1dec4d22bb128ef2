//! The errors that `OpenAI` answers to a request that is wrong.

use crate::script::ErrorReply;

/// An error of type `invalid_request_error`.
pub(super) fn refusal(
    status: u16,
    message: &str,
    param: Option<&str>,
    code: Option<&str>,
) -> Box<ErrorReply> {
    Box::new(ErrorReply {
        kind: Some("invalid_request_error".to_owned()),
        param: param.map(str::to_owned),
        code: code.map(str::to_owned),
        ..ErrorReply::new(status, message)
    })
}

/// A 400 that names the parameter.
pub(super) fn bad_request(param: &str, message: &str) -> Box<ErrorReply> {
    refusal(400, message, Some(param), None)
}
