//! The pieces of a streamed reply.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::sync::Arc;

use compact_str::CompactString;

use super::extra::Extra;
use super::logprobs::Logprobs;
use super::reply::{FinishReason, ToolCall, Usage};

/// A fragment of a tool call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ToolCallDelta {
    /// Which call of the choice this belongs to: 0, 1, … in the order in which they began.
    pub index: u32,
    /// The provider's id, if this fragment has it.
    pub id: Option<String>,
    /// The tool's name, if this fragment has it.
    pub name: Option<String>,
    /// The next piece of the arguments' JSON text.
    pub arguments: String,
    /// What else this fragment has; see [`ToolCall::extra`].
    pub extra: Extra,
    /// Whether the call ends with this fragment; `None` if the dialect does not mark the ends of its calls.
    pub ends: Option<bool>,
}

impl ToolCall {
    /// Adds a fragment. Returns by how many bytes the call has grown.
    pub(super) fn push(&mut self, fragment: &ToolCallDelta) -> usize {
        let mut grown = fragment.arguments.len();
        if self.id.is_none() {
            self.id.clone_from(&fragment.id);
            grown += self.id.as_ref().map_or(0, String::len);
        }
        let name = fragment.name.as_deref().unwrap_or_default();
        self.name.push_str(name);
        self.arguments.push_str(&fragment.arguments);
        grown += name.len();
        if fragment.ends == Some(true) && !fragment.extra.is_empty() {
            return grown + self.extra.replace(&fragment.extra);
        }
        grown + self.extra.extend(&fragment.extra)
    }
}

/// What one event adds to one choice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// The choice.
    pub index: u32,
    /// Which part of the message the text, the reasoning, the refusal or the opaque block belongs to, in a dialect that
    /// marks where its parts begin and end: 0, 1, … in the order in which they began. Tool calls do not count; they have an
    /// `index`. What comes between two pieces of one part does not separate them, and a part may be empty. A later opaque
    /// block of a part replaces the one before. `None` in other dialects: a piece goes on with the last part if that is of
    /// its kind.
    pub part: Option<u32>,
    /// Where the part or the tool call that begins here belongs among the others: they are in the order of their ranks
    /// in the end, however they arrived. `None` for a piece of one that has begun, and in dialects whose parts never
    /// interleave.
    pub rank: Option<NonZeroU64>,
    /// Whether this is the end of that part. `extra` then has all that the part has besides its text, and replaces what
    /// came before.
    pub ends: bool,
    /// The next piece of text.
    pub text: CompactString,
    /// The next piece of reasoning.
    pub reasoning: String,
    /// The field of the reasoning. If it is sent back, it goes into the same field. It is empty for a numbered part
    /// without one.
    pub reasoning_field: Option<Cow<'static, str>>,
    /// A signature over the reasoning.
    pub signature: Option<String>,
    /// The next piece of a refusal.
    pub refusal: Option<String>,
    /// What else the block has that the text, the reasoning or the refusal is. Only one of them is here then.
    pub extra: Extra,
    /// Fragments of tool calls.
    pub tool_calls: Vec<ToolCallDelta>,
    /// Blocks that only the provider understands: message key and JSON text.
    pub opaque: Vec<(String, String)>,
    /// Why the choice ended, if this event says so.
    pub finish_reason: Option<FinishReason>,
    /// The provider's own word for it.
    pub provider_finish_reason: Option<String>,
    /// What the provider says about the end, as JSON text; see [`super::Choice::stop_details`].
    pub stop_details: Option<Box<str>>,
    /// Token counts, if this event has them.
    pub usage: Option<Box<Usage>>,
    /// Probabilities of the tokens of this piece.
    pub logprobs: Option<Logprobs>,
}

impl Delta {
    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let calls = self.tool_calls.iter().map(|call| {
            size_of::<ToolCallDelta>()
                + text(&call.id)
                + text(&call.name)
                + call.arguments.len()
                + call.extra.bytes()
        });
        let opaque = self
            .opaque
            .iter()
            .map(|(field, json)| size_of::<(String, String)>() + field.len() + json.len());
        size_of::<Self>()
            + self.text.len()
            + self.reasoning.len()
            + text(&self.signature)
            + text(&self.refusal)
            + self.extra.bytes()
            + text(&self.provider_finish_reason)
            + self.stop_details.as_ref().map_or(0, |json| json.len())
            + calls.sum::<usize>()
            + opaque.sum::<usize>()
            + self.logprobs.as_ref().map_or(0, Logprobs::bytes)
            + self.usage.as_ref().map_or(0, |_| size_of::<Usage>())
    }

    /// Whether it has something that a reader waits for: text, reasoning, refusal or a tool call.
    #[must_use]
    pub fn has_content(&self) -> bool {
        !self.text.is_empty()
            || !self.reasoning.is_empty()
            || self.refusal.as_ref().is_some_and(|text| !text.is_empty())
            || !self.tool_calls.is_empty()
    }
}

/// What a chunk adds to the reply.
#[derive(Debug, Clone, PartialEq)]
pub enum ChunkKind {
    /// Only text of choice 0. This is by far the most common kind, so it is kept small. In a dialect that numbers its parts
    /// it goes on with the text part that the last [`Delta`] of the choice belonged to.
    Text(CompactString),
    /// Everything else.
    Delta(Box<Delta>),
}

impl ChunkKind {
    /// Whether it has something that a reader waits for.
    #[must_use]
    pub fn has_content(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Delta(delta) => delta.has_content(),
        }
    }
}

/// One chunk of a stream.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// What it adds.
    pub kind: ChunkKind,
    /// The data of the event as received, which the chunks of one event share; `None` if the reader will not ask
    /// for it.
    pub raw: Option<Arc<[u8]>>,
}
