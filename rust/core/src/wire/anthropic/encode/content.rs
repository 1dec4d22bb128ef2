//! Content blocks.

use super::super::NAME;
use super::super::families::Model;
use super::call::{Ids, LONGEST_NAME, plain_name, text_field};
use super::marks::Marks;
use super::media::{media, no_place};
use crate::error::Error;
use crate::wire::body::{field, fields};
use crate::wire::call_arguments;
use crate::wire::messages::{Content, Part, check_url, plain};
use crate::wire::providers::Provider;

/// What writes the blocks of a conversation.
pub(super) struct Blocks<'o> {
    pub(super) provider: &'o Provider,
    /// Whom the request asks.
    pub(super) name: &'o str,
    /// What is known of it; `None` if it is not a model of Anthropic's.
    pub(super) model: Option<Model>,
    pub(super) marks: Marks,
    pub(super) ids: Ids,
    /// Whether a source is a file that was uploaded.
    pub(super) has_files: bool,
    /// JSON paths of what was left out.
    pub(super) dropped: Vec<String>,
}

/// Keys of a text that we know.
const OF_TEXT: [&str; 2] = ["text", "item"];
/// Keys of an image or a document that we know.
const OF_MEDIA: [&str; 7] = [
    "url",
    "data",
    "media_type",
    "detail",
    "format",
    "file_id",
    "filename",
];
/// Keys of reasoning that we know.
const OF_REASONING: [&str; 5] = ["text", "signature", "field", "model", "item"];
/// Keys of a call that we know. `index` is the place of a call in a streamed list.
const OF_CALL: [&str; 5] = ["id", "name", "arguments", "extra", "index"];
/// Keys of a result that we know.
const OF_RESULT: [&str; 4] = ["tool_call_id", "content", "error", "name"];

