//! The JSON of a reply or stream event, read once and borrowed. Known values are fields; what other modules read
//! stays JSON text.

use std::borrow::Cow;

use super::content::{is_blank, text_of_details};
use super::twice::{DETAILS, REASONING, UsagePlace};
use crate::json::{Error, Kind, Reader, Text};
use crate::message::Usage;
use crate::wire::most::MOST;
use crate::wire::openai::usage;

type Result<T> = std::result::Result<T, Error>;

/// A reply or an event of a stream.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) model: Option<Text<'a>>,
    /// A number as its text, because only that of the first event is read.
    pub(super) created: Option<&'a str>,
    /// Whether there is a list of choices, even an empty one.
    pub(super) has_choices: bool,
    /// The first choice has its own field, because nearly every event has only one.
    pub(super) first: Option<Choice<'a>>,
    pub(super) rest: Vec<Choice<'a>>,
    pub(super) usage: Option<(UsagePlace, Box<Usage>)>,
    /// Whether the JSON is an error instead of a reply.
    pub(super) is_error: bool,
    /// What there is too much of, if there is.
    pub(super) excess: Option<&'static str>,
}

/// One choice of an event.
#[derive(Debug, Default)]
pub(super) struct Choice<'a> {
    pub(super) index: Option<u64>,
    pub(super) finish_reason: Option<Cow<'a, str>>,
    pub(super) delta: Option<Message<'a>>,
    /// A whole message. It is boxed because it is large, and events of streams have none.
    pub(super) message: Option<Box<Message<'a>>>,
    /// Text completions.
    pub(super) text: Option<Text<'a>>,
    pub(super) logprobs: Option<&'a str>,
    pub(super) usage: Option<Box<Usage>>,
    /// What went wrong with this choice, unless it is null or empty.
    pub(super) error: Option<&'a str>,
}

/// A message, or a piece of one.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) content: Content<'a>,
    /// The reasoning and the field it was in.
    pub(super) reasoning: Option<(&'static str, Text<'a>)>,
    pub(super) refusal: Option<Text<'a>>,
    pub(super) tool_calls: Option<&'a str>,
    pub(super) function_call: Option<&'a str>,
    /// Unknown keys with their JSON.
    pub(super) other: Vec<(String, &'a str)>,
    /// Whether there are more unknown keys than are kept.
    is_full: bool,
}

/// The content of a message.
#[derive(Debug, Default)]
pub(super) enum Content<'a> {
    #[default]
    None,
    Text(Text<'a>),
    /// A list of blocks (Mistral), or one block.
    List(&'a str),
}

/// Message keys that are not worth keeping: padding, repeated facts, internal numbers.
const NOISE: [&str; 9] = [
    "role",
    "name",
    "index",
    "padding",
    "p",
    "channel",
    "token_id",
    "obfuscation",
    "prefix",
];

impl<'a> Event<'a> {
    /// Reads the one JSON value in `bytes`, which must be an object or a list of one object.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes)?;
        let mut event = Self::default();
        let mut failure = Failure::default();
        if reader.peek()? == Kind::Array {
            // Some of Google's errors are a list of one.
            reader.array(|reader| event.object(reader, &mut failure))?;
        } else {
            event.object(&mut reader, &mut failure)?;
        }
        reader.end()?;
        event.is_error = failure.error || !event.has_choices && failure.is_flat_error();
        Ok(event)
    }

    /// All choices in order.
    pub(super) fn choices(&mut self) -> impl Iterator<Item = &mut Choice<'a>> {
        self.first.iter_mut().chain(&mut self.rest)
    }

    fn object(&mut self, reader: &mut Reader<'a>, failure: &mut Failure) -> Result<()> {
        reader.object(|reader, key| {
            match key {
                "id" => self.id = reader.string_or_skip()?,
                "model" => self.model = reader.string_or_skip()?,
                "created" if reader.peek()? == Kind::Number => {
                    self.created = Some(reader.number()?);
                }
                "choices" => self.read_choices(reader)?,
                "usage" => {
                    let usage = usage::read(reader)?;
                    note_usage(&mut self.usage, UsagePlace::Event, usage);
                }
                "error" => failure.error = is_failure(reader.raw()?),
                "x_groq" => {
                    let groq_failed = &mut failure.error;
                    let mut groq_usage = None;
                    reader.object_or_skip(|reader, key| {
                        match key {
                            "usage" => groq_usage = usage::read(reader)?,
                            "error" => *groq_failed |= is_failure(reader.raw()?),
                            _ => reader.skip()?,
                        }
                        Ok(())
                    })?;
                    note_usage(&mut self.usage, UsagePlace::Groq, groq_usage);
                }
                "object" => {
                    let object = reader.string_or_skip()?;
                    failure.object = object.is_some_and(|object| object.body == "error");
                }
                "message" => {
                    let message = reader.string_or_skip()?;
                    failure.message = message.is_some_and(|message| !message.is_empty());
                }
                "detail" | "errors" => failure.detail |= !is_blank(reader.raw()?),
                "code" | "type" | "status" | "statusCode" | "status_code" => {
                    failure.code |= !is_blank(reader.raw()?);
                }
                _ => reader.skip()?,
            }
            Ok(())
        })
    }

    fn read_choices(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        (self.first, self.has_choices) = (None, false);
        self.rest.clear();
        self.has_choices = reader.array_or_skip(|reader| {
            if reader.peek()? != Kind::Object {
                return reader.skip();
            }
            let choice = if self.first.is_none() {
                self.first.insert(Choice::default())
            } else if self.rest.len() == MOST {
                self.excess = Some("choices");
                return reader.skip();
            } else {
                self.rest.push(Choice::default());
                let Some(choice) = self.rest.last_mut() else {
                    return Ok(());
                };
                choice
            };
            reader.object(|reader, key| choice.field(reader, key))?;
            note_usage(&mut self.usage, UsagePlace::Choice, choice.usage.take());
            if choice.is_full() {
                self.excess = Some("unknown members in one message");
            }
            Ok(())
        })?;
        Ok(())
    }
}

