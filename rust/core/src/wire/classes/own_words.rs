//! What a server says in its own words, and whether that contains one of many texts.

use crate::error::ApiFailure;

/// How much of a message is read. A server says what is wrong at the beginning.
const READ_CHARS: usize = 4_096;
/// How many bits say which pairs of bytes there are: enough for each two letters to have their own.
const PAIR_BITS: usize = 1_024;

/// The beginning of a message in lower case, without what it quotes, which may be the caller's text.
///
/// A quoted name without a blank stays. So does the message of another server, as JSON or as Python prints it.
pub(super) struct OwnWords {
    text: String,
    // Of the pairs of bytes in the text. Most patterns have a pair that the text lacks, so they are not searched.
    pairs: [u64; PAIR_BITS / 64],
}

impl OwnWords {
    pub(super) fn of(api: &ApiFailure) -> Self {
        let message = api.message.as_deref().unwrap_or_default();
        let end = match message.len() {
            0..=READ_CHARS => None,
            _ => message.char_indices().nth(READ_CHARS).map(|(end, _)| end),
        };
        let text = without_quotations(
            &message
                .get(..end.unwrap_or(message.len()))
                .unwrap_or(message)
                .to_lowercase(),
        );
        let mut pairs = [0; PAIR_BITS / 64];
        for pair in text.as_bytes().windows(2) {
            let (word, bit) = place(pair);
            if let Some(word) = pairs.get_mut(word) {
                *word |= bit;
            }
        }
        Self { text, pairs }
    }

    /// Whether the parts of `pattern`, which is in lower case and which `*` separates, are in the text in their order.
    /// After `^` the text begins with them.
    pub(super) fn contain(&self, pattern: &str) -> bool {
        if !self.may_contain(pattern) {
            return false;
        }
        let mut rest = self.text.as_str();
        let pattern = match pattern.strip_prefix('^') {
            Some(pattern) if !rest.starts_with(pattern.split('*').next().unwrap_or_default()) => {
                return false;
            }
            Some(pattern) => pattern,
            None => pattern,
        };
        pattern.split('*').all(|part| {
            let Some((_, after)) = rest.split_once(part) else {
                return false;
            };
            rest = after;
            true
        })
    }

    fn may_contain(&self, pattern: &str) -> bool {
        pattern.as_bytes().windows(2).all(|pair| {
            let (word, bit) = place(pair);
            let is_there = self.pairs.get(word).is_some_and(|word| word & bit != 0);
            is_there || pair.iter().any(|byte| matches!(byte, b'*' | b'^'))
        })
    }
}

/// The word and the bit of a pair of bytes.
fn place(pair: &[u8]) -> (usize, u64) {
    // The lower five bits of a letter are its own.
    let hash = pair
        .iter()
        .fold(0, |hash, &byte| hash << 5 ^ usize::from(byte))
        % PAIR_BITS;
    (hash / 64, 1 << (hash % 64))
}

fn without_quotations(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Marks that no other one ends from here on.
    let mut open = String::new();
    let mut rest = text;
    while let Some((before, quoted)) =
        memchr::memchr3(b'"', b'\'', b'`', rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(before);
        let (mark, inside) = quoted.split_at_checked(1).unwrap_or((quoted, ""));
        rest = inside;
        let mut quotation = None;
        if begins_quotation(&out) && !open.contains(mark) {
            quotation = quotation_in(inside, mark);
            if quotation.is_none() {
                open.push_str(mark);
            }
        }
        match quotation {
            Some(inner) => {
                if !inner.contains(' ') {
                    out.extend([mark, inner, mark]);
                }
                rest = inside.get(inner.len() + 1..).unwrap_or_default();
            }
            None => out.push_str(mark),
        }
    }
    out.push_str(rest);
    out
}

/// Whether a mark after `before` begins a quotation: it is not an apostrophe, and does not begin the message of another
/// server.
fn begins_quotation(before: &str) -> bool {
    let before = before.trim_end_matches('\\');
    // An apostrophe, as in "model's".
    if before.ends_with(char::is_alphanumeric) {
        return false;
    }
    // The message of another server.
    let key = before.trim_end().strip_suffix(':').unwrap_or_default();
    let key = key.strip_suffix(['"', '\'']).unwrap_or_default();
    let key = key.trim_end_matches('\\');
    !["message", "msg", "detail", "error"].iter().any(|name| {
        let key = key.strip_suffix(name);
        key.is_some_and(|key| key.ends_with(['"', '\'']))
    })
}

/// The text before the mark that ends the quotation; `None` if there is no such mark.
fn quotation_in<'a>(inside: &'a str, mark: &str) -> Option<&'a str> {
    let ends = |&at: &usize| {
        let after = inside.get(at + 1..).unwrap_or_default();
        !after.starts_with(char::is_alphanumeric)
    };
    let mut marks = memchr::memchr_iter(*mark.as_bytes().first()?, inside.as_bytes());
    inside.get(..marks.find(ends)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> OwnWords {
        OwnWords::of(&ApiFailure {
            message: Some(message.to_owned()),
            ..ApiFailure::default()
        })
    }

    #[test]
    fn a_pattern_is_found_in_its_order_and_at_its_beginning() {
        for (message, pattern, is_there) in [
            ("Model not found", "model not found", true),
            ("The MODEL m does not exist", "model *does not exist", true),
            ("does not exist: the model ", "model *does not exist", false),
            ("model m does not exist", "^model *does not exist", true),
            (
                "the model m does not exist",
                "^model *does not exist",
                false,
            ),
            ("prompt 超长", "prompt 超长", true),
            ("prompt 超", "prompt 超长", false),
            ("2 * 3 ^ 4", "2*4", true),
            ("a", "a", true),
            ("", "a", false),
        ] {
            assert_eq!(said(message).contain(pattern), is_there, "{message}");
        }
    }

    #[test]
    fn what_is_quoted_is_left_out_and_what_is_never_closed_stays() {
        for (message, own) in [
            ("no 'prompt is too long' here", "no  here"),
            ("no model 'gpt-x' here", "no model 'gpt-x' here"),
            (
                "the model's context isn't `so`",
                "the model's context isn't `so`",
            ),
            ("a 'b \"c d\" e", "a 'b  e"),
            ("a 'b 'c \"d e\" 'f", "a 'b 'c  'f"),
            ("a 'b 'c d' e", "a  e"),
            (r#"{"message": "too long"}"#, r#"{"message": "too long"}"#),
        ] {
            assert_eq!(said(message).text, own, "{message}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_message_is_read() {
        let message = format!("{}x model not found", "é".repeat(READ_CHARS - 1));
        assert!(said(&message).contain("x"));
        assert!(!said(&message).contain("x model"));
    }
}
