//! A forward reader for the JSON of replies and stream events. It builds no tree, and copies only on request.
//!
//! It accepts what `serde_json` accepts (RFC 8259, at most 127 levels), with two exceptions. A surrogate escape
//! without its partner is text, because the partner may be in the next delta (see [`Text`]). A number of any size is
//! kept as the digits that were sent (`serde_json` refuses `1e400`).
//!
//! Read `reader` first: it walks through values. `strings` reads strings into the `text` type, and `scan` finds the end
//! of a run of plain bytes.

mod reader;
mod scan;
mod strings;
mod text;

pub use reader::{Error, Kind, MAX_DEPTH, Reader};
pub(crate) use scan::plain_run;
pub use text::{SurrogateJoin, Text};

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
