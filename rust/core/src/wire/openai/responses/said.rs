//! What was already said of a text, to find out what a copy of all of it adds.

use crate::json::{SurrogateJoin, Text};
use crate::wire::parts::Parts;

/// How much of a text was passed on, and which text that was, without keeping it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    bytes: usize,
    /// FNV-1a over all bytes.
    hash: u64,
    join: SurrogateJoin,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            bytes: 0,
            hash: START,
            join: SurrogateJoin::default(),
        }
    }
}

/// What a copy of the whole text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whole<'a> {
    /// It goes on with this, which may be empty.
    Continues(&'a str),
    /// It is another text, at least as long as what was said: something between was lost.
    Lost,
    /// It is a shorter text. What was said counts.
    Differs,
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// A number that another text has only by chance.
pub(super) fn hash(text: &str) -> u64 {
    fnv(START, text)
}

impl Said {
    /// Joins the next piece with the half character before it, and notes what is passed on.
    #[inline]
    pub(super) fn push<'a>(&mut self, piece: Text<'a>) -> std::borrow::Cow<'a, str> {
        let text = self.join.push(piece);
        self.add(&text);
        text
    }

    /// Notes a piece that is passed on as it is.
    #[inline]
    pub(super) fn add(&mut self, text: &str) {
        self.bytes += text.len();
        self.hash = fnv(self.hash, text);
    }

    /// Whether anything was passed on.
    pub(super) fn any(&self) -> bool {
        self.bytes > 0
    }

    /// Whether half a character is waiting for the other half.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.join.is_waiting()
    }

    /// Compares with a copy of the whole text, and notes what it adds.
    pub(super) fn whole<'a>(&mut self, whole: &'a str) -> Whole<'a> {
        let same = whole
            .get(..self.bytes)
            .is_some_and(|start| fnv(START, start) == self.hash);
        if !same {
            return if whole.len() >= self.bytes {
                Whole::Lost
            } else {
                Whole::Differs
            };
        }
        // The copy has the half character in full.
        self.join = SurrogateJoin::default();
        let rest = whole.get(self.bytes..).unwrap_or_default();
        self.add(rest);
        Whole::Continues(rest)
    }

    /// What is left at the end: U+FFFD for a half character.
    pub(super) fn finish(&mut self) -> Option<char> {
        let half = self.join.finish();
        if let Some(half) = half {
            self.add(half.encode_utf8(&mut [0; 4]));
        }
        half
    }
}

/// What `whole` adds to what was said, or a half character that is left over. Notes if it is another text.
pub(super) fn rest_of<'t>(
    said: &mut Said,
    whole: &'t str,
    half: &'t mut [u8; 4],
    parts: &mut Parts,
) -> &'t str {
    // An empty copy says nothing.
    if !whole.is_empty() {
        match said.whole(whole) {
            Whole::Continues(rest) => return rest,
            other => parts.differs |= other == Whole::Lost,
        }
    }
    said.finish().map_or("", |char| char.encode_utf8(half))
}

#[cfg(test)]
mod tests {
    use super::{Said, Whole};
    use crate::json::Text;

    #[test]
    fn a_copy_goes_on_where_the_pieces_ended() {
        let mut said = Said::default();
        for piece in ["a", "bé", ""] {
            assert_eq!(said.push(Text::plain(piece)), piece);
        }
        for (whole, expected) in [
            ("abé", Whole::Continues("")),
            ("ab", Whole::Differs),
            ("abx\u{e9}", Whole::Lost),
            ("abéc", Whole::Continues("c")),
            ("abécd", Whole::Continues("d")),
            // In the middle of a character.
            ("xxxx\u{1f600}", Whole::Lost),
        ] {
            assert_eq!(said.whole(whole), expected, "{whole}");
        }
    }
}
