//! Other spellings of the same text: the escapes of JSON, of programming languages, URLs and HTML.

use std::borrow::Cow;
use std::ops::Range;

/// The longest escape that is read, such as `&#x00000010ffff;`.
const LONGEST: usize = 16;

/// A text, decoded or not, and where its bytes were in the original.
pub(super) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    // For each byte its place in the original, and the end. None if it is the original.
    places: Option<Vec<usize>>,
}

impl<'a> View<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            bytes: Cow::Borrowed(text),
            places: None,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same range in the original.
    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        self.place(range.start)..self.place(range.end)
    }

    fn place(&self, at: usize) -> usize {
        match &self.places {
            Some(places) => places.get(at).copied().unwrap_or(at),
            None => at,
        }
    }

    /// This text with its escapes replaced by what they stand for; `None` if it has none.
    pub(super) fn decoded(&self) -> Option<View<'static>> {
        let text = self.bytes();
        let mut marks = memchr::memchr3_iter(b'\\', b'%', b'&', text);
        let (mut at, mut escape) = marks
            .by_ref()
            .find_map(|at| Some((at, escape_at(text, at)?)))?;
        let mut bytes = Vec::with_capacity(text.len());
        let mut places = Vec::with_capacity(text.len() + 1);
        let mut done = 0;
        loop {
            bytes.extend_from_slice(text.get(done..at).unwrap_or_default());
            places.extend((done..at).map(|at| self.place(at)));
            let (length, stands_for) = escape;
            for byte in stands_for.bytes() {
                bytes.push(*byte);
                places.push(self.place(at));
            }
            done = at + length;
            let next = marks.by_ref().filter(|next| *next >= done);
            let next = { next }.find_map(|at| Some((at, escape_at(text, at)?)));
            match next {
                Some((next, found)) => (at, escape) = (next, found),
                None => break,
            }
        }
        bytes.extend_from_slice(text.get(done..).unwrap_or_default());
        places.extend((done..=text.len()).map(|at| self.place(at)));
        Some(View {
            bytes: Cow::Owned(bytes),
            places: Some(places),
        })
    }
}

/// What an escape stands for: a byte of a URL, or a character.
#[derive(Clone, Copy)]
struct StandsFor {
    bytes: [u8; 4],
    length: usize,
}

impl StandsFor {
    fn byte(byte: u8) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            length: 1,
        }
    }

    fn char(code: u32) -> Option<Self> {
        let mut bytes = [0; 4];
        let length = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self { bytes, length })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The length of the escape at `at`, and what it stands for.
fn escape_at(text: &[u8], at: usize) -> Option<(usize, StandsFor)> {
    let rest = text.get(at..)?;
    match (rest.first()?, *rest.get(1)?) {
        (b'%', _) => {
            let code = hex(rest.get(1..3)?)?;
            Some((3, StandsFor::byte(u8::try_from(code).ok()?)))
        }
        (b'\\', b'u') => unicode_escape(rest),
        (b'\\', b'x') => Some((4, StandsFor::char(hex(rest.get(2..4)?)?)?)),
        (b'\\', b'U') => Some((10, StandsFor::char(hex(rest.get(2..10)?)?)?)),
        (b'\\', b'0'..=b'3') => Some((4, StandsFor::byte(octal(rest.get(1..4)?)?))),
        (b'\\', byte @ (b'/' | b'\\' | b'"' | b'\'')) => Some((2, StandsFor::byte(byte))),
        (b'&', b'#') => html_number(rest),
        (b'&', _) => NAMED.iter().find_map(|(name, byte)| {
            let is_it = rest.starts_with(name);
            is_it.then(|| (name.len(), StandsFor::byte(*byte)))
        }),
        _ => None,
    }
}

/// The characters that HTML cannot have as they are.
const NAMED: [(&[u8], u8); 5] = [
    (b"&amp;", b'&'),
    (b"&lt;", b'<'),
    (b"&gt;", b'>'),
    (b"&quot;", b'"'),
    (b"&apos;", b'\''),
];

/// `&#65;` or `&#x41;`, with any zeros. Browsers read it without the semicolon, too.
fn html_number(rest: &[u8]) -> Option<(usize, StandsFor)> {
    let is_hex = matches!(rest.get(2)?, b'x' | b'X');
    let start = if is_hex { 3 } else { 2 };
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (is_hex && byte.is_ascii_hexdigit());
    let digits = rest
        .get(start..)?
        .iter()
        .take(LONGEST)
        .take_while(|byte| is_digit(byte));
    let end = start + digits.count();
    let digits = rest.get(start..end)?;
    let radix = if is_hex { 16 } else { 10 };
    let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?;
    let has_semicolon = rest.get(end) == Some(&b';');
    Some((end + usize::from(has_semicolon), StandsFor::char(code)?))
}

/// `\u0041`, `\u{41}`, or the two halves of a surrogate pair.
fn unicode_escape(rest: &[u8]) -> Option<(usize, StandsFor)> {
    if rest.get(2) == Some(&b'{') {
        let end = rest.iter().take(LONGEST).position(|byte| *byte == b'}')?;
        return Some((end + 1, StandsFor::char(hex(rest.get(3..end)?)?)?));
    }
    let first = hex(rest.get(2..6)?)?;
    if let Some(found) = StandsFor::char(first) {
        return Some((6, found));
    }
    let second = rest.get(6..8).filter(|mark| *mark == b"\\u");
    let second = hex(second.and_then(|_| rest.get(8..12))?)?;
    let code = 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
    Some((12, StandsFor::char(code)?))
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// `text` without an escape at its end that is not whole.
pub(super) fn whole(text: &[u8]) -> &[u8] {
    let tail = text.len().saturating_sub(LONGEST);
    let recent = text.get(tail..).unwrap_or_default();
    let mark = recent
        .iter()
        .rposition(|byte| matches!(byte, b'\\' | b'%' | b'&'));
    let Some(mark) = mark.map(|mark| tail + mark) else {
        return text;
    };
    let rest = text.get(mark + 1..).unwrap_or_default();
    // More digits may have been cut off.
    let is_open = text.get(mark) == Some(&b'&') && !rest.contains(&b';');
    let is_begun = (is_open || escape_at(text, mark).is_none())
        && rest
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'{'));
    let is_short = rest.len()
        < match (text.get(mark), rest) {
            (Some(b'%'), _) => 2,
            (Some(b'\\'), []) => 1,
            (Some(b'\\'), [b'u', b'{', ..] | [b'U', ..]) => 9,
            (Some(b'\\'), [b'u', ..]) => 5,
            (Some(b'\\'), [b'x' | b'0'..=b'3', ..]) => 3,
            (Some(b'\\'), _) => 0,
            _ => LONGEST,
        };
    // Two backslashes are one character, and begin nothing.
    let start = if mark > 0 && text.get(mark - 1) == Some(&b'\\') && text.get(mark) == Some(&b'\\')
    {
        mark - 1
    } else {
        mark
    };
    match text.get(..start) {
        Some(kept) if is_begun && is_short => kept,
        _ => text,
    }
}
