//! Writes messages of parts as messages of Chat Completions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::media::media;
use super::twice::DETAILS;
use super::{NAME, call, dict};
use crate::error::Error;
use crate::json::write_string;
use crate::wire::body::{Fields, field, fields};
use crate::wire::messages::{Content, Part, Parts, inner, plain};
use crate::wire::providers::Provider;
use crate::wire::reasoning::{Needed, ReasoningBack};

/// The list of messages that is being written.
pub(super) struct Written<'a> {
    pub(super) provider: &'a Provider,
    /// What goes back of reasoning to the model that is asked.
    pub(super) reasoning: ReasoningBack,
    /// The model that is asked.
    pub(super) model: &'a str,
    pub(super) out: &'a mut Vec<u8>,
    pub(super) dropped: Vec<String>,
}

impl Written<'_> {
    /// Puts a comma before every message but the first.
    pub(super) fn separate(&mut self) {
        if self.out.last() != Some(&b'[') {
            self.out.push(b',');
        }
    }

    /// The one field for reasoning, if there is one, and whether an assistant message needs it if only as an empty text.
    pub(super) fn reasoning_field(
        &self,
        calls_tools: bool,
        is_begun: bool,
    ) -> Option<(&str, bool)> {
        let ReasoningBack::Field { name, needed } = &self.reasoning else {
            return None;
        };
        let is_needed = match needed {
            Needed::IfTheModelReasons => return None,
            Needed::No => false,
            Needed::WithToolCalls => calls_tools,
            // The model would go on after an empty thought.
            Needed::Always => !is_begun,
        };
        Some((name, is_needed))
    }

    /// The mark of a part where a cached prefix ends.
    fn mark(&self, part: &Part<'_>) -> Result<&'static str, Error> {
        let marks = self.provider.cache_marks;
        marks.mark(part.get("cache"), || part.path(), self.model)
    }

    /// Writes a message with only text, which is a JSON string.
    pub(super) fn text_message(&mut self, role: &str, text: &str) {
        self.separate();
        self.out.extend_from_slice(b"{\"role\":");
        write_string(self.out, role);
        field(self.out, "content", text);
        self.out.push(b'}');
    }
}

/// The fields of a message; every value is JSON text.
#[derive(Default)]
struct Message<'a> {
    content: Vec<Item<'a>>,
    reasoning: Vec<(String, &'a str)>,
    refusal: Vec<&'a str>,
    calls: Vec<String>,
    other: Vec<(String, String)>,
}

enum Item<'a> {
    /// A JSON string.
    Text(&'a str),
    /// A content block.
    Block(String),
}

/// Keys of a part of reasoning that we know.
const REASONING_KEYS: [&str; 6] = [
    "text",
    "signature",
    "field",
    "provider",
    "model",
    "thinking",
];

/// What servers send of an audio besides its id, but do not accept.
const AUDIO_KEYS: [&str; 3] = ["data", "transcript", "expires_at"];

/// Message keys that servers send but do not accept.
const ANSWER_ONLY: [&str; 4] = [
    "annotations",
    "executed_tools",
    "parsed",
    "provider_metadata",
];

