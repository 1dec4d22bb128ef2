//! Events that are sent twice.

use std::ops::Range;

use bytes::Bytes;

use crate::reply::{Due, Events};

/// Sends some events of a stream twice, each right after itself.
#[derive(Debug)]
pub(super) struct Repeating<'a> {
    stream: &'a mut dyn Events,
    repeated: Range<u64>,
    /// The number of the next event.
    next: u64,
    /// The event that will be sent again, and when.
    again: Option<(Due, Vec<u8>)>,
}

impl<'a> Repeating<'a> {
    /// `repeated` are the numbers of the events; the first is 0.
    pub(super) fn new(stream: &'a mut dyn Events, repeated: Range<u64>) -> Self {
        Self {
            stream,
            repeated,
            next: 0,
            again: None,
        }
    }
}

impl Events for Repeating<'_> {
    fn next_due(&mut self) -> Option<Due> {
        match &self.again {
            Some((due, _)) => Some(*due),
            None => self.stream.next_due(),
        }
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some((_, event)) = self.again.take() {
            out.extend_from_slice(&event);
            return true;
        }
        if !self.repeated.contains(&self.next) {
            self.next += 1;
            return self.stream.write_next(out);
        }
        self.next += 1;
        let (due, start) = (self.stream.next_due(), out.len());
        let is_written = self.stream.write_next(out);
        self.again = due.zip(out.get(start..).map(<[u8]>::to_vec));
        is_written
    }
}

/// A recorded stream with some of its events twice. `ends` is where each event ends.
pub(super) fn with_repeated(
    bytes: &Bytes,
    ends: impl Iterator<Item = usize>,
    repeated: &Range<u64>,
) -> Bytes {
    let mut all = Vec::with_capacity(bytes.len());
    let mut start = 0;
    for (number, end) in (0..).zip(ends) {
        let event = bytes.get(start..end).unwrap_or_default();
        all.extend_from_slice(event);
        if repeated.contains(&number) {
            all.extend_from_slice(event);
        }
        start = end;
    }
    all.extend_from_slice(bytes.get(start..).unwrap_or_default());
    all.into()
}
