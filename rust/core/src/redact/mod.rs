//! Secrets, and how they and control characters are kept out of messages and logs.
//!
//! `secrets` says which parts of a call are secret, `mask` finds them in what a server said, and `spelling` reads the
//! escapes in which it may say them.

use std::fmt;

mod mask;
mod secrets;
mod spelling;

pub use mask::Mask;
pub use secrets::Secrets;

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
    fn a_shown_text_is_one_short_line() {
        assert_eq!(one_line(" a\nb\u{1b}[31m ", 20), "a b\\u{1b}[31m");
        assert_eq!(one_line("äöü", 2), "äö…");
    }
}
