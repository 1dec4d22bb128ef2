//! The JSON of a content block.

use std::borrow::Cow;

use super::event::word;
use crate::json::{Error, Kind as Json, Reader, Text};
use crate::message::{Extra, RawJson};
use crate::wire::stray::{start_of, unexpected};

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Thinking,
    /// A call of a tool of the caller.
    Call,
    /// What only the provider understands.
    Other,
}

/// A block as it was sent.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) kind: Kind,
    pub(super) raw: &'a str,
    /// The text, or what was thought.
    pub(super) text: Text<'a>,
    pub(super) signature: Option<Cow<'a, str>>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    /// The input of a call, as JSON text. In some servers it is a string with that text.
    pub(super) input: Option<Cow<'a, str>>,
    /// What else it has.
    pub(super) extra: Extra,
}

impl<'a> Block<'a> {
    /// Reads a block; `None` if it is null.
    pub(super) fn read(raw: &'a str) -> Result<Option<Self>, Error> {
        let kind = kind_of(raw)?;
        let mut block = Self {
            kind,
            raw,
            text: Text::default(),
            signature: None,
            id: None,
            name: None,
            input: None,
            extra: Extra::default(),
        };
        let mut reader = Reader::over(raw);
        if raw.starts_with('"') {
            // The short form of a text.
            block.kind = Kind::Text;
            block.text = reader.string()?;
        } else if block.kind != Kind::Other {
            reader.object_or_skip(|reader, key| block.field(reader, key))?;
        }
        Ok((raw != "null").then_some(block))
    }

    fn field(&mut self, reader: &mut Reader<'a>, key: &str) -> Result<(), Error> {
        match (self.kind, key) {
            (_, "type") => reader.skip()?,
            (Kind::Text, "text") | (Kind::Thinking, "thinking") => {
                self.text = reader.string_or_skip()?.unwrap_or_default();
            }
            (Kind::Thinking, "signature") => self.signature = word(reader)?,
            (Kind::Call, "id") => self.id = word(reader)?,
            (Kind::Call, "name") => self.name = word(reader)?,
            (Kind::Call, "input") => {
                self.input = match reader.peek()? {
                    Json::String => word(reader)?,
                    _ => reader.raw_or_null()?.map(Cow::Borrowed),
                };
            }
            _ => {
                if let Some(json) = RawJson::read(reader.raw()?) {
                    self.extra.push(key, &json);
                }
            }
        }
        Ok(())
    }
}

/// Refuses what is in `place` of a block and cannot be one: it would be taken for a block that only the provider reads. A
/// string is a text, and null is nothing.
pub(super) fn check(
    raw: &str,
    place: std::fmt::Arguments<'_>,
) -> std::result::Result<(), crate::error::Error> {
    if raw.starts_with(['{', '"']) || raw == "null" {
        return Ok(());
    }
    let start = start_of(raw.as_bytes());
    Err(unexpected(&format!(
        "{place}: it is not a content block; it begins with: {start}"
    )))
}

/// What a block is, by its type, or by its text if it has none.
fn kind_of(raw: &str) -> Result<Kind, Error> {
    let (mut kind, mut has_text) = (None, false);
    Reader::over(raw).object_or_skip(|reader, key| {
        match key {
            "type" => kind = word(reader)?,
            "text" => has_text = reader.string_or_skip()?.is_some(),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(match kind.as_deref() {
        Some("text") => Kind::Text,
        Some("thinking") => Kind::Thinking,
        Some("tool_use") => Kind::Call,
        None if has_text => Kind::Text,
        _ => Kind::Other,
    })
}
