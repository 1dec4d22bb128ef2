//! Cuts a JSON array that grows into its elements.

use super::scan::{Found, Scan};
use crate::error::{Error, ErrorKind};
use crate::json::MAX_DEPTH;
use crate::sse::{Item, empty, event_too_large};

/// Reads a JSON array from chunks of any size. The chunks never change the records.
///
/// Time is linear, and memory is bounded by `max_event_bytes`, which caps a record. Of a record only its borders are
/// checked; its text is for the decoder. What follows the array is ignored.
#[derive(Debug)]
pub(super) struct Array {
    place: Place,
    scan: Scan,
    // The beginning of a record that has not ended.
    carry: Vec<u8>,
    max_event_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the array.
    Before,
    /// After its first bracket.
    First,
    /// In a record.
    Inside,
    /// After a record.
    After,
    /// After a comma.
    Next,
    /// After its last bracket.
    Ended,
}

impl Array {
    pub(super) fn new(max_event_bytes: usize) -> Self {
        Self {
            place: Place::Before,
            scan: Scan::default(),
            carry: Vec::new(),
            max_event_bytes,
        }
    }

    /// Reads a chunk and passes every record that ends in it to `sink`.
    ///
    /// Fails with `EventTooLarge`, with `Decode` where this is not an array, or with the error of `sink`. It must not be
    /// used after that.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        mut sink: impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rest = chunk;
        loop {
            if self.place == Place::Inside {
                let Some(after) = self.inside(rest, &mut sink)? else {
                    return Ok(());
                };
                rest = after;
            }
            rest = rest.trim_ascii_start();
            let Some((&byte, after)) = rest.split_first() else {
                return Ok(());
            };
            self.place = match (self.place, byte) {
                (Place::Ended, _) => return Ok(()),
                (Place::Before, b'[') => Place::First,
                (Place::First | Place::After, b']') => Place::Ended,
                (Place::After, b',') => Place::Next,
                (Place::First | Place::Next, byte) if begins_a_value(byte) => Place::Inside,
                (place, _) => return Err(broken(place)),
            };
            if self.place == Place::Inside {
                self.scan = Scan::default();
            } else {
                rest = after;
            }
        }
    }

    /// Whether the array has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.place == Place::Ended
    }

    /// What is missing if the body ends here.
    pub(super) fn missing(&self) -> Option<&'static str> {
        match self.place {
            Place::Ended => None,
            Place::Inside if self.scan.is_open() => Some(super::INSIDE),
            _ => Some("the JSON array has no end"),
        }
    }

    /// How many bytes of an unfinished record are kept.
    pub(super) fn pending(&self) -> usize {
        self.carry.len()
    }

    /// Goes on with a record. Returns what follows it; `None` if it does not end in `rest`.
    fn inside<'a>(
        &mut self,
        rest: &'a [u8],
        sink: &mut impl FnMut(Item<'_>) -> Result<(), Error>,
    ) -> Result<Option<&'a [u8]>, Error> {
        // One byte more shows that it is too large, and is what follows a number that is not.
        let room = self.max_event_bytes - self.carry.len();
        let part = rest.get(..room.saturating_add(1)).unwrap_or(rest);
        match self.scan.push(part, MAX_DEPTH) {
            Found::End(end) if end <= room => {
                let (piece, after) = rest.split_at_checked(end).unwrap_or((rest, b""));
                self.place = Place::After;
                if self.carry.is_empty() {
                    // By far the most common case is passed on without a copy.
                    sink(record(piece))?;
                } else {
                    self.carry.extend_from_slice(piece);
                    sink(record(&self.carry))?;
                    empty(&mut self.carry);
                }
                Ok(Some(after))
            }
            Found::More if part.len() <= room => {
                self.carry.extend_from_slice(part);
                Ok(None)
            }
            Found::End(_) | Found::More => Err(event_too_large(self.max_event_bytes)),
            Found::TooDeep => Err(Error::new(
                ErrorKind::Decode,
                format!("a record of the stream has more than {MAX_DEPTH} levels"),
            )),
        }
    }
}

fn record(data: &[u8]) -> Item<'_> {
    Item::Event { name: b"", data }
}

fn begins_a_value(byte: u8) -> bool {
    !matches!(byte, b',' | b':' | b']' | b'}')
}

fn broken(place: Place) -> Error {
    let expected = match place {
        Place::Before => "an array was expected",
        Place::After => "a comma or the end was expected after a record",
        _ => "a record was expected",
    };
    let message = format!("the JSON array of the stream is broken: {expected}");
    Error::new(ErrorKind::Decode, message)
}
