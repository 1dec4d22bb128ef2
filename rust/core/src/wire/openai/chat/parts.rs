//! Messages of parts, written as messages of Chat Completions.

use super::event::DETAILS;
use super::media::media;
use super::part::{Part, field, inner, items, plain};
use crate::error::Error;
use crate::json::write_string;
use crate::wire::dialect::{Provider, ReasoningBack};
use crate::wire::invalid::invalid;
use crate::wire::openai::body::{Fields, fields};

/// Where messages are written to.
pub(super) struct Written<'w, 'p> {
    pub(super) provider: &'p Provider,
    pub(super) out: &'w mut Vec<u8>,
    pub(super) count: &'w mut usize,
    pub(super) dropped: &'w mut Vec<String>,
}

/// What a message becomes; every value is JSON text.
#[derive(Default)]
struct Message<'a> {
    content: Vec<Item<'a>>,
    /// Whether it may have reasoning in fields of its own.
    takes_reasoning: bool,
    reasoning: Vec<(String, &'a str)>,
    refusal: Vec<&'a str>,
    calls: Vec<Fields<'a>>,
    other: Vec<(String, String)>,
}

enum Item<'a> {
    /// A JSON string.
    Text(&'a str),
    /// A content block.
    Block(String),
}

/// Message keys that servers send and do not take.
const ANSWER_ONLY: [&str; 4] = [
    "annotations",
    "executed_tools",
    "parsed",
    "provider_metadata",
];

