//! Reads the tokens of JSON that arrives in pieces.

use crate::json::around::is_blank;
use crate::json::reader::{MAX_DEPTH, NOT_JSON, Reader};
use crate::json::strings::plain_run;
use crate::json::text::joined;

/// A step in the structure of a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// An object begins.
    Object,
    /// An array begins.
    Array,
    /// The innermost object or array ends.
    End,
    /// The key of the next value.
    Key(String),
    /// A string, number or word is complete.
    Value(Scalar),
    /// What came before was not the answer, but part of the model's thoughts.
    Restart,
}

/// A value without others in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it was written; also `NaN`, `Infinity` and `-Infinity`.
    Number(String),
    /// A string.
    Text(String),
}

/// The place in a JSON text.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Of each open object or array, its first byte.
    stack: Vec<u8>,
    next: Next,
    open: Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    ItemOrEnd,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// A string, number or word that has not ended.
#[derive(Debug)]
enum Open {
    Nothing,
    Text {
        is_key: bool,
        text: String,
        escape: Escape,
        /// The first half of a surrogate pair.
        high: Option<u16>,
    },
    Bare(String),
}

#[derive(Debug, Clone, Copy)]
enum Escape {
    No,
    Backslash,
    Unicode { digits: u8, unit: u16 },
}

/// What became of a byte.
#[derive(PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// The value has ended, or this is not JSON.
    Over,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            stack: Vec::new(),
            next: Next::Value,
            open: Open::Nothing,
        }
    }
}

impl Tokens {
    /// The string that has not ended, unless it is a key.
    pub(super) fn open_text(&self) -> Option<&str> {
        match &self.open {
            Open::Text {
                is_key: false,
                text,
                ..
            } => Some(text),
            _ => None,
        }
    }

    /// What has not ended never will.
    pub(super) fn abandon(&mut self) {
        self.open = Open::Nothing;
    }

