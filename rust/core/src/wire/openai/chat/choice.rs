//! What a stream has to remember about one choice, and how the pieces of its message are read.

use super::content::{Block, blocks};
use super::event::{Content, Message};
use super::said::Said;
use super::tools::Calls;
use super::twice::DETAILS;
use crate::wire::by_index::Indexed;
use crate::wire::most::{MOST, too_many};

use crate::error::Error;
use crate::json::{SurrogateJoin, Text};
use crate::message::{ChunkKind, Delta};

/// What a stream has to remember about one choice.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says whether a kind of content was seen, in any order"
)]
pub(super) struct ChoiceState {
    pub(super) index: u32,
    pub(super) finished: bool,
    pub(super) refused: bool,
    pub(super) reasoned: bool,
    /// Whether there was reasoning in another field than [`DETAILS`].
    reasoned_plainly: bool,
    /// Whether there was anything that only the provider understands.
    has_other: bool,
    pub(super) said: Said,
    thought: Said,
    pub(super) text: SurrogateJoin,
    pub(super) reasoning: SurrogateJoin,
    pub(super) refusal: SurrogateJoin,
    pub(super) calls: Calls,
}

impl ChoiceState {
    pub(super) fn push_text(&mut self, text: Text<'_>, delta: &mut Delta) {
        let text = self.text.push(text);
        self.said.add(&text);
        delta.text.push_str(&text);
    }

    /// Whether anything came for it, so that it can be a reply.
    pub(super) fn has_content(&self) -> bool {
        self.said.any() || self.reasoned || self.refused || self.calls.any() || self.has_other
    }

    fn push_reasoning(&mut self, field: &'static str, text: Text<'_>, delta: &mut Delta) {
        if !self.thought.counts(field, &text.body) {
            return;
        }
        self.reasoned = true;
        self.reasoned_plainly |= field != DETAILS;
        let text = self.reasoning.push(text);
        self.thought.add(&text);
        if delta.reasoning.is_empty() {
            delta.reasoning = text.into_owned();
        } else {
            delta.reasoning.push_str(&text);
        }
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
        message: &mut Message<'_>,
        whole: bool,
        delta: &mut Delta,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let (mut has_thinking, mut has_refusal) = (false, false);
        if let Content::List(raw) = message.content {
            // The blocks are read twice and not kept, because there may be a million of them.
            blocks(raw, |block| {
                has_thinking |= matches!(block, Block::Thinking(..));
                has_refusal |= matches!(block, Block::Refusal(..));
            })?;
        }
        if let Some((field, text)) = message.reasoning.take()
            && !has_thinking
            && !(field == DETAILS && self.reasoned_plainly)
        {
            self.push_reasoning(field, text, delta);
        }
        match std::mem::take(&mut message.content) {
            Content::None => {}
            Content::Text(text) => self.push_text(text, delta),
            Content::List(raw) => self.blocks(raw, delta, out)?,
        }
        if let Some(refusal) = message.refusal.take()
            && !has_refusal
        {
            self.push_refusal(refusal, delta);
        }
        if let Some(raw) = message.tool_calls {
            if whole {
                let known = self.calls.len();
                self.calls.read_whole(raw, known, &mut delta.tool_calls)?;
            } else {
                self.calls.read(raw, &mut delta.tool_calls)?;
            }
        }
        if let Some(raw) = message.function_call {
            self.calls.read_function_call(raw, &mut delta.tool_calls)?;
        }
        if !message.other.is_empty() {
            self.has_other = true;
            let other = message.other.drain(..);
            delta
                .opaque
                .extend(other.map(|(key, raw)| (key, raw.to_owned())));
        }
        Ok(())
    }

    /// Adds the blocks of a content list. In a delta, reasoning is before text, so a block that should be before
    /// what is already there starts another delta.
    fn blocks(
        &mut self,
        raw: &str,
        delta: &mut Delta,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let before = out.len();
        blocks(raw, |block| {
            if out.len() - before >= MOST {
                return;
            }
            let late = matches!(block, Block::Thinking(..))
                && (!delta.text.is_empty() || delta.signature.is_some());
            let alone = !delta.extra.is_empty() || block.has_extra() && delta.has_content();
            if late || alone || !delta.opaque.is_empty() {
                let next = Delta {
                    index: delta.index,
                    ..Delta::default()
                };
                out.push(ChunkKind::Delta(Box::new(std::mem::replace(delta, next))));
            }
            match block {
                Block::Text(text, extra) => {
                    self.push_text(text, delta);
                    delta.extra = extra;
                }
                Block::Refusal(text, extra) => {
                    self.push_refusal(text, delta);
                    delta.extra = extra;
                }
                Block::Thinking(text, signature, extra) => {
                    self.push_reasoning("thinking", text, delta);
                    delta.extra = extra;
                    delta.signature = signature;
                }
                Block::Other(raw) => {
                    self.has_other = true;
                    delta.opaque.push(("content".to_owned(), raw.to_owned()));
                }
            }
        })?;
        if !delta.extra.is_empty() {
            // What follows is not part of that block.
            let next = Delta {
                index: delta.index,
                ..Delta::default()
            };
            out.push(ChunkKind::Delta(Box::new(std::mem::replace(delta, next))));
        }
        if out.len() - before >= MOST {
            return Err(too_many("content blocks in one message"));
        }
        Ok(())
    }

    /// Reads a message that repeats everything so far (Perplexity), or that is the only one. Only what the deltas
    /// before it did not have is new.
    pub(super) fn catch_up(
        &mut self,
        message: &mut Message<'_>,
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
            message.function_call = None;
        }
        if self.said.any() {
            message.content = match std::mem::take(&mut message.content) {
                Content::Text(Text { body, high, .. }) => match self.said.beyond(&body) {
                    Some(new) => Content::Text(Text {
                        low: None,
                        body: new.to_owned().into(),
                        high,
                    }),
                    None => Content::None,
                },
                _ => Content::None,
            };
        }
        if self.said.any() || self.reasoned || !delta.opaque.is_empty() {
            message.other.clear();
        }
        self.message(message, true, delta, out)
    }

    /// Ends the choice: passes on half characters, which nothing can complete any more, and makes up the ids that
    /// tool calls lack.
    pub(super) fn flush(&mut self, delta: &mut Delta) {
        self.calls.complete_ids(&mut delta.tool_calls);
        delta.text.extend(self.text.finish());
        delta.reasoning.extend(self.reasoning.finish());
        if let Some(half) = self.refusal.finish() {
            delta.refusal.get_or_insert_default().push(half);
        }
    }
}

impl Indexed for ChoiceState {
    fn begin(index: u32) -> Self {
        Self {
            index,
            ..Self::default()
        }
    }

    fn index(&self) -> u32 {
        self.index
    }
}
