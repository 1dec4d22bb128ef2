//! Makes events from lines.

use super::lines::{Lines, empty};
use crate::error::{Error, ErrorKind};
use crate::json;

/// What a line or an event of a stream says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A dispatched event.
    Event {
        /// The event's name; empty if it has none.
        name: &'a [u8],
        /// The data lines, joined by LF.
        data: &'a [u8],
    },
    /// A line with a field that the standard does not define. Some servers send errors like this.
    Stray {
        /// What is before the colon; the whole line if it has no colon.
        name: &'a [u8],
        /// What is after the colon.
        value: &'a [u8],
    },
    /// A comment. Servers send them to keep the connection alive.
    Comment(&'a [u8]),
}

/// How the bytes of a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing was pending.
    Clean,
    /// The last blank line was missing, but the pending event was complete and was dispatched.
    Flushed,
    /// An unfinished event was dropped: the stream is incomplete.
    Cut,
}

/// Reads server-sent events from chunks of any size.
///
/// The chunks never change the items. Time is linear, and memory is bounded by twice `max_event_bytes`, which
/// caps a line and the joined data of an event. The fields `id` and `retry` are ignored: they are for clients
/// that reconnect.
#[derive(Debug, Default)]
pub struct EventParser {
    pub(super) lines: Lines,
    name: Vec<u8>,
    data: Vec<u8>,
    // Data lines are joined by LF, so an event with one empty line differs from one without any.
    has_data: bool,
    max_event_bytes: usize,
}

