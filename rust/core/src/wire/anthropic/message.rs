//! The message object: what the first event and whole replies have.

use std::borrow::Cow;

use super::event::{Stop, word};
use crate::json::{Error, Reader};
use crate::message::ReplyHead;
use crate::wire::openai::is_failure;

/// A message as it was sent.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) id: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    /// Whether its `type` says that it is a message, or an error.
    pub(super) says_so: bool,
    pub(super) is_error: bool,
    /// Whether it says beside its content that something failed.
    pub(super) has_failed: bool,
    /// Its blocks, and its token counts, as JSON text.
    pub(super) content: Option<&'a str>,
    pub(super) usage: Option<&'a str>,
    pub(super) stop: Stop<'a>,
}

impl<'a> Message<'a> {
    /// Reads a message.
    pub(super) fn read(raw: &'a str) -> Result<Self, Error> {
        let mut message = Self::default();
        Reader::over(raw).object_or_skip(|reader, key| {
            match key {
                "id" => message.id = word(reader)?,
                "model" => message.model = word(reader)?,
                "type" => {
                    let kind = word(reader)?;
                    message.says_so = kind.as_deref() == Some("message");
                    message.is_error = kind.as_deref() == Some("error");
                }
                "error" => message.has_failed = is_failure(reader.raw()?),
                "content" => message.content = reader.raw_or_null()?,
                "usage" => message.usage = reader.raw_or_null()?,
                _ => message.stop.field(reader, key)?,
            }
            Ok(())
        })?;
        Ok(message)
    }

    /// Notes the facts that belong to no choice. The first event that has one sets it.
    pub(super) fn note(&self, head: &mut ReplyHead) {
        let note = |known: &mut Option<String>, text: &Option<Cow<'_, str>>| {
            if known.is_none() {
                *known = text.as_deref().map(str::to_owned);
            }
        };
        note(&mut head.id, &self.id);
        note(&mut head.model, &self.model);
    }
}