#[inline]
fn note_usage(
    known: &mut Option<(UsagePlace, Box<Usage>)>,
    place: UsagePlace,
    usage: Option<Box<Usage>>,
) {
    if let Some(usage) = usage
        && known.as_ref().is_none_or(|(best, _)| *best <= place)
    {
        *known = Some((place, usage));
    }
}

/// How an error differs from a reply: by an `error`, or by the flat forms of servers that have none.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says whether a key was seen, in any order"
)]
struct Failure {
    error: bool,
    object: bool,
    message: bool,
    detail: bool,
    code: bool,
}

impl Failure {
    fn is_flat_error(&self) -> bool {
        self.object || self.detail || self.message && self.code
    }
}

impl<'a> Choice<'a> {
    fn is_full(&self) -> bool {
        self.delta.as_ref().is_some_and(|message| message.is_full)
            || self.message.as_ref().is_some_and(|message| message.is_full)
    }

    /// Its text, if the JSON has it without escapes, and only once.
    pub(super) fn into_plain_text(self) -> Option<&'a str> {
        let ((Some(Content::Text(text)), None) | (None, Some(text))) =
            (self.delta.map(|delta| delta.content), self.text)
        else {
            return None;
        };
        match text.body {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    }

    fn field(&mut self, reader: &mut Reader<'a>, key: &str) -> Result<()> {
        match key {
            "index" => self.index = reader.count_or_skip()?,
            "delta" => {
                // Read in place: a message is large, and moving it costs more than reading it.
                let delta = self.delta.insert(Message::default());
                if !delta.fill(reader)? {
                    self.delta = None;
                }
            }
            "message" => {
                let mut message = Box::<Message<'_>>::default();
                self.message = message.fill(reader)?.then_some(message);
            }
            "text" => self.text = reader.string_or_skip()?,
            "logprobs" => self.logprobs = reader.raw_or_null()?,
            "usage" => self.usage = usage::read(reader)?,
            "error" => self.error = Some(reader.raw()?).filter(|raw| is_failure(raw)),
            "finish_reason" => {
                self.finish_reason = match reader.peek()? {
                    Kind::String => Some(reader.string()?.into_lossy()),
                    // Some servers number their reasons.
                    Kind::Number => Some(Cow::Borrowed(reader.number()?)),
                    _ => {
                        reader.skip()?;
                        None
                    }
                }
                .filter(|reason| !reason.is_empty());
            }
            _ => reader.skip()?,
        }
        Ok(())
    }
}

