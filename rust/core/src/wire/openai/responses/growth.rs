//! The events between the beginning of a reply and its end: items and blocks begin, grow and end.

use std::borrow::Cow;

use super::event::Event;
use super::item::{Block, BlockKind, Item, Kind, List, list};
use super::stream::ResponsesStream;
use crate::error::Error;
use crate::message::{ChunkKind, Extra};
use crate::wire::repeat::{Frame, Hole};

/// Which text the events of a name are about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    item: Kind,
    list: List,
    block: BlockKind,
}

impl Source {
    /// The text that `subject` names in `response.{subject}.delta` and `.done`.
    pub(super) fn of_text(subject: &str) -> Option<Self> {
        let (item, list, block) = match subject {
            "output_text" => (Kind::Message, List::Content, BlockKind::Text),
            "refusal" => (Kind::Message, List::Content, BlockKind::Refusal),
            "reasoning_summary_text" => (Kind::Reasoning, List::Summary, BlockKind::Reasoning),
            "reasoning_text" => (Kind::Reasoning, List::Content, BlockKind::Reasoning),
            _ => return None,
        };
        Some(Self { item, list, block })
    }

    /// The arguments that `subject` names likewise.
    pub(super) fn of_arguments(subject: &str) -> Option<Kind> {
        match subject {
            "function_call_arguments" => Some(Kind::Call),
            "custom_tool_call_input" => Some(Kind::Custom),
            _ => None,
        }
    }

    /// The blocks that `subject` names in `response.{subject}.added` and `.done`.
    pub(super) fn of_block(subject: &str) -> Option<(Kind, List)> {
        match subject {
            "content_part" => Some((Kind::Message, List::Content)),
            "reasoning_summary_part" => Some((Kind::Reasoning, List::Summary)),
            "reasoning_part" => Some((Kind::Reasoning, List::Content)),
            _ => None,
        }
    }
}

impl ResponsesStream {
    /// The places of the item and of the block that a text belongs to, which are added if they are missing.
    fn place(
        &mut self,
        event: &Event<'_>,
        source: Source,
        out: &mut Vec<ChunkKind>,
    ) -> Result<Option<(usize, usize)>, Error> {
        let Some(at) = self
            .items
            .find_or_add(event, source.item, &mut self.parts)?
        else {
            return Ok(None);
        };
        let Some(item) = self.items.list.get_mut(at) else {
            return Ok(None);
        };
        let index = event.block_index.unwrap_or(0);
        let more = Extra::default();
        let (list, kind) = (source.list, source.block);
        let place = item.place(list, index, kind, &more, &mut self.parts, out)?;
        Ok(Some((at, place)))
    }

    /// The next piece of a text.
    pub(super) fn text(
        &mut self,
        event: &Event<'_>,
        source: Source,
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some(text) = &event.delta
            && let Some((at, place)) = self.place(event, source, out)?
            && let Some(item) = self.items.list.get_mut(at)
            && let Some(block) = item.block(place, source.block)
        {
            let logprobs = event.logprobs.and_then(list);
            if logprobs.is_none() {
                learn(&mut self.frame, event, data, (at, place));
            }
            block.grow(text.clone(), logprobs, &mut self.parts, out);
        }
        Ok(())
    }

    /// A whole text.
    pub(super) fn whole_text(
        &mut self,
        event: &Event<'_>,
        source: Source,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some(text) = &event.whole
            && let Some((at, place)) = self.place(event, source, out)?
            && let Some(item) = self.items.list.get_mut(at)
            && let Some(block) = item.block(place, source.block)
        {
            let logprobs = event.logprobs.and_then(list);
            let text = text.clone().into_lossy();
            block.whole_text(&text, logprobs, &mut self.parts, out);
        }
        Ok(())
    }

    /// The next piece of a call's arguments, or all of them.
    pub(super) fn arguments(
        &mut self,
        event: &Event<'_>,
        kind: Kind,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if (event.delta.is_some() || event.whole.is_some())
            && let Some(at) = self.items.find_or_add(event, kind, &mut self.parts)?
            && let Some(item) = self.items.list.get_mut(at)
        {
            let call = item.call(None, &mut self.parts, out)?;
            if let Some(piece) = &event.delta {
                call.grow(piece.clone(), &mut self.parts, out);
            } else if let Some(whole) = &event.whole {
                let whole = whole.clone().into_lossy();
                call.whole_arguments(&whole, event.is_object, &mut self.parts, out);
            }
        }
        Ok(())
    }

    /// A block begins or ends.
    pub(super) fn block(
        &mut self,
        event: &Event<'_>,
        (item, list): (Kind, List),
        is_whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let Some(raw) = event.part else {
            return Ok(());
        };
        // Some servers send the blocks of reasoning with the events of a message.
        let known = self
            .items
            .find(event)
            .and_then(|at| self.items.list.get(at));
        let item = match known {
            Some(known) if known.kind == Kind::Reasoning => Kind::Reasoning,
            _ => item,
        };
        let block = Block::read(raw, item)?;
        let Some(at) = self.items.find_or_add(event, item, &mut self.parts)? else {
            return Ok(());
        };
        let Some(item) = self.items.list.get_mut(at) else {
            return Ok(());
        };
        let index = event.block_index.unwrap_or(0);
        let (kind, more) = (block.kind, &block.extra);
        let place = item.place(list, index, kind, more, &mut self.parts, out)?;
        // One that only the provider understands has its place from its beginning.
        if is_whole || block.kind == BlockKind::Other {
            item.end_block(place, block, &mut self.parts, out)?;
        }
        Ok(())
    }

    /// A text gets an annotation.
    pub(super) fn annotation(
        &mut self,
        event: &Event<'_>,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some(annotation) = event.annotation
            && let Some(source) = Source::of_text("output_text")
            && let Some((at, place)) = self.place(event, source, out)?
            && let Some(item) = self.items.list.get_mut(at)
            && let Some(block) = item.block(place, source.block)
        {
            block.annotate(annotation, &mut self.parts, out);
        }
        Ok(())
    }

    /// An item begins or ends.
    pub(super) fn item(
        &mut self,
        event: &Event<'_>,
        is_whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some(item) = Item::read(event.item.unwrap_or("null"))?
            && let Some(at) = self
                .items
                .place_of(event, &item, is_whole, &mut self.parts)?
            && let Some(known) = self.items.list.get_mut(at)
        {
            if is_whole {
                known.end(item, &mut self.parts, out)?;
            } else {
                known.begin(&item, &mut self.parts, out)?;
            }
        }
        Ok(())
    }
}

/// Remembers the frame of an event that had only the next piece of a text.
fn learn(
    frame: &mut Frame<(usize, usize)>,
    event: &Event<'_>,
    data: &[u8],
    target: (usize, usize),
) {
    // A text with escapes is not a slice of the data.
    if let Some(Cow::Borrowed(text)) = event.delta.as_ref().map(|text| &text.body) {
        let (sequence, padding) = (event.holes.sequence, event.holes.padding);
        let values = [
            Some((Hole::Text, *text)),
            sequence.map(|digits| (Hole::Number, digits)),
            padding.map(|padding| (Hole::Padding, padding)),
        ];
        frame.learn(data, values.into_iter().flatten(), target);
    }
}
