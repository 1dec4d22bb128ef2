//! The stream decoder of OpenAI-shaped servers, for chat and for text completions.

use compact_str::CompactString;

use super::choice::Choices;
use super::event::{Choice, Event};
use super::most::too_many;
use super::repeat::Frame;
use crate::error::{Error, ErrorKind};
use crate::json::{Growing, Text};
use crate::message::{ChunkKind, Delta, FinishReason, Logprobs, ReplyHead, Usage};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;

/// Reads the events of one stream. A whole reply is a stream of one event.
#[derive(Debug, Default)]
pub(in crate::wire::openai) struct ChatStream {
    head: ReplyHead,
    choices: Choices,
    done: bool,
    /// The lines of a JSON body that arrived instead of events.
    stray: Vec<u8>,
    stray_end: Growing,
    /// The bytes around the last plain text.
    pub(super) frame: Frame,
}

/// How many bytes of a JSON body instead of events are collected.
const STRAY_CAP: usize = 64 << 10;

impl StreamDecoder for ChatStream {
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::Done);
        }
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            return self.end(out);
        }
        if data.is_empty() {
            return Ok(Step::Continue);
        }
        if name == b"error" {
            return Err(errors::decode(None, data));
        }
        if let Some(text) = self.frame.text(data)
            && let Some(text) = self.push_plain(text)
        {
            out.push(ChunkKind::Text(text));
            return Ok(Step::Continue);
        }
        let event = Event::read(data)?;
        if event.is_error {
            return Err(errors::decode(None, data));
        }
        if let Some(text) = self.apply(event, false, out)? {
            self.frame.learn(data, text);
        }
        Ok(Step::Continue)
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.done {
            return Ok(());
        }
        if name == b"error" {
            return Err(errors::decode(None, value));
        }
        // Unknown fields are ignored. But the name of a field is text, and bytes that are not text may have swallowed
        // an event.
        if std::str::from_utf8(name).map_or(true, |name| {
            name.contains(|c: char| c.is_control() && c != '\t')
        }) {
            return Err(Error::new(
                ErrorKind::Decode,
                "the stream has bytes that are not part of an event stream; something on the way damaged it",
            ));
        }
        // A JSON or HTML body with the content type of a stream looks like unknown fields.
        if self.stray.is_empty() && !name.trim_ascii_start().starts_with(b"{") {
            if errors::is_html(name) && self.choices.states.is_empty() {
                return Err(unexpected(
                    "the reply is an HTML page, not a stream; base_url is probably wrong",
                ));
            }
            return Ok(());
        }
        let before = self.stray.len();
        if before + name.len() + value.len() >= STRAY_CAP {
            return Ok(());
        }
        self.stray.extend_from_slice(name);
        if !value.is_empty() {
            self.stray.push(b':');
            self.stray.extend_from_slice(value);
        }
        self.stray.push(b'\n');
        self.stray_end
            .push(self.stray.get(before..).unwrap_or_default());
        if self.stray_end.is_complete(&self.stray) {
            return Err(match Event::read(&self.stray) {
                Ok(event) if event.is_error => errors::decode(None, &self.stray),
                _ => unexpected("the reply is a JSON body, not a stream"),
            });
        }
        Ok(())
    }

    fn is_finished(&self) -> bool {
        !self.choices.states.is_empty() && self.choices.states.iter().all(|choice| choice.finished)
    }

    fn open_choices(&self) -> Vec<u32> {
        let states = self.choices.states.iter();
        let open = states.filter(|choice| !choice.finished);
        let mut open: Vec<_> = open.map(|choice| choice.index).collect();
        open.sort_unstable();
        open
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }
}