/// Writes one message of parts. Tool results become messages of their own, before the rest.
pub(super) fn write(
    path: &str,
    (role, name, extra): (&str, Option<&str>, &Fields<'_>),
    parts: &str,
    to: &mut Written<'_, '_>,
) -> Result<(), Error> {
    let read = items(parts, &format!("{path}.parts"))?
        .into_iter()
        .enumerate()
        .map(|(at, raw)| Part::read(raw, format!("{path}.parts[{at}]")))
        .collect::<Result<Vec<_>, _>>()?;
    let mut message = Message {
        takes_reasoning: match to.provider.reasoning_back {
            ReasoningBack::Never => false,
            ReasoningBack::WithToolCalls => read.iter().any(|part| part.kind == "tool_call"),
            ReasoningBack::Always => true,
        },
        ..Message::default()
    };
    let mut any = false;
    for part in read {
        if part.kind == "tool_result" {
            tool_message(&part, to)?;
        } else {
            any = true;
            message.add(&part, to)?;
        }
    }
    if any || role != "tool" && parts.trim() == "[]" {
        let extra = extra
            .iter()
            .map(|(key, raw)| (key.to_string(), (*raw).to_owned()));
        message.other.extend(extra);
        separate(to.count, to.out);
        message.write(role, name, to.out);
    }
    Ok(())
}

impl<'a> Message<'a> {
    fn add(&mut self, part: &Part<'a>, to: &mut Written<'_, '_>) -> Result<(), Error> {
        match &*part.kind {
            "text" => {
                let text = part.text("text")?;
                let extra = part.extra(&["text"]);
                self.content.push(if extra.is_empty() {
                    Item::Text(text)
                } else {
                    Item::Block(format!(r#"{{"type":"text","text":{text}{extra}}}"#))
                });
            }
            "image" | "audio" | "file" => self.content.push(Item::Block(media(part)?)),
            "refusal" => self.refusal.push(part.text("text")?),
            "tool_call" => {
                part.text("name")?;
                self.calls.push(part.fields.clone());
            }
            "reasoning" => self.add_reasoning(part, to)?,
            "opaque" => self.add_opaque(part, to)?,
            other => {
                return Err(invalid(format!(
                    "{}.type: there is no part of type {other}",
                    part.path
                )));
            }
        }
        Ok(())
    }

    fn add_reasoning(&mut self, part: &Part<'a>, to: &mut Written<'_, '_>) -> Result<(), Error> {
        let text = part.text("text")?;
        let field = part.get("field").map(plain).unwrap_or_default();
        let known = part.is_from(to.provider) && to.provider.reasoning_back != ReasoningBack::Never;
        if !known || field.is_empty() {
            to.dropped.push(part.path.clone());
        } else if field == DETAILS {
            // It goes back within the block that it was read from.
        } else if field == "thinking" {
            // Mistral: a block of the content, in its place.
            let signature = part.get("signature");
            let signature = signature
                .map(|raw| format!(",\"signature\":{raw}"))
                .unwrap_or_default();
            self.content.push(Item::Block(format!(
                r#"{{"type":"thinking","thinking":[{{"type":"text","text":{text}}}]{signature}}}"#
            )));
        } else if self.takes_reasoning {
            self.reasoning.push((field, text));
        } else {
            to.dropped.push(part.path.clone());
        }
        Ok(())
    }

    fn add_opaque(&mut self, part: &Part<'a>, to: &mut Written<'_, '_>) -> Result<(), Error> {
        let field = plain(part.text("field")?);
        // A block may be null: it goes back as it came.
        let found = part.fields.iter().find(|(key, _)| key == "json");
        let Some(json) = found.map(|(_, raw)| *raw) else {
            return Err(invalid(format!("{}.json: it is missing", part.path)));
        };
        if !part.is_from(to.provider) {
            to.dropped.push(part.path.clone());
        } else if field == "content" {
            self.content.push(Item::Block(json.to_owned()));
        } else if field == "audio" {
            // The server keeps what it said; its id is all that goes back.
            let fields = fields(json, &part.path)?;
            if let Some((_, id)) = fields.iter().find(|(key, _)| key == "id") {
                self.other.push((field, format!("{{\"id\":{id}}}")));
            }
        } else if !ANSWER_ONLY.contains(&&*field) {
            self.other.push((field, json.to_owned()));
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
        let mut fields: Vec<&str> = self.reasoning.iter().map(|(name, _)| &**name).collect();
        fields.dedup();
        for name in fields {
            let texts = self.reasoning.iter().filter(|(other, _)| other == name);
            field(out, name, &joined(texts.map(|(_, text)| *text)));
        }
        if !self.calls.is_empty() {
            let calls: Vec<_> = self.calls.iter().map(call).collect();
            field(out, "tool_calls", &format!("[{}]", calls.join(",")));
        }
        for (key, json) in &self.other {
            field(out, key, json);
        }
        out.push(b'}');
    }

    /// One string where there is only text, for servers that know no lists; else a list of blocks.
    fn content(&self, role: &str) -> String {
        let texts: Option<Vec<&str>> = self
            .content
            .iter()
            .map(|item| match item {
                Item::Text(text) => Some(*text),
                Item::Block(_) => None,
            })
            .collect();
        match texts {
            Some(texts)
                if texts.is_empty() && !(self.calls.is_empty() && self.refusal.is_empty()) =>
            {
                "null".to_owned()
            }
            Some(texts) if texts.len() < 2 || role == "assistant" => joined(texts.into_iter()),
            _ => {
                let blocks = self.content.iter().map(|item| match item {
                    Item::Text(text) => format!(r#"{{"type":"text","text":{text}}}"#),
                    Item::Block(block) => block.clone(),
                });
                format!("[{}]", blocks.collect::<Vec<_>>().join(","))
            }
        }
    }
}

fn tool_message(part: &Part<'_>, to: &mut Written<'_, '_>) -> Result<(), Error> {
    let content = match part.get("content") {
        None => "\"\"".to_owned(),
        Some(raw) if raw.starts_with('"') => raw.to_owned(),
        Some(raw) if raw.starts_with('[') => {
            let mut message = Message::default();
            for (at, raw) in items(raw, &part.path)?.into_iter().enumerate() {
                message.add(
                    &Part::read(raw, format!("{}.content[{at}]", part.path))?,
                    to,
                )?;
            }
            message.content("tool")
        }
        Some(_) => {
            let message = format!(
                "{}.content: it must be a string or a list of parts",
                part.path
            );
            return Err(invalid(message));
        }
    };
    separate(to.count, to.out);
    to.out.extend_from_slice(b"{\"role\":\"tool\"");
    // A server that gives calls no id takes results without one.
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

fn call(fields: &Fields<'_>) -> String {
    let get = |key: &str| {
        let found = fields.iter().find(|(name, _)| name == key);
        found.map(|(_, raw)| *raw).filter(|raw| *raw != "null")
    };
    let id = get("id")
        .map(|id| format!("\"id\":{id},"))
        .unwrap_or_default();
    // A call without arguments may have come as "", which chat templates cannot read.
    let arguments = get("arguments")
        .filter(|raw| *raw != "\"\"")
        .unwrap_or("\"{}\"");
    format!(
        r#"{{{id}"type":"function","function":{{"name":{},"arguments":{arguments}}}}}"#,
        get("name").unwrap_or("\"\"")
    )
}

/// JSON strings as one. Their escapes stay as they are.
fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut whole = String::from("\"");
    texts.for_each(|text| whole.push_str(inner(text)));
    whole.push('"');
    whole
}

/// Puts a comma before every message but the first.
pub(super) fn separate(count: &mut usize, out: &mut Vec<u8>) {
    if *count > 0 {
        out.push(b',');
    }
    *count += 1;
}
