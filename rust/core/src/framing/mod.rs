//! Cuts the body of a stream into records: the events that a decoder reads.
//!
//! How a server parts its records is a [`Framing`]. A dialect says which ones it may get, and the first byte of the
//! body says which one it has, whatever the content type claims. A body that has none of them is not a stream: it is one
//! `document` (a whole reply, or an error) or a web page.
//!
//! Read `cutter` first: it finds out what a body is. [`crate::sse`] cuts event streams, and `array` JSON arrays that
//! grow, with `scan`, which finds the end of a value that arrives in pieces.
//!
//! A new framing is a variant here and a module that cuts it. Records in lines begin as a document does: there the
//! content type has to decide, which is then an argument of `Framing::of`.

mod array;
mod cutter;
mod document;
mod scan;

pub use cutter::{Cutter, Progress};

use crate::error::{Error, ErrorKind, Phase};

/// How the records of a stream are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Events,
    /// A JSON array that grows. Each element is the data of an event without a name.
    Array,
}

impl Framing {
    /// The media type of such a body.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Array => "application/json",
        }
    }

    /// Which of the framings that are `taken` a body has whose first byte, after white space, is `first`. `None` if it is
    /// a document or a page.
    fn of(taken: &[Self], first: u8) -> Option<Self> {
        let mut taken = taken.iter().copied();
        taken.find(|framing| match framing {
            // No line of an event stream begins like JSON or HTML.
            Self::Events => !matches!(first, b'{' | b'[' | b'<'),
            Self::Array => first == b'[',
        })
    }
}

/// What is missing of a body that ends in a record.
pub(crate) const INSIDE: &str = "it ended inside an event";

/// The error of a reply with more than `cap` bytes.
pub(crate) fn too_large(cap: usize) -> Error {
    let message = format!("the reply is over {cap} bytes: raise Limits(max_reply_bytes=…)");
    Error::new(ErrorKind::ResponseTooLarge, message)
        .at(Phase::Body)
        .maybe_processed(true)
}

#[cfg(test)]
mod tests;
