//! Writes the caller's messages as contents.
//!
//! - An assistant is the role `model`; messages of an assistant that follow each other are one content, and so are results
//!   of tools, because the server wants all results of parallel calls in one.
//! - System text before all else is the `systemInstruction`. The API has no role for it later on: there it is a user's text,
//!   in its place, because moving it to the front would change what it is about.
//! - Gemini 3 and later refuse a call without the signature that it came with, in the current turn, where it is the first
//!   of its step. A call that another model made has none; the documentation has a word to put in its place
//!   (<https://ai.google.dev/gemini-api/docs/thought-signatures>).

use super::call::Calls;
use super::part::{Target, thought};
use crate::error::Error;
use crate::request::Request;
use crate::wire::body::{Body, fields, invalid, value};
use crate::wire::gemini::families;
use crate::wire::messages::{Input, Message, Part, inner, not_a_message, plain};
use crate::wire::providers::Provider;

/// What is sent instead of a missing signature.
const NO_SIGNATURE: &str = r#","thoughtSignature":"skip_thought_signature_validator""#;

/// Writes the system prompt and the input, and adds to `dropped` what was left out.
pub(super) fn write(
    body: &mut Body<'_>,
    (request, provider): (&Request<'_>, &Provider),
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    let mut contents = Contents {
        to: Target {
            provider,
            model: &request.model,
            is_vertex: provider.is_vertex,
        },
        system: Vec::new(),
        list: Vec::new(),
        calls: Calls::default(),
        dropped: Vec::new(),
    };
    if let Some(system) = request.system {
        contents.system = format!("{{\"text\":{}}}", system.get()).into_bytes();
    }
    match Input::read(request)? {
        Input::Prompt(prompt) => {
            let parts = format!("{{\"text\":{prompt}}}").into_bytes();
            contents.list.push(Entry {
                parts,
                ..Entry::of("user")
            });
        }
        Input::Messages(list) => {
            for (at, raw) in list.iter().enumerate() {
                match Message::read(at, raw)? {
                    Some(message) => {
                        message.check_only_system(request)?;
                        contents.message(message)?;
                    }
                    None if contents.take_content(raw)? => {}
                    None => return Err(not_a_message(at, raw, &list)),
                }
            }
        }
    }
    if !contents.system.is_empty()
        && let Some(out) = body.open("systemInstruction")
    {
        out.extend_from_slice(b"{\"parts\":[");
        out.extend_from_slice(&contents.system);
        out.extend_from_slice(b"]}");
    }
    if let Some(out) = body.open("contents") {
        if contents.list.is_empty() {
            return Err(invalid(
                "messages: there is only system text, and gemini needs something to answer; add a user message",
            ));
        }
        contents.write(out);
        dropped.append(&mut contents.dropped);
    }
    Ok(())
}

/// The contents that are being collected.
struct Contents<'a, 'p> {
    to: Target<'p>,
    /// The parts of the system instruction.
    system: Vec<u8>,
    list: Vec<Entry>,
    calls: Calls<'a>,
    dropped: Vec<String>,
}

/// One content.
struct Entry {
    role: &'static str,
    /// Its parts with commas between them; the whole content if the caller wrote it in this form.
    parts: Vec<u8>,
    is_verbatim: bool,
    results: Results,
    first_call: FirstCall,
}

/// Whether a content has results of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Results {
    None,
    Some,
    /// It has nothing else.
    Only,
}

/// The first call of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstCall {
    None,
    Signed,
    /// Where its signature is missing.
    Unsigned(usize),
}

impl Entry {
    fn of(role: &'static str) -> Self {
        Self {
            role,
            parts: Vec::new(),
            is_verbatim: false,
            results: Results::None,
            first_call: FirstCall::None,
        }
    }

    /// Where the next part is written.
    fn next(&mut self) -> &mut Vec<u8> {
        if !self.parts.is_empty() {
            self.parts.push(b',');
        }
        &mut self.parts
    }
}

