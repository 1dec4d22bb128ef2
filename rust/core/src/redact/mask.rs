//! `Mask`: replaces secrets in what a server said.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use memchr::memmem::Finder;

use super::encodings;
use super::spelling::{self, View};

/// Replaces a secret.
const MASK: &str = "[key]";
/// How often a spelling may be wrapped in another one: a key in a URL in a JSON text in a JSON text.
const LEVELS: usize = 3;
/// Longer texts are searched window by window, because a spelling needs a table of positions.
const WINDOW: usize = 1 << 20;
/// As much of a secret before a cut is masked.
const LEAST_HALF: usize = 4;
/// How many ellipses of a text may be ours. A server can send any number of them.
const ELLIPSES: usize = 4;
/// The longest spelling of one byte, such as `&#00000000120;`.
const LONGEST_SPELLING: usize = 16;

/// The secrets of a call, ready to be found.
///
/// They are found as they are, in the spellings of JSON, URLs and HTML, and encoded: in hex, in base64 alone or
/// within a longer text, and in UTF-16. The time is linear in the text for each secret, of which there are few.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    secrets: Arc<[Finder<'static>]>,
    encoded: Arc<OnceLock<Vec<Finder<'static>>>>,
    shortest: usize,
    longest: usize,
}

impl Mask {
    /// A mask for these secrets.
    pub(super) fn of(mut secrets: Vec<String>) -> Self {
        secrets.sort();
        secrets.dedup();
        let lengths = || secrets.iter().map(String::len);
        Self {
            shortest: lengths().min().unwrap_or(usize::MAX),
            longest: lengths().max().unwrap_or_default(),
            secrets: secrets
                .iter()
                .map(|secret| Finder::new(secret.as_bytes()).into_owned())
                .collect(),
            encoded: Arc::default(),
        }
    }

    /// The encodings of the secrets. Made when they are first needed: most texts are too short for one.
    fn encoded(&self) -> &[Finder<'static>] {
        self.encoded.get_or_init(|| {
            let secrets = self.secrets.iter();
            let encoded = secrets.flat_map(|secret| encodings::of(secret.needle()));
            encoded
                .map(|text| Finder::new(&text).into_owned())
                .collect()
        })
    }

