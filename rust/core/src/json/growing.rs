//! Whether a JSON text that arrives in pieces is complete.

use super::written::is_whole;
use super::{is_complete, plain_run};

/// Follows the brackets of a growing text, so that the text is read in full once and not after each piece.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Growing {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    end: End,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum End {
    /// The object or array has not ended.
    #[default]
    Open,
    /// It has ended, and was not read yet.
    Closed,
    /// It has ended, and is valid.
    Whole,
    /// It is not one object or array, whatever follows.
    Wrong,
}

impl Growing {
    /// Follows the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while self.end != End::Wrong {
            if self.in_string && !self.is_escaped {
                // Nothing changes before the next quote or backslash.
                rest = rest.get(plain_run(rest)..).unwrap_or_default();
            }
            let Some((&byte, after)) = rest.split_first() else {
                return;
            };
            self.byte(byte);
            rest = after;
        }
    }

    /// Whether the object or array has ended, and nothing follows it. It may still be invalid inside.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.end, End::Closed | End::Whole)
    }

    /// Whether `text`, which is all pieces, is one complete object or array, at least as models write it; see
    /// [`is_complete`] and [`super::written`].
    pub fn is_complete(&mut self, text: &[u8]) -> bool {
        if self.end == End::Closed {
            self.end = if is_complete(text) || is_whole(text) {
                End::Whole
            } else {
                End::Wrong
            };
        }
        self.end == End::Whole
    }

    fn byte(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => {}
            b'{' | b'[' if self.end == End::Open => self.depth += 1,
            _ if self.depth == 0 => self.end = End::Wrong,
            b'"' => self.in_string = true,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.end = End::Closed;
                }
            }
            _ => {}
        }
    }
}