impl<'a> Message<'a> {
    /// Reads an object, or the text of one that has nothing else. Returns whether it was one.
    fn fill(&mut self, reader: &mut Reader<'a>) -> Result<bool> {
        if reader.peek()? == Kind::String {
            self.content = Content::Text(reader.string()?);
            return Ok(true);
        }
        let mut rank = REASONING.len();
        let found = reader.object_or_skip(|reader, key| {
            match key {
                "content" => {
                    self.content = match reader.peek()? {
                        Kind::String => Content::Text(reader.string()?),
                        Kind::Array | Kind::Object => Content::List(reader.raw()?),
                        Kind::Number => Content::Text(Text::plain(reader.number()?)),
                        _ => {
                            reader.skip()?;
                            Content::None
                        }
                    }
                }
                "refusal" => {
                    self.refusal = reader.string_or_skip()?.filter(|text| !text.is_empty());
                }
                "tool_calls" => {
                    self.tool_calls = Some(reader.raw()?).filter(|raw| !is_blank(raw));
                }
                "function_call" => {
                    self.function_call = Some(reader.raw()?).filter(|raw| !is_blank(raw));
                }
                key => match REASONING.iter().position(|field| *field == key) {
                    Some(place) if reader.peek()? == Kind::String => {
                        let text = reader.string()?;
                        if place <= rank && !text.is_empty() {
                            rank = place;
                            self.reasoning = REASONING.get(place).map(|field| (*field, text));
                        }
                    }
                    _ => self.keep_other(key, reader.raw()?),
                },
            }
            Ok(())
        })?;
        if !self.other.is_empty() {
            self.settle_other()?;
        }
        Ok(found)
    }

    fn keep_other(&mut self, key: &str, raw: &'a str) {
        if NOISE.contains(&key) || self.other.is_empty() && !is_block(raw) {
            return;
        }
        self.is_full = self.other.len() == MOST;
        if !self.is_full {
            self.other.push((key.to_owned(), raw));
        }
    }

    /// Keeps only the last value of each unknown key, if it is a block. Reads the reasoning that is only in blocks.
    fn settle_other(&mut self) -> Result<()> {
        if self.other.len() > 1 {
            // The sort is stable, and of equal keys the first one stays.
            self.other.reverse();
            self.other.sort_by(|(one, _), (other, _)| one.cmp(other));
            self.other.dedup_by(|(one, _), (other, _)| one == other);
        }
        self.other.retain(|(_, raw)| is_block(raw));
        if self.reasoning.is_none()
            && let Some((_, raw)) = self.other.iter().find(|(key, _)| key == DETAILS)
        {
            let text = text_of_details(raw)?;
            self.reasoning = Some((DETAILS, text)).filter(|(_, text)| !text.is_empty());
        }
        Ok(())
    }

    /// What went wrong with it, if it says so.
    pub(super) fn error(&self) -> Option<&'a str> {
        let (_, raw) = self.other.iter().find(|(key, _)| key == "error")?;
        is_failure(raw).then_some(*raw)
    }

    /// Its text, which is empty if it has nothing; `None` if it has anything else.
    pub(super) fn only_text(&self) -> Option<&Text<'a>> {
        let other = self.reasoning.is_some()
            || self.refusal.is_some()
            || self.tool_calls.is_some()
            || self.function_call.is_some()
            || !self.other.is_empty();
        match &self.content {
            Content::Text(text) if !other => Some(text),
            Content::None if !other => Some(&NO_TEXT),
            _ => None,
        }
    }
}

/// Whether a body is an error instead of a reply, in any of the forms that servers give it.
pub(in crate::wire) fn is_error(body: &[u8]) -> bool {
    Event::read(body).is_ok_and(|event| event.is_error)
}

/// Whether an `error` says that something failed. Some servers send one with every reply, with nothing in it.
pub(in crate::wire) fn is_failure(raw: &str) -> bool {
    if !raw.starts_with('{') {
        return !(is_blank(raw) || raw == "false" || raw == "0");
    }
    let mut says = false;
    let read = Reader::over(raw).object_or_skip(|reader, _| {
        says |= !is_blank(reader.raw()?);
        Ok(())
    });
    says || read.is_err()
}

/// Whether an unknown value is a block. A block has structure or text; a lone number or flag is not part of a message.
fn is_block(raw: &str) -> bool {
    raw.starts_with(['{', '[', '"']) && !is_blank(raw)
}

static NO_TEXT: Text<'static> = Text {
    low: None,
    body: Cow::Borrowed(""),
    high: None,
};
