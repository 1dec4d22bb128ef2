//! A shortcut for events that differ from an earlier one only in their text, their number and their padding. Chat has one
//! of its own, which knows only text and padding and is faster.
//!
//! A server writes the same JSON around every token of a stream. Once an event was read in full and had only text, an
//! event with the same bytes around its text means the same with another text.

use crate::json::plain_run;

/// How many events are learned in a row without a match. A server that changes more than that is given up.
const PATIENCE: u8 = 16;
/// How many bytes around a text are learned. They are kept for the rest of the stream, and servers need a tenth.
const LONGEST: usize = 4 << 10;
/// Text, number and padding.
const HOLES: usize = 3;

/// What may differ in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hole {
    Text,
    Number,
    /// What hides the length of a token.
    Padding,
}

/// The bytes around the text of an event, and what the text belongs to.
#[derive(Debug, Default)]
pub(super) struct Frame<T> {
    /// All fixed bytes, one stretch after another.
    fixed: Vec<u8>,
    /// Each hole, and where the stretch before it ends.
    holes: [Option<(Hole, usize)>; HOLES],
    target: T,
    /// How many events were learned since the last match.
    misses: u8,
}

/// An event that is like the learned one.
pub(super) struct Known<'a, T> {
    pub(super) text: &'a str,
    pub(super) number: Option<u64>,
    pub(super) target: T,
}

impl<T: Copy> Frame<T> {
    /// Remembers an event that had only the next piece of a text. The values that may differ are slices of `data`.
    pub(super) fn learn(&mut self, data: &[u8], values: [Option<(Hole, &str)>; HOLES], target: T) {
        let values = values.into_iter().flatten();
        let lengths = values.clone().map(|(_, value)| value.len());
        if self.misses >= PATIENCE || data.len().saturating_sub(lengths.sum()) > LONGEST {
            return;
        }
        self.misses += 1;
        let mut found = [None; HOLES];
        for ((hole, value), slot) in values.zip(&mut found) {
            let start = (value.as_ptr() as usize).checked_sub(data.as_ptr() as usize);
            *slot = start.map(|start| (start, value.len(), hole));
        }
        found.sort_unstable_by_key(|hole| hole.map_or(usize::MAX, |(start, ..)| start));
        self.fixed.clear();
        self.holes = [None; HOLES];
        let mut from = 0;
        for (hole, slot) in found.into_iter().flatten().zip(&mut self.holes) {
            let (start, length, hole) = hole;
            let Some(stretch) = data.get(from..start) else {
                self.fixed.clear();
                return;
            };
            self.fixed.extend_from_slice(stretch);
            *slot = Some((hole, self.fixed.len()));
            from = start + length;
        }
        self.fixed
            .extend_from_slice(data.get(from..).unwrap_or_default());
        self.target = target;
    }

    /// Reads an event that is like the learned one.
    #[inline]
    pub(super) fn read<'a>(&mut self, data: &'a [u8]) -> Option<Known<'a, T>> {
        if self.fixed.is_empty() {
            return None;
        }
        let mut known = Known {
            text: "",
            number: None,
            target: self.target,
        };
        let (mut rest, mut from) = (data, 0);
        for (hole, end) in self.holes.iter().flatten() {
            rest = rest.strip_prefix(self.fixed.get(from..*end)?)?;
            from = *end;
            if *hole == Hole::Number {
                let (number, after) = number(rest)?;
                (known.number, rest) = (Some(number), after);
                continue;
            }
            let (value, after) = rest.split_at_checked(plain_run(rest))?;
            match hole {
                Hole::Text => known.text = str::from_utf8(value).ok()?,
                // The padding has ASCII letters. With any others, the event is read in full.
                _ if value.is_ascii() => {}
                _ => return None,
            }
            rest = after;
        }
        if rest != self.fixed.get(from..)? {
            return None;
        }
        self.misses = 0;
        Some(known)
    }
}

/// A number at the beginning, as JSON writes it, and what follows.
#[inline]
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let (digits, rest) = bytes.split_at_checked(digits.count())?;
    // One that is longer is read in full.
    if digits.is_empty() || digits.len() > 15 || digits.len() > 1 && digits.first() == Some(&b'0') {
        return None;
    }
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    Some((number, rest))
}