impl ChatStream {
    /// Reads the choices and usage of one event. In a `whole` reply each tool call is complete. If the event has only
    /// text, returns it as a slice of the event's JSON.
    pub(super) fn apply<'a>(
        &mut self,
        mut event: Event<'a>,
        whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<Option<&'a str>, Error> {
        if let Some(what) = event.excess {
            return Err(too_many(what));
        }
        self.note_head(&mut event);
        let before = out.len();
        let usage = event.usage.take().or_else(|| event.groq_usage.take());
        if usage.is_none()
            && !whole
            && event.rest.is_empty()
            && let Some(choice) = &event.first
            && let Some(text) = self.plain_text(choice)
        {
            out.push(ChunkKind::Text(text));
            return Ok(event.first.and_then(Choice::into_plain_text));
        }
        for (place, choice) in event.choices().enumerate() {
            self.choice(choice, place, whole, out)?;
        }
        attach_usage(usage, before, out);
        Ok(None)
    }

    /// The fast path: only text of choice 0.
    #[inline]
    fn plain_text(&mut self, choice: &Choice<'_>) -> Option<CompactString> {
        if choice.index.unwrap_or(0) != 0
            || choice.finish_reason.is_some()
            || choice.message.is_some()
            || choice.logprobs.is_some()
        {
            return None;
        }
        let text = match (&choice.delta, &choice.text) {
            (Some(delta), None) => delta.only_text()?,
            (None, Some(text)) => text,
            _ => return None,
        };
        if text.low.is_some() || text.high.is_some() {
            return None;
        }
        self.push_plain(&text.body)
    }

    /// Adds text to choice 0, unless a half character is waiting.
    #[inline]
    fn push_plain(&mut self, text: &str) -> Option<CompactString> {
        let state = self.choices.get(0)?;
        if state.text.is_waiting() || state.reasoning.is_waiting() {
            return None;
        }
        state.text_bytes += text.len();
        Some(CompactString::new(text))
    }

    fn note_head(&mut self, event: &mut Event<'_>) {
        let note = |known: &mut Option<String>, text: Option<Text<'_>>| {
            if known.is_none()
                && let Some(text) = text.filter(|text| !text.is_empty())
            {
                *known = Some(text.into_lossy().into_owned());
            }
        };
        note(&mut self.head.id, event.id.take());
        note(&mut self.head.model, event.model.take());
        if self.head.created.is_none() {
            self.head.created = event
                .created
                .filter(|&created| created > 0)
                .and_then(|created| i64::try_from(created).ok());
        }
    }

    fn choice(
        &mut self,
        choice: Choice<'_>,
        place: usize,
        whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let index = choice.index.unwrap_or(place as u64);
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let Some(state) = self.choices.get(index) else {
            return Err(too_many("choices"));
        };
        let mut delta = Delta {
            index,
            ..Delta::default()
        };
        if let Some(text) = choice.text {
            state.push_text(text, &mut delta);
        }
        if let Some(message) = choice.delta {
            state.message(message, false, &mut delta, out)?;
        }
        if let Some(message) = choice.message {
            if whole {
                state.message(*message, true, &mut delta, out)?;
            } else {
                state.catch_up(*message, &mut delta, out)?;
            }
        }
        if let Some(raw) = choice.logprobs {
            delta.logprobs = Logprobs::of(raw);
        }
        if let Some(word) = choice.finish_reason {
            state.finished = true;
            state.flush(&mut delta);
            delta.finish_reason = FinishReason::from_word(&word)
                .map(|reason| reason.corrected(state.refused, state.calls.any()));
            delta.provider_finish_reason = Some(word.into_owned());
        } else if whole {
            state.flush(&mut delta);
        }
        out.push(ChunkKind::Delta(Box::new(delta)));
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        if self.choices.states.is_empty() {
            return Err(unexpected(
                "the stream ended with [DONE] but had no choice; the server failed without saying why",
            )
            .retryable(true));
        }
        self.done = true;
        for state in &mut self.choices.states {
            let mut delta = Delta {
                index: state.index,
                ..Delta::default()
            };
            state.flush(&mut delta);
            if delta.has_content() {
                out.push(ChunkKind::Delta(Box::new(delta)));
            }
        }
        Ok(Step::Done)
    }
}

fn attach_usage(usage: Option<Box<Usage>>, before: usize, out: &mut Vec<ChunkKind>) {
    if let Some(usage) = usage {
        match out.get_mut(before..).and_then(<[_]>::last_mut) {
            Some(ChunkKind::Delta(last)) => last.usage = Some(usage),
            _ => out.push(ChunkKind::Delta(Box::new(Delta {
                usage: Some(usage),
                ..Delta::default()
            }))),
        }
    } else if out.len() == before {
        out.push(ChunkKind::Text(CompactString::default()));
    }
}

pub(super) fn unexpected(message: &str) -> Error {
    Error::new(ErrorKind::UnexpectedContent, message)
}
