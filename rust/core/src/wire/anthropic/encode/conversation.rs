//! Writes the caller's messages.
//!
//! System text that begins a conversation is the system prompt. All results of a turn are in one message of the user, before
//! what the user says in it: 400 "`tool_use` ids were found without `tool_result` blocks immediately after". A text that is
//! empty is left out: 400 "text content blocks must be non-empty".

use serde_json::value::RawValue;

use super::content::Blocks;
use crate::error::Error;
use crate::json::write_string;
use crate::request::Request;
use crate::wire::body::{Body, Fields, field, fields, invalid};
use crate::wire::messages::{Input, Message, Part, not_a_message, plain};

/// A message that is being written.
struct Turn<'a> {
    role: &'static str,
    /// What it has besides its role and content.
    others: Fields<'a>,
    /// Results of tools, with commas between them.
    results: Vec<u8>,
    /// Other blocks, with commas between them.
    blocks: Vec<u8>,
    /// Its only block, if that is a text with nothing besides: a JSON string.
    only_text: Option<&'a str>,
    /// Whether its first block is a thought.
    begins_with_thought: bool,
}

/// The messages that are being written.
#[derive(Default)]
struct Turns<'a> {
    out: Vec<u8>,
    open: Option<Turn<'a>>,
    /// Whether the model's last turn begins with a thought; `None` if the user spoke last.
    has_thought: Option<bool>,
    last_role: &'static str,
    /// Whether the last message has results of tools.
    ends_with_results: bool,
}

/// What the parameters depend on.
pub(super) struct Written {
    /// Whether the model is in the middle of a turn that it began without a thought.
    pub(super) goes_on_without_thought: bool,
}

/// Writes the system prompt and the messages.
pub(super) fn write(
    body: &mut Body<'_>,
    request: &Request<'_>,
    blocks: &mut Blocks<'_>,
) -> Result<Written, Error> {
    let mut system = Turn::new("system");
    let mut turns = Turns::default();
    if let Some(text) = request.system.map(RawValue::get) {
        system.add_text(text);
    }
    match Input::read(request)? {
        Input::Prompt(prompt) => {
            let mut turn = Turn::new("user");
            turn.add_text(prompt);
            turn.check("prompt")?;
            turns.push(turn);
        }
        Input::Messages(list) => {
            let mut is_start = true;
            for (at, raw) in list.iter().enumerate() {
                let message = Message::read(at, raw)?;
                let message = message.ok_or_else(|| not_a_message(at, raw, &list))?;
                let is_system = matches!(&*message.role, "system" | "developer");
                is_start &= is_system;
                if is_start {
                    message.check_only_system(request)?;
                    read(message, &mut system, blocks)?;
                    continue;
                }
                let path = message.path();
                let mut turn = Turn::new(role(&message)?);
                if turn.role == "assistant" && !turns.is_models() {
                    blocks.ids.begin_turn();
                }
                read(message, &mut turn, blocks)?;
                turn.check(&path)?;
                turns.push(turn);
            }
            if is_start {
                return Err(invalid(
                    "messages: there is only a system prompt; give a message of the user, too",
                ));
            }
        }
    }
    if !system.is_empty()
        && let Some(out) = body.open("system")
    {
        system.write_content(out);
    }
    let written = turns.finish();
    if let Some(out) = body.open("messages") {
        out.push(b'[');
        out.extend_from_slice(&turns.out);
        out.push(b']');
    } else {
        blocks.dropped.clear();
    }
    Ok(written)
}

/// The role of a message in the words of this API.
fn role(message: &Message<'_>) -> Result<&'static str, Error> {
    match &*message.role {
        "user" | "tool" | "function" => Ok("user"),
        "assistant" => Ok("assistant"),
        "system" | "developer" => Ok("system"),
        other => Err(invalid(format!(
            "{}.role: '{}' is not a role; give user, assistant, system or tool",
            message.path(),
            other.escape_debug()
        ))),
    }
}

/// Keys of a message that only Chat Completions has.
const OF_CHAT: [&str; 7] = [
    "audio",
    "annotations",
    "executed_tools",
    "parsed",
    "provider_metadata",
    "tool_call_id",
    "function_call",
];

/// Reads a message into a turn.
fn read<'a>(
    mut message: Message<'a>,
    turn: &mut Turn<'a>,
    blocks: &mut Blocks<'_>,
) -> Result<(), Error> {
    let path = message.path();
    let is_dict = message.parts.is_none();
    let is_tool = matches!(&*message.role, "tool" | "function");
    let parts = message.take_parts()?;
    for part in &parts {
        let is_result = is_result(part);
        if is_result && turn.role != "user" {
            return Err(part.invalid(": only a message of the user or of a tool has results"));
        }
        if is_tool && !is_result {
            return Err(invalid(format!(
                "{path}: a tool message holds results; write call.result(…) or ToolResult(call_id, …)"
            )));
        }
        if part.kind == "tool_call" && turn.role != "assistant" {
            return Err(part.invalid(": only a message of the assistant has calls"));
        }
        if turn.role == "system" && matches!(&*part.kind, "image" | "file" | "audio") {
            return Err(part.invalid(
                ": messages takes only text from the system; send it in a message of the user",
            ));
        }
        turn.add(part, is_result, blocks)?;
    }
    if message.name.is_some() {
        blocks.dropped.push(format!("{path}.name"));
    }
    for (key, raw) in message.extra {
        match (is_dict && !OF_CHAT.contains(&&*key), raw) {
            (_, "null") | (false, "[]" | "{}" | "\"\"") => {}
            (true, raw) => turn.others.push((key, raw)),
            (false, _) => blocks.dropped.push(format!("{path}.{key}")),
        }
    }
    Ok(())
}

