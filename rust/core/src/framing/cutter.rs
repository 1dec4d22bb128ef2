//! Finds out how the records of a body are parted, and cuts it into them.

use super::array::Array;
use super::document::{Document, Place};
use super::{Framing, INSIDE};
use crate::error::Error;
use crate::sse::{End, EventParser, Item};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Cuts one body into records. The chunks in which it arrives never change them.
#[derive(Debug)]
pub struct Cutter {
    taken: &'static [Framing],
    max_event_bytes: usize,
    max_reply_bytes: usize,
    opening: Opening,
    // The white space before the first text in its line.
    lead: Vec<u8>,
    events: EventParser,
    // The body, if it is not an event stream.
    other: Option<Box<Other>>,
}

/// What has arrived of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// White space, after so many bytes of a byte order mark.
    Blank { mark: usize },
    /// Something else.
    Begun,
}

#[derive(Debug)]
enum Other {
    Array(Array),
    Document(Document),
}

/// Where a body is that may be over before its bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// More is needed.
    Open,
    /// All records have arrived.
    Ended,
    /// This document has arrived. What follows may still show that the body is something else.
    Document(&'a [u8]),
    /// This is not a stream, whatever follows: it is not JSON, or more than one document.
    Wrong(&'a [u8]),
}

impl Cutter {
    /// Starts to cut a body that has one of the framings `taken`, or is a document.
    ///
    /// A record has at most `max_event_bytes` bytes, and a document `max_reply_bytes`. No more of it is kept at once.
    #[must_use]
    pub fn new(taken: &'static [Framing], max_event_bytes: usize, max_reply_bytes: usize) -> Self {
        Self {
            taken,
            max_event_bytes,
            max_reply_bytes,
            opening: Opening::Blank { mark: 0 },
            lead: Vec::new(),
            events: EventParser::new(max_event_bytes),
            other: None,
        }
    }

    /// Reads a chunk and passes every record that ends in it to `sink`, as an event.
    ///
    /// Fails with `EventTooLarge` or `ResponseTooLarge`, with `Decode` if an array is broken between two records, or with
    /// the error of `sink`. The cutter must not be used after that.
    pub fn push(
        &mut self,
        chunk: &[u8],
        mut sink: impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rest = chunk;
        if let Opening::Blank { mark } = self.opening {
            let Some(text) = self.open(chunk, mark) else {
                return Ok(());
            };
            rest = text;
            let lead = std::mem::take(&mut self.lead);
            if self.other.is_none() {
                self.events.push(&lead, &mut sink)?;
            }
        }
        match self.other.as_deref_mut() {
            None => self.events.push(rest, sink),
            Some(Other::Array(array)) => array.push(rest, sink),
            Some(Other::Document(document)) => document.push(rest),
        }
    }

    /// Ends a body at a clean end of its bytes. Returns what is missing; `None` if that may be all of it.
    ///
    /// Events that have ended are passed to `sink`, although their blank line is missing: see [`EventParser::finish`].
    pub fn finish(
        &mut self,
        sink: impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<Option<&'static str>, Error> {
        match self.other.as_deref_mut() {
            None => {
                let end = self.events.finish(sink)?;
                Ok((end == End::Cut).then_some(INSIDE))
            }
            Some(Other::Array(array)) => Ok(array.missing()),
            Some(Other::Document(_)) => Ok(None),
        }
    }

    /// Whether the body is complete, although more bytes may follow.
    #[must_use]
    pub fn progress(&self) -> Progress<'_> {
        match self.other.as_deref() {
            Some(Other::Array(array)) if array.has_ended() => Progress::Ended,
            Some(Other::Document(document)) => match document.place {
                Place::After { .. } => Progress::Document(&document.text),
                Place::Over => Progress::Wrong(&document.text),
                Place::Inside | Place::Beyond { .. } | Place::Page { .. } => Progress::Open,
            },
            _ => Progress::Open,
        }
    }

    /// What has arrived of the body, if it is a document or a page.
    #[must_use]
    pub fn document(&self) -> Option<&[u8]> {
        match self.other.as_deref()? {
            Other::Document(document) => Some(&document.text),
            Other::Array(_) => None,
        }
    }

    /// Whether the unfinished event is the terminal mark, `[DONE]`.
    pub(crate) fn is_at_mark(&mut self) -> bool {
        self.other.is_none() && self.events.is_at_mark()
    }

    /// How many bytes the next chunk may be read with: those of an unfinished record or document.
    pub(crate) fn pending(&self) -> usize {
        match self.other.as_deref() {
            None => self.events.pending(),
            Some(Other::Array(array)) => array.pending(),
            Some(Other::Document(document)) => document.text.len(),
        }
    }

    /// Looks for the first byte that is not white space. Returns what begins with it.
    fn open<'a>(&mut self, chunk: &'a [u8], mut mark: usize) -> Option<&'a [u8]> {
        let mut rest = chunk;
        while let Some((first, after)) = rest.split_first()
            && BOM.get(mark) == Some(first)
        {
            mark += 1;
            rest = after;
        }
        match (mark, rest) {
            (_, []) | (3, _) => {}
            // A mark is only at the very start.
            (0, _) => mark = BOM.len(),
            // A part of one is text.
            _ => {
                self.lead.extend(BOM.iter().take(mark));
                self.begin();
                return Some(rest);
            }
        }
        let text = rest.trim_ascii_start();
        self.skip(rest.get(..rest.len() - text.len()).unwrap_or_default());
        let Some(&first) = text.first() else {
            self.opening = Opening::Blank { mark };
            return None;
        };
        self.begin();
        // Where no framing fits, it may still be an event stream, sent unasked.
        let other = match Framing::of(self.taken, first) {
            Some(Framing::Array) => Some(Other::Array(Array::new(self.max_event_bytes))),
            None if matches!(first, b'{' | b'[' | b'<') => {
                Some(Other::Document(Document::new(first, self.max_reply_bytes)))
            }
            Some(Framing::Events) | None => None,
        };
        self.other = other.map(Box::new);
        Some(text)
    }

    fn begin(&mut self) {
        self.opening = Opening::Begun;
        // After an empty line, the parser looks for no byte order mark.
        self.lead.insert(0, b'\n');
    }

    /// Skips white space, but keeps that of the last line: it belongs to the name of a field.
    fn skip(&mut self, blank: &[u8]) {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let line = blank.rsplit(is_end).next().unwrap_or_default();
        if line.len() < blank.len() {
            self.lead.clear();
        }
        // With one byte more it is too large anyway.
        let room = self
            .max_event_bytes
            .saturating_add(1)
            .saturating_sub(self.lead.len());
        self.lead.extend(line.iter().take(room));
    }
}
