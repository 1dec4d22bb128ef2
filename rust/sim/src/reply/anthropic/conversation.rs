//! The conversation of a request: its system text and its messages.

use serde_json::Value;

use super::blocks;
use super::refusal::{invalid, missing, wrong, wrong_tag, wrong_word};
use crate::reply::ask::{Answered, Prompt};
use crate::reply::body::{Checked, joined_text, present};

/// System messages can come between the others.
const ROLES: [&str; 3] = ["user", "assistant", "system"];

/// The most places at which a prompt can be cached.
const MAX_BREAKPOINTS: usize = 4;

/// A block and its place.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) place: String,
    pub(super) kind: &'a str,
    /// A string for a message that is one.
    pub(super) json: &'a Value,
}

/// Neighbouring messages of one role, which the API joins.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    /// The number of its first message.
    pub(super) number: usize,
    pub(super) role: &'a str,
    pub(super) blocks: Vec<Placed<'a>>,
}

/// How much of a prompt is cached.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cached {
    pub(super) tokens: u64,
    /// Whether that is for an hour, not five minutes.
    pub(super) is_long: bool,
}

/// What a request says.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) prompt: Prompt,
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) cached: Cached,
}

impl<'a> Conversation<'a> {
    /// Reads `system` and `messages`. `is_own` says whether the provider's own rules are checked.
    pub(super) fn read(json: &'a Value, is_own: bool) -> Checked<Self> {
        // The salt and the roles are those of chat, so that the same question gets the same answer.
        let mut read = Self {
            prompt: Prompt::new(b"chat"),
            turns: Vec::new(),
            cached: Cached::default(),
        };
        let mut breakpoints = Breakpoints::default();
        let tools = json.get("tools").and_then(Value::as_array);
        for (at, tool) in tools.into_iter().flatten().enumerate() {
            breakpoints.read(&format!("tools.{at}"), tool)?;
        }
        read.read_system(json, is_own, &mut breakpoints)?;
        let messages = match json.get("messages") {
            Some(Value::Array(messages)) if messages.is_empty() => {
                return Err(wrong("messages", "at least one message is required"));
            }
            Some(Value::Array(messages)) => messages,
            Some(_) => return Err(wrong("messages", "Input should be a valid list")),
            None => return Err(missing("messages")),
        };
        let last = messages.len() - 1;
        for (number, message) in messages.iter().enumerate() {
            let is_last = number == last;
            read.read_message(number, message, is_last, is_own, &mut breakpoints)?;
        }
        if present(json, "cache_control").is_some() {
            breakpoints.read("cache_control", json)?;
            read.cache(&breakpoints);
        }
        if is_own {
            breakpoints.check()?;
        }
        Ok(read)
    }

    /// Remembers that everything up to here is cached.
    fn cache(&mut self, breakpoints: &Breakpoints) {
        if let Some((_, is_long)) = breakpoints.seen.last() {
            self.cached = Cached {
                tokens: self.prompt.tokens,
                is_long: *is_long,
            };
        }
    }

    fn read_system(
        &mut self,
        json: &'a Value,
        is_own: bool,
        breakpoints: &mut Breakpoints,
    ) -> Checked<()> {
        match present(json, "system") {
            None => return Ok(()),
            Some(Value::String(text)) => {
                self.prompt.mix(b"system");
                self.prompt.push(text);
            }
            Some(Value::Array(texts)) => {
                self.prompt.mix(b"system");
                for (at, block) in texts.iter().enumerate() {
                    let place = format!("system.{at}");
                    let kind = blocks::check(&place, block, "system", is_own)?;
                    if kind != "text" {
                        return Err(wrong_tag(&place, kind, &["text"]));
                    }
                    blocks::check_text(block, "system", is_own)?;
                    self.push(block);
                    if breakpoints.read(&place, block)? {
                        self.cache(breakpoints);
                    }
                }
            }
            Some(_) => return Err(wrong("system", "Input should be a valid string or a list")),
        }
        Ok(())
    }

    fn push(&mut self, block: &Value) {
        if let Some(text) = block.get("text").and_then(Value::as_str) {
            self.prompt.push(text);
        }
    }

