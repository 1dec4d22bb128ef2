//! Collects a body that is not a stream.

use super::scan::{Found, Scan};
use super::too_large;
use crate::error::Error;

/// How many bytes of a web page are kept: enough for its title.
const PAGE_BYTES: usize = 64 << 10;

/// How many bytes are kept of what follows a JSON document: enough to recognise the next document, or the `[DONE]` of
/// an event stream.
const BEYOND_BYTES: usize = 6;

/// A body that is one JSON object or array, or a web page.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: Vec<u8>,
    pub(super) place: Place,
    scan: Scan,
    max_reply_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In JSON that has not ended.
    Inside,
    /// After it. Only white space has followed, with a line end or without one.
    After { has_line_end: bool },
    /// In something else that has followed, of which `room` more bytes are kept.
    Beyond { room: usize },
    /// In a page, of which `room` more bytes are kept.
    Page { room: usize },
    /// Nothing that may still follow matters.
    Over,
}

impl Place {
    const AFTER: Self = Self::After {
        has_line_end: false,
    };
}

impl Document {
    /// Starts with the first byte that is not white space.
    pub(super) fn new(first: u8, max_reply_bytes: usize) -> Self {
        Self {
            text: Vec::new(),
            place: if first == b'<' {
                Place::Page {
                    room: PAGE_BYTES.min(max_reply_bytes),
                }
            } else {
                Place::Inside
            },
            scan: Scan::default(),
            max_reply_bytes,
        }
    }

    /// Reads a chunk. Fails with `ResponseTooLarge`.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let mut rest = chunk;
        while !rest.is_empty() {
            let (kept, next) = match self.place {
                Place::Over => return Ok(()),
                Place::Inside => self.inside(rest)?,
                Place::After { has_line_end } => {
                    let blank = rest.len() - rest.trim_ascii_start().len();
                    let (space, after) = rest.split_at_checked(blank).unwrap_or((rest, b""));
                    let has_line_end = has_line_end || space.contains(&b'\n');
                    rest = after;
                    match after.first() {
                        None => (0, Place::After { has_line_end }),
                        Some(first) => {
                            self.text.extend(has_line_end.then_some(b'\n'));
                            let room = if *first == b'[' { BEYOND_BYTES } else { 1 };
                            (0, Place::Beyond { room })
                        }
                    }
                }
                Place::Beyond { room } if rest.len() < room => {
                    let room = room - rest.len();
                    (rest.len(), Place::Beyond { room })
                }
                Place::Page { room } if rest.len() < room => {
                    let room = room - rest.len();
                    (rest.len(), Place::Page { room })
                }
                Place::Beyond { room } | Place::Page { room } => (room, Place::Over),
            };
            let (kept, after) = rest.split_at_checked(kept).unwrap_or((rest, b""));
            self.text.extend_from_slice(kept);
            self.place = next;
            rest = after;
        }
        Ok(())
    }

    /// How much of `rest` belongs to the document, and what follows.
    fn inside(&mut self, rest: &[u8]) -> Result<(usize, Place), Error> {
        let (kept, next) = match self.scan.push(rest, u32::MAX) {
            Found::End(end) => (end, Place::AFTER),
            Found::More | Found::TooDeep => (rest.len(), Place::Inside),
        };
        if self.text.len() + kept > self.max_reply_bytes {
            return Err(too_large(self.max_reply_bytes));
        }
        Ok((kept, next))
    }
}
