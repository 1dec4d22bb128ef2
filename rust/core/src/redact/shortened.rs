//! A body as a log shows it: without what no one reads, such as the data of an image, and of bounded length.

use std::borrow::Cow;
use std::fmt::Write;

use super::data::{self, SHOWN_DATA};
use super::one_line;

/// How many characters of a JSON string are shown.
const STRING_CHARS: usize = 4_000;
/// How many characters of a body are shown: so many from its beginning, and so many from its end.
const START_CHARS: usize = 12_000;
const END_CHARS: usize = 4_000;

/// Text that has no space for so long is data in base64, hex or percent-encoding, and not words.
const DATA_CHARS: usize = 256;

/// `body` on one line of at most 16,000 characters and two words about what is left out.
///
/// Of data in base64, hex or percent-encoding, also in the escapes of JSON within JSON, the first 32 characters are
/// shown, and of any other JSON string the first 4,000. What is left out is counted: `… (4,000,000 characters)`. Takes
/// one pass over the body.
#[must_use]
pub fn shortened(body: &str) -> String {
    let short = cut(body, STRING_CHARS);
    let chars = chars_in(&short);
    if chars <= START_CHARS + END_CHARS {
        let line = one_line(&short, usize::MAX);
        // Escapes are longer than what they stand for.
        if chars_in(&line) <= START_CHARS + END_CHARS {
            return line;
        }
    }
    let (start, end) = (first(&short, START_CHARS), last(&short, END_CHARS));
    let start = one_line(start, usize::MAX);
    let end = one_line(end, usize::MAX);
    let (start, end) = (first(&start, START_CHARS), last(&end, END_CHARS));
    format!("{start}… ({} characters) …{end}", counted(chars_in(body)))
}

/// `text` with its data cut in the same way. All else stays.
#[must_use]
pub fn without_data(text: &str) -> Cow<'_, str> {
    // Data has no space in it.
    let mut words = text.as_bytes().split(|&byte| byte == b' ');
    if words.all(|word| word.len() <= DATA_CHARS) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(cut(text, usize::MAX))
}

/// The body with its data cut, and its strings after so many characters.
fn cut(body: &str, string_chars: usize) -> String {
    let bytes = body.as_bytes();
    let mut out = Out {
        text: String::with_capacity(body.len().min(64 << 10)),
        string: None,
        string_chars,
    };
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let end = match byte {
            b'"' => {
                out.quote();
                at += 1;
                continue;
            }
            // An escape is never cut. The quote in one does not end the string.
            b'\\' if !data::starts_at(bytes, at) => at + 1 + char_at(bytes, at + 1),
            _ => match data::run(bytes, at) {
                Some(run) => {
                    if run.chars > DATA_CHARS {
                        let shown = body.get(at..run.shown).unwrap_or_default();
                        out.push_data(shown, run.chars);
                    } else {
                        out.push(body.get(at..run.end).unwrap_or_default(), run.chars);
                    }
                    at = run.end;
                    continue;
                }
                None => at + char_at(bytes, at),
            },
        };
        let end = end.min(bytes.len());
        out.push(body.get(at..end).unwrap_or_default(), 1);
        at = end;
    }
    out.end_string();
    out.text
}

/// The text that is written, and the JSON string that it is in.
struct Out {
    text: String,
    /// How many characters of the string there were so far.
    string: Option<usize>,
    /// How many characters of a string are written.
    string_chars: usize,
}

impl Out {
    /// Writes `text` unless the string is too long already.
    fn push(&mut self, text: &str, chars: usize) {
        let Some(before) = &mut self.string else {
            self.text.push_str(text);
            return;
        };
        let left = self.string_chars.saturating_sub(*before);
        *before += chars;
        // Only a run of data has more than one character, and all of those are ASCII.
        self.text.push_str(first(text, left));
    }

    fn push_data(&mut self, shown: &str, chars: usize) {
        let is_shown = self.string.is_none_or(|before| before < self.string_chars);
        if is_shown {
            self.text.push_str(shown);
            self.push_count(chars);
        }
        if let Some(before) = &mut self.string {
            // It takes no more of what may be shown than it shows. A string that is over its limit is counted whole.
            *before += if is_shown { SHOWN_DATA } else { chars };
        }
    }

    /// Says how many characters there are in all.
    fn push_count(&mut self, chars: usize) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "… ({} characters)", counted(chars));
    }

    /// A quote begins or ends a string.
    fn quote(&mut self) {
        if self.string.is_some() {
            self.end_string();
        } else {
            self.string = Some(0);
        }
        self.text.push('"');
    }

    fn end_string(&mut self) {
        if let Some(chars) = self.string.take()
            && chars > self.string_chars
        {
            self.push_count(chars);
        }
    }
}

/// How many bytes the character at `at` has; 0 at the end.
fn char_at(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let more = rest.iter().skip(1).take_while(|&&byte| is_inner(byte));
    rest.len().min(1) + more.count()
}