/// Whether a part is the result of a tool, in our form or in that of this API.
fn is_result(part: &Part<'_>) -> bool {
    let kind = part.get("type").map(plain).unwrap_or_default();
    part.kind == "tool_result" || part.kind.is_empty() && kind == "tool_result"
}

impl<'a> Turn<'a> {
    fn new(role: &'static str) -> Self {
        Self {
            role,
            others: Fields::new(),
            results: Vec::new(),
            blocks: Vec::new(),
            only_text: None,
            begins_with_thought: false,
        }
    }

    /// Adds a text, which is a JSON string.
    fn add_text(&mut self, text: &'a str) {
        if text == "\"\"" {
            return;
        }
        self.only_text = self.blocks.is_empty().then_some(text);
        let mut block = br#"{"type":"text""#.to_vec();
        field(&mut block, "text", text);
        block.push(b'}');
        add(&mut self.blocks, &block);
    }

    fn add(
        &mut self,
        part: &Part<'a>,
        is_result: bool,
        blocks: &mut Blocks<'_>,
    ) -> Result<(), Error> {
        let Some(block) = blocks.block(part)? else {
            return Ok(());
        };
        if is_result {
            add(&mut self.results, &block);
            return Ok(());
        }
        if self.blocks.is_empty() {
            self.only_text = Blocks::only_text(part);
            self.begins_with_thought = self.role == "assistant" && is_thought(&block);
        } else {
            self.only_text = None;
        }
        add(&mut self.blocks, &block);
        Ok(())
    }

    /// Refuses a message of the user that says nothing: 400 "messages must have non-empty content".
    fn check(&self, path: &str) -> Result<(), Error> {
        if self.role == "user" && self.is_empty() {
            return Err(invalid(format!("{path}: it is empty; give some text")));
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.results.is_empty() && self.blocks.is_empty()
    }

    /// Writes its content.
    fn write_content(&self, out: &mut Vec<u8>) {
        if let Some(text) = self.only_text.filter(|_| self.results.is_empty()) {
            out.extend_from_slice(text.as_bytes());
            return;
        }
        out.push(b'[');
        out.extend_from_slice(&self.results);
        if !self.results.is_empty() && !self.blocks.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(&self.blocks);
        out.push(b']');
    }
}

/// Adds a block to a list of them.
fn add(list: &mut Vec<u8>, block: &[u8]) {
    if !list.is_empty() {
        list.push(b',');
    }
    list.extend_from_slice(block);
}

/// Whether a block is a thought. Its keys may be in any order.
fn is_thought(block: &[u8]) -> bool {
    let block = str::from_utf8(block).unwrap_or_default();
    let known = fields(block, "").unwrap_or_default();
    known
        .iter()
        .any(|(key, raw)| key == "type" && matches!(&*plain(raw), "thinking" | "redacted_thinking"))
}

impl<'a> Turns<'a> {
    /// Whether the model spoke last.
    fn is_models(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.role == "assistant")
    }

    /// Adds a message. One of the user joins the one before it where one of them has results.
    fn push(&mut self, turn: Turn<'a>) {
        if turn.is_empty() {
            // A model that said nothing.
            return;
        }
        match &mut self.open {
            Some(open)
                if open.role == "user"
                    && turn.role == "user"
                    && !(open.results.is_empty() && turn.results.is_empty()) =>
            {
                for (list, more) in [
                    (&mut open.results, &turn.results),
                    (&mut open.blocks, &turn.blocks),
                ] {
                    if !more.is_empty() {
                        add(list, more);
                    }
                }
                open.only_text = None;
                let known: Vec<_> = open.others.iter().map(|(key, _)| key.clone()).collect();
                let more = turn.others.into_iter();
                open.others
                    .extend(more.filter(|(key, _)| !known.contains(key)));
            }
            _ => {
                self.close();
                self.open = Some(turn);
            }
        }
    }

    fn close(&mut self) {
        let Some(turn) = self.open.take() else {
            return;
        };
        self.ends_with_results = !turn.results.is_empty();
        if turn.role == "assistant" && self.last_role != "assistant" {
            self.has_thought = Some(turn.begins_with_thought);
        }
        self.last_role = turn.role;
        if !self.out.is_empty() {
            self.out.push(b',');
        }
        self.out.extend_from_slice(b"{\"role\":");
        write_string(&mut self.out, turn.role);
        self.out.extend_from_slice(b",\"content\":");
        turn.write_content(&mut self.out);
        for (key, raw) in &turn.others {
            field(&mut self.out, key, raw);
        }
        self.out.push(b'}');
    }

    /// Writes what is open.
    fn finish(&mut self) -> Written {
        self.close();
        Written {
            goes_on_without_thought: self.ends_with_results && self.has_thought == Some(false),
        }
    }
}
