//! One forward reader for the JSON of replies and stream events: no tree, nothing copied that is not asked for.
//!
//! It accepts what `serde_json` accepts (RFC 8259, at most 127 levels), and differs from it on purpose in two
//! places: an escaped surrogate without its partner is text that may meet its partner in the next delta (see
//! [`Text`]), and a number of any size is kept as the digits that were sent (`serde_json` refuses `1e400`).
//!
//! `reader` walks through values, `strings` reads their texts and `text` holds one; `scan` finds the end of
//! a plain run of bytes. `error` says what is wrong, and where.

mod error;
mod reader;
mod scan;
mod strings;
mod text;

pub use error::{Error, MAX_DEPTH};
pub use reader::{Kind, Reader};
pub(crate) use scan::plain_run;
pub use text::{SurrogateJoin, Text};

/// Whether `bytes` are one whole JSON object or array, with nothing but white space around it.
///
/// A bare number or word does not count: nothing in it says that it was not cut.
#[must_use]
pub fn is_complete(bytes: &[u8]) -> bool {
    let Ok(mut reader) = Reader::new(bytes) else {
        return false;
    };
    matches!(reader.peek(), Ok(Kind::Object | Kind::Array))
        && reader.skip().and_then(|()| reader.end()).is_ok()
}

/// Writes `text` as a JSON string, quotes included.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut bytes = tail.bytes();
        match bytes.next() {
            Some(b'\n') => out.extend_from_slice(b"\\n"),
            Some(byte @ (b'"' | b'\\')) => out.extend_from_slice(&[b'\\', byte]),
            Some(byte) => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            None => {}
        }
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests;
