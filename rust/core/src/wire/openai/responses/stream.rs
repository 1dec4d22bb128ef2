//! Reads the events of a stream.

use super::event::Event;
use super::item::{Block, BlockKind, Item, Kind, List};
use super::items::Items;
use super::parts::Parts;
use super::response::Response;
use super::sequence::Sequence;
use crate::error::{Error, ErrorKind};
use crate::json::Reader;
use crate::message::{ChunkKind, Delta, FinishReason, ReplyHead};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;
use crate::wire::openai::chat::{is_error, is_failure};
use crate::wire::openai::stray::{Stray, Unread, start_of, unread};

/// Reads one stream. A whole reply is a stream of its terminal event.
#[derive(Debug, Default)]
pub(super) struct ResponsesStream {
    head: ReplyHead,
    items: Items,
    pub(super) parts: Parts,
    sequence: Sequence,
    /// Whether any event of a response came.
    has_begun: bool,
    done: bool,
    /// The start of the first event that is none of a response. It may say why none came.
    odd: Option<String>,
    stray: Stray,
}

/// What has to arrive.
const END: &str = "response.completed did not arrive";

impl StreamDecoder for ResponsesStream {
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::Done);
        }
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            let why = self.missing().unwrap_or_default();
            let message = format!("the stream ended with [DONE], and it is incomplete: {why}");
            return Err(Error::new(ErrorKind::StreamIncomplete, message).retryable(true));
        }
        if data.is_empty() {
            return Ok(Step::Continue);
        }
        if name == b"error" {
            return Err(errors::decode(None, data));
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
        if let Some(number) = event.sequence
            && self.sequence.is_again(number, data)
        {
            return Ok(Step::Continue);
        }
        self.apply(&event, name, data, out)
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.done {
            return Ok(());
        }
        self.stray.field(name, value, self.has_begun)
    }

    fn missing(&self) -> Option<String> {
        if self.done {
            return None;
        }
        let start = match &self.odd {
            Some(start) => start,
            None => &self.stray.start,
        };
        Some(match &**start {
            start if !self.has_begun && !start.is_empty() => {
                format!("{END}; it began with: {start}")
            }
            _ => END.to_owned(),
        })
    }

    fn failure(&self) -> Option<&Error> {
        None
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }
}

