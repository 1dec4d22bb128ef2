//! How many items of one kind a reply may have.

use crate::error::{Error, ErrorKind};

/// The most choices of a reply, tool calls of a choice, and blocks and unknown members of a message.
///
/// Each takes up to a kilobyte of memory, though a server can write one in two bytes. Recorded replies have at most
/// 128.
pub(super) const MOST: usize = 16_384;

/// The error of a reply with more than that of `what`.
pub(super) fn too_many(what: &str) -> Error {
    let message = format!("the reply has more than {MOST} {what}");
    Error::new(ErrorKind::ResponseTooLarge, message)
}