impl<'a> Contents<'a, '_> {
    /// Takes an entry without a role that is a content all the same; false if it is not one.
    fn take_content(&mut self, raw: &'a str) -> Result<bool, Error> {
        if !raw.starts_with('{') {
            return Ok(false);
        }
        let parts = value(&fields(raw, "messages")?, "parts");
        let is_content = parts.is_some_and(|raw| raw.starts_with('['));
        if is_content {
            self.verbatim("user", raw);
        }
        Ok(is_content)
    }

    /// Takes a message whose parts are in Gemini's form. Its role may be one of ours, which the API does not have.
    fn own(&mut self, given: &str, role: &'static str, parts: &str, message: &Message<'_>) {
        if matches!(given, "user" | "model" | "function") {
            self.verbatim(role, message.raw);
            return;
        }
        self.others(&message.path(), message);
        if matches!(given, "system" | "developer") && self.list.is_empty() {
            if !self.system.is_empty() {
                self.system.push(b',');
            }
            let inside = parts
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            self.system
                .extend_from_slice(inside.unwrap_or_default().as_bytes());
            return;
        }
        self.verbatim(role, &format!("{{\"role\":\"{role}\",\"parts\":{parts}}}"));
    }

    fn verbatim(&mut self, role: &'static str, raw: &str) {
        let names = ["\"functionResponse\"", "\"function_response\""];
        let results = if names.iter().any(|name| raw.contains(name)) {
            Results::Some
        } else {
            Results::None
        };
        self.list.push(Entry {
            parts: raw.as_bytes().to_vec(),
            is_verbatim: true,
            results,
            ..Entry::of(role)
        });
    }

    fn message(&mut self, mut message: Message<'a>) -> Result<(), Error> {
        let path = message.path();
        let given = message.role.clone();
        let role = match &*given {
            "user" | "tool" | "function" | "system" | "developer" => "user",
            "assistant" | "model" => "model",
            other => {
                return Err(invalid(format!(
                    "{path}.role: gemini has no role {}; give system, user, assistant or tool",
                    other.escape_debug()
                )));
            }
        };
        if let Some(parts) = message.parts.filter(|parts| are_own(parts)) {
            self.own(&given, role, parts, &message);
            return Ok(());
        }
        let parts = message.take_parts()?;
        self.others(&path, &message);
        if matches!(&*given, "system" | "developer") && self.list.is_empty() {
            return self.instruct(&parts);
        }
        let is_results = !parts.is_empty() && parts.iter().all(|part| part.kind == "tool_result");
        if matches!(&*given, "tool" | "function") && !is_results {
            return Err(invalid(format!(
                "{path}: a tool message holds results; write call.result(…) or ToolResult(call_id, …)"
            )));
        }
        let joins = self.list.last().is_some_and(|last| {
            !last.is_verbatim
                && last.role == role
                && (role == "model" || is_results && last.results == Results::Only)
        });
        if role == "model" && self.list.last().is_none_or(|last| last.role != "model") {
            self.calls.begin_turn();
        }
        let mut entry = match self.list.pop() {
            Some(last) if joins => last,
            last => {
                self.list.extend(last);
                Entry {
                    results: if is_results {
                        Results::Only
                    } else {
                        Results::None
                    },
                    ..Entry::of(role)
                }
            }
        };
        for part in &parts {
            self.part(part, &mut entry)?;
        }
        // Of an assistant nothing may be left; a user who says nothing is for the server to judge.
        if role == "user" || !entry.parts.is_empty() {
            self.list.push(entry);
        }
        Ok(())
    }

    /// Adds to `dropped` the keys of a message that a content does not have.
    fn others(&mut self, path: &str, message: &Message<'_>) {
        if message.name.is_some() {
            self.dropped.push(format!("{path}.name"));
        }
        for (key, raw) in &message.extra {
            if !matches!(*raw, "null" | "[]" | "{}") {
                self.dropped.push(format!("{path}.{key}"));
            }
        }
    }

    /// Adds to the system instruction.
    fn instruct(&mut self, parts: &[Part<'a>]) -> Result<(), Error> {
        for part in parts {
            if part.kind != "text" {
                return Err(part.invalid(": gemini takes only text from the system"));
            }
            if !self.system.is_empty() {
                self.system.push(b',');
            }
            self.to.part(part, &mut self.system, &mut self.dropped)?;
        }
        Ok(())
    }

    fn part(&mut self, part: &Part<'a>, entry: &mut Entry) -> Result<(), Error> {
        let why = match (&*part.kind, entry.role) {
            ("tool_call", "user") => "only a message of the assistant has calls",
            ("tool_result", "model") => "only a message of the user or of a tool has results",
            _ => "",
        };
        if !why.is_empty() {
            return Err(part.invalid(&format!(": {why}")));
        }
        let dropped = &mut self.dropped;
        if part.is_signed_text() && self.to.is_foreign(part) {
            dropped.push(format!("{}.extra", part.path()));
        }
        match &*part.kind {
            "reasoning" if self.to.sent(part) => thought(part, entry.next()),
            "reasoning" => {
                dropped.push(part.path());
                Ok(())
            }
            "opaque" => {
                let field = plain(part.text("field")?);
                // It may be null.
                let Some(json) = value(&part.fields, "json") else {
                    return Err(part.invalid(".json: it is missing"));
                };
                if self.to.sent(part) && field == "parts" {
                    entry.next().extend_from_slice(json.as_bytes());
                } else if !part.only_describes() {
                    dropped.push(part.path());
                }
                Ok(())
            }
            "tool_call" => {
                let is_signed = self.calls.write(part, self.to, entry.next(), dropped)?;
                if entry.first_call == FirstCall::None {
                    // Before the brace that ends it.
                    let end = entry.parts.len().saturating_sub(1);
                    entry.first_call = if is_signed {
                        FirstCall::Signed
                    } else {
                        FirstCall::Unsigned(end)
                    };
                }
                Ok(())
            }
            "tool_result" => {
                if entry.results == Results::None {
                    entry.results = Results::Some;
                }
                self.calls
                    .write_result(part, self.to, entry.next(), dropped)
            }
            // The model of another provider may have said nothing beside its calls, and Vertex refuses an empty text.
            "text"
                if entry.role == "model"
                    && self.to.is_foreign(part)
                    && part.get("text") == Some("\"\"") =>
            {
                Ok(())
            }
            _ => self.to.part(part, entry.next(), dropped),
        }
    }

    /// Writes the list.
    fn write(&self, out: &mut Vec<u8>) {
        let is_question = |entry: &Entry| entry.role == "user" && entry.results == Results::None;
        let turn = self.list.iter().rposition(is_question).unwrap_or(0);
        let needs_signatures = families::is_3(self.to.model);
        out.push(b'[');
        for (at, entry) in self.list.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            if entry.is_verbatim {
                out.extend_from_slice(&entry.parts);
                continue;
            }
            out.extend_from_slice(format!("{{\"role\":\"{}\",\"parts\":[", entry.role).as_bytes());
            let is_checked = needs_signatures && at >= turn;
            let cut = match entry.first_call {
                FirstCall::Unsigned(end) if is_checked => entry.parts.split_at_checked(end),
                _ => None,
            };
            match cut {
                Some((before, after)) => {
                    out.extend_from_slice(before);
                    out.extend_from_slice(NO_SIGNATURE.as_bytes());
                    out.extend_from_slice(after);
                }
                None => out.extend_from_slice(&entry.parts),
            }
            out.extend_from_slice(b"]}");
        }
        out.push(b']');
    }
}

/// Whether the parts of a message are in Gemini's own form, in which none has a `type`.
fn are_own(parts: &str) -> bool {
    let start = parts.trim_start_matches(['[', ' ', '\n']);
    let Ok(first) = fields(start_of(start), "parts") else {
        return false;
    };
    !first.is_empty() && first.iter().all(|(key, _)| key != "type") && inner(parts) != "[]"
}

/// The first object of a list, without what follows it.
fn start_of(list: &str) -> &str {
    let mut reader = crate::json::Reader::over(list);
    reader.raw().unwrap_or("null")
}