impl EventParser {
    /// Starts a stream whose events have at most `max_event_bytes` bytes.
    #[must_use]
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            ..Self::default()
        }
    }

    /// Reads a chunk and passes every item that ends in it to `sink`.
    ///
    /// Fails with `EventTooLarge`, or with the error of `sink`. The parser must not be used after that.
    pub fn push(
        &mut self,
        chunk: &[u8],
        mut sink: impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rest = self.lines.trim_front(chunk);
        if self.lines.is_inside_a_line() {
            let Some((end, after)) = self.lines.split(rest) else {
                return self.keep(rest);
            };
            self.keep(end)?;
            let line = self.lines.take();
            self.line(&line, &mut sink)?;
            self.lines.recycle(line);
            rest = after;
        }
        while let Some((line, after)) = self.lines.split(rest) {
            rest = after;
            // By far the most common case: an event with one line of data, which is passed on without a copy.
            if self.is_idle()
                && let Some(data) = line.strip_prefix(b"data:")
                && let Some(after) = after_blank(rest)
                && line.len() <= self.max_event_bytes
            {
                rest = after;
                sink(Item::Event {
                    name: b"",
                    data: without_space(data),
                })?;
                continue;
            }
            if self.is_idle() && line.starts_with(b"event:") && line.len() <= self.max_event_bytes {
                match self.named(line, rest, &mut sink)? {
                    Some(after) => rest = after,
                    None => return self.keep(rest),
                }
                continue;
            }
            self.line(line, &mut sink)?;
        }
        self.keep(rest)
    }

    /// Ends the stream at a clean end of its bytes.
    ///
    /// The standard drops an event without a blank line after it. Some servers forget that line, so the event is
    /// dispatched if it is certainly complete: its data is `[DONE]`, or a complete JSON object or array, or several of
    /// these in lines of their own. A last line with an unknown field is passed on too.
    pub fn finish(
        &mut self,
        mut sink: impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<End, Error> {
        let line = self.lines.take();
        if !line.is_empty() {
            self.line(&line, &mut sink)?;
        }
        if !self.has_data {
            return Ok(End::Clean);
        }
        if !ends(&self.data) && !self.has_many() {
            self.reset();
            return Ok(End::Cut);
        }
        self.dispatch(&mut sink)?;
        Ok(End::Flushed)
    }

    /// Whether the unfinished event is the terminal mark, `[DONE]`.
    pub(crate) fn is_at_mark(&mut self) -> bool {
        let line = self.lines.take();
        // An empty line would end the event.
        let read = line.is_empty() || self.line(&line, &mut |_: Item<'_>| Ok(())).is_ok();
        read && is_mark(&self.data)
    }

    /// How many bytes of the unfinished event are kept.
    pub(crate) fn pending(&self) -> usize {
        self.lines.carried() + self.data.len()
    }

    /// How many bytes were searched: at most twice the input, for any chunks. For tests of this.
    #[doc(hidden)]
    #[must_use]
    pub fn scanned(&self) -> u64 {
        self.lines.scanned()
    }

    /// Reads the line with the name of an event, and the next line of `rest`. Returns what follows that one; `None` if it
    /// does not end in `rest`.
    fn named<'a>(
        &mut self,
        line: &[u8],
        rest: &'a [u8],
        sink: &mut impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<Option<&'a [u8]>, Error> {
        let Some((second, after)) = self.lines.split(rest) else {
            self.line(line, sink)?;
            return Ok(None);
        };
        if let Some(data) = second.strip_prefix(b"data:")
            && let Some(after) = after_blank(after)
            && second.len() <= self.max_event_bytes
        {
            sink(Item::Event {
                name: without_space(line.get(b"event:".len()..).unwrap_or_default()),
                data: without_space(data),
            })?;
            return Ok(Some(after));
        }
        self.line(line, sink)?;
        self.line(second, sink)?;
        Ok(Some(after))
    }

    #[inline]
    fn is_idle(&self) -> bool {
        !self.has_data && self.name.is_empty()
    }

    /// Whether the data are several complete events, with no blank line between them.
    fn has_many(&self) -> bool {
        let mut lines = self.data.split(|&byte| byte == b'\n');
        lines.next().is_some_and(ends) && lines.next_back().is_some_and(ends)
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Error> {
        if self.lines.carried() + part.len() > self.max_event_bytes {
            return Err(self.too_large());
        }
        self.lines.keep(part);
        Ok(())
    }

    pub(super) fn line(
        &mut self,
        line: &[u8],
        sink: &mut impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if line.is_empty() {
            return self.dispatch(sink);
        }
        if line.len() > self.max_event_bytes {
            return Err(self.too_large());
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(0) => return sink(Item::Comment(line.get(1..).unwrap_or_default())),
            Some(colon) => {
                let (name, value) = line.split_at_checked(colon).unwrap_or((line, b""));
                (name, without_space(value.get(1..).unwrap_or_default()))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" => {
                if self.data.len() + value.len() + 1 > self.max_event_bytes {
                    return Err(self.too_large());
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            b"id" | b"retry" => {}
            _ => return sink(Item::Stray { name, value }),
        }
        Ok(())
    }

    pub(super) fn dispatch(
        &mut self,
        sink: &mut impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let taken = if self.has_data {
            sink(Item::Event {
                name: &self.name,
                data: &self.data,
            })
        } else {
            Ok(())
        };
        self.reset();
        taken
    }

    fn reset(&mut self) {
        self.name.clear();
        self.has_data = false;
        empty(&mut self.data);
    }

    fn too_large(&self) -> Error {
        event_too_large(self.max_event_bytes)
    }
}

/// The error of an event with more than `cap` bytes.
pub(crate) fn event_too_large(cap: usize) -> Error {
    Error::new(
        ErrorKind::EventTooLarge,
        format!("one event of the stream is over {cap} bytes; raise Limits(max_event_bytes=…)"),
    )
}

/// Whether data are certainly complete.
fn ends(data: &[u8]) -> bool {
    is_mark(data) || json::is_complete(data)
}

fn is_mark(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]"
}

/// What follows the empty line that `rest` begins with, if its end is certain.
#[inline]
fn after_blank(rest: &[u8]) -> Option<&[u8]> {
    let (&first, after) = rest.split_first()?;
    match first {
        b'\n' => Some(after),
        b'\r' => after.strip_prefix(b"\n"),
        _ => None,
    }
}

/// The value without the one space that may follow the colon.
#[inline]
fn without_space(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}