    /// Whether there is nothing to find.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// `text` with every secret masked, and with each half of one that one of its last ellipses ends.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.lines(text, text.len())
    }

    /// The same for several texts in one, each in a line of at most `longest` bytes.
    #[must_use]
    pub(crate) fn lines<'a>(&self, text: &'a str, longest: usize) -> Cow<'a, str> {
        if self.is_empty() || (longest < self.shortest && text.is_ascii()) {
            return Cow::Borrowed(text);
        }
        let mut spans = self.spans(text.as_bytes(), longest);
        // Only a text with an ellipsis has halves.
        if !text.is_ascii() {
            for (end, _) in text.rmatch_indices('…').take(ELLIPSES) {
                spans.extend(self.half_at_end(text.as_bytes().get(..end).unwrap_or_default()));
            }
        }
        match masked(text.as_bytes(), spans) {
            Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// Whether one of these texts may hold a secret. All are searched at once, because hardly any does.
    pub(crate) fn may_be_in<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        if self.is_empty() {
            return false;
        }
        let (mut lines, mut longest) = (String::with_capacity(1_024), 0);
        for text in texts {
            longest = longest.max(text.len());
            lines.push_str(text);
            lines.push('\n');
        }
        // Each of them may have as many halves of a secret as all together.
        !lines.is_ascii() || matches!(self.lines(&lines, longest), Cow::Owned(_))
    }

    /// Masks a text in place, if there is one.
    pub(crate) fn field(&self, text: &mut Option<String>) {
        if let Some(shown) = text.as_deref()
            && let Cow::Owned(masked) = self.text(shown)
        {
            *text = Some(masked);
        }
    }

    /// `bytes` with every secret masked. If they were `cut` off, also with the half of one at their end.
    #[must_use]
    pub fn bytes(&self, bytes: Vec<u8>, cut: bool) -> Vec<u8> {
        if self.is_empty() {
            return bytes;
        }
        let mut spans = self.spans(&bytes, bytes.len());
        if cut {
            spans.extend(self.half_at_end(&bytes));
        }
        masked(&bytes, spans).unwrap_or(bytes)
    }

    /// What to look for in a line of this length.
    fn found_in(&self, length: usize) -> impl Iterator<Item = &Finder<'static>> {
        let has_room = length >= encodings::least(self.shortest);
        let encoded = if has_room { self.encoded() } else { &[] };
        self.secrets.iter().chain(encoded)
    }

    /// Where the secrets are, in no order, in lines of at most `longest` bytes.
    fn spans(&self, text: &[u8], longest: usize) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let overlap = self.longest.saturating_mul(LONGEST_SPELLING);
        let mut start = 0;
        while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
            let end = rest.len().min(WINDOW.saturating_add(overlap));
            let mut view = View::new(rest.get(..end).unwrap_or(rest));
            for _ in 0..=LEVELS {
                for secret in self.found_in(longest) {
                    let length = secret.needle().len();
                    spans.extend(secret.find_iter(view.bytes()).map(|at| {
                        let found = view.original(at..at + length);
                        start + found.start..start + found.end
                    }));
                }
                match view.decoded() {
                    Some(decoded) => view = decoded,
                    None => break,
                }
            }
            start += WINDOW.min(rest.len());
        }
        spans
    }

    /// The beginning of a secret at the end of `text`, which goes on elsewhere.
    fn half_at_end(&self, text: &[u8]) -> Option<Range<usize>> {
        let room = self.longest.saturating_mul(LONGEST_SPELLING);
        let start = text.len().saturating_sub(room);
        // The end may be in the middle of a spelling, too.
        let tail = spelling::whole(text.get(start..).unwrap_or_default());
        let mut view = View::new(tail);
        for _ in 0..=LEVELS {
            let all = self.secrets.iter().chain(self.encoded());
            let found = all
                .filter_map(|secret| half_of(secret.needle(), view.bytes()))
                .max();
            if let Some(length) = found {
                let end = view.bytes().len();
                let found = view.original(end - length..end);
                return Some(start + found.start..text.len());
            }
            view = view.decoded()?;
        }
        None
    }
}

/// How many bytes of `secret` are at the end of `text`.
fn half_of(secret: &[u8], text: &[u8]) -> Option<usize> {
    let begins = secret.get(..LEAST_HALF)?;
    let start = text.len().saturating_sub(secret.len());
    let tail = text.get(start..)?;
    let mut ends = memchr::memmem::find_iter(tail, begins)
        .filter_map(|at| tail.get(at..))
        .filter(|end| secret.starts_with(end));
    ends.next().map(<[u8]>::len)
}

