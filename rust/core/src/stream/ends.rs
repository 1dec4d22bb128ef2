//! The errors by which a queue ends a stream.

use crate::error::{Error, ErrorKind, Phase};

pub(super) fn too_large(cap: usize) -> Error {
    let message =
        format!("the streamed reply is over {cap} bytes: raise Limits(max_reply_bytes=…)");
    Error::new(ErrorKind::ResponseTooLarge, message)
        .at(Phase::Body)
        .maybe_processed(true)
}

pub(crate) fn closed_error() -> Error {
    Error::new(
        ErrorKind::ClientClosed,
        "the stream was closed before it ended",
    )
}
