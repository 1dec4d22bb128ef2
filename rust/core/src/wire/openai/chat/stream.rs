//! The stream decoder of OpenAI-shaped servers, for chat and for text completions.

use compact_str::CompactString;

use super::READ_HERE;
use super::choice::ChoiceState;
use super::event::{Choice, Content, Event, Message};
use super::repeat::Frame;
use super::said::{CONTENT, TEXT};
use super::twice::{UsagePlace, merged, text_beside};
use crate::error::{Error, ErrorKind};
use crate::json::{Text, as_count};
use crate::message::{ChunkKind, Delta, FinishReason, Logprobs, ReplyHead, Usage};
use crate::wire::by_index::ByIndex;
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;
use crate::wire::most::too_many;
use crate::wire::stray::{Stray, Unread, keeps_alive, note_odd, unexpected, unread};

/// Reads the events of one stream. A whole reply is a stream of one event.
#[derive(Debug, Default)]
pub(in crate::wire::openai) struct ChatStream {
    head: ReplyHead,
    choices: ByIndex<ChoiceState>,
    /// How many choices were asked for.
    asked: usize,
    /// How many of them a whole reply must have.
    least: usize,
    /// Where the counts that were passed on came from.
    usage: UsagePlace,
    /// The start of the first event, if it has no choices. It may say why.
    odd: Option<String>,
    /// Why the reply failed, although the server went on to its end.
    failed: Option<Error>,
    done: bool,
    stray: Stray,
    /// The bytes around the last plain text.
    pub(super) frame: Frame,
}

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
        let event = match Event::read(data) {
            Ok(event) => event,
            Err(why) => {
                return match unread(name, data, why) {
                    Unread::Ignored => Ok(Step::Continue),
                    Unread::Repaired(data) => self.event(name, data.as_bytes(), out),
                    Unread::Broken(error) => Err(error),
                };
            }
        };
        if event.is_error {
            let error = errors::decode(None, data);
            if event.first.is_some() {
                // What it has besides belongs to the partial reply.
                self.apply(event, false, out)?;
                if !out.iter().any(ChunkKind::has_content) {
                    out.clear();
                }
            }
            return Err(error);
        }
        let is_first = self.choices.states.is_empty();
        if event.first.is_none() {
            match errors::instead_of_choices(data) {
                Some(error) => return Err(error),
                None if keeps_alive(name) => return Ok(Step::Continue),
                None if is_first => note_odd(&mut self.odd, READ_HERE, data)?,
                None => {}
            }
        }
        if let Some(text) = self.apply(event, false, out)? {
            self.frame.learn(data, text);
        }
        match &self.failed {
            // There is nothing to wait for, and nothing that another attempt would repeat.
            Some(error) if is_first && !self.has_content() => {
                out.clear();
                Err(error.clone())
            }
            _ => Ok(Step::Continue),
        }
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.done {
            return Ok(());
        }
        let begun = !self.choices.states.is_empty();
        self.stray.field(name, value, begun)
    }

    fn missing(&self) -> Option<String> {
        if self.choices.states.is_empty() {
            return Some(match &*self.stray.start {
                "" => "it ended before any choice".to_owned(),
                start => format!("it ended before any choice; it began with: {start}"),
            });
        }
        self.unfinished(|choice| !choice.finished)
            .or_else(|| self.too_few(self.asked))
    }

    fn failure(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }
}

