//! Makes JSON of what is nearly JSON.

use std::borrow::Cow;

use super::reader::NOT_JSON;
use super::strings::plain_run;

/// The same text with `null` for each number that JSON lacks. Whatever else is wrong with it stays.
#[must_use]
pub fn strict(text: &str) -> Cow<'_, str> {
    // Each of the words has one of these letters, and hardly any other JSON has them outside of strings.
    if memchr::memchr2(b'N', b'I', text.as_bytes()).is_none()
        || !NOT_JSON.iter().any(|word| text.contains(word))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let word = NOT_JSON.iter().find(|word| from.starts_with(**word));
        let taken = if let Some(word) = word {
            out.push_str("null");
            word.len()
        } else {
            let len = if from.starts_with('"') {
                string_len(from)
            } else {
                1
            };
            out.push_str(from.get(..len).unwrap_or(from));
            len
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// How long the string is that `text` begins with, with both quotes.
fn string_len(text: &str) -> usize {
    let mut at = 1;
    loop {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let run = plain_run(rest);
        match rest.get(run) {
            Some(b'"') => return at + run + 1,
            // The next byte is part of the escape.
            Some(b'\\') => at += run + 2,
            Some(_) => at += run + 1,
            None => return text.len(),
        }
    }
}
