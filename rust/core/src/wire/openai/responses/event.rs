//! The JSON of one event, read once and borrowed. What other modules read stays JSON text.

use std::borrow::Cow;

use crate::json::{Error, Kind, Reader, Text};

type Result<T> = std::result::Result<T, Error>;

/// An event of a stream, or a reply, whose keys are those of an event that has no `type`.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) sequence: Option<u64>,
    pub(super) output_index: Option<u64>,
    /// The block: `content_index`, or `summary_index`.
    pub(super) block_index: Option<u64>,
    pub(super) item_id: Option<Cow<'a, str>>,
    /// The next piece of a text.
    pub(super) delta: Option<Text<'a>>,
    /// A whole text: `text`, `refusal`, `arguments` or `input`.
    pub(super) whole: Option<Text<'a>>,
    /// Whether that was an object, which was never a text.
    pub(super) is_object: bool,
    pub(super) logprobs: Option<&'a str>,
    /// The objects, as JSON text.
    pub(super) item: Option<&'a str>,
    pub(super) part: Option<&'a str>,
    pub(super) annotation: Option<&'a str>,
    pub(super) response: Option<&'a str>,
    /// Where values are that change from event to event.
    pub(super) holes: Holes<'a>,
    /// Whether it has the keys of a reply.
    pub(super) is_reply: bool,
}

/// The values that differ between two pieces of one text, as slices of the event.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Holes<'a> {
    pub(super) sequence: Option<&'a str>,
    pub(super) padding: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Reads the one JSON object in `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes)?;
        let mut event = Self::default();
        if reader.peek()? == Kind::Object {
            reader.object(|reader, key| event.field(reader, key))?;
        } else {
            reader.skip()?;
        }
        reader.end()?;
        Ok(event)
    }

    #[inline]
    fn field(&mut self, reader: &mut Reader<'a>, key: &str) -> Result<()> {
        match key {
            "type" => self.kind = word(reader)?,
            "delta" => self.delta = reader.string_or_skip()?,
            "sequence_number" if reader.peek()? == Kind::Number => {
                let digits = reader.number()?;
                self.sequence = digits.parse().ok();
                self.holes.sequence = Some(digits);
            }
            "item_id" => self.item_id = word(reader)?,
            "output_index" => self.output_index = reader.count_or_skip()?,
            "content_index" | "summary_index" => self.block_index = reader.count_or_skip()?,
            "logprobs" => self.logprobs = reader.raw_or_null()?,
            "obfuscation" => {
                let padding = reader.string_or_skip()?;
                self.holes.padding = padding.and_then(|padding| match padding.body {
                    Cow::Borrowed(padding) => Some(padding),
                    Cow::Owned(_) => None,
                });
            }
            "arguments" | "input" if reader.peek()? == Kind::Object => {
                // Some servers send an object instead of its text.
                self.whole = Some(Text::plain(reader.raw()?));
                self.is_object = true;
            }
            "text" | "refusal" | "arguments" | "input" => self.whole = reader.string_or_skip()?,
            "item" => self.item = reader.raw_or_null()?,
            "part" => self.part = reader.raw_or_null()?,
            "annotation" => self.annotation = reader.raw_or_null()?,
            "response" => self.response = reader.raw_or_null()?,
            "output" => {
                self.is_reply |= reader.peek()? == Kind::Array;
                reader.skip()?;
            }
            "object" => {
                let object = reader.string_or_skip()?;
                self.is_reply |= object.is_some_and(|object| object.body == "response");
            }
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
