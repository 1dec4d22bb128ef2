//! Calls of functions, and their results.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::NAME;
use super::part::Target;
use crate::error::Error;
use crate::json::{is_complete, strict, write_string};
use crate::wire::body::{field, fields};
use crate::wire::call_arguments;
use crate::wire::call_id::is_made_up;
use crate::wire::gemini::families;
use crate::wire::messages::{Content, Part, plain};

/// The calls of a conversation.
#[derive(Default)]
pub(super) struct Calls<'a> {
    /// The calls by their ids, which servers are known to repeat, also within a turn.
    named: HashMap<Cow<'a, str>, Named<'a>>,
    /// How many turns the model has begun.
    turns: usize,
    /// The names of those without an id, and how many results have none.
    nameless: Vec<&'a str>,
    nameless_results: usize,
}

/// The calls with one id in the last turn that has any.
#[derive(Default)]
struct Named<'a> {
    turn: usize,
    /// The names of the functions, as JSON text, and how many results name the id.
    names: Vec<&'a str>,
    results: usize,
}

impl<'a> Named<'a> {
    /// The name for the next result: results are in the order of the calls.
    fn next(&mut self) -> Option<&'a str> {
        let found = self.names.get(self.results).or(self.names.last());
        self.results += 1;
        found.copied()
    }
}

/// The id of a call as it is sent: none for a call that came without one.
fn sent(id: Option<&str>) -> Option<&str> {
    id.filter(|id| !is_made_up(id.trim_matches('"')))
}

impl<'a> Calls<'a> {
    /// Notes that the model begins a turn.
    pub(super) fn begin_turn(&mut self) {
        self.turns += 1;
    }

    /// Writes a call. Returns whether it has a signature.
    pub(super) fn write(
        &mut self,
        part: &Part<'a>,
        to: Target<'_>,
        out: &mut Vec<u8>,
        dropped: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let name = part.text("name")?;
        let id = part.get("id").filter(|id| *id != "\"\"");
        match id {
            Some(id) => {
                let calls = self.named.entry(plain(id)).or_default();
                if calls.turn != self.turns {
                    *calls = Named {
                        turn: self.turns,
                        ..Named::default()
                    };
                }
                calls.names.push(name);
            }
            None => self.nameless.push(name),
        }
        let extra = part.object("extra")?;
        let is_custom = extra
            .iter()
            .any(|(key, raw)| key == "custom" && *raw != "null");
        out.extend_from_slice(b"{\"functionCall\":{\"name\":");
        out.extend_from_slice(name.as_bytes());
        field(out, "args", &call_arguments::object(part, is_custom));
        if let Some(id) = sent(id) {
            field(out, "id", id);
        }
        let is_foreign = to.is_foreign(part);
        let mut is_signed = false;
        let mut beside = Vec::new();
        let mut is_lost = !part.extra(&CALL_KEYS).is_empty();
        for (key, raw) in extra {
            match &*key {
                "custom" => {}
                _ if is_foreign || key == "item" => is_lost = true,
                "function" => {
                    for (key, raw) in fields(raw, format_args!("{}.extra.function", part.path()))? {
                        field(out, &key, raw);
                    }
                }
                key => {
                    let is_signature = matches!(key, "thoughtSignature" | "thought_signature");
                    is_signed |= is_signature && raw.starts_with('"') && raw != "\"\"";
                    field(&mut beside, key, raw);
                }
            }
        }
        if is_lost {
            dropped.push(format!("{}.extra", part.path()));
        }
        out.push(b'}');
        out.extend_from_slice(&beside);
        out.push(b'}');
        Ok(is_signed)
    }

