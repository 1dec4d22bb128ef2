//! Secrets, and how they and control characters are kept out of messages and logs.

use std::borrow::Cow;
use std::fmt;

/// A key or password. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The secret itself. Only redaction and the code that writes headers call this.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Replaces a key.
const MASK: &str = "[key]";

/// A shorter key is not masked: the `x` of a test would mask half of every text.
const SHORTEST: usize = 6;

/// Masks `secret` in `text`.
#[must_use]
pub fn without_secret<'a>(text: &'a str, secret: Option<&Secret>) -> Cow<'a, str> {
    match secret.map(Secret::expose) {
        Some(key) if key.len() >= SHORTEST && text.contains(key) => {
            Cow::Owned(text.replace(key, MASK))
        }
        _ => Cow::Borrowed(text),
    }
}

/// Masks `secret` in `bytes`. If it is there, bytes that are not UTF-8 are replaced.
#[must_use]
pub fn bytes_without_secret(bytes: Vec<u8>, secret: Option<&Secret>) -> Vec<u8> {
    let clean = match without_secret(&String::from_utf8_lossy(&bytes), secret) {
        Cow::Owned(clean) => Some(clean.into_bytes()),
        Cow::Borrowed(_) => None,
    };
    clean.unwrap_or(bytes)
}

/// `text` on one line of at most `max_chars` characters, with control characters escaped.
#[must_use]
pub fn one_line(text: &str, max_chars: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max_chars));
    for (count, c) in text.trim().chars().enumerate() {
        if count == max_chars {
            line.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", Secret::new("sk-canary".to_owned()));
        assert_eq!(shown, "Secret(…)");
    }

    #[test]
    fn an_echoed_key_is_masked_everywhere() {
        let key = Secret::new("sk-canary-1".to_owned());
        let text = "sk-canary-1, Bearer sk-canary-1.";
        let masked = "[key], Bearer [key].";
        assert_eq!(without_secret(text, Some(&key)), masked);
        assert_eq!(
            bytes_without_secret(text.into(), Some(&key)),
            masked.as_bytes()
        );
        assert_eq!(without_secret("nothing", Some(&key)), "nothing");
        assert_eq!(without_secret(text, None), text);
    }

    #[test]
    fn a_shown_text_is_one_short_line() {
        assert_eq!(one_line(" a\nb\u{1b}[31m ", 20), "a b\\u{1b}[31m");
        assert_eq!(one_line("äöü", 2), "äö…");
    }
}
