//! Reads strings: their ends, their escapes and the surrogates in them.

use std::borrow::Cow;

use super::reader::{Kind, Reader, Result};
use super::text::{Text, joined};

impl<'a> Reader<'a> {
    /// Reads a string. Fails on anything else.
    pub fn string(&mut self) -> Result<Text<'a>> {
        self.skip_space();
        if let Some(plain) = self.plain_string()? {
            return Ok(Text::plain(plain));
        }
        self.escaped_string()
    }

    /// Reads a string if the next value is one, or else skips it.
    #[inline]
    pub fn string_or_skip(&mut self) -> Result<Option<Text<'a>>> {
        if self.peek()? == Kind::String {
            return self.string().map(Some);
        }
        self.skip()?;
        Ok(None)
    }

    /// Reads a string without escapes. If it has one, reads nothing and returns `None`.
    #[inline]
    pub(super) fn plain_string(&mut self) -> Result<Option<&'a str>> {
        if self.byte() != Some(b'"') {
            return Err(self.wrong("a string was expected"));
        }
        let start = self.at + 1;
        let run = plain_run(self.text.as_bytes().get(start..).unwrap_or_default());
        let end = start + run;
        match self.text.as_bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(Some(self.text.get(start..end).unwrap_or_default()))
            }
            Some(b'\\') => Ok(None),
            other => {
                self.at = end;
                Err(self.wrong(broken_string(other.is_some())))
            }
        }
    }

    pub(super) fn skip_string(&mut self) -> Result<()> {
        if self.byte() != Some(b'"') {
            return Err(self.wrong("a string was expected"));
        }
        self.at += 1;
        loop {
            self.at += plain_run(self.rest());
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.escape()?;
                }
                other => return Err(self.wrong(broken_string(other.is_some()))),
            }
        }
    }

    fn escaped_string(&mut self) -> Result<Text<'a>> {
        self.at += 1;
        let mut text = Text::default();
        let mut body = String::new();
        // A high surrogate, whose low one may follow.
        let mut high: Option<u16> = None;
        loop {
            let start = self.at;
            self.at += plain_run(self.rest());
            let run = self.text.get(start..self.at).unwrap_or_default();
            if !run.is_empty() {
                if high.take().is_some() {
                    body.push(char::REPLACEMENT_CHARACTER);
                }
                body.push_str(run);
            }
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    text.high = high;
                    text.body = Cow::Owned(body);
                    return Ok(text);
                }
                Some(b'\\') => {
                    let unit = self.escape()?;
                    match (high.take(), unit) {
                        (Some(first), 0xdc00..=0xdfff) => body.push(joined(first, unit)),
                        (before, 0xdc00..=0xdfff) => {
                            let first = before.is_none() && body.is_empty() && text.low.is_none();
                            if first {
                                text.low = Some(unit);
                            } else {
                                body.push(char::REPLACEMENT_CHARACTER);
                            }
                        }
                        (before, _) => {
                            if before.is_some() {
                                body.push(char::REPLACEMENT_CHARACTER);
                            }
                            match char::from_u32(u32::from(unit)) {
                                Some(character) => body.push(character),
                                None => high = Some(unit),
                            }
                        }
                    }
                }
                other => return Err(self.wrong(broken_string(other.is_some()))),
            }
        }
    }

    /// Reads an escape, including its backslash, as a UTF-16 code unit.
    fn escape(&mut self) -> Result<u16> {
        let escape = match self.rest().get(1) {
            Some(b'"') => 0x22,
            Some(b'\\') => 0x5c,
            Some(b'/') => 0x2f,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => 0x0a,
            Some(b'r') => 0x0d,
            Some(b't') => 0x09,
            Some(b'u') => return self.unicode_escape(),
            Some(_) => return Err(self.wrong("no such escape")),
            None => return Err(self.wrong("the text ends inside a string")),
        };
        self.at += 2;
        Ok(escape)
    }

    fn unicode_escape(&mut self) -> Result<u16> {
        let digits = self.rest().get(2..6).unwrap_or_default();
        let mut unit: u16 = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return Err(self.wrong("no such escape"));
            };
            unit = unit << 4 | u16::try_from(value).unwrap_or_default();
        }
        if digits.len() < 4 {
            return Err(self.wrong("the text ends inside a string"));
        }
        self.at += 6;
        Ok(unit)
    }
}

fn broken_string(control_character: bool) -> &'static str {
    if control_character {
        "a string has a control character"
    } else {
        "the text ends inside a string"
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes are before the first quote, backslash or control character of `bytes`.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let mut chunks = bytes.chunks_exact(8);
    let mut at = 0;
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let marks = special(u64::from_le_bytes(word));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = chunks.remainder();
    at + rest
        .iter()
        .position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\')
        .unwrap_or(rest.len())
}

/// The high bit of each byte that is special. A borrow may wrongly mark bytes above the first marked one, but
/// only the first one is used.
#[inline]
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * 0x22);
    let slash = word ^ (ONES * 0x5c);
    (quote.wrapping_sub(ONES) & !quote
        | slash.wrapping_sub(ONES) & !slash
        | word.wrapping_sub(ONES * 0x20) & !word)
        & HIGHS
}
