//! What a stream has to remember of one tool call.

use super::block::Block;
use crate::json::{Growing, SurrogateJoin, Text};
use crate::message::{ChunkKind, Extra, ToolCallDelta};
use crate::wire::call_id::made_up;
use crate::wire::parts::Parts;

/// What a stream has to remember of one tool call.
#[derive(Debug)]
pub(super) struct CallState {
    /// The number of the call.
    index: u32,
    join: SurrogateJoin,
    /// The brackets of its arguments.
    growing: Growing,
    has_arguments: bool,
    /// What its beginning had as input. It counts if no piece of the input comes.
    input: Option<Box<str>>,
    pub(super) has_name: bool,
    /// Whether its block has ended.
    pub(super) has_stopped: bool,
}

impl CallState {
    /// Begins a call; `block` is `None` if the beginning was lost.
    pub(super) fn begin(
        block: Option<Block<'_>>,
        rank: u64,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Self {
        let (mut id, mut name, mut input, mut extra) = (None, None, None, Extra::default());
        if let Some(block) = block {
            (id, name, input, extra) = (block.id, block.name, block.input, block.extra);
        }
        let call = Self {
            index: parts.begin_call(rank),
            join: SurrogateJoin::default(),
            growing: Growing::default(),
            has_arguments: false,
            input: input.filter(|input| input != "{}").map(Into::into),
            has_name: name.is_some(),
            has_stopped: false,
        };
        parts.push_call(
            ToolCallDelta {
                // The result is given back by id, so a call that has none gets one here.
                id: Some(id.map_or_else(made_up, std::borrow::Cow::into_owned)),
                name: name.map(std::borrow::Cow::into_owned),
                extra,
                ..call.fragment()
            },
            out,
        );
        call
    }

    /// A fragment that adds nothing.
    fn fragment(&self) -> ToolCallDelta {
        ToolCallDelta {
            index: self.index,
            ends: Some(false),
            ..ToolCallDelta::default()
        }
    }

    fn push(&mut self, arguments: String, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        if !arguments.is_empty() {
            self.has_arguments = true;
            self.growing.push(arguments.as_bytes());
            parts.push_call(
                ToolCallDelta {
                    arguments,
                    ..self.fragment()
                },
                out,
            );
        }
    }

    /// Adds the next piece of its input.
    pub(super) fn grow(&mut self, text: Text<'_>, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        let arguments = self.join.push(text).into_owned();
        self.push(arguments, parts, out);
    }

    /// Whether its arguments came and can be complete: all brackets are closed.
    pub(super) fn is_closed(&self) -> bool {
        self.has_arguments && self.growing.has_ended()
    }

    /// Adds what else a delta says.
    pub(super) fn describe(&self, extra: Extra, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        if !extra.is_empty() {
            parts.push_call(
                ToolCallDelta {
                    extra,
                    ..self.fragment()
                },
                out,
            );
        }
    }

    /// Adds the input that its beginning had, if no piece of one came.
    pub(super) fn push_input(&mut self, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        if let Some(input) = self.input.take()
            && !self.has_arguments
        {
            self.push(input.into(), parts, out);
        }
    }

    /// Nothing of its arguments follows. What did not come at all is an empty object, unless the model was cut off there: the
    /// end of the reply says so.
    pub(super) fn stop(&mut self, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        self.has_stopped = true;
        let half = self.join.finish().map(String::from).unwrap_or_default();
        self.push(half, parts, out);
        self.push_input(parts, out);
        if !self.has_arguments {
            parts.push_call(
                ToolCallDelta {
                    arguments: "{}".to_owned(),
                    ..self.fragment()
                },
                out,
            );
        }
    }

    /// Says that it is complete.
    pub(super) fn end(&self, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        parts.push_call(
            ToolCallDelta {
                ends: Some(true),
                ..self.fragment()
            },
            out,
        );
    }
}
