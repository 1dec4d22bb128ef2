//! The events of a stream as the decoder of openai's own client reads them, so that both read the same.
//!
//! It differs from the standard: an event needs no data if it has a name, an id or a `retry`; an id stays for the events
//! after it; and a byte order mark is part of the first line. Source: `SSEDecoder` in openai-python's `_streaming.py`,
//! which has been the same from 1.0 to 3.57.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use crate::error::{Error, ErrorKind};
use crate::sse::Lines;

/// How many lines are read at once. A few hundred thousand lines without an event take long enough to hold up an event loop.
const LINES_AT_ONCE: usize = 256;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawEvent {
    /// Its name; empty if it has none.
    pub name: Bytes,
    /// Its lines of data, joined by LF.
    pub data: Bytes,
}

/// Cuts pieces of a body into events.
#[derive(Debug)]
pub struct EventCutter {
    lines: Lines,
    name: Bytes,
    data: Option<Data>,
    has_id: bool,
    has_retry: bool,
    max_event_bytes: usize,
}

/// The lines of data so far.
#[derive(Debug)]
enum Data {
    One(Bytes),
    Many(Vec<u8>),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::One(line) => line.len(),
            Self::Many(lines) => lines.len(),
        }
    }
}

impl EventCutter {
    /// Starts a stream whose events have at most `max_event_bytes` bytes.
    #[must_use]
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            lines: Lines::with_mark(),
            name: Bytes::new(),
            data: None,
            has_id: false,
            has_retry: false,
            max_event_bytes,
        }
    }

    /// Takes the next event from the front of `pieces`. `None` if they have no other whole event, and then they are all
    /// taken; or after many lines without one, and then the rest of them is left.
    ///
    /// Fails with `EventTooLarge`. The cutter must not be used after that.
    pub fn next(&mut self, pieces: &mut VecDeque<Bytes>) -> Result<Option<RawEvent>, Error> {
        let mut lines = 0;
        while let Some(piece) = pieces.front_mut()
            && lines < LINES_AT_ONCE
        {
            let trimmed = self.lines.trim_front(piece).len();
            piece.advance(piece.len() - trimmed);
            let Some((line, rest)) = self.lines.split(piece) else {
                if self.lines.carried() + piece.len() > self.max_event_bytes {
                    return Err(too_large(self.max_event_bytes));
                }
                self.lines.keep(piece);
                pieces.pop_front();
                continue;
            };
            let rest = rest.len();
            let line = if self.lines.is_inside_a_line() {
                self.lines.keep(line);
                Bytes::from(self.lines.take())
            } else {
                piece.slice_ref(line)
            };
            piece.advance(piece.len() - rest);
            lines += 1;
            if let Some(event) = self.line(&line)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn line(&mut self, line: &Bytes) -> Result<Option<RawEvent>, Error> {
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        if line.len() > self.max_event_bytes {
            return Err(too_large(self.max_event_bytes));
        }
        let colon = memchr::memchr(b':', line);
        let name = line.get(..colon.unwrap_or(line.len())).unwrap_or_default();
        let value = line.get(name.len() + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.add(line.slice_ref(value))?,
            b"event" => self.name = line.slice_ref(value),
            b"id" if !value.contains(&0) => self.has_id = !value.is_empty(),
            b"retry" if is_integer(value) => self.has_retry = true,
            _ => {}
        }
        Ok(None)
    }

    fn add(&mut self, line: Bytes) -> Result<(), Error> {
        let size = self.data.as_ref().map_or(0, |data| data.len() + 1) + line.len();
        if size > self.max_event_bytes {
            return Err(too_large(self.max_event_bytes));
        }
        self.data = Some(match self.data.take() {
            None => Data::One(line),
            Some(Data::One(first)) => Data::Many([&first[..], b"\n", &line].concat()),
            Some(Data::Many(mut lines)) => {
                lines.push(b'\n');
                lines.extend_from_slice(&line);
                Data::Many(lines)
            }
        });
        Ok(())
    }

    fn dispatch(&mut self) -> Option<RawEvent> {
        if self.data.is_none() && self.name.is_empty() && !self.has_id && !self.has_retry {
            return None;
        }
        self.has_retry = false;
        Some(RawEvent {
            name: std::mem::take(&mut self.name),
            data: match self.data.take() {
                None => Bytes::new(),
                Some(Data::One(line)) => line,
                Some(Data::Many(lines)) => lines.into(),
            },
        })
    }
}

/// Unlike the error of a `ChatClient` stream, it names no setting: those of another library have none.
fn too_large(limit: usize) -> Error {
    let message = format!("one event of the stream is over {limit} bytes");
    Error::new(ErrorKind::EventTooLarge, message)
}

/// Whether Python's `int` takes it.
fn is_integer(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let digits = value.strip_prefix(b"+").or(value.strip_prefix(b"-"));
    let digits = digits.unwrap_or(value);
    !digits.is_empty()
        && digits
            .split(|&byte| byte == b'_')
            .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String)> {
        let mut cutter = EventCutter::new(1 << 20);
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let mut seen = Vec::new();
        for piece in pieces {
            let mut pieces = VecDeque::from([Bytes::copy_from_slice(piece)]);
            while !pieces.is_empty() {
                if let Some(event) = cutter.next(&mut pieces).unwrap() {
                    seen.push((text(&event.name), text(&event.data)));
                }
            }
        }
        seen
    }

    #[test]
    fn an_event_over_the_limit_is_refused_without_a_setting() {
        for written in [
            &b"data: 12345678"[..],
            b"data: 12345678\n",
            b"data: 1\ndata: 23456\n",
        ] {
            let mut pieces = VecDeque::from([Bytes::copy_from_slice(written)]);
            let error = EventCutter::new(6).next(&mut pieces).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::EventTooLarge);
            assert_eq!(error.message(), "one event of the stream is over 6 bytes");
        }
    }

    #[test]
    fn many_lines_without_an_event_are_read_in_steps() {
        let mut cutter = EventCutter::new(1 << 20);
        let text = [&b": there\n".repeat(2500)[..], b"data: 1\n\n"].concat();
        let mut pieces = VecDeque::from([Bytes::from(text)]);
        let mut left = Vec::new();
        let event = loop {
            if let Some(event) = cutter.next(&mut pieces).unwrap() {
                break event;
            }
            left.push(pieces[0].len());
        };
        assert_eq!(left.len(), 2500 / LINES_AT_ONCE);
        assert_eq!(left[0], (2500 - LINES_AT_ONCE) * 8 + 9);
        assert_eq!(&event.data[..], b"1");
    }

    #[test]
    fn events_are_those_of_the_sdk_at_every_split() {
        // What `openai._streaming.SSEDecoder` returns for each, name and data.
        let cases: [(&str, &[(&str, &str)]); 12] = [
            ("data: 1\n\ndata:2\n\n", &[("", "1"), ("", "2")]),
            ("data: 1\r\n\r\ndata: 2\r\r", &[("", "1"), ("", "2")]),
            ("event: a\ndata: 1\ndata:  2\ndata\n\n", &[("a", "1\n 2\n")]),
            (": note\n\n: note\ndata: 1\n\n\n\n", &[("", "1")]),
            ("event: ping\n\n", &[("ping", "")]),
            ("event:\n\nunknown: 1\n\n", &[]),
            ("data:\n\n", &[("", "")]),
            ("id: 7\ndata: 1\n\n\nid:\n\n\n", &[("", "1"), ("", "")]),
            ("id: a\0b\n\n", &[]),
            (
                "retry: 5\n\nretry: x\n\nretry: 1_0\n\n",
                &[("", ""), ("", "")],
            ),
            ("\u{feff}data: 1\n\ndata: 2\n\n", &[("", "2")]),
            ("data: 1\n", &[]),
        ];
        for (wire, expected) in cases {
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, data)| ((*name).to_owned(), (*data).to_owned()))
                .collect();
            let wire = wire.as_bytes();
            assert_eq!(events([wire]), expected, "{wire:?}");
            assert_eq!(events(wire.chunks(1)), expected, "{wire:?} in bytes");
            for cut in 0..wire.len() {
                let (head, tail) = wire.split_at(cut);
                assert_eq!(events([head, tail]), expected, "{wire:?} at {cut}");
            }
        }
    }

    #[test]
    fn an_event_over_the_limit_is_refused_as_a_line_and_as_many() {
        for wire in [
            &b"data: 0123456789"[..],
            b"data: 0123456789\n",
            b"data: 01\ndata: 234\ndata: 567\n",
        ] {
            let mut cutter = EventCutter::new(9);
            let mut pieces = VecDeque::from([Bytes::copy_from_slice(wire)]);
            assert!(cutter.next(&mut pieces).is_err(), "{wire:?}");
        }
    }
}
