//! The marks of parts and tools where a prefix of the prompt ends that the provider should cache.

use crate::error::Error;
use crate::wire::body::invalid;
use crate::wire::openai::families;
use crate::wire::providers::{CacheMarks, Provider};

/// What is written beside the other keys of a content block or a tool whose `cache` is `raw`: a comma and a field, or
/// nothing where caching needs no mark. `path` names the part or the tool in an error.
pub(super) fn mark(
    raw: Option<&str>,
    path: impl FnOnce() -> String,
    provider: &Provider,
    model: &str,
) -> Result<&'static str, Error> {
    let is_long = match raw {
        None | Some("false") => return Ok(""),
        Some("true") => false,
        Some("\"1h\"") => true,
        Some(_) => {
            let message = format!("{}.cache: it must be true, false or \"1h\"", path());
            return Err(invalid(message));
        }
    };
    Ok(match (provider.cache_marks, is_long) {
        (CacheMarks::Control, false) => r#","cache_control":{"type":"ephemeral"}"#,
        (CacheMarks::Control, true) => r#","cache_control":{"type":"ephemeral","ttl":"1h"}"#,
        (CacheMarks::Breakpoint, _) if !families::takes_breakpoints(model) => "",
        (CacheMarks::Breakpoint, false) => r#","prompt_cache_breakpoint":{"mode":"explicit"}"#,
        // Of the lifetimes that there are, the shortest that is as long.
        (CacheMarks::Breakpoint, true) => {
            r#","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}"#
        }
        (CacheMarks::None, _) => "",
    })
}
