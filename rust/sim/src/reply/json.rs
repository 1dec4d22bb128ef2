//! JSON that is written straight into the buffer of an event.

use serde_json::Value;

pub(crate) fn write_json(out: &mut Vec<u8>, value: &Value) {
    // Writing a value into memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

/// A JSON string; one without anything to escape is copied.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        let _ = serde_json::to_writer(out, text);
    }
}
