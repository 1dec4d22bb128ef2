//! How the end of a prefix of the prompt is marked that a provider should cache.

use super::body::invalid;
use super::openai::takes_breakpoints;
use crate::error::Error;

/// The form of the marks. A provider's row says which it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMarks {
    /// Not at all: it caches by itself, or not.
    None,
    /// `cache_control` on content blocks and tools, as Anthropic's models have it.
    Control,
    /// `prompt_cache_breakpoint` on content blocks, for models that take it.
    Breakpoint,
}

impl CacheMarks {
    /// What is written beside the other keys of a content block or a tool whose `cache` is `raw`: a comma and a field, or
    /// nothing where caching needs no mark. `path` names the part or the tool in an error.
    pub(super) fn mark(
        self,
        raw: Option<&str>,
        path: impl FnOnce() -> String,
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
        Ok(match (self, is_long) {
            (Self::Control, false) => r#","cache_control":{"type":"ephemeral"}"#,
            (Self::Control, true) => r#","cache_control":{"type":"ephemeral","ttl":"1h"}"#,
            (Self::Breakpoint, _) if !takes_breakpoints(model) => "",
            (Self::Breakpoint, false) => r#","prompt_cache_breakpoint":{"mode":"explicit"}"#,
            // Of the lifetimes that there are, the shortest that is as long.
            (Self::Breakpoint, true) => {
                r#","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}"#
            }
            (Self::None, _) => "",
        })
    }
}
