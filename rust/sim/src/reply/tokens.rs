//! The tokens of one text, made one at a time so that a reply of millions costs no memory.

use std::sync::LazyLock;

use crate::hash::{checksum, draw};

/// The 64 words of made-up replies, each with the space before it.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    cut_text(
        " the a of to and in is it that for with as on by light water model token stream \
         north river stone quiet green small large seven morning signal letter paper \
         window garden bridge number answer question reason mirror winter summer silver \
         copper engine packet socket buffer header thread timer queue graph vector \
         matrix prime ratio angle circle colour shadow island harbour forest meadow",
    )
});

/// A text as tokens.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    content: Content,
    /// The number of tokens, including those that have been drawn.
    pub(crate) len: u64,
    next: u64,
    scratch: String,
}

#[derive(Debug, Clone)]
enum Content {
    Words { state: u64 },
    Fixed(Vec<String>),
    Ledger { id: String },
}

impl Tokens {
    /// Makes `len` words drawn from `seed`.
    pub(crate) fn words(seed: u64, len: u64) -> Self {
        Self::of(Content::Words { state: seed }, len)
    }

    /// Takes these tokens.
    pub(crate) fn fixed(tokens: Vec<String>) -> Self {
        let len = tokens.len() as u64;
        Self::of(Content::Fixed(tokens), len)
    }

    /// Makes `len` entries of the ledger of stream `id`.
    pub(crate) fn ledger(id: String, len: u64) -> Self {
        Self::of(Content::Ledger { id }, len)
    }

    fn of(content: Content, len: u64) -> Self {
        Self {
            content,
            len,
            next: 0,
            scratch: String::new(),
        }
    }

    /// Whether all have been drawn.
    pub(crate) fn is_over(&self) -> bool {
        self.next >= self.len
    }

    /// Whether there would be more of it if it were longer.
    pub(crate) fn is_endless(&self) -> bool {
        !matches!(self.content, Content::Fixed(_))
    }

    /// Keeps at most `limit` tokens. Returns whether that cut something.
    pub(crate) fn cut(&mut self, limit: u64) -> bool {
        let cut = self.len > limit;
        self.len = self.len.min(limit);
        cut
    }

    /// Returns the next token.
    pub(crate) fn draw(&mut self) -> Option<&str> {
        if self.is_over() {
            return None;
        }
        let seq = self.next;
        self.next += 1;
        match &mut self.content {
            Content::Words { state } => {
                let index = usize::try_from(draw(state) % WORDS.len() as u64).ok()?;
                WORDS.get(index).map(String::as_str)
            }
            Content::Fixed(tokens) => tokens.get(usize::try_from(seq).ok()?).map(String::as_str),
            Content::Ledger { id } => {
                self.scratch = ledger_token(id, seq);
                Some(&self.scratch)
            }
        }
    }

    /// Returns the remaining tokens as one text.
    pub(crate) fn text(mut self) -> String {
        let mut text = String::new();
        while let Some(token) = self.draw() {
            text.push_str(token);
        }
        text
    }

    /// Ends the text before the first of `stops`. Returns the one that was found.
    pub(crate) fn stop_at(&mut self, stops: &[String]) -> Option<String> {
        let mut tokens = Vec::new();
        while let Some(token) = self.draw() {
            tokens.push(token.to_owned());
        }
        let text = tokens.concat();
        let stops = stops.iter().filter(|stop| !stop.is_empty());
        let found = stops.filter_map(|stop| Some((text.find(stop)?, stop)));
        let first = found.min_by_key(|(at, _)| *at);
        if let Some((mut room, _)) = first {
            tokens.retain_mut(|token| {
                // A stop starts at a character boundary of the text, and so of the token.
                token.truncate(room);
                room -= token.len();
                !token.is_empty()
            });
        }
        *self = Self::fixed(tokens);
        first.map(|(_, stop)| stop.clone())
    }
}

/// Cuts a text before each run of white space. Joining the pieces gives the text.
pub(crate) fn cut_text(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut in_space = false;
    for c in text.chars() {
        match pieces.last_mut() {
            Some(piece) if in_space || !c.is_whitespace() => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
        in_space = c.is_whitespace();
    }
    pieces
}

/// Returns token `seq` (from 0) of the ledger of stream `id`: a space, then `id:seq:checksum`.
///
/// The checksum is the 64-bit FNV-1a hash of `id:seq`, its upper half xor its lower half, in hex.
#[must_use]
pub fn ledger_token(id: &str, seq: u64) -> String {
    let entry = format!("{id}:{seq}");
    format!(" {entry}:{}", checksum(&entry))
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
        let found = tokens.stop_at(&["hree".to_owned(), "zzz".to_owned()]);
        assert_eq!(found.as_deref(), Some("hree"));
        assert_eq!(tokens.len, 3);
        assert_eq!(tokens.text(), "one two t");
    }

    #[test]
    fn words_depend_on_the_seed_alone() {
        assert_eq!(Tokens::words(7, 20).text(), Tokens::words(7, 20).text());
        assert_ne!(Tokens::words(7, 20).text(), Tokens::words(8, 20).text());
    }
}