impl Blocks<'_> {
    /// Whether the part came from this provider by this API.
    fn sent(&self, part: &Part<'_>) -> bool {
        part.is_from(self.provider, NAME)
    }

    /// The block of a part; `None` if nothing is written for it.
    pub(super) fn block(&mut self, part: &Part<'_>) -> Result<Option<Vec<u8>>, Error> {
        match &*part.kind {
            "text" | "refusal" => self.text(part),
            "image" | "file" => self.media(part).map(Some),
            "reasoning" => self.reasoning(part),
            "tool_call" => self.call(part).map(Some),
            "tool_result" => self.result(part).map(Some),
            "opaque" => self.opaque(part),
            "" => self.verbatim(part).map(Some),
            "audio" | "video" => Err(no_place(part, &part.kind)),
            other => Err(part.invalid(&format!(".type: there is no part of type {other} here"))),
        }
    }

    /// The text of a block that has nothing else: a JSON string.
    pub(super) fn only_text<'a>(part: &Part<'a>) -> Option<&'a str> {
        let is_plain = matches!(&*part.kind, "text" | "refusal")
            && part.get("cache").is_none()
            && part.extra(&OF_TEXT).is_empty()
            && (!part.is_block() || part.raw.starts_with('"'));
        part.get("text").filter(|_| is_plain)
    }

    fn text(&mut self, part: &Part<'_>) -> Result<Option<Vec<u8>>, Error> {
        let text = part.text("text")?;
        if part.is_signed_text() && part.is_of_another(self.provider, NAME) {
            self.dropped.push(format!("{}.extra", part.path()));
        }
        if text == "\"\"" {
            return Ok(None);
        }
        let extra = self.extra(part, &OF_TEXT);
        let mut out = b"{\"type\":\"text\"".to_vec();
        field(&mut out, "text", text);
        out.extend_from_slice(extra.as_bytes());
        self.end(part, &mut out)?;
        Ok(Some(out))
    }

    fn media(&mut self, part: &Part<'_>) -> Result<Vec<u8>, Error> {
        let written = media(part)?;
        self.has_files |= written.is_file;
        let mut out = format!("{{\"type\":\"{}\",\"source\":", written.kind).into_bytes();
        out.extend_from_slice(&written.source);
        if let Some(name) = part.get("filename").filter(|_| written.kind == "document") {
            field(&mut out, "title", name);
        }
        if part.get("detail").is_some() {
            self.dropped.push(format!("{}.detail", part.path()));
        }
        let extra = self.extra(part, &OF_MEDIA);
        out.extend_from_slice(extra.as_bytes());
        self.end(part, &mut out)?;
        Ok(out)
    }

    /// Reasoning goes back to the provider that sent it, and to Anthropic's models only with its signature: 400 "Field
    /// required" and "Invalid `signature` in `thinking` block".
    fn reasoning(&mut self, part: &Part<'_>) -> Result<Option<Vec<u8>>, Error> {
        if part.is_block() && part.get("type").is_some() {
            // The caller wrote a block of this API.
            return self.verbatim(part).map(Some);
        }
        let signature = part.get("signature").filter(|raw| *raw != "\"\"");
        let is_known = signature.is_some() || self.model.is_none();
        if !(self.sent(part) && is_known) {
            self.dropped.push(part.path());
            return Ok(None);
        }
        let mut out = b"{\"type\":\"thinking\"".to_vec();
        field(&mut out, "thinking", part.text("text")?);
        if let Some(signature) = part.get("signature") {
            field(&mut out, "signature", signature);
        }
        out.extend_from_slice(part.extra_as_sent(&OF_REASONING).as_bytes());
        out.push(b'}');
        Ok(Some(out))
    }

    fn opaque(&mut self, part: &Part<'_>) -> Result<Option<Vec<u8>>, Error> {
        let place = plain(part.text("field")?);
        // It may be null.
        let found = part.fields.iter().find(|(key, _)| key == "json");
        let Some(json) = found.map(|(_, raw)| *raw) else {
            return Err(part.invalid(".json: it is missing"));
        };
        if place == "content" && self.sent(part) {
            return Ok(Some(json.as_bytes().to_vec()));
        }
        if !part.only_describes() {
            self.dropped.push(part.path());
        }
        Ok(None)
    }

    fn call(&mut self, part: &Part<'_>) -> Result<Vec<u8>, Error> {
        let mut name = part.text("name")?;
        let cleaned;
        if self.model.is_some() && !is_name(&plain(name)) {
            cleaned = format!("\"{:.*}\"", LONGEST_NAME, plain_name(&plain(name)));
            name = &cleaned;
        }
        let mut extra = part.object("extra")?;
        let is_custom = extra
            .iter()
            .any(|(key, raw)| key == "custom" && *raw != "null");
        let all = extra.len();
        // The function and the item are those of chat and Responses.
        let is_foreign = part.is_of_another(self.provider, NAME);
        extra.retain(|(key, _)| !is_foreign && !matches!(&**key, "function" | "item"));
        if extra.len() < all {
            self.dropped.push(format!("{}.extra", part.path()));
        }
        let mut out = b"{\"type\":\"tool_use\"".to_vec();
        text_field(&mut out, "id", &self.ids.of_call(part.get("id")));
        field(&mut out, "name", name);
        field(&mut out, "input", &call_arguments::object(part, is_custom));
        for (key, raw) in &extra {
            if !matches!(&**key, "custom" | "type" | "id" | "name" | "input") {
                field(&mut out, key, raw);
            }
        }
        let others = part.extra(&OF_CALL);
        out.extend_from_slice(others.as_bytes());
        self.end(part, &mut out)?;
        Ok(out)
    }

    fn result(&mut self, part: &Part<'_>) -> Result<Vec<u8>, Error> {
        let mut out = b"{\"type\":\"tool_result\"".to_vec();
        let id = self.ids.of_result(part.get("tool_call_id"));
        if id.is_empty() {
            return Err(
                part.invalid(".tool_call_id: it is missing, and no call is without a result")
            );
        }
        text_field(&mut out, "tool_use_id", &id);
        match part.content()? {
            Content::Text("\"\"") => {}
            Content::Text(text) => field(&mut out, "content", text),
            Content::Parts(parts) => {
                let only = match &*parts {
                    [only] => Self::only_text(only),
                    _ => None,
                };
                match only {
                    Some("\"\"") => {}
                    Some(text) => field(&mut out, "content", text),
                    None => self.list(&parts, &mut out)?,
                }
            }
        }
        if part.get("error") == Some("true") {
            field(&mut out, "is_error", "true");
        }
        out.extend_from_slice(part.extra(&OF_RESULT).as_bytes());
        self.end(part, &mut out)?;
        Ok(out)
    }

    /// The content of a result as a list of blocks.
    fn list(&mut self, parts: &[Part<'_>], out: &mut Vec<u8>) -> Result<(), Error> {
        let mut list = Vec::new();
        for part in parts {
            if let Some(block) = self.block(part)? {
                list.push(if list.is_empty() { b'[' } else { b',' });
                list.extend_from_slice(&block);
            }
        }
        if !list.is_empty() {
            list.push(b']');
            field(out, "content", &String::from_utf8_lossy(&list));
        }
        Ok(())
    }

    /// A block that the caller wrote in the form of this API.
    fn verbatim(&mut self, part: &Part<'_>) -> Result<Vec<u8>, Error> {
        if part.get("cache_control").is_some() {
            self.marks.note(|| format!("{}.cache_control", part.path()));
        }
        if let Some(source) = part.get("source").filter(|raw| raw.starts_with('{')) {
            let place = format!("{}.source", part.path());
            for (key, raw) in fields(source, &place)? {
                if key == "url" {
                    check_url(&format!("{place}.url"), raw)?;
                }
                self.has_files |= key == "file_id";
            }
        }
        Ok(part.raw.as_bytes().to_vec())
    }

    /// What the part has besides what we know: all of it if it came from here, and nothing if it came from elsewhere.
    fn extra(&self, part: &Part<'_>, known: &[&str]) -> String {
        if self.sent(part) {
            part.extra_as_sent(known)
        } else if part.is_of_another(self.provider, NAME) {
            String::new()
        } else {
            part.extra(known)
        }
    }

    /// Ends a block, with the mark of a cached prefix if the part has one.
    fn end(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        if part.get("cache_control").is_some() {
            self.marks.note(|| format!("{}.cache_control", part.path()));
        } else {
            let mark = self
                .marks
                .mark(part.get("cache"), || part.path(), self.name)?;
            out.extend_from_slice(mark.as_bytes());
        }
        out.push(b'}');
        Ok(())
    }
}

/// Whether it may be the name of a tool: 400 "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'".
pub(super) fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && plain_name(name) == name
}
