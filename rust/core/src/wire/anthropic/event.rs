//! The JSON of one event, read once and borrowed. What other modules read stays JSON text.

use std::borrow::Cow;

use crate::json::{Error, Kind, Reader, Text};
use crate::wire::openai::is_failure;

type Result<T> = std::result::Result<T, Error>;

/// An event of a stream.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: Option<Cow<'a, str>>,
    /// The place of a block in the content.
    pub(super) index: Option<u64>,
    pub(super) delta: Option<Delta<'a>>,
    /// The objects, as JSON text.
    pub(super) block: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) usage: Option<&'a str>,
    /// Whether it has the content of a reply.
    pub(super) is_reply: bool,
    /// Whether it says that something failed, whatever else it has.
    pub(super) is_error: bool,
}

/// What an event adds to a block, or says about the end of the reply.
#[derive(Debug, Default)]
pub(super) struct Delta<'a> {
    pub(super) raw: &'a str,
    kind: Option<Cow<'a, str>>,
    text: Option<Text<'a>>,
    thinking: Option<Text<'a>>,
    json: Option<Text<'a>>,
    pub(super) signature: Option<Cow<'a, str>>,
    /// A citation, as JSON text.
    pub(super) citation: Option<&'a str>,
    pub(super) stop: Stop<'a>,
}

/// What a delta is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeltaKind {
    Text,
    Thinking,
    /// A piece of the input of a call.
    Input,
    Signature,
    Citation,
    /// The whole of what a server kept of the conversation.
    Compaction,
    Other,
}

/// Why a reply ended.
#[derive(Debug, Default)]
pub(super) struct Stop<'a> {
    pub(super) reason: Option<Cow<'a, str>>,
    /// The stop sequence, as JSON text.
    pub(super) sequence: Option<&'a str>,
    /// What else the provider says, as JSON text.
    pub(super) details: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Reads the one JSON object in `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let text = str::from_utf8(bytes).unwrap_or_default();
        let mut reader = Reader::new(bytes)?;
        let mut event = Self::default();
        if reader.peek()? == Kind::Object {
            reader.object(|reader, key| event.field(reader, key, text))?;
        } else {
            reader.skip()?;
        }
        reader.end()?;
        Ok(event)
    }

    #[inline]
    fn field(&mut self, reader: &mut Reader<'a>, key: &str, text: &'a str) -> Result<()> {
        match key {
            "type" => self.kind = word(reader)?,
            "index" => self.index = reader.count_or_skip()?,
            "delta" if reader.peek()? == Kind::Object => {
                let start = reader.offset();
                let mut delta = Delta::default();
                reader.object(|reader, key| delta.field(reader, key))?;
                delta.raw = text.get(start..reader.offset()).unwrap_or_default();
                self.delta = Some(delta);
            }
            "content_block" => self.block = reader.raw_or_null()?,
            "message" => self.message = reader.raw_or_null()?,
            "usage" => self.usage = reader.raw_or_null()?,
            "content" => {
                self.is_reply = reader.peek()? == Kind::Array;
                reader.skip()?;
            }
            "error" => self.is_error = is_failure(reader.raw()?),
            _ => reader.skip()?,
        }
        Ok(())
    }
}

impl<'a> Delta<'a> {
    #[inline]
    fn field(&mut self, reader: &mut Reader<'a>, key: &str) -> Result<()> {
        match key {
            "type" => self.kind = word(reader)?,
            "text" => self.text = reader.string_or_skip()?,
            "thinking" => self.thinking = reader.string_or_skip()?,
            "partial_json" => {
                self.json = Some(match reader.peek()? {
                    Kind::String => reader.string()?,
                    // An object instead of its text.
                    _ => Text::plain(reader.raw_or_null()?.unwrap_or_default()),
                });
            }
            "signature" => self.signature = word(reader)?,
            "citation" => self.citation = reader.raw_or_null()?,
            _ => self.stop.field(reader, key)?,
        }
        Ok(())
    }

    /// What it is, by its type, or by its key if it has none.
    #[inline]
    pub(super) fn kind(&self) -> DeltaKind {
        match self.kind.as_deref() {
            Some("text_delta") => DeltaKind::Text,
            Some("thinking_delta") => DeltaKind::Thinking,
            Some("input_json_delta") => DeltaKind::Input,
            Some("signature_delta") => DeltaKind::Signature,
            Some("citations_delta") => DeltaKind::Citation,
            Some("compaction_delta") => DeltaKind::Compaction,
            None if self.text.is_some() => DeltaKind::Text,
            None if self.thinking.is_some() => DeltaKind::Thinking,
            None if self.json.is_some() => DeltaKind::Input,
            None if self.signature.is_some() => DeltaKind::Signature,
            None if self.citation.is_some() => DeltaKind::Citation,
            _ => DeltaKind::Other,
        }
    }

    /// The next piece of what it is about.
    #[inline]
    pub(super) fn piece(&self, kind: DeltaKind) -> Option<&Text<'a>> {
        match kind {
            DeltaKind::Text => self.text.as_ref(),
            DeltaKind::Thinking => self.thinking.as_ref(),
            DeltaKind::Input => self.json.as_ref(),
            _ => None,
        }
    }
}

impl<'a> Stop<'a> {
    /// Reads or skips the value of a key.
    pub(super) fn field(&mut self, reader: &mut Reader<'a>, key: &str) -> Result<()> {
        match key {
            "stop_reason" => self.reason = word(reader)?,
            "stop_sequence" if reader.peek()? == Kind::String => {
                self.sequence = Some(reader.raw()?);
            }
            "stop_details" => self.details = reader.raw_or_null()?,
            _ => reader.skip()?,
        }
        Ok(())
    }
}

/// A string that is not empty. A half character in it becomes U+FFFD.
pub(super) fn word<'a>(reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>> {
    let text = reader.string_or_skip()?;
    Ok(text.map(Text::into_lossy).filter(|text| !text.is_empty()))
}
