//! What a stream has to remember of one tool call.

use super::item::Item;
use super::said::{Said, rest_of};
use crate::json::Text;
use crate::message::{ChunkKind, Extra, ToolCallDelta};
use crate::wire::call_id::made_up;
use crate::wire::parts::Parts;

/// What a stream has to remember of one tool call.
#[derive(Debug)]
pub(super) struct CallState {
    index: u32,
    said: Said,
    has_id: bool,
    has_name: bool,
}

impl CallState {
    /// Begins a call. Its item may not have come yet.
    pub(super) fn begin(
        item: Option<&Item<'_>>,
        extra: Extra,
        rank: u64,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Self {
        let id = item.and_then(|item| item.call_id.as_deref());
        let name = item.and_then(|item| item.name.as_deref());
        let call = Self {
            index: parts.begin_call(rank),
            said: Said::default(),
            has_id: id.is_some(),
            has_name: name.is_some(),
        };
        parts.push_call(
            ToolCallDelta {
                id: id.map(str::to_owned),
                name: name.map(str::to_owned),
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

    fn push_arguments(&self, arguments: &str, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        if !arguments.is_empty() {
            let arguments = arguments.to_owned();
            parts.push_call(
                ToolCallDelta {
                    arguments,
                    ..self.fragment()
                },
                out,
            );
        }
    }

    /// Adds the next piece of its arguments.
    pub(super) fn grow(&mut self, text: Text<'_>, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        let arguments = self.said.push(text);
        self.push_arguments(&arguments, parts, out);
    }

    /// Adds what a copy of its whole arguments has beyond what was said. An object is written in another way than the
    /// pieces.
    pub(super) fn whole_arguments(
        &mut self,
        whole: &str,
        is_object: bool,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let mut half = [0; 4];
        let whole = if is_object && self.said.any() {
            ""
        } else {
            whole
        };
        let rest = rest_of(&mut self.said, whole, &mut half, parts);
        self.push_arguments(rest, parts, out);
    }

    /// Ends the call, which is here in full unless the model was stopped in the middle of it.
    pub(super) fn end(
        &mut self,
        item: Item<'_>,
        extra: Extra,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let arguments = item.arguments.into_lossy();
        self.whole_arguments(&arguments, item.is_object, parts, out);
        // The result is given back by id, so a call that has none gets one here.
        let id = match item.call_id.or(item.id) {
            _ if self.has_id => None,
            Some(id) => Some(id.into_owned()),
            None => Some(made_up()),
        };
        let name = item.name.filter(|_| !self.has_name);
        (self.has_id, self.has_name) = (true, true);
        parts.is_cut |= item.is_cut;
        parts.push_call(
            ToolCallDelta {
                id,
                name: name.map(std::borrow::Cow::into_owned),
                extra,
                ends: Some(!item.is_cut),
                ..self.fragment()
            },
            out,
        );
    }

    /// Ends the call as it is. It is complete if the reply is.
    pub(super) fn leave(&mut self, is_complete: bool, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        parts.is_cut |= !is_complete;
        let half = self.said.finish();
        parts.push_call(
            ToolCallDelta {
                id: (!self.has_id).then(made_up),
                arguments: half.map(String::from).unwrap_or_default(),
                ends: Some(is_complete),
                ..self.fragment()
            },
            out,
        );
    }
}
