//! Items that are written from several parts: messages and reasoning.

use super::content::Side;
use crate::error::Error;
use crate::json::write_string;
use crate::wire::body::{field, fields};
use crate::wire::messages::Part;

/// An item whose parts are being collected.
pub(super) enum Open<'a> {
    Message(Said<'a>),
    Reasoning(Thought<'a>),
}

/// A message.
pub(super) struct Said<'a> {
    pub(super) role: String,
    pub(super) side: Side,
    /// Whether the server sent it, so that its parts are its own.
    pub(super) is_sent: bool,
    /// What it has besides its blocks: a JSON object.
    pub(super) item: Option<&'a str>,
    /// Blocks, with commas between them.
    pub(super) blocks: Vec<u8>,
    /// Its only block, if that is a text with nothing besides: a JSON string.
    pub(super) only_text: Option<&'a str>,
}

/// Reasoning that the server sent.
#[derive(Default)]
pub(super) struct Thought<'a> {
    item: Option<&'a str>,
    summary: Vec<u8>,
    content: Vec<u8>,
    encrypted: Option<&'a str>,
    paths: Vec<String>,
}

/// Writes what an item has besides its type and `written`. Without `with_id`, its id stays behind.
pub(super) fn keys(
    item: Option<&str>,
    written: &[&str],
    with_id: bool,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    for (key, raw) in fields(item.unwrap_or("null"), "item")? {
        // The second one is our mark.
        let is_known = matches!(&*key, "type" | "continues") || written.contains(&&*key);
        if !is_known && (with_id || key != "id") {
            field(out, &key, raw);
        }
    }
    Ok(())
}

/// The item that a part came in: what its first part says of it, and whether this is another part of it.
pub(super) fn item_of<'a>(part: &Part<'a>) -> Result<(Option<&'a str>, bool), Error> {
    let Some(item) = part.get("item").filter(|raw| raw.starts_with('{')) else {
        return Ok((None, false));
    };
    let continues = fields(item, format_args!("{}.item", part.path()))?
        .iter()
        .any(|(key, raw)| key == "continues" && *raw == "true");
    Ok((Some(item), continues))
}

impl Said<'_> {
    pub(super) fn new(role: &str, is_sent: bool) -> Self {
        Self {
            role: role.to_owned(),
            side: if role == "assistant" {
                Side::Output
            } else {
                Side::Input
            },
            is_sent,
            item: None,
            blocks: Vec::new(),
            only_text: None,
        }
    }

    /// Where the next block is written.
    pub(super) fn next(&mut self) -> &mut Vec<u8> {
        if !self.blocks.is_empty() {
            self.blocks.push(b',');
        }
        &mut self.blocks
    }

    /// Writes it. `others` are keys that the caller gave its message; those of the item win.
    pub(super) fn write(
        &self,
        with_id: bool,
        others: &[(&str, &str)],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        out.push(b'{');
        if self.side == Side::Output {
            out.extend_from_slice(b"\"type\":\"message\",");
        }
        out.extend_from_slice(b"\"role\":");
        write_string(out, &self.role);
        keys(self.item, &["role", "content"], with_id, out)?;
        let known = fields(self.item.unwrap_or("null"), "item")?;
        for (key, raw) in others {
            if !known.iter().any(|(name, _)| name == key) {
                field(out, key, raw);
            }
        }
        if let Some(text) = self.only_text.filter(|_| self.side == Side::Input) {
            field(out, "content", text);
        } else {
            out.extend_from_slice(b",\"content\":[");
            out.extend_from_slice(&self.blocks);
            out.push(b']');
        }
        out.push(b'}');
        Ok(())
    }
}

impl<'a> Thought<'a> {
    pub(super) fn new(item: Option<&'a str>) -> Self {
        Self {
            item,
            ..Self::default()
        }
    }

    /// Adds a part of it.
    pub(super) fn add(&mut self, part: &Part<'a>) -> Result<(), Error> {
        self.paths.push(part.path());
        self.encrypted = part.get("signature").or(self.encrypted);
        let text = part.text("text")?;
        let (kind, list) = match part.get("field") {
            Some("\"content\"") => ("reasoning_text", &mut self.content),
            // It has no blocks.
            None if text == "\"\"" => return Ok(()),
            _ => ("summary_text", &mut self.summary),
        };
        if !list.is_empty() {
            list.push(b',');
        }
        list.extend_from_slice(format!("{{\"type\":\"{kind}\"").as_bytes());
        field(list, "text", text);
        list.extend_from_slice(part.extra_as_sent(&KNOWN).as_bytes());
        list.push(b'}');
        Ok(())
    }

    /// Whether a server that keeps nothing can read it. By its id alone it would look for what it did not keep.
    pub(super) fn is_whole(&self) -> bool {
        !self.content.is_empty() || self.encrypted.is_some_and(|raw| raw != "\"\"")
    }

    /// Where its parts are.
    pub(super) fn into_paths(self) -> Vec<String> {
        self.paths
    }

    /// Writes it.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(b"{\"type\":\"reasoning\"");
        let written = ["summary", "content", "encrypted_content"];
        keys(self.item, &written, true, out)?;
        out.extend_from_slice(b",\"summary\":[");
        out.extend_from_slice(&self.summary);
        out.push(b']');
        if !self.content.is_empty() {
            out.extend_from_slice(b",\"content\":[");
            out.extend_from_slice(&self.content);
            out.push(b']');
        }
        if let Some(encrypted) = self.encrypted {
            field(out, "encrypted_content", encrypted);
        }
        out.push(b'}');
        Ok(())
    }
}

/// Keys of a part of reasoning that we know.
const KNOWN: [&str; 5] = ["text", "signature", "field", "model", "item"];
