//! What a stream has to remember about one choice, and how the pieces of its message are read.

use super::content::{Block, blocks};
use super::event::{Content, Message};
use super::most::{MOST, too_many};
use super::tools::Calls;
use crate::error::Error;
use crate::json::{SurrogateJoin, Text};
use crate::message::{ChunkKind, Delta};
use crate::places::Places;

/// What a stream has to remember about one choice.
#[derive(Debug, Default)]
pub(super) struct ChoiceState {
    pub(super) index: u32,
    pub(super) finished: bool,
    pub(super) refused: bool,
    pub(super) reasoned: bool,
    /// How many bytes of text were passed on.
    pub(super) text_bytes: usize,
    pub(super) text: SurrogateJoin,
    pub(super) reasoning: SurrogateJoin,
    pub(super) refusal: SurrogateJoin,
    pub(super) calls: Calls,
}

impl ChoiceState {
    pub(super) fn push_text(&mut self, text: Text<'_>, delta: &mut Delta) {
        let text = self.text.push(text);
        self.text_bytes += text.len();
        delta.text.push_str(&text);
    }

    fn push_reasoning(&mut self, field: &'static str, text: Text<'_>, delta: &mut Delta) {
        self.reasoned = true;
        delta.reasoning.push_str(&self.reasoning.push(text));
        delta.reasoning_field = Some(field.into());
    }

    fn push_refusal(&mut self, text: Text<'_>, delta: &mut Delta) {
        if !text.is_empty() {
            self.refused = true;
            let text = self.refusal.push(text);
            delta.refusal.get_or_insert_default().push_str(&text);
        }
    }

    pub(super) fn message(
        &mut self,
        message: Message<'_>,
        whole: bool,
        delta: &mut Delta,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some((field, text)) = message.reasoning {
            self.push_reasoning(field, text, delta);
        }
        match message.content {
            Content::None => {}
            Content::Text(text) => self.push_text(text, delta),
            Content::List(raw) => self.blocks(raw, delta, out)?,
        }
        if let Some(refusal) = message.refusal {
            self.push_refusal(refusal, delta);
        }
        if let Some(raw) = message.tool_calls {
            self.calls.read(raw, whole, &mut delta.tool_calls)?;
        }
        if let Some(raw) = message.function_call {
            self.calls.read_function_call(raw, &mut delta.tool_calls)?;
        }
        let other = message.other.into_iter();
        delta
            .opaque
            .extend(other.map(|(key, raw)| (key, raw.to_owned())));
        Ok(())
    }

    /// Reads the blocks of a content list. In a delta, reasoning is before text, so a block that should be before
    /// what is already there starts another delta.
    fn blocks(
        &mut self,
        raw: &str,
        delta: &mut Delta,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let before = out.len();
        blocks(raw, |block| {
            if out.len() - before == MOST {
                return;
            }
            let late = matches!(block, Block::Thinking(..))
                && (!delta.text.is_empty() || delta.signature.is_some());
            if late || !delta.opaque.is_empty() {
                let next = Delta {
                    index: delta.index,
                    ..Delta::default()
                };
                out.push(ChunkKind::Delta(Box::new(std::mem::replace(delta, next))));
            }
            match block {
                Block::Text(text) => self.push_text(text, delta),
                Block::Refusal(text) => self.push_refusal(text, delta),
                Block::Thinking(text, signature) => {
                    self.push_reasoning("thinking", text, delta);
                    delta.signature = signature;
                }
                Block::Other(raw) => delta.opaque.push(("content".to_owned(), raw.to_owned())),
            }
        })?;
        if out.len() - before == MOST {
            return Err(too_many("content blocks in one message"));
        }
        Ok(())
    }

    /// Reads a message that repeats everything so far (Perplexity), or that is the only one. Only what the deltas
    /// before it did not have is new.
    pub(super) fn catch_up(
        &mut self,
        mut message: Message<'_>,
        delta: &mut Delta,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if self.reasoned {
            message.reasoning = None;
        }
        if self.refused {
            message.refusal = None;
        }
        if self.calls.any() {
            (message.tool_calls, message.function_call) = (None, None);
        }
        if self.text_bytes > 0 {
            message.content = match message.content {
                Content::Text(Text { body, high, .. }) => match body.get(self.text_bytes..) {
                    Some(new) => Content::Text(Text {
                        low: None,
                        body: new.to_owned().into(),
                        high,
                    }),
                    None => Content::None,
                },
                _ => Content::None,
            };
            message.other.clear();
        }
        self.message(message, true, delta, out)
    }

    /// Passes on half characters, which nothing can complete any more.
    pub(super) fn flush(&mut self, delta: &mut Delta) {
        delta.text.extend(self.text.finish());
        delta.reasoning.extend(self.reasoning.finish());
        if let Some(half) = self.refusal.finish() {
            delta.refusal.get_or_insert_default().push(half);
        }
    }
}

/// What a stream has to remember about its choices.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// In the order in which they began.
    pub(super) states: Vec<ChoiceState>,
    places: Places<u32>,
}

impl Choices {
    /// The state of a choice, which is added if it is missing; `None` if there are too many.
    #[inline]
    pub(super) fn get(&mut self, index: u32) -> Option<&mut ChoiceState> {
        let place = match self.places.get(&index) {
            Some(place) => place,
            None => self.add(index)?,
        };
        self.states.get_mut(place)
    }

    fn add(&mut self, index: u32) -> Option<usize> {
        let place = self.states.len();
        if place == MOST {
            return None;
        }
        if self.states.is_empty() {
            self.states.reserve_exact(1);
        }
        self.states.push(ChoiceState {
            index,
            ..ChoiceState::default()
        });
        self.places.set(index, place);
        Some(place)
    }
}
