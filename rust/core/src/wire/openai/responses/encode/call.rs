//! Calls of tools, and their results.

use std::collections::HashSet;

use super::super::NAME;
use super::content::Target;
use super::item::keys;
use crate::error::Error;
use crate::json::{Kind, Reader, write_string};
use crate::wire::body::field;
use crate::wire::messages::Part;

/// The calls of a conversation.
#[derive(Default)]
pub(super) struct Calls<'a> {
    /// The ids of calls of custom tools, as JSON text.
    custom: HashSet<&'a str>,
    /// How many came without an id, and how many results did.
    nameless: usize,
    nameless_results: usize,
}

impl<'a> Calls<'a> {
    /// Notes the id of a call of a custom tool.
    pub(super) fn note_custom(&mut self, id: Option<&'a str>) {
        self.custom.extend(id);
    }

    /// Writes a call. Without `with_id`, the id of its item stays behind. Returns whether anything else did.
    pub(super) fn write(
        &mut self,
        part: &Part<'a>,
        to: Target<'_>,
        with_id: bool,
        out: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        let name = part.text("name")?;
        let (mut item, mut is_custom, mut has_more) = (None, false, false);
        for (key, raw) in part.object("extra")? {
            match &*key {
                "item" => item = Some(raw),
                "custom" => is_custom = raw != "null",
                _ => has_more = true,
            }
        }
        if to.is_foreign(part) {
            has_more |= item.take().is_some();
        }
        has_more |= !part.extra(&CALL_KEYS).is_empty();
        let (kind, key) = if is_custom {
            ("custom_tool_call", "input")
        } else {
            ("function_call", "arguments")
        };
        out.extend_from_slice(format!("{{\"type\":\"{kind}\"").as_bytes());
        keys(item, &["call_id", "name", key], with_id, out)?;
        let id = part.get("id");
        if is_custom {
            self.note_custom(id);
        }
        call_id(id, &mut self.nameless, out);
        field(out, "name", name);
        let arguments = part.get("arguments").unwrap_or("\"\"");
        if !matches!(Reader::over(arguments).peek()?, Kind::String) {
            // A dict may have the value itself.
            let mut text = Vec::new();
            write_string(&mut text, arguments);
            field(out, key, &String::from_utf8_lossy(&text));
        } else if arguments == "\"\"" && !is_custom {
            // Chat templates cannot read an empty text.
            field(out, key, "\"{}\"");
        } else {
            field(out, key, arguments);
        }
        out.push(b'}');
        Ok(has_more)
    }

    /// Writes the result of a call.
    pub(super) fn write_result(
        &mut self,
        part: &Part<'a>,
        to: Target<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let id = part.get("tool_call_id");
        let is_custom = id.is_some_and(|id| self.custom.contains(id));
        let kind = if is_custom {
            "custom_tool_call"
        } else {
            "function_call"
        };
        out.extend_from_slice(format!("{{\"type\":\"{kind}_output\"").as_bytes());
        call_id(id, &mut self.nameless_results, out);
        out.extend_from_slice(b",\"output\":");
        to.output(part, out)?;
        out.extend_from_slice(part.extra(&RESULT_KEYS).as_bytes());
        out.push(b'}');
        Ok(())
    }
}

/// Writes the id of a call or a result. Those without one answer each other in their order; `nameless` counts them.
fn call_id(id: Option<&str>, nameless: &mut usize, out: &mut Vec<u8>) {
    if let Some(id) = id {
        return field(out, "call_id", id);
    }
    *nameless += 1;
    field(out, "call_id", &format!("\"call_{NAME}_{nameless}\""));
}

/// Keys of a call that we know. `index` is the place of a call in a streamed list.
const CALL_KEYS: [&str; 5] = ["id", "name", "arguments", "extra", "index"];

/// Keys of a result that we know.
const RESULT_KEYS: [&str; 4] = ["tool_call_id", "content", "error", "name"];