/// Whether a byte is inside a character of UTF-8.
fn is_inner(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

fn chars_in(text: &str) -> usize {
    text.bytes().filter(|&byte| !is_inner(byte)).count()
}

/// The first characters of a text.
fn first(text: &str, chars: usize) -> &str {
    let end = text
        .char_indices()
        .nth(chars)
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// The last characters of a text.
fn last(text: &str, chars: usize) -> &str {
    let start = match chars.checked_sub(1) {
        Some(before) => text
            .char_indices()
            .rev()
            .nth(before)
            .map_or(0, |(at, _)| at),
        None => text.len(),
    };
    text.get(start..).unwrap_or(text)
}

/// A number with a comma between thousands.
fn counted(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(chars: usize) -> String {
        "iVBORw0KGgo/AAAANSU+".chars().cycle().take(chars).collect()
    }

    #[test]
    fn data_is_cut_wherever_a_body_has_it() {
        let data = base64(4_000_000);
        let start = "iVBORw0KGgo/AAAANSU+iVBORw0KGgo/";
        for (before, after) in [
            (r#"{"image_url":{"url":"data:image/png;base64,"#, r#""}}"#),
            (r#"{"input_audio":{"data":""#, r#"","format":"wav"}}"#),
            (
                r#"{"file":{"file_data":"data:application/pdf;base64,"#,
                r#"","filename":"a.pdf"}}"#,
            ),
            (r#"{"data":[{"b64_json":""#, r#""}]}"#),
            (
                r#"{"arguments":"{\"image\":\"data:image/png;base64,"#,
                r#"\"}"}"#,
            ),
            ("a plain error: ", " is not an image"),
        ] {
            assert_eq!(
                shortened(&format!("{before}{data}{after}")),
                format!("{before}{start}… (4,000,000 characters){after}")
            );
        }
    }

    #[test]
    fn the_escapes_of_data_are_part_of_it() {
        for (slash, shown) in [
            (r"\/", r"iVBORw0KGgo\/AAAANSU+iVBORw0KGgo\/"),
            (r"\\\/", r"iVBORw0KGgo\\\/AAAANSU+iVBORw0KGgo\\\/"),
            (r"\u002F", r"iVBORw0KGgo\u002FAAAANSU+iVBORw0KGgo\u002F"),
            ("%2F", "iVBORw0KGgo%2FAAAANSU+iVBORw0KGg"),
        ] {
            let data = base64(2_000).replace('/', slash);
            let short = shortened(&format!(r#"["{data}"]"#));
            assert!(short.starts_with(&format!("[\"{shown}… (")), "{short}");
            assert!(
                short.ends_with(" characters)\"]") && short.len() < 120,
                "{short}"
            );
        }
    }

    #[test]
    fn base64_in_lines_is_cut_and_a_list_of_words_is_not() {
        for (line_break, chars) in [
            ("\\n", 76),
            ("\\r\\n", 64),
            ("\\\\n", 76),
            ("\n", 64),
            ("\r\n", 76),
        ] {
            let lines = vec![base64(chars); 100].join(line_break);
            let short = shortened(&format!(r#"{{"data":"{lines}"}}"#));
            assert!(short.len() < 100, "{short}");
            let words = vec!["word"; 500].join(line_break);
            let body = format!(r#"{{"text":"{words}"}}"#);
            assert_eq!(shortened(&body).len(), one_line(&body, usize::MAX).len());
        }
    }

    #[test]
    fn words_stay_as_they_are() {
        let words = "Grüße, \\\"said\\\" 你好\\n".repeat(80);
        for body in [
            format!(r#"{{"messages":[{{"role":"user","content":"{words}"}}]}}"#),
            r#"{"ids":[1,2,3],"path":"C:\\\\x\\","q":"\u4f60\""}"#.to_owned(),
            String::new(),
            "\\".to_owned(),
            "\"\\\"".to_owned(),
        ] {
            assert_eq!(shortened(&body), body);
        }
    }

    #[test]
    fn a_long_string_is_cut_and_what_follows_it_is_shown() {
        let body = format!(
            r#"{{"content":"{}","model":"m"}}"#,
            "a \\\"b\\\" ".repeat(10_000)
        );
        let short = shortened(&body);
        assert!(short.starts_with(r#"{"content":"a \"b\" a "#), "{short}");
        assert!(
            short.ends_with(r#"… (60,000 characters)","model":"m"}"#),
            "{short}"
        );
        assert!((4_000..8_000).contains(&short.len()), "{}", short.len());
    }

    #[test]
    fn a_body_has_a_cap_whatever_is_in_it() {
        for piece in [
            "[1,2]",
            "\u{202e}",
            "\"a b\",",
            "é ",
            "\\",
            "\\\\n",
            "\"",
            "a\n",
            "\u{e0001}",
        ] {
            let body = format!("{{{}}}", piece.repeat(100_000));
            let short = shortened(&body);
            assert!(short.chars().count() < 16_100, "{piece:?}: {}", short.len());
            assert!(short.starts_with('{') && short.ends_with('}'), "{piece:?}");
        }
    }

    #[test]
    fn the_text_of_a_message_loses_only_its_data() {
        let data = base64(300);
        let text = format!(
            "\"{}\" ![cat](data:image/png;base64,{data}) ",
            "long ".repeat(9_000)
        );
        let short = without_data(&text);
        assert_eq!(
            short.len(),
            text.len() - 300 + 32 + "… (300 characters)".len()
        );
        assert_eq!(without_data(&data[..256]), data[..256]);
    }
}