/// `text` with the spans replaced; `None` without spans.
fn masked(text: &[u8], mut spans: Vec<Range<usize>>) -> Option<Vec<u8>> {
    if spans.is_empty() {
        return None;
    }
    spans.sort_by_key(|span| (span.start, span.end));
    let mut masked = Vec::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        if span.start >= done {
            masked.extend_from_slice(text.get(done..span.start).unwrap_or_default());
            masked.extend_from_slice(MASK.as_bytes());
        }
        done = done.max(span.end);
    }
    masked.extend_from_slice(text.get(done..).unwrap_or_default());
    Some(masked)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const KEY: &str = "sk-canary-8Yx41/é";

    fn mask() -> Mask {
        Mask::of(vec![KEY.to_owned()])
    }

    #[test]
    fn an_echoed_secret_is_masked_in_every_spelling() {
        for echo in [
            KEY,
            r"sk\u002dcanary\u002D8Yx41\/\u00e9",
            r"\u0073\u006b\u002d\u0063anary-8Yx41/é",
            "sk-canary-8Yx41%2F%C3%A9",
            "sk%2dcanary%2d8Yx41%2f%c3%a9",
            "sk&#45;canary&#x2d;8Yx41&#x2F;&#233;",
            // A JSON text in a JSON text, and a URL in one.
            r"sk\\u002dcanary-8Yx41\\/\\u00e9",
            r"sk\u00252dcanary-8Yx41%2F%C3%A9",
            r"\x73k-canary-8Yx41/é",
            // What other languages and browsers read.
            r"\163k\055canary\U0000002d8Yx41/\u{e9}",
            r"sk&#0000000045canary&#x2D;8Yx41/&#x00e9;",
        ] {
            let text = format!("Bearer {echo}, no {echo}.");
            assert_eq!(mask().text(&text), "Bearer [key], no [key].", "{echo}");
            let bytes = mask().bytes(text.into_bytes(), false);
            assert_eq!(bytes, b"Bearer [key], no [key].", "{echo}");
        }
        for other in ["", "nothing", "sk-canary", r"a \ and 100 % & \u12", "tür …"] {
            assert_eq!(mask().text(other), other);
        }
        assert_eq!(Mask::default().text(KEY), KEY);
    }

    #[test]
    fn an_encoded_secret_is_masked() {
        let key = "sk-canary-8Yx41?>z";
        let mask = Mask::of(vec![key.to_owned()]);
        for echo in [
            "736b2d63616e6172792d38597834313f3e7a",
            "736B2D63616E6172792D38597834313F3E7A",
            "s\0k\0-\0c\0a\0n\0a\0r\0y\0-\x008\0Y\0x\x004\x001\0?\0>\0z",
        ] {
            assert_eq!(mask.text(&format!("no {echo}.")), "no [key].", "{echo}");
        }
        // In base64: alone, "Bearer sk-…" and "me:sk-…", with both alphabets.
        for (echo, masked) in [
            ("c2stY2FuYXJ5LThZeDQxPz56", "[key]"),
            ("c2stY2FuYXJ5LThZeDQxPz56", "[key]"),
            ("QmVhcmVyIHNrLWNhbmFyeS04WXg0MT8+eg==", "QmVhcmVyIH[key]g=="),
            ("QmVhcmVyIHNrLWNhbmFyeS04WXg0MT8-eg==", "QmVhcmVyIH[key]g=="),
            ("bWU6c2stY2FuYXJ5LThZeDQxPz56", "bWU6[key]"),
        ] {
            assert_eq!(mask.text(echo), masked, "{echo}");
        }
        let cut = mask.bytes(b"no 736b2d63616e61".to_vec(), true);
        assert_eq!(cut, b"no [key]");
    }

    #[test]
    fn half_a_secret_before_a_cut_is_masked() {
        for half in [
            "sk-c",
            "sk-canary-8Yx41",
            r"sk\u002dcana\u00",
            "sk%2Dcanar%",
            "sk-can&#4",
        ] {
            let cut = mask().bytes(format!("a {half}").into_bytes(), true);
            assert_eq!(cut, b"a [key]", "{half}");
            let quoted = format!("it begins with: {half}…, and goes on");
            let masked = "it begins with: [key]…, and goes on";
            assert_eq!(mask().text(&quoted), masked, "{half}");
            // What was not cut has no half.
            let whole = format!("a {half}").into_bytes();
            assert_eq!(mask().bytes(whole.clone(), false), whole);
        }
        assert_eq!(mask().bytes(b"a sk-".to_vec(), true), b"a sk-");
    }

    #[test]
    fn a_text_of_ellipses_takes_about_as_long_as_others() {
        let mask = Mask::of(vec!["sk-".to_owned() + &"Ab1".repeat(60)]);
        let text = "%41…".repeat(64 << 10);
        let started = Instant::now();
        assert_eq!(mask.text(&text), text);
        // To look before each of them takes a hundred times as long.
        assert!(started.elapsed() < Duration::from_secs(10));
        let half = format!("{text}sk-Ab1Ab1…");
        assert_eq!(mask.text(&half), format!("{text}[key]…"));
    }

    #[test]
    fn secrets_that_overlap_are_masked_together() {
        let mask = Mask::of(
            ["abcdefgh", "fghijklm", "abcdefgh"]
                .map(str::to_owned)
                .into(),
        );
        assert_eq!(mask.text("1 abcdefghijklm 2 fghijklm"), "1 [key] 2 [key]");
    }

    #[test]
    fn a_secret_on_the_border_of_two_windows_is_masked() {
        for before in [WINDOW - 5, WINDOW, 2 * WINDOW - 1] {
            let text = format!("{}{}", "-".repeat(before), r"sk\u002dcanary-8Yx41/é!");
            let masked = mask().text(&text).into_owned();
            assert!(masked.ends_with("-[key]!"), "{before}");
            assert_eq!(masked.len(), before + "[key]!".len());
        }
    }
}