impl ChatStream {
    /// Starts to read a reply of which `asked` choices were asked for. At least `least` of them make it whole, and all of
    /// them if its end has no terminal mark.
    pub(in crate::wire::openai) fn new(asked: usize, least: usize) -> Self {
        Self {
            asked,
            least,
            ..Self::default()
        }
    }

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
        let usage = event.usage.take().filter(|(place, _)| *place >= self.usage);
        let usage = usage.map(|(place, usage)| {
            self.usage = place;
            usage
        });
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
            || choice.error.is_some()
        {
            return None;
        }
        let (field, text) = match (&choice.delta, &choice.text) {
            (Some(delta), None) => (CONTENT, delta.only_text()?),
            (Some(delta), Some(beside)) => match delta.only_text()? {
                text if text.is_empty() => (TEXT, beside),
                text => (CONTENT, text),
            },
            (None, Some(text)) => (TEXT, text),
            _ => return None,
        };
        if text.low.is_some() || text.high.is_some() {
            return None;
        }
        if !text.is_empty() && self.choices.get(0)?.said.is_elsewhere(field) {
            return None;
        }
        self.push_plain(&text.body)
    }

    /// Adds text to choice 0, unless a half character is waiting.
    #[inline]
    fn push_plain(&mut self, text: &str) -> Option<CompactString> {
        let state = match self.choices.states.first_mut() {
            Some(first) if first.index == 0 => first,
            _ => self.choices.get(0)?,
        };
        if state.text.is_waiting() || state.reasoning.is_waiting() {
            return None;
        }
        state.said.in_deltas = true;
        state.said.add(text);
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
                .and_then(as_count)
                .filter(|&created| created > 0)
                .and_then(|created| i64::try_from(created).ok());
        }
    }

    fn choice(
        &mut self,
        choice: &mut Choice<'_>,
        place: usize,
        whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let index = choice.index.unwrap_or(place as u64);
        let mut index = u32::try_from(index).unwrap_or(u32::MAX);
        if whole {
            index = self.choices.own_index(index);
        }
        let Some(state) = self.choices.get(index) else {
            return Err(too_many("choices"));
        };
        let mut delta = Box::new(Delta {
            index,
            ..Delta::default()
        });
        let mut messages = choice.delta.iter().chain(choice.message.as_deref());
        let error = choice.error.or_else(|| messages.find_map(Message::error));
        if whole {
            let message = choice.message.take().map(|message| *message);
            let message = merged(message, choice.delta.take());
            let is_empty = message.is_none() && choice.text.is_none();
            if is_empty && error.is_none() {
                let message = format!("the reply has no message in choice {index}");
                self.failed = self.failed.take().or_else(|| Some(unexpected(&message)));
            }
            if let Some(text) = text_beside(message.as_ref(), choice.text.take()) {
                state.push_text(text, &mut delta);
            }
            if let Some(mut message) = message {
                state.message(&mut message, true, &mut delta, out)?;
            }
        } else {
            let is_alone = choice.text.as_ref().is_none_or(Text::is_empty);
            if let Some(text) = text_beside(choice.delta.as_ref(), choice.text.take())
                && state.said.counts(TEXT, &text.body)
            {
                state.push_text(text, &mut delta);
            }
            if let Some(message) = &mut choice.delta {
                if let Content::Text(text) = &message.content
                    && is_alone
                    && !state.said.counts(CONTENT, &text.body)
                {
                    message.content = Content::None;
                }
                state.message(message, false, &mut delta, out)?;
            }
            state.said.in_deltas |= !delta.text.is_empty();
            if let Some(message) = &mut choice.message {
                state.catch_up(message, &mut delta, out)?;
            }
        }
        if let Some(raw) = choice.logprobs {
            delta.logprobs = Logprobs::of(raw);
        }
        let mut failed = error.map(errors::in_choice);
        if let Some(word) = choice.finish_reason.take() {
            state.finished = true;
            state.flush(&mut delta);
            let reason = FinishReason::from_word(&word);
            if reason.is_some_and(FinishReason::is_failure) {
                failed.get_or_insert_with(|| errors::ended_with(&word, None));
            }
            delta.finish_reason =
                reason.map(|reason| reason.corrected(state.refused, state.calls.any()));
            delta.provider_finish_reason = Some(word.into_owned());
        } else if whole {
            state.flush(&mut delta);
        }
        // The first error is the reason for all others.
        if failed.is_some() && self.failed.is_none() {
            self.failed = failed;
        }
        out.push(ChunkKind::Delta(delta));
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        if self.choices.states.is_empty() {
            let message = "the stream ended with [DONE] but had no choice";
            let error = match &self.odd {
                None => unexpected(message),
                Some(start) => Error::new(
                    ErrorKind::StreamIncomplete,
                    format!("{message}; it began with: {start}"),
                ),
            };
            return Err(error.retryable(true));
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
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.is_short() {
            None => Ok(Step::Done),
            Some(why) => Err(Error::new(
                ErrorKind::StreamIncomplete,
                format!("the stream is incomplete: {why}"),
            )
            .retryable(true)),
        }
    }

    fn has_content(&self) -> bool {
        self.choices.states.iter().any(ChoiceState::has_content)
    }

    fn unfinished(&self, is_open: impl Fn(&ChoiceState) -> bool) -> Option<String> {
        let open = self.choices.open(is_open)?;
        Some(format!("choice {open} had not finished"))
    }

    /// What to say if choices are missing, or empty, although the reply has ended.
    pub(super) fn is_short(&self) -> Option<String> {
        self.empty().or_else(|| self.too_few(self.least))
    }

    /// What to say of choices with nothing in them. A choice needs no finish reason, because some servers never give
    /// one.
    fn empty(&self) -> Option<String> {
        self.unfinished(|choice| !choice.finished && !choice.has_content())
    }

    fn too_few(&self, least: usize) -> Option<String> {
        let (asked, came) = (self.asked, self.choices.states.len());
        (came < least).then(|| format!("{asked} choices were asked for, and {came} came"))
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