    /// Writes the result of a call. Its text is the output, and the text of a JSON object is the response itself.
    pub(super) fn write_result(
        &mut self,
        part: &Part<'a>,
        to: Target<'_>,
        out: &mut Vec<u8>,
        dropped: &mut Vec<String>,
    ) -> Result<(), Error> {
        let id = part.get("tool_call_id").filter(|id| *id != "\"\"");
        out.extend_from_slice(b"{\"functionResponse\":{\"name\":");
        out.extend_from_slice(self.name_of(part, id)?.as_bytes());
        if let Some(id) = sent(id) {
            field(out, "id", id);
        }
        let mut text = None;
        let mut media = Vec::new();
        match part.content()? {
            Content::Text(raw) => text = Some(plain(raw)),
            Content::Parts(parts) => {
                for inside in &parts {
                    match &*inside.kind {
                        "text" | "refusal" => {
                            let more = plain(inside.text("text")?);
                            text = Some(match text {
                                None => more,
                                Some(before) => Cow::Owned(format!("{before}\n{more}")),
                            });
                        }
                        _ => to.result_media(inside, &mut media, dropped)?,
                    }
                }
            }
        }
        let is_error = part.get("error") == Some("true");
        field(out, "response", &response(text.as_deref(), is_error));
        if !media.is_empty() {
            out.extend_from_slice(b",\"parts\":[");
            out.extend_from_slice(&media);
            out.push(b']');
        }
        out.extend_from_slice(part.extra(&RESULT_KEYS).as_bytes());
        out.extend_from_slice(b"}}");
        Ok(())
    }

    /// The name of the function that was called: its own, or that of the call that it answers. Those without ids answer
    /// each other in their order.
    fn name_of(&mut self, part: &Part<'a>, id: Option<&'a str>) -> Result<&'a str, Error> {
        let in_turn = if id.is_none() {
            self.nameless_results += 1;
            self.nameless.get(self.nameless_results - 1).copied()
        } else {
            None
        };
        let known = id.and_then(|id| self.named.get_mut(&plain(id))?.next());
        let name = part
            .get("name")
            .filter(|name| name.starts_with('"') && *name != "\"\"");
        name.or(known).or(in_turn).ok_or_else(|| {
            let why = match id {
                Some(id) => format!("no call before it has the id {id}"),
                None => "it has neither an id nor a name".to_owned(),
            };
            part.invalid(&format!(
                ": {why}, and {NAME} needs the name of the function; give ToolResult(call_id, content, name=…)"
            ))
        })
    }
}

impl Target<'_> {
    /// Writes media in the result of a function.
    fn result_media(
        &self,
        part: &Part<'_>,
        out: &mut Vec<u8>,
        dropped: &mut Vec<String>,
    ) -> Result<(), Error> {
        if !families::is_3(self.model) {
            return Err(part.invalid(&format!(
                ": {} takes only text in the result of a tool; send this in a user message behind it",
                self.model.escape_debug()
            )));
        }
        if !out.is_empty() {
            out.push(b',');
        }
        self.part(part, out, dropped)
    }
}

/// The response: an object.
///
/// One that has `output` or `error` would be read as an output or an error alone, and the value of a `$ref` as the name
/// of a part (google-genai: `types.FunctionResponse`).
fn response(text: Option<&str>, is_error: bool) -> String {
    let Some(text) = text else {
        return if is_error { "{\"error\":\"\"}" } else { "{}" }.to_owned();
    };
    let trimmed = text.trim();
    // A number as text stays as it is: theirs are doubles, and the digits of an id would be lost.
    let is_json = trimmed.starts_with(['{', '['])
        && is_complete(trimmed.as_bytes())
        && !trimmed.contains("\"$ref\"");
    let has_key = || {
        let all = fields(trimmed, "content").unwrap_or_default();
        let is_ours = |key: &str| matches!(key, "output" | "error");
        all.iter().any(|(key, _)| is_ours(key))
    };
    if is_json && trimmed.starts_with('{') && !is_error && !has_key() {
        return strict(trimmed).into_owned();
    }
    let mut out = if is_error {
        b"{\"error\":"
    } else {
        &b"{\"output\":"[..]
    }
    .to_vec();
    if is_json {
        out.extend_from_slice(strict(trimmed).as_bytes());
    } else {
        write_string(&mut out, text);
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

/// Keys of a call that we know. `index` is the place of a call in a streamed list.
const CALL_KEYS: [&str; 5] = ["id", "name", "arguments", "extra", "index"];

/// Keys of a result that we know.
const RESULT_KEYS: [&str; 4] = ["tool_call_id", "content", "error", "name"];
