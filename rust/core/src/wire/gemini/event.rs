//! The JSON of a reply or an event, read once and borrowed. What other modules read stays JSON text.

use std::borrow::Cow;

use super::call::FunctionCall;
use crate::json::{Error, Kind, Reader, Text};
use crate::wire::most::MOST;
use crate::wire::openai::is_failure;

type Result<T> = std::result::Result<T, Error>;

/// A reply, or an event of a stream, which has the same keys.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    /// The first candidate has its own field, because nearly every event has only one.
    pub(super) first: Option<Candidate<'a>>,
    pub(super) rest: Vec<Candidate<'a>>,
    /// Whether there are more candidates than are read.
    pub(super) is_over: bool,
    pub(super) id: Option<Text<'a>>,
    pub(super) model: Option<Text<'a>>,
    pub(super) created: Option<Text<'a>>,
    /// The objects, as JSON text.
    pub(super) usage: Option<&'a str>,
    pub(super) feedback: Option<&'a str>,
    /// Whether it says that something failed.
    pub(super) is_error: bool,
    /// Whether it has any key of a reply.
    pub(super) is_ours: bool,
}

/// A candidate of an event.
#[derive(Debug, Default)]
pub(super) struct Candidate<'a> {
    pub(super) index: Option<u64>,
    /// The word for its end, or the number that stands for it.
    pub(super) finish: Option<Cow<'a, str>>,
    pub(super) parts: Parts<'a>,
    pub(super) logprobs: Option<&'a str>,
    /// All of it, if it has keys besides these.
    pub(super) more: Option<&'a str>,
}

/// The parts of a candidate.
#[derive(Debug, Default)]
pub(super) enum Parts<'a> {
    #[default]
    None,
    /// Nearly every event has one.
    One(Part<'a>),
    /// A list, as JSON text.
    List(&'a str),
}

/// A part as it was sent.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// All of it.
    pub(super) raw: &'a str,
    pub(super) text: Option<Text<'a>>,
    pub(super) is_thought: bool,
    pub(super) signature: Option<Cow<'a, str>>,
    /// The function call. Most parts have none.
    pub(super) call: Option<Box<FunctionCall<'a>>>,
    /// Whether it has other keys.
    pub(super) has_more: bool,
}

impl<'a> Event<'a> {
    /// Reads the one JSON value in `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes)?;
        let mut event = Self::default();
        reader.object_or_skip(|reader, key| event.field(reader, key))?;
        reader.end()?;
        Ok(event)
    }

    #[inline]
    fn field(&mut self, reader: &mut Reader<'a>, key: &str) -> Result<()> {
        // Cached contents have a `usageMetadata`, too.
        self.is_ours |= matches!(
            key,
            "candidates" | "modelVersion" | "responseId" | "promptFeedback"
        );
        match key {
            "candidates" => {
                reader.array_or_skip(|reader| self.candidate(reader))?;
            }
            "usageMetadata" => self.usage = reader.raw_or_null()?,
            "modelVersion" => self.model = reader.string_or_skip()?,
            "responseId" => self.id = reader.string_or_skip()?,
            "createTime" => self.created = reader.string_or_skip()?,
            "promptFeedback" => self.feedback = reader.raw_or_null()?,
            "error" => self.is_error = is_failure(reader.raw()?),
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn candidate(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        if self.first.is_none() {
            self.first = Some(Candidate::read(reader)?);
        } else if self.rest.len() < MOST {
            self.rest.push(Candidate::read(reader)?);
        } else {
            self.is_over = true;
            reader.skip()?;
        }
        Ok(())
    }
}

impl<'a> Candidate<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let mut candidate = Self::default();
        let mut has_more = false;
        reader.peek()?;
        let start = reader.offset();
        reader.object_or_skip(|reader, key| {
            match key {
                "content" => {
                    reader.object_or_skip(|reader, key| {
                        if key == "parts" {
                            candidate.parts = Parts::read(reader)?;
                            return Ok(());
                        }
                        reader.skip()
                    })?;
                }
                "index" => candidate.index = reader.count_or_skip()?,
                "finishReason" => {
                    candidate.finish = match reader.peek()? {
                        Kind::String => Some(reader.string()?.into_lossy()),
                        Kind::Number => Some(Cow::Borrowed(reader.number()?)),
                        _ => {
                            reader.skip()?;
                            None
                        }
                    };
                }
                "logprobsResult" => candidate.logprobs = reader.raw_or_null()?,
                _ => {
                    has_more = true;
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        candidate.more = has_more.then(|| reader.since(start));
        Ok(candidate)
    }
}

impl<'a> Parts<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let mut first = None;
        let mut is_one = true;
        reader.peek()?;
        let start = reader.offset();
        reader.array_or_skip(|reader| {
            if first.is_some() {
                is_one = false;
                return reader.skip();
            }
            first = Some(Part::read(reader)?);
            Ok(())
        })?;
        Ok(match first {
            None => Self::None,
            Some(part) if is_one => Self::One(part),
            Some(_) => Self::List(reader.since(start)),
        })
    }
}

impl<'a> Part<'a> {
    /// Reads a part. A value that is not an object is one without keys.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let mut part = Self {
            raw: "",
            text: None,
            is_thought: false,
            signature: None,
            call: None,
            has_more: false,
        };
        reader.peek()?;
        let start = reader.offset();
        reader.object_or_skip(|reader, key| {
            match (key, reader.peek()?) {
                (_, Kind::Null) => reader.skip()?,
                ("text", Kind::String) => part.text = Some(reader.string()?),
                ("thought", Kind::Bool) => part.is_thought = reader.raw()? == "true",
                ("thoughtSignature", Kind::String) => {
                    let signature = reader.string()?.into_lossy();
                    part.signature = Some(signature).filter(|it| !it.is_empty());
                }
                ("functionCall", Kind::Object) => {
                    part.call = Some(Box::new(FunctionCall::read(reader)?));
                }
                _ => {
                    part.has_more = true;
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        part.raw = reader.since(start);
        Ok(part)
    }
}

/// Passes each member of an object and its JSON text to `take`. Nulls are left out.
pub(super) fn members<'a>(raw: &'a str, mut take: impl FnMut(&str, &'a str)) -> Result<()> {
    Reader::over(raw).object_or_skip(|reader, key| {
        if let Some(raw) = reader.raw_or_null()? {
            take(key, raw);
        }
        Ok(())
    })?;
    Ok(())
}
