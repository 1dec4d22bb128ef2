//! The arguments of a tool call for the APIs that demand an object.
//!
//! Chat Completions and Responses send the text as it is. A model may write anything there, and the token limit may cut it.

use crate::json::{is_complete, strict, write_string};
use crate::wire::messages::{Part, plain};

/// The arguments of a call as a JSON object. What is not one is the text in the member `input`, so that the model sees
/// what it wrote. So is the input of a custom tool, whatever its text is.
pub(super) fn object(part: &Part<'_>, is_custom: bool) -> String {
    let Some(raw) = part.get("arguments") else {
        return "{}".to_owned();
    };
    if raw.starts_with('{') {
        // A dict may have the value itself.
        return strict(raw).into_owned();
    }
    let text = if raw.starts_with('"') {
        plain(raw)
    } else {
        raw.into()
    };
    if !is_custom {
        match text.trim() {
            "" | "null" => return "{}".to_owned(),
            inner if inner.starts_with('{') && is_complete(inner.as_bytes()) => {
                return strict(inner).into_owned();
            }
            _ => {}
        }
    }
    let mut out = b"{\"input\":".to_vec();
    write_string(&mut out, &text);
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}
