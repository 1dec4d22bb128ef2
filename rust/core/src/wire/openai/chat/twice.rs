//! Which field counts where two can hold the same thing.
//!
//! Null and empty values count as absent in all rows. Each event is decided by itself, unless the row says
//! otherwise: a stream may have a thing in one field first and in the other later. But text or reasoning that repeats
//! what another field has had in an event before it does not count; see [`super::said::Said::counts`].
//!
//! | thing | fields, the one that counts first |
//! |---|---|
//! | message of a whole reply | `message`, `delta`; each field by itself |
//! | message of an event | `delta`; of a `message` beside it, what it has beyond all before |
//! | text | `content` of the message, `text` of the choice |
//! | refusal | refusal blocks of `content`, `refusal` |
//! | reasoning | thinking blocks of `content`, then [`REASONING`], then [`DETAILS`], which never counts after another |
//! | tool calls | `tool_calls`; after one, `function_call` never counts; before it, one of the same name is the first call |
//! | name and arguments of a call | those of its `function` or `custom`, those of the call itself |
//! | arguments | `arguments`, `input` |
//! | probabilities | lists of tokens, columns of tokens |
//! | usage | [`UsagePlace`]; later events count only from the same place or a better one |
//! | error | of the event, of `x_groq`, of the choice, `finish_reason` |
//!
//! The text that is beside a message may also repeat its reasoning or its refusal, and then it is not text.

use super::content::is_blank;
use super::event::{Content, Message};
use crate::json::Text;

/// Fields of a message for reasoning in plain text, the one that counts first.
pub(super) const REASONING: [&str; 4] = [
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "thinking",
];

/// A field for reasoning in blocks, next to a field of plain text or instead of one. The blocks are also kept as
/// they are, because their signatures have to be sent back.
pub(super) const DETAILS: &str = "reasoning_details";

/// Where token counts may be, the best place last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UsagePlace {
    /// `x_groq.usage`
    #[default]
    Groq,
    /// `choices[].usage`
    Choice,
    /// `usage`
    Event,
}

/// The `text` of a choice, unless the message beside it has it too.
pub(super) fn text_beside<'a>(
    message: Option<&Message<'_>>,
    text: Option<Text<'a>>,
) -> Option<Text<'a>> {
    let text = text.filter(|text| !text.is_empty())?;
    let Some(message) = message else {
        return Some(text);
    };
    let reasoning = message.reasoning.as_ref().map(|(_, reasoning)| reasoning);
    let is_repeated = !message.content.is_blank()
        || reasoning == Some(&text)
        || message.refusal.as_ref() == Some(&text);
    (!is_repeated).then_some(text)
}

/// The one message of a whole reply.
pub(super) fn merged<'a>(
    message: Option<Message<'a>>,
    delta: Option<Message<'a>>,
) -> Option<Message<'a>> {
    let (mut message, delta) = match (message, delta) {
        (Some(message), Some(delta)) => (message, delta),
        (one, other) => return one.or(other),
    };
    if message.content.is_blank() {
        message.content = delta.content;
    }
    if message.tool_calls.is_none() && message.function_call.is_none() {
        (message.tool_calls, message.function_call) = (delta.tool_calls, delta.function_call);
    }
    message.reasoning = message.reasoning.or(delta.reasoning);
    message.refusal = message.refusal.or(delta.refusal);
    if message.other.is_empty() {
        message.other = delta.other;
    }
    Some(message)
}

impl Content<'_> {
    /// Whether it says nothing.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::None => true,
            Self::Text(text) => text.is_empty(),
            Self::List(raw) => is_blank(raw),
        }
    }
}
