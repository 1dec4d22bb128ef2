//! Secrets, and how they and control characters are kept out of messages and logs.
//!
//! `secrets` says which parts of a call are secret, and `mask` finds them in what a server said. `spelling` reads the
//! escapes in which it may say them, and `encodings` writes them in hex, base64 and UTF-16. `shortened` cuts a body to
//! what people read of it; `data` is what they do not.

use std::fmt;

mod data;
mod encodings;
mod mask;
mod secrets;
mod shortened;
mod spelling;

pub use mask::Mask;
pub use secrets::Secrets;
pub use shortened::{shortened, without_data};

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

/// Whether a character steers a terminal or turns the text around it.
///
/// The control characters C0 and C1, and the bidirectional formatting characters of Unicode Standard Annex #9.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character hides in a line, or ends it for some programs. The joiners U+200C and U+200D are not
/// among them: emoji and some scripts need them.
pub(crate) fn hides(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` with the characters escaped that steer, turn around or hide it; newlines and tabs stay.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            c if steers(c) || hides(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// `text` on one line of at most `max_chars` characters, with the characters escaped that `escaped` escapes.
#[must_use]
pub fn one_line(text: &str, max_chars: usize) -> String {
    let text = text.trim();
    // As almost all texts are.
    if text.len() <= max_chars && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len().min(max_chars));
    for (count, c) in text.chars().enumerate() {
        if count == max_chars {
            line.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if steers(c) || hides(c) => line.extend(c.escape_unicode()),
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
        assert_eq!(one_line("a\u{2028}b\u{9b}2J", 20), "a\\u{2028}b\\u{9b}2J");
    }

    #[test]
    fn what_steers_turns_around_or_hides_is_escaped() {
        for c in "\0\x07\x08\x0b\r\x1b\x7f\u{80}\u{9b}\u{9f}\u{61c}\u{200b}\u{200e}\u{200f}\u{202a}\u{202e}\
                  \u{2066}\u{2069}\u{2060}\u{feff}\u{fff9}\u{e0001}\u{e0041}"
            .chars()
        {
            let shown = format!("a{}b", c.escape_unicode());
            assert_eq!(escaped(&format!("a{c}b")), shown);
            if c != '\r' {
                assert_eq!(one_line(&format!("a{c}b"), 20), shown);
            }
        }
    }

    #[test]
    fn text_of_every_script_stays() {
        let text = "grüße 你好 שלום سلام 👩\u{200d}🚀 ❤\u{fe0f} می\u{200c}خواهم a\u{300}";
        assert_eq!(escaped(text), text);
        assert_eq!(one_line(text, 100), text);
        assert_eq!(escaped("a\n\tb"), "a\n\tb");
    }
}
