//! Text that may begin or end with half of a surrogate pair.

use std::borrow::Cow;

/// A decoded JSON string.
///
/// Servers cut text between tokens, and a token can end between the two `\u` escapes of a character. So a lone low
/// surrogate at the very beginning and a lone high one at the very end are kept for [`SurrogateJoin`]. Anywhere else,
/// a lone surrogate becomes U+FFFD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a> {
    /// The lone low surrogate before `body`.
    pub low: Option<u16>,
    /// The text between the two.
    pub body: Cow<'a, str>,
    /// The lone high surrogate after `body`.
    pub high: Option<u16>,
}

impl<'a> Text<'a> {
    /// Text without surrogates.
    #[must_use]
    pub fn plain(text: &'a str) -> Self {
        Self {
            low: None,
            body: Cow::Borrowed(text),
            high: None,
        }
    }

    /// Whether it has nothing, not even half a character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty() && self.low.is_none() && self.high.is_none()
    }

    /// This text and `next`, joined.
    #[must_use]
    pub fn followed_by(self, next: Self) -> Self {
        if self.is_empty() {
            return next;
        }
        let low = self.low;
        let mut join = SurrogateJoin::default();
        let mut body = join.push(Self { low: None, ..self });
        let piece = join.push(next);
        if !piece.is_empty() {
            body.to_mut().push_str(&piece);
        }
        Self {
            low,
            body,
            high: join.0,
        }
    }

    /// The text by itself: a lone surrogate becomes U+FFFD.
    #[must_use]
    pub fn into_lossy(self) -> Cow<'a, str> {
        if self.low.is_none() && self.high.is_none() {
            return self.body;
        }
        let mut whole = String::with_capacity(self.body.len() + 6);
        if self.low.is_some() {
            whole.push(char::REPLACEMENT_CHARACTER);
        }
        whole.push_str(&self.body);
        if self.high.is_some() {
            whole.push(char::REPLACEMENT_CHARACTER);
        }
        Cow::Owned(whole)
    }
}

/// Joins the texts of one channel of a stream. It keeps a half character until the next text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SurrogateJoin(Option<u16>);

impl SurrogateJoin {
    /// Joins `text` with the half character before it. A high surrogate at its end is kept.
    pub fn push<'a>(&mut self, text: Text<'a>) -> Cow<'a, str> {
        if text.is_empty() {
            return Cow::Borrowed("");
        }
        let waiting = self.0.take();
        self.0 = text.high;
        let first = match (waiting, text.low) {
            (None, None) => return text.body,
            (Some(high), Some(low)) => joined(high, low),
            (Some(_), None) | (None, Some(_)) => char::REPLACEMENT_CHARACTER,
        };
        let mut whole = String::with_capacity(text.body.len() + 4);
        whole.push(first);
        whole.push_str(&text.body);
        Cow::Owned(whole)
    }

    /// What is left at the end of the channel: U+FFFD for a half character.
    pub fn finish(&mut self) -> Option<char> {
        self.0.take().map(|_| char::REPLACEMENT_CHARACTER)
    }

    /// Whether it keeps a half character.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.0.is_some()
    }
}

/// The character of a surrogate pair (RFC 8259 section 7).
pub(super) fn joined(high: u16, low: u16) -> char {
    char::decode_utf16([high, low])
        .next()
        .and_then(Result::ok)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}