impl ResponsesStream {
    fn apply(
        &mut self,
        event: &Event<'_>,
        name: &[u8],
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<Step, Error> {
        let kind = match event.kind.as_deref() {
            Some(kind) => kind,
            // A server may leave it to the name of the event.
            None => str::from_utf8(name).unwrap_or_default(),
        };
        let Some(kind) = kind.strip_prefix("response.") else {
            return self.other(kind, event, data, out);
        };
        self.has_begun = true;
        match kind {
            "output_text.delta" => {
                self.grow(event, Kind::Message, List::Content, BlockKind::Text, out)?;
            }
            "refusal.delta" => {
                self.grow(event, Kind::Message, List::Content, BlockKind::Refusal, out)?;
            }
            "reasoning_summary_text.delta" => {
                self.grow(
                    event,
                    Kind::Reasoning,
                    List::Summary,
                    BlockKind::Reasoning,
                    out,
                )?;
            }
            "reasoning_text.delta" => {
                self.grow(
                    event,
                    Kind::Reasoning,
                    List::Content,
                    BlockKind::Reasoning,
                    out,
                )?;
            }
            "function_call_arguments.delta" => self.grow_call(event, Kind::Call, out)?,
            "custom_tool_call_input.delta" => self.grow_call(event, Kind::Custom, out)?,
            "output_text.done" => {
                self.whole_text(event, Kind::Message, List::Content, BlockKind::Text, out)?;
            }
            "refusal.done" => {
                self.whole_text(event, Kind::Message, List::Content, BlockKind::Refusal, out)?;
            }
            "reasoning_summary_text.done" => {
                self.whole_text(
                    event,
                    Kind::Reasoning,
                    List::Summary,
                    BlockKind::Reasoning,
                    out,
                )?;
            }
            "reasoning_text.done" => {
                self.whole_text(
                    event,
                    Kind::Reasoning,
                    List::Content,
                    BlockKind::Reasoning,
                    out,
                )?;
            }
            "function_call_arguments.done" => self.whole_arguments(event, Kind::Call, out)?,
            "custom_tool_call_input.done" => self.whole_arguments(event, Kind::Custom, out)?,
            "content_part.added" => self.part(event, Kind::Message, List::Content, false, out)?,
            "content_part.done" => self.part(event, Kind::Message, List::Content, true, out)?,
            "reasoning_summary_part.added" => {
                self.part(event, Kind::Reasoning, List::Summary, false, out)?;
            }
            "reasoning_summary_part.done" => {
                self.part(event, Kind::Reasoning, List::Summary, true, out)?;
            }
            "reasoning_part.added" => {
                self.part(event, Kind::Reasoning, List::Content, false, out)?;
            }
            "reasoning_part.done" => {
                self.part(event, Kind::Reasoning, List::Content, true, out)?;
            }
            "output_text.annotation.added" => self.annotation(event, out)?,
            "output_item.added" => self.item(event, false, out)?,
            "output_item.done" => self.item(event, true, out)?,
            "created" | "queued" | "in_progress" => {
                Response::read(event.response.unwrap_or_default())?.note(&mut self.head);
            }
            "completed" | "incomplete" | "failed" | "cancelled" => {
                let mut response = Response::read(event.response.unwrap_or("null"))?;
                response
                    .status
                    .get_or_insert_with(|| kind.to_owned().into());
                self.end(&response, out)?;
                return Ok(Step::Done);
            }
            // An event of another kind has nothing that the end of its item does not have.
            _ => {}
        }
        Ok(Step::Continue)
    }

    /// An event that is none of a response.
    fn other(
        &mut self,
        kind: &str,
        event: &Event<'_>,
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<Step, Error> {
        if kind == "error" || is_error(data) {
            return Err(errors::decode(None, data));
        }
        if event.kind.is_none() && event.is_reply {
            // The server sent the reply in one event.
            let text = str::from_utf8(data).unwrap_or_default();
            self.end(&Response::read(text)?, out)?;
            return Ok(Step::Done);
        }
        if !self.has_begun {
            self.odd.get_or_insert_with(|| start_of(data));
        }
        Ok(Step::Continue)
    }

    /// The place of the item and of the block that a piece belongs to, which are added if they are missing.
    fn block(
        &mut self,
        event: &Event<'_>,
        item: Kind,
        list: List,
        block: BlockKind,
        out: &mut Vec<ChunkKind>,
    ) -> Result<Option<(usize, usize)>, Error> {
        let Some(at) = self.items.find_or_add(event, item, &mut self.parts)? else {
            return Ok(None);
        };
        let Some(state) = self.items.list.get_mut(at) else {
            return Ok(None);
        };
        let index = event.block_index.unwrap_or(0);
        let place = match state.place(list, index) {
            Some(place) => place,
            None => state.begin(list, index, block, None, &mut self.parts, out)?,
        };
        Ok(state.is_of(place, block).then_some((at, place)))
    }

    fn grow(
        &mut self,
        event: &Event<'_>,
        item: Kind,
        list: List,
        block: BlockKind,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let Some(text) = &event.delta else {
            return Ok(());
        };
        if let Some((at, place)) = self.block(event, item, list, block, out)?
            && let Some(state) = self.items.list.get_mut(at)
        {
            let logprobs = event.logprobs.and_then(super::item::list);
            state.grow(place, text.clone(), logprobs, &mut self.parts, out);
        }
        Ok(())
    }

    fn whole_text(
        &mut self,
        event: &Event<'_>,
        item: Kind,
        list: List,
        block: BlockKind,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let Some(text) = &event.whole else {
            return Ok(());
        };
        if let Some((at, place)) = self.block(event, item, list, block, out)?
            && let Some(state) = self.items.list.get_mut(at)
        {
            let logprobs = event.logprobs.and_then(super::item::list);
            let text = text.clone().into_lossy();
            state.whole_text(place, &text, logprobs, &mut self.parts, out);
        }
        Ok(())
    }

    fn grow_call(
        &mut self,
        event: &Event<'_>,
        kind: Kind,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some(text) = &event.delta
            && let Some(at) = self.items.find_or_add(event, kind, &mut self.parts)?
            && let Some(state) = self.items.list.get_mut(at)
        {
            state.begin_call(None, &mut self.parts, out);
            state.grow_call(text.clone(), out);
        }
        Ok(())
    }

    fn whole_arguments(
        &mut self,
        event: &Event<'_>,
        kind: Kind,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some(text) = &event.whole
            && let Some(at) = self.items.find_or_add(event, kind, &mut self.parts)?
            && let Some(state) = self.items.list.get_mut(at)
        {
            state.begin_call(None, &mut self.parts, out);
            let text = text.clone().into_lossy();
            state.whole_arguments(&text, &mut self.parts, out);
        }
        Ok(())
    }

    /// A block begins or ends.
    fn part(
        &mut self,
        event: &Event<'_>,
        item: Kind,
        list: List,
        is_whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let Some(raw) = event.part else {
            return Ok(());
        };
        // Open models have blocks of reasoning with the events of a message.
        let item = match self
            .items
            .find(event)
            .and_then(|at| self.items.list.get(at))
        {
            Some(known) if known.kind == Kind::Reasoning => Kind::Reasoning,
            _ => item,
        };
        let block = Block::read(raw, item)?;
        let Some(at) = self.items.find_or_add(event, item, &mut self.parts)? else {
            return Ok(());
        };
        let Some(state) = self.items.list.get_mut(at) else {
            return Ok(());
        };
        let index = event.block_index.unwrap_or(0);
        let place = match state.place(list, index) {
            Some(place) => place,
            None => state.begin(
                list,
                index,
                block.kind,
                Some(&block.extra),
                &mut self.parts,
                out,
            )?,
        };
        if is_whole && state.is_of(place, block.kind) {
            state.whole_block(place, block, &mut self.parts, out);
        }
        Ok(())
    }

    fn annotation(&mut self, event: &Event<'_>, out: &mut Vec<ChunkKind>) -> Result<(), Error> {
        if let Some(annotation) = event.annotation
            && let Some((at, place)) =
                self.block(event, Kind::Message, List::Content, BlockKind::Text, out)?
            && let Some(state) = self.items.list.get_mut(at)
        {
            state.annotate(place, annotation, &mut self.parts, out);
        }
        Ok(())
    }

    /// An item begins or ends.
    fn item(
        &mut self,
        event: &Event<'_>,
        is_whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let Some(item) = Item::read(event.item.unwrap_or("null"))? else {
            return Ok(());
        };
        let Some(at) = self.items.place_of(event, &item, &mut self.parts)? else {
            return Ok(());
        };
        let Some(state) = self.items.list.get_mut(at) else {
            return Ok(());
        };
        if is_whole {
            return state.end(item, &mut self.parts, out);
        }
        state.note(&item, &mut self.parts)?;
        state.begin_whole(&item, &mut self.parts, out)
    }

    /// The terminal event, or a whole reply.
    pub(super) fn end(
        &mut self,
        response: &Response<'_>,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        (self.has_begun, self.done) = (true, true);
        response.note(&mut self.head);
        let mut failed = Ok(());
        Reader::over(response.output.unwrap_or("null")).array_or_skip(|reader| {
            if let Some(item) = Item::read(reader.raw()?)?
                && failed.is_ok()
            {
                failed = self.repeated(item, out);
            }
            Ok(())
        })?;
        failed?;
        let is_lost = self.is_lost(response);
        self.leave(response, out);
        let parts = &mut self.parts;
        let finish = response.finish(parts.is_cut);
        let finish =
            finish.map(|(reason, word)| (reason.corrected(parts.refused, parts.called()), word));
        let failure = match (&finish, response.error.filter(|error| is_failure(error))) {
            (Some((FinishReason::Error, _)), Some(error)) => Some(errors::in_choice(error)),
            (Some((reason, word)), _) if reason.is_failure() => Some(errors::ended_with(word)),
            _ => None,
        };
        let has_usage = response.usage.is_some();
        if failure.is_some() && !parts.any && !has_usage {
            // There is nothing that another attempt would repeat.
            return failure.map_or(Ok(()), Err);
        }
        if finish.is_none() && has_usage {
            // Token counts alone do not make a choice.
            out.push(ChunkKind::Delta(Box::default()));
        }
        let (reason, word) = finish.unzip();
        out.push(ChunkKind::Delta(Box::new(Delta {
            finish_reason: reason,
            provider_finish_reason: word,
            stop_details: response.details.map(Into::into),
            usage: response.usage.clone(),
            ..Delta::default()
        })));
        if let Some(failure) = failure {
            return Err(failure);
        }
        if is_lost {
            let message = "the stream is incomplete: a part of it was lost on the way, and what came later does not repeat it";
            return Err(Error::new(ErrorKind::StreamIncomplete, message).retryable(true));
        }
        Ok(())
    }

    /// An item that the terminal event has.
    fn repeated(&mut self, item: Item<'_>, out: &mut Vec<ChunkKind>) -> Result<(), Error> {
        let Some(at) = self.items.repeated(&item, &mut self.parts)? else {
            return Ok(());
        };
        match self.items.list.get_mut(at) {
            Some(state) if state.has_ended => state.repeat(&item, &mut self.parts, out),
            Some(state) => state.end(item, &mut self.parts, out),
            None => Ok(()),
        }
    }

    /// Whether something was lost on the way, and is nowhere repeated.
    fn is_lost(&self, response: &Response<'_>) -> bool {
        // Where no number is missing, a server repeats in other words what it said.
        if self.sequence.counts() && !self.sequence.has_gap {
            return false;
        }
        let is_repeated = response.output.and_then(super::item::list).is_some();
        let mut open = self.items.list.iter().filter(|state| !state.has_ended);
        self.parts.differs
            || self.sequence.has_gap
                && !is_repeated
                && (open.next().is_some() || self.items.has_hole())
    }

    /// Ends the items that are nowhere in full.
    fn leave(&mut self, response: &Response<'_>, out: &mut Vec<ChunkKind>) {
        let is_complete = matches!(
            response.status.as_deref(),
            None | Some("completed" | "complete")
        );
        for state in &mut self.items.list {
            if !state.has_ended {
                state.leave(is_complete, &mut self.parts, out);
            }
        }
    }
}
