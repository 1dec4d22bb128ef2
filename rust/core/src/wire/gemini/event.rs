//! The JSON of a reply or an event, read once and borrowed. What other modules read stays JSON text.

use std::borrow::Cow;

use super::call::FunctionCall;
use crate::json::{Error, Kind, Reader, Text};
use crate::wire::most::MOST;
use crate::wire::openai::is_failure;
use crate::wire::stray::unexpected;

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
    /// What has content of a kind that cannot be read.
    pub(super) wrong: Option<Wrong>,
}

/// A field whose value is of another kind than it should be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrong {
    field: &'static str,
    kind: Kind,
    wanted: &'static str,
}

impl Wrong {
    /// Compares the kind of the next value. Null is like an absent one.
    #[inline]
    fn check(
        reader: &mut Reader<'_>,
        (field, wanted): (&'static str, Kind),
        wrong: &mut Option<Self>,
    ) -> Result<()> {
        let kind = reader.peek()?;
        if kind != wanted && kind != Kind::Null && wrong.is_none() {
            let wanted = word(wanted);
            *wrong = Some(Self {
                field,
                kind,
                wanted,
            });
        }
        Ok(())
    }

    pub(super) fn error(self) -> crate::error::Error {
        let kind = word(self.kind);
        unexpected(&format!(
            "the reply cannot be read: {} is {kind}, not {}",
            self.field, self.wanted
        ))
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "a list",
        Kind::Object => "an object",
    }
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

const CANDIDATES: (&str, Kind) = ("candidates", Kind::Array);
const CANDIDATE: (&str, Kind) = ("an item of candidates", Kind::Object);
const CONTENT: (&str, Kind) = ("candidates[].content", Kind::Object);
const PARTS: (&str, Kind) = ("candidates[].content.parts", Kind::Array);
const PART: (&str, Kind) = ("an item of candidates[].content.parts", Kind::Object);

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
                Wrong::check(reader, CANDIDATES, &mut self.wrong)?;
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
        Wrong::check(reader, CANDIDATE, &mut self.wrong)?;
        if self.first.is_none() {
            self.first = Some(Candidate::read(reader, &mut self.wrong)?);
        } else if self.rest.len() < MOST {
            self.rest.push(Candidate::read(reader, &mut self.wrong)?);
        } else {
            self.is_over = true;
            reader.skip()?;
        }
        Ok(())
    }
}

impl<'a> Candidate<'a> {
    fn read(reader: &mut Reader<'a>, wrong: &mut Option<Wrong>) -> Result<Self> {
        let mut candidate = Self::default();
        let mut has_more = false;
        reader.peek()?;
        let start = reader.offset();
        reader.object_or_skip(|reader, key| {
            match key {
                "content" => {
                    Wrong::check(reader, CONTENT, wrong)?;
                    reader.object_or_skip(|reader, key| {
                        if key == "parts" {
                            candidate.parts = Parts::read(reader, wrong)?;
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
    fn read(reader: &mut Reader<'a>, wrong: &mut Option<Wrong>) -> Result<Self> {
        let mut first = None;
        let mut is_one = true;
        Wrong::check(reader, PARTS, wrong)?;
        let start = reader.offset();
        reader.array_or_skip(|reader| {
            Wrong::check(reader, PART, wrong)?;
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
    /// Reads a part. Null is one without keys.
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
