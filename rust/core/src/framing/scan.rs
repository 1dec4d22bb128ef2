//! Finds the end of a JSON value that arrives in pieces.

use crate::json::plain_run;

/// Follows the brackets and strings of one value, each byte once. It does not check anything else.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scan {
    depth: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing has arrived.
    #[default]
    Start,
    /// In an object or array.
    Nested,
    /// In a string.
    Text,
    /// In a string, after a backslash.
    Escape,
    /// In a number or a word.
    Bare,
}

/// What a piece shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The value ends after so many bytes of the piece.
    End(usize),
    /// It goes on.
    More,
    /// It has more levels than `most`.
    TooDeep,
}

impl Scan {
    /// Whether it cannot end yet. A number or a word may be over, because nothing in it says so.
    pub(super) fn is_open(self) -> bool {
        self.state != State::Bare
    }

    /// Follows the next piece of a value that has at most `most` levels.
    pub(super) fn push(&mut self, piece: &[u8], most: u32) -> Found {
        let mut at = 0;
        loop {
            if self.state == State::Text {
                // Nothing changes before the next quote or backslash.
                at += plain_run(piece.get(at..).unwrap_or_default());
            }
            let Some(&byte) = piece.get(at) else {
                return Found::More;
            };
            at += 1;
            match (self.state, byte) {
                (State::Text, b'\\') => self.state = State::Escape,
                (State::Text, b'"') if self.depth == 0 => return Found::End(at),
                (State::Text, b'"') => self.state = State::Nested,
                (State::Bare, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t') => {
                    return Found::End(at - 1);
                }
                (State::Escape, _) | (State::Start | State::Nested, b'"') => {
                    self.state = State::Text;
                }
                (State::Start | State::Nested, b'{' | b'[') => {
                    if self.depth == most {
                        return Found::TooDeep;
                    }
                    self.depth += 1;
                    self.state = State::Nested;
                }
                (State::Nested, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Found::End(at);
                    }
                }
                (State::Start, _) => self.state = State::Bare,
                (State::Text | State::Nested | State::Bare, _) => {}
            }
        }
    }
}
