//! A forward reader for the JSON of replies and stream events. It builds no tree, and copies only on request.
//!
//! It accepts what `serde_json` accepts (RFC 8259, at most 127 levels), with three exceptions. A surrogate escape
//! without its partner is text, because the partner may be in the next delta (see [`Text`]). A number of any size is
//! kept as the digits that were sent (`serde_json` refuses `1e400`). And `NaN`, `Infinity` and `-Infinity` are numbers,
//! because servers in Python write them; `strict` replaces them where the text is sent on.
//!
//! Read `reader` first: it walks through values. `strings` reads strings into the `text` type.
//! `growing` finds the end of a text that arrives in pieces. `tree` builds trees of a bounded size. `written` reads what
//! models write as JSON, without what is `around` it, and `thinking` leaves out what they thought before it. `partial` and
//! `thoughts` do the same to a text that arrives in pieces.

mod around;
mod growing;
mod partial;
mod reader;
mod strict;
mod strings;
mod text;
mod thinking;
mod thoughts;
mod tree;
mod written;

pub use growing::Growing;
pub use partial::{PartialJson, Scalar, Token};
pub(crate) use reader::as_count;
pub use reader::{Error, Kind, MAX_DEPTH, Reader};
pub use strict::strict;
pub(crate) use strings::plain_run;
pub use text::{SurrogateJoin, Text};
pub use thoughts::Thoughts;
pub use tree::{outline, outline_of_start, tree};
pub use written::{Problem, written};

/// Whether `bytes` are one complete JSON object or array, with only white space around it.
///
/// A bare number or word does not count, because it does not show whether it is complete.
#[must_use]
pub fn is_complete(bytes: &[u8]) -> bool {
    let Ok(mut reader) = Reader::new(bytes) else {
        return false;
    };
    matches!(reader.peek(), Ok(Kind::Object | Kind::Array))
        && reader.skip().and_then(|()| reader.end()).is_ok()
}

/// Writes `text` as a JSON string, including its quotes.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    // Neither a string nor a `Vec` can fail.
    let _ = serde_json::to_writer(out, text);
}

/// Adds `text` as a JSON string to a text.
pub(crate) fn push_string(out: &mut String, text: &str) {
    let mut json = Vec::with_capacity(text.len() + 2);
    write_string(&mut json, text);
    out.push_str(&String::from_utf8_lossy(&json));
}

#[cfg(test)]
mod tests;
