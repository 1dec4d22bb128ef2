//! The pieces in which a reply streams in.

use std::borrow::Cow;
use std::sync::Arc;

use compact_str::CompactString;

use super::reply::{FinishReason, TokenLogprob, ToolCall, Usage};

/// A fragment of a tool call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCallDelta {
    /// Which call of the choice this belongs to: 0, 1, … in the order in which they began.
    pub index: u32,
    /// The provider's id, on the fragment that brings it.
    pub id: Option<String>,
    /// The tool's name, on the fragment that brings it.
    pub name: Option<String>,
    /// The next piece of the arguments' JSON text.
    pub arguments: String,
}

impl ToolCall {
    /// Adds a fragment.
    pub(super) fn push(&mut self, fragment: &ToolCallDelta) {
        if self.id.is_none() {
            self.id.clone_from(&fragment.id);
        }
        let name = fragment.name.as_deref().unwrap_or_default();
        self.name.push_str(name);
        self.arguments.push_str(&fragment.arguments);
    }
}

/// One choice's share of one event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// The choice.
    pub index: u32,
    /// The next piece of text.
    pub text: CompactString,
    /// The next piece of reasoning.
    pub reasoning: String,
    /// The field that the reasoning came in; it goes back there.
    pub reasoning_field: Option<Cow<'static, str>>,
    /// A signature over the reasoning.
    pub signature: Option<String>,
    /// The next piece of a refusal.
    pub refusal: Option<String>,
    /// Fragments of tool calls.
    pub tool_calls: Vec<ToolCallDelta>,
    /// Verbatim provider blocks: message key and JSON text.
    pub opaque: Vec<(String, String)>,
    /// Why the choice ended, on the event that says so.
    pub finish_reason: Option<FinishReason>,
    /// The provider's own word for it.
    pub provider_finish_reason: Option<String>,
    /// Token counts, on the event that brings them.
    pub usage: Option<Box<Usage>>,
    /// Probabilities of this piece's tokens.
    pub logprobs: Option<Vec<TokenLogprob>>,
}

impl Delta {
    /// Whether it brings something that a reader waits for: text, reasoning, refusal or a tool call.
    #[must_use]
    pub fn has_content(&self) -> bool {
        !self.text.is_empty()
            || !self.reasoning.is_empty()
            || self.refusal.as_ref().is_some_and(|text| !text.is_empty())
            || !self.tool_calls.is_empty()
    }
}

/// What an item of a stream's queue holds.
#[derive(Debug, Clone, PartialEq)]
pub enum ChunkKind {
    /// Text of choice 0 and nothing else: by far the commonest, so it is kept small.
    Text(CompactString),
    /// Everything else.
    Delta(Box<Delta>),
}

/// One item of a stream's queue.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// What it brings.
    pub kind: ChunkKind,
    /// The event's data as received; shared by the chunks of one event, `None` where nobody will ask for it.
    pub raw: Option<Arc<[u8]>>,
}
