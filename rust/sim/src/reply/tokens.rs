//! The tokens of one text, made one at a time so that a reply of millions costs no memory.

use super::hash::{draw, fnv};

const WORDS: [&str; 64] = [
    " the",
    " a",
    " of",
    " to",
    " and",
    " in",
    " is",
    " it",
    " that",
    " for",
    " with",
    " as",
    " on",
    " by",
    " light",
    " water",
    " model",
    " token",
    " stream",
    " north",
    " river",
    " stone",
    " quiet",
    " green",
    " small",
    " large",
    " seven",
    " morning",
    " signal",
    " letter",
    " paper",
    " window",
    " garden",
    " bridge",
    " number",
    " answer",
    " question",
    " reason",
    " mirror",
    " winter",
    " summer",
    " silver",
    " copper",
    " engine",
    " packet",
    " socket",
    " buffer",
    " header",
    " thread",
    " timer",
    " queue",
    " graph",
    " vector",
    " matrix",
    " prime",
    " ratio",
    " angle",
    " circle",
    " colour",
    " shadow",
    " island",
    " harbour",
    " forest",
    " meadow",
];

/// A text as tokens.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    source: Source,
    len: u64,
    next: u64,
    scratch: String,
}

#[derive(Debug, Clone)]
enum Source {
    Words { state: u64 },
    Fixed(Vec<String>),
    Ledger { id: String },
}

impl Tokens {
    /// `len` words drawn from `seed`.
    pub(crate) fn words(seed: u64, len: u64) -> Self {
        Self::of(Source::Words { state: seed }, len)
    }

    /// These tokens.
    pub(crate) fn fixed(tokens: Vec<String>) -> Self {
        let len = tokens.len() as u64;
        Self::of(Source::Fixed(tokens), len)
    }

    /// `len` entries of the ledger of stream `id`.
    pub(crate) fn ledger(id: String, len: u64) -> Self {
        Self::of(Source::Ledger { id }, len)
    }

    fn of(source: Source, len: u64) -> Self {
        Self {
            source,
            len,
            next: 0,
            scratch: String::new(),
        }
    }

    /// How many there are in all.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether all have been drawn.
    pub(crate) fn is_over(&self) -> bool {
        self.next >= self.len
    }

    /// Leaves at most `limit`; `true` when that cut something.
    pub(crate) fn cut(&mut self, limit: u64) -> bool {
        let cut = self.len > limit;
        self.len = self.len.min(limit);
        cut
    }

    /// The next token.
    pub(crate) fn draw(&mut self) -> Option<&str> {
        if self.is_over() {
            return None;
        }
        let seq = self.next;
        self.next += 1;
        match &mut self.source {
            Source::Words { state } => {
                let index = usize::try_from(draw(state) % WORDS.len() as u64).ok()?;
                WORDS.get(index).copied()
            }
            Source::Fixed(tokens) => tokens.get(usize::try_from(seq).ok()?).map(String::as_str),
            Source::Ledger { id } => {
                self.scratch = ledger_token(id, seq);
                Some(&self.scratch)
            }
        }
    }

    /// All that is left, as one text.
    pub(crate) fn text(mut self) -> String {
        let mut text = String::new();
        while let Some(token) = self.draw() {
            text.push_str(token);
        }
        text
    }

    /// Ends the text before the first of `stops`; `true` when one was found.
    pub(crate) fn stop_at(&mut self, stops: &[String]) -> bool {
        let mut tokens = Vec::new();
        let mut text = String::new();
        while let Some(token) = self.draw() {
            tokens.push(token.to_owned());
            text.push_str(token);
        }
        let first = stops
            .iter()
            .filter(|s| !s.is_empty())
            .filter_map(|s| text.find(s))
            .min();
        if let Some(end) = first {
            let mut at = 0;
            tokens.retain_mut(|token| {
                let room = end.saturating_sub(at);
                at += token.len();
                // The stop was found at a character boundary of the whole text, so of the token.
                token.truncate(room);
                !token.is_empty()
            });
        }
        *self = Self::fixed(tokens);
        first.is_some()
    }
}

/// Cuts a text before each run of white space; the pieces joined are the text.
pub(crate) fn cut_text(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let (mut start, mut in_space) = (0, true);
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && !in_space {
            pieces.extend(text.get(start..at).map(str::to_owned));
            start = at;
        }
        in_space = c.is_whitespace();
    }
    pieces.extend(
        text.get(start..)
            .filter(|rest| !rest.is_empty())
            .map(str::to_owned),
    );
    pieces
}

/// The text of token `seq` (from 0) of the ledger of stream `id`: a space, then
/// `id:seq:checksum`.
#[must_use]
pub fn ledger_token(id: &str, seq: u64) -> String {
    format!(" {id}:{seq}:{:08x}", ledger_checksum(id, seq))
}

/// The checksum in a ledger token: FNV-1a (64 bits, upper half xor lower half) of `id:seq`.
#[must_use]
pub fn ledger_checksum(id: &str, seq: u64) -> u32 {
    let hash = fnv(format!("{id}:{seq}").as_bytes());
    u32::try_from((hash >> 32) ^ (hash & 0xffff_ffff)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Tokens, cut_text};

    #[test]
    fn pieces_joined_are_the_text() {
        for text in [
            "",
            " ",
            "a",
            " a  b",
            "one two\n\nthree ",
            "\u{e9}t\u{e9} \u{1f600}!",
        ] {
            assert_eq!(cut_text(text).concat(), text);
        }
        assert_eq!(cut_text("one two\n\nthree"), ["one", " two", "\n\nthree"]);
    }

    #[test]
    fn a_stop_cuts_inside_a_token() {
        let mut tokens = Tokens::fixed(cut_text("one two three four"));
        assert!(tokens.stop_at(&["hree".to_owned(), "zzz".to_owned()]));
        assert_eq!(tokens.len(), 3);
        assert_eq!(tokens.text(), "one two t");
    }

    #[test]
    fn words_depend_on_the_seed_alone() {
        assert_eq!(Tokens::words(7, 20).text(), Tokens::words(7, 20).text());
        assert_ne!(Tokens::words(7, 20).text(), Tokens::words(8, 20).text());
    }
}