    /// Reads JSON. Returns how many bytes it has read, and whether more may belong to it.
    pub(super) fn push(&mut self, piece: &str, out: &mut Vec<Token>) -> (usize, Verdict) {
        let mut at = 0;
        while let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty()) {
            let (read, verdict) = match &mut self.open {
                Open::Text { .. } => self.in_text(rest, out),
                Open::Bare(_) => self.in_bare(rest, out),
                Open::Nothing => self.between(rest, out),
            };
            at += read;
            if verdict == Verdict::Over {
                return (at, verdict);
            }
        }
        (at, Verdict::GoOn)
    }

    fn in_text(&mut self, rest: &str, out: &mut Vec<Token>) -> (usize, Verdict) {
        let Open::Text {
            is_key,
            text,
            escape,
            high,
        } = &mut self.open
        else {
            return (0, Verdict::Over);
        };
        let byte = rest.as_bytes().first().copied().unwrap_or_default();
        match escape {
            Escape::No => {
                let run = plain_run(rest.as_bytes());
                if let Some(plain) = rest.get(..run).filter(|plain| !plain.is_empty()) {
                    lone(high, text);
                    text.push_str(plain);
                    return (run, Verdict::GoOn);
                }
                match byte {
                    b'\\' => *escape = Escape::Backslash,
                    b'"' => {
                        lone(high, text);
                        let (is_key, text) = (*is_key, std::mem::take(text));
                        self.open = Open::Nothing;
                        if is_key {
                            out.push(Token::Key(text));
                            self.next = Next::Colon;
                            return (1, Verdict::GoOn);
                        }
                        return (1, self.value(Scalar::Text(text), out));
                    }
                    // A control character, which models write as it is.
                    control => {
                        lone(high, text);
                        text.push(control.into());
                    }
                }
            }
            Escape::Backslash => {
                let character = match byte {
                    b'u' => {
                        *escape = Escape::Unicode { digits: 0, unit: 0 };
                        return (1, Verdict::GoOn);
                    }
                    b'"' | b'\\' | b'/' => byte,
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return (0, Verdict::Over),
                };
                *escape = Escape::No;
                lone(high, text);
                text.push(character.into());
            }
            Escape::Unicode { digits, unit } => {
                let Some(digit) = char::from(byte).to_digit(16) else {
                    return (0, Verdict::Over);
                };
                *unit = *unit << 4 | u16::try_from(digit).unwrap_or_default();
                *digits += 1;
                if *digits == 4 {
                    let unit = *unit;
                    *escape = Escape::No;
                    match (high.take(), unit) {
                        (Some(first), 0xdc00..=0xdfff) => text.push(joined(first, unit)),
                        (before, _) => {
                            if before.is_some() {
                                text.push(char::REPLACEMENT_CHARACTER);
                            }
                            match char::from_u32(u32::from(unit)) {
                                Some(character) => text.push(character),
                                None if unit < 0xdc00 => *high = Some(unit),
                                None => text.push(char::REPLACEMENT_CHARACTER),
                            }
                        }
                    }
                }
            }
        }
        (1, Verdict::GoOn)
    }

    fn in_bare(&mut self, rest: &str, out: &mut Vec<Token>) -> (usize, Verdict) {
        let Open::Bare(text) = &mut self.open else {
            return (0, Verdict::Over);
        };
        let run = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
            .count();
        text.push_str(rest.get(..run).unwrap_or_default());
        if run == rest.len() {
            return (run, Verdict::GoOn);
        }
        let text = std::mem::take(text);
        self.open = Open::Nothing;
        let Some(value) = bare(text) else {
            return (run, Verdict::Over);
        };
        (run, self.value(value, out))
    }

    /// Reads a character between strings, numbers and words.
    fn between(&mut self, rest: &str, out: &mut Vec<Token>) -> (usize, Verdict) {
        let Some(first) = rest.chars().next() else {
            return (0, Verdict::Over);
        };
        if is_blank(first) {
            return (first.len_utf8(), Verdict::GoOn);
        }
        let verdict = match (self.next, first) {
            (Next::ItemOrEnd, ']') | (Next::KeyOrEnd, '}') => self.end(out),
            (Next::CommaOrEnd, ']' | '}') => {
                let opened = if first == ']' { b'[' } else { b'{' };
                if self.stack.last() != Some(&opened) {
                    return (0, Verdict::Over);
                }
                self.end(out)
            }
            (Next::CommaOrEnd, ',') => {
                let in_object = self.stack.last() == Some(&b'{');
                self.next = if in_object {
                    Next::KeyOrEnd
                } else {
                    Next::ItemOrEnd
                };
                Verdict::GoOn
            }
            (Next::Colon, ':') => {
                self.next = Next::Value;
                Verdict::GoOn
            }
            (Next::KeyOrEnd | Next::Value | Next::ItemOrEnd, '"') => {
                self.open = Open::Text {
                    is_key: self.next == Next::KeyOrEnd,
                    text: String::new(),
                    escape: Escape::No,
                    high: None,
                };
                Verdict::GoOn
            }
            (Next::Value | Next::ItemOrEnd, '{' | '[') => {
                if self.stack.len() >= MAX_DEPTH as usize {
                    return (0, Verdict::Over);
                }
                let is_object = first == '{';
                self.stack.push(if is_object { b'{' } else { b'[' });
                let (token, next) = if is_object {
                    (Token::Object, Next::KeyOrEnd)
                } else {
                    (Token::Array, Next::ItemOrEnd)
                };
                out.push(token);
                self.next = next;
                Verdict::GoOn
            }
            (Next::Value | Next::ItemOrEnd, '-' | '0'..='9' | 'a'..='z' | 'A'..='Z') => {
                self.open = Open::Bare(String::new());
                return (0, Verdict::GoOn);
            }
            _ => return (0, Verdict::Over),
        };
        (first.len_utf8(), verdict)
    }

    fn value(&mut self, value: Scalar, out: &mut Vec<Token>) -> Verdict {
        out.push(Token::Value(value));
        self.after_value()
    }

    fn end(&mut self, out: &mut Vec<Token>) -> Verdict {
        self.stack.pop();
        out.push(Token::End);
        self.after_value()
    }

    fn after_value(&mut self) -> Verdict {
        self.next = Next::CommaOrEnd;
        if self.stack.is_empty() {
            Verdict::Over
        } else {
            Verdict::GoOn
        }
    }
}

fn bare(text: String) -> Option<Scalar> {
    match &*text {
        "null" => return Some(Scalar::Null),
        "true" => return Some(Scalar::Bool(true)),
        "false" => return Some(Scalar::Bool(false)),
        word if NOT_JSON.contains(&word) => return Some(Scalar::Number(text)),
        _ => {}
    }
    let mut reader = Reader::over(&text);
    reader.number().and_then(|_| reader.end()).ok()?;
    Some(Scalar::Number(text))
}

/// Ends the first half of a pair that has no second one.
fn lone(high: &mut Option<u16>, text: &mut String) {
    if high.take().is_some() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
}
