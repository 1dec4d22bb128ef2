//! Errors about a request that cannot be encoded: they are the caller's to mend.

use crate::error::{Error, ErrorKind};

/// A value that no request can hold; `message` begins with its path.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Validation, message)
}

/// JSON that cannot be read is the caller's here, not a server's.
pub(super) fn about_the_request(error: Error) -> Error {
    if error.kind() != ErrorKind::Decode {
        return error;
    }
    let message = format!("the request cannot be encoded: {}", error.message());
    error.with_kind(ErrorKind::Validation).with_message(message)
}
