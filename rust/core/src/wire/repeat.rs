//! A shortcut for events that differ from an earlier one only in their text, their numbers and their padding. Chat has one
//! of its own, which knows only text and padding and is faster.
//!
//! A server writes the same JSON around every token of a stream. Once an event was read in full and had only text, an
//! event with the same bytes around its text means the same with another text.

use crate::json::plain_run;

/// How many events are learned in a row without a match. A server that changes more than that is given up.
const PATIENCE: u8 = 16;
/// How many bytes around a text are learned. They are kept for the rest of the stream, and servers need a tenth.
const LONGEST: usize = 4 << 10;
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
    holes: Vec<(Hole, usize)>,
    target: T,
    /// How many events were learned since the last match.
    misses: u8,
}

/// An event that is like the learned one.
pub(super) struct Known<'a, T> {
    pub(super) text: &'a str,
    /// What follows the text.
    pub(super) after: &'a [u8],
    /// The last number.
    pub(super) number: Option<u64>,
    pub(super) target: T,
}

impl<T: Copy> Frame<T> {
    /// Whether it is worth learning another event.
    pub(super) fn learns(&self) -> bool {
        self.misses < PATIENCE
    }

    /// Remembers an event that had only the next piece of a text. The values that may differ are slices of `data`.
    pub(super) fn learn<'v>(
        &mut self,
        data: &[u8],
        values: impl Iterator<Item = (Hole, &'v str)>,
        target: T,
    ) {
        if !self.learns() {
            return;
        }
        let mut fixed = data.len();
        let mut found = Vec::new();
        for (hole, value) in values {
            fixed = fixed.saturating_sub(value.len());
            if let Some(start) = (value.as_ptr() as usize).checked_sub(data.as_ptr() as usize) {
                found.push((start, value.len(), hole));
            }
        }
        if fixed > LONGEST {
            return;
        }
        self.misses += 1;
        found.sort_unstable_by_key(|(start, ..)| *start);
        self.fixed.clear();
        self.holes.clear();
        let mut from = 0;
        for (start, length, hole) in found {
            let Some(stretch) = data.get(from..start) else {
                self.fixed.clear();
                return;
            };
            self.fixed.extend_from_slice(stretch);
            self.holes.push((hole, self.fixed.len()));
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
            after: b"",
            number: None,
            target: self.target,
        };
        let (mut rest, mut from) = (data, 0);
        for (hole, end) in &self.holes {
            rest = rest.strip_prefix(self.fixed.get(from..*end)?)?;
            from = *end;
            if *hole == Hole::Number {
                let (number, after) = number(rest)?;
                (known.number, rest) = (Some(number), after);
                continue;
            }
            let (value, after) = rest.split_at_checked(plain_run(rest))?;
            match hole {
                Hole::Text => {
                    known.text = str::from_utf8(value).ok()?;
                    known.after = after;
                }
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
    let (mut number, mut length) = (0_u64, 0);
    for digit in bytes.iter().map(|byte| byte.wrapping_sub(b'0')) {
        if digit > 9 {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        length += 1;
    }
    // One that is longer is read in full.
    if length == 0 || length > 15 || length > 1 && bytes.first() == Some(&b'0') {
        return None;
    }
    let rest = bytes.get(length..)?;
    Some((number, rest))
}