    fn read_message(
        &mut self,
        number: usize,
        message: &'a Value,
        is_last: bool,
        is_own: bool,
        breakpoints: &mut Breakpoints,
    ) -> Checked<()> {
        let place = format!("messages.{number}");
        if !message.is_object() {
            return Err(wrong(&place, "Input should be a valid dictionary"));
        }
        let role_place = format!("{place}.role");
        let role = present(message, "role").ok_or_else(|| missing(&role_place))?;
        let role = role.as_str().unwrap_or_default();
        if !ROLES.contains(&role) {
            return Err(wrong_word(&role_place, &ROLES));
        }
        let place = format!("{place}.content");
        let content = present(message, "content").ok_or_else(|| missing(&place))?;
        let is_empty = match content {
            Value::String(text) => text.is_empty(),
            Value::Array(blocks) => blocks.is_empty(),
            _ => return Err(wrong(&place, "Input should be a valid string or a list")),
        };
        if is_own && is_empty && !(is_last && role == "assistant") {
            return Err(invalid(format!(
                "messages.{number}: all messages must have non-empty content except for the \
                 optional final assistant message"
            )));
        }
        if self.turns.last().is_none_or(|turn| turn.role != role) {
            self.turns.push(Turn {
                number,
                role,
                blocks: Vec::new(),
            });
        }
        let listed = match content {
            Value::Array(blocks) => blocks.as_slice(),
            text => std::slice::from_ref(text),
        };
        let mut has_role = false;
        for (at, block) in listed.iter().enumerate() {
            let (place, kind) = match block {
                Value::String(_) if content.is_string() => (place.clone(), "text"),
                block => {
                    let place = format!("{place}.{at}");
                    let kind = blocks::check(&place, block, role, is_own)?;
                    (place, kind)
                }
            };
            blocks::check_text(block, role, is_own)?;
            if kind == "tool_result" {
                self.prompt.mix(b"tool");
                has_role = false;
            } else if !std::mem::replace(&mut has_role, true) {
                self.prompt.mix(role.as_bytes());
            }
            match (kind, block) {
                ("tool_result", block) => self.prompt.push(&joined_text(block.get("content"))),
                (_, Value::String(text)) => self.prompt.push(text),
                ("text", block) => self.push(block),
                _ => {}
            }
            if breakpoints.read(&place, block)? {
                self.cache(breakpoints);
            }
            let placed = Placed {
                place,
                kind,
                json: block,
            };
            if let Some(turn) = self.turns.last_mut() {
                turn.blocks.push(placed);
            }
        }
        Ok(())
    }

    /// The results of tools that the conversation ends with, in order.
    pub(super) fn results(&self) -> Vec<Answered<'a>> {
        let Some(last) = self.turns.last().filter(|turn| turn.role == "user") else {
            return Vec::new();
        };
        let is_result = |placed: &&Placed<'_>| placed.kind == "tool_result";
        let count = last.blocks.iter().rev().take_while(is_result).count();
        let results = last.blocks.iter().skip(last.blocks.len() - count);
        let answered = results.map(|placed| Answered {
            name: self.name_of(placed.json.get("tool_use_id")),
            text: joined_text(placed.json.get("content")),
        });
        answered.collect()
    }

    /// The name of the tool of a call.
    fn name_of(&self, id: Option<&Value>) -> Option<&'a str> {
        let blocks = self.turns.iter().rev().flat_map(|turn| turn.blocks.iter());
        let mut calls = blocks.filter(|placed| placed.kind == "tool_use");
        let call = calls.find(|call| id.is_some() && call.json.get("id") == id)?;
        call.json.get("name")?.as_str()
    }
}

/// The places at which the prompt is cached, in the order in which they are processed.
#[derive(Debug, Default)]
struct Breakpoints {
    /// Where, and whether for an hour.
    seen: Vec<(String, bool)>,
}

impl Breakpoints {
    /// Reads the `cache_control` of a tool or a block. Returns whether it has one.
    fn read(&mut self, place: &str, json: &Value) -> Checked<bool> {
        if let Some(Value::Array(inner)) = json.get("content") {
            for (at, block) in inner.iter().enumerate() {
                self.read(&format!("{place}.content.{at}"), block)?;
            }
        }
        let Some(control) = present(json, "cache_control") else {
            return Ok(false);
        };
        let place = format!("{place}.cache_control");
        match control.get("type").map(Value::as_str) {
            Some(Some("ephemeral")) => {}
            None => return Err(missing(&format!("{place}.type"))),
            Some(word) => {
                return Err(wrong_tag(&place, word.unwrap_or_default(), &["ephemeral"]));
            }
        }
        let is_long = match present(control, "ttl").map(Value::as_str) {
            None | Some(Some("5m")) => false,
            Some(Some("1h")) => true,
            Some(_) => {
                let place = format!("{place}.ephemeral.ttl");
                return Err(wrong_word(&place, &["5m", "1h"]));
            }
        };
        self.seen.push((place, is_long));
        Ok(true)
    }

    fn check(&self) -> Checked<()> {
        let count = self.seen.len();
        if count > MAX_BREAKPOINTS {
            return Err(invalid(format!(
                "A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found \
                 {count}."
            )));
        }
        let is_late = |pair: &&[(String, bool)]| matches!(pair, [(_, false), (_, true)]);
        match self.seen.windows(2).find(is_late) {
            Some([_, (place, _)]) => Err(invalid(format!(
                "{place}.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' \
                 cache_control block. Note that blocks are processed in the following order: \
                 `tools`, `system`, `messages`."
            ))),
            _ => Ok(()),
        }
    }
}