/// Writes one message of parts. Each tool result becomes a separate message, before the rest.
pub(super) fn write(
    path: &str,
    (role, name, extra): (&str, Option<&str>, &Fields<'_>),
    parts: &str,
    to: &mut Written<'_>,
) -> Result<(), Error> {
    let mut message = Message::default();
    let mut any = false;
    for part in Parts::Ours.read(parts, &format!("{path}.parts"))? {
        if part.kind == "tool_result" {
            tool_message(&part, to)?;
        } else {
            any = true;
            message.add(&part, to)?;
        }
    }
    if any || role != "tool" && parts.trim() == "[]" {
        let has_own = role == "assistant" && to.reasoning != ReasoningBack::AsSent;
        if has_own {
            let calls_tools = !message.calls.is_empty();
            let sent = dict::reasoning(path, extra, calls_tools, to);
            message
                .reasoning
                .extend(sent.filter(|_| message.reasoning.is_empty()));
        }
        let extra = extra
            .iter()
            .filter(|(key, _)| !(has_own && to.is_reasoning(key)))
            .map(|(key, raw)| (key.to_string(), (*raw).to_owned()));
        message.other.extend(extra);
        to.separate();
        message.write(role, name, to.out);
    }
    Ok(())
}

impl<'a> Message<'a> {
    fn add(&mut self, part: &Part<'a>, to: &mut Written<'_>) -> Result<(), Error> {
        match &*part.kind {
            "text" => {
                let text = part.text("text")?;
                let extra = block_keys(part, to) + to.mark(part)?;
                self.content.push(if extra.is_empty() {
                    Item::Text(text)
                } else {
                    Item::Block(format!(r#"{{"type":"text","text":{text}{extra}}}"#))
                });
            }
            "image" | "audio" | "file" => {
                self.content.push(Item::Block(media(part, to.mark(part)?)?));
            }
            "refusal" => {
                let text = part.text("text")?;
                let extra = block_keys(part, to);
                if extra.is_empty() {
                    self.refusal.push(text);
                } else {
                    self.content.push(Item::Block(format!(
                        r#"{{"type":"refusal","refusal":{text}{extra}}}"#
                    )));
                }
            }
            "tool_call" => {
                self.calls.push(call::write(part, to)?);
            }
            "reasoning" => self.add_reasoning(part, to)?,
            "opaque" => self.add_opaque(part, to)?,
            other => return Err(part.invalid(&format!(".type: there is no part of type {other}"))),
        }
        Ok(())
    }

    fn add_reasoning(&mut self, part: &Part<'a>, to: &mut Written<'_>) -> Result<(), Error> {
        let text = part.text("text")?;
        let field = part.get("field").map(plain).unwrap_or_default();
        let is_own = part.is_from(to.provider, NAME);
        match &to.reasoning {
            // It is sent back inside the block that it was read from.
            ReasoningBack::AsSent | ReasoningBack::Field { .. } if is_own && field == DETAILS => {}
            ReasoningBack::AsSent | ReasoningBack::Blocks if is_own && field == "thinking" => {
                self.content.push(thinking(part, text));
            }
            ReasoningBack::AsSent if is_own && !field.is_empty() => {
                self.reasoning.push((field.into_owned(), text));
            }
            ReasoningBack::Field { name, needed }
                if is_own && (*needed != Needed::IfTheModelReasons || part.is_of(to.model)) =>
            {
                self.reasoning.push((name.to_string(), text));
            }
            _ => to.dropped.push(part.path()),
        }
        Ok(())
    }

    fn add_opaque(&mut self, part: &Part<'a>, to: &mut Written<'_>) -> Result<(), Error> {
        let field = plain(part.text("field")?);
        // A block may be null; it is sent back as it is.
        let found = part.fields.iter().find(|(key, _)| key == "json");
        let Some(json) = found.map(|(_, raw)| *raw) else {
            return Err(part.invalid(".json: it is missing"));
        };
        if !part.is_from(to.provider, NAME) {
            if !part.only_describes() {
                to.dropped.push(part.path());
            }
        } else if field == "content" {
            self.content.push(Item::Block(json.to_owned()));
        } else if field == "audio" {
            // The server keeps the audio, and its id is sent back.
            let fields = fields(json, part.path())?;
            if let Some((_, id)) = fields.iter().find(|(key, _)| key == "id") {
                let mut audio = format!("{{\"id\":{id}").into_bytes();
                for (key, raw) in &fields {
                    if key != "id" && *raw != "null" && !AUDIO_KEYS.contains(&&**key) {
                        self::field(&mut audio, key, raw);
                    }
                }
                audio.push(b'}');
                let audio = String::from_utf8_lossy(&audio).into_owned();
                self.other.push((field.into_owned(), audio));
            }
        } else if !ANSWER_ONLY.contains(&&*field) {
            self.other.push((field.into_owned(), json.to_owned()));
        }
        Ok(())
    }

    fn write(&self, role: &str, name: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"role\":");
        write_string(out, role);
        if let Some(name) = name {
            field(out, "name", name);
        }
        field(out, "content", &self.content(role));
        if !self.refusal.is_empty() {
            field(out, "refusal", &joined(self.refusal.iter().copied()));
        }
        let mut reasoning: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, text) in &self.reasoning {
            reasoning.entry(name).or_default().push(text);
        }
        for (name, texts) in reasoning {
            field(out, name, &joined(texts.into_iter()));
        }
        if !self.calls.is_empty() {
            field(out, "tool_calls", &format!("[{}]", self.calls.join(",")));
        }
        for (key, json) in &self.other {
            field(out, key, json);
        }
        out.push(b'}');
    }

    /// One string if there is only text, because some servers accept no lists; otherwise a list of blocks.
    fn content(&self, role: &str) -> String {
        let text = |item: &Item<'a>| match item {
            Item::Text(text) => Some(*text),
            Item::Block(_) => None,
        };
        if self.content.is_empty() && !(self.calls.is_empty() && self.refusal.is_empty()) {
            return "null".to_owned();
        }
        let texts: Option<Vec<&str>> = self.content.iter().map(text).collect();
        if let Some(texts) = texts.filter(|texts| texts.len() < 2 || role == "assistant") {
            return joined(texts.into_iter());
        }
        let blocks = self.content.iter().map(|item| match item {
            Item::Text(text) => format!(r#"{{"type":"text","text":{text}}}"#),
            Item::Block(block) => block.clone(),
        });
        format!("[{}]", blocks.collect::<Vec<_>>().join(","))
    }
}

fn tool_message(part: &Part<'_>, to: &mut Written<'_>) -> Result<(), Error> {
    let content = match part.content()? {
        Content::Text(text) => Cow::Borrowed(text),
        Content::Parts(parts) => {
            let mut message = Message::default();
            for part in parts {
                message.add(&part, to)?;
            }
            Cow::Owned(message.content("tool"))
        }
    };
    to.separate();
    to.out.extend_from_slice(b"{\"role\":\"tool\"");
    // A server whose calls have no id accepts results without one.
    if let Some(id) = part.get("tool_call_id") {
        field(to.out, "tool_call_id", id);
    }
    if let Some(name) = part.get("name") {
        field(to.out, "name", name);
    }
    field(to.out, "content", &content);
    to.out.push(b'}');
    Ok(())
}

/// A block of the content, in its position, as Mistral has it. With references it is kept as it came.
fn thinking<'a>(part: &Part<'a>, text: &str) -> Item<'a> {
    let signature = part.get("signature");
    let signature = signature.map(|raw| format!(",\"signature\":{raw}"));
    let signature = signature.unwrap_or_default();
    let extra = part.extra(&REASONING_KEYS);
    let thinking = part.get("thinking").map(str::to_owned);
    let thinking = thinking.unwrap_or_else(|| format!(r#"[{{"type":"text","text":{text}}}]"#));
    Item::Block(format!(
        r#"{{"type":"thinking","thinking":{thinking}{signature}{extra}}}"#
    ))
}

/// What else the block of a text or a refusal has. Keys that a provider sent go only to that provider, and to the API that
/// they came by.
fn block_keys(part: &Part<'_>, to: &mut Written<'_>) -> String {
    if !part.is_of_another(to.provider, NAME) {
        return part.extra(&["text"]);
    }
    let is_ours = part.is_by(NAME) && !part.extra(&["text"]).is_empty();
    if is_ours || part.is_signed_text() {
        to.dropped.push(format!("{}.extra", part.path()));
    }
    String::new()
}

/// Joins JSON strings. Their escapes stay as they are.
fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut whole = String::from("\"");
    texts.for_each(|text| whole.push_str(inner(text)));
    whole.push('"');
    whole
}
