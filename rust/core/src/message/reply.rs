//! A reply: a whole one, or the part of a stream that has arrived.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::extra::{Extra, RawJson};
use super::logprobs::Logprobs;
use super::number;
use super::part::Part;
use crate::words::words;

words! {
    /// Why a choice ended, in words that are the same for all providers.
    pub enum FinishReason {
        /// The model was done, or reached a stop sequence.
        Stop = "stop",
        /// The token limit was reached.
        Length = "length",
        /// The model called a tool.
        ToolCalls = "tool_calls",
        /// The model refused.
        Refusal = "refusal",
        /// The provider's filter stopped it.
        ContentFilter = "content_filter",
        /// The server aborted the request.
        Abort = "abort",
        /// The server failed in the middle of it.
        Error = "error",
        /// An unknown word; see `provider_finish_reason`.
        Other = "other",
    }
}

/// Token counts; `None` if the provider did not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Usage {
    /// All input, including cached tokens.
    pub prompt_tokens: Option<u64>,
    /// All output, including reasoning.
    pub completion_tokens: Option<u64>,
    /// The provider's total, or else the sum if both parts are known.
    pub total_tokens: Option<u64>,
    /// Input read from the provider's cache.
    pub cached_tokens: Option<u64>,
    /// Input written to the provider's cache.
    pub cache_write_tokens: Option<u64>,
    /// Output spent on reasoning.
    pub reasoning_tokens: Option<u64>,
    /// The cost that the provider states, in US dollars, as sent.
    pub cost_usd: Option<String>,
    /// What else the provider counted: a JSON object with the keys that the counts above do not come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<RawJson>,
}

/// A tool call of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id; `None` if it sent none.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// JSON text as sent. It may be empty or incomplete.
    pub arguments: String,
    /// What else the provider sent with the call. It is sent back. Keys of the function are in the object `function`;
    /// an object `custom` instead means a custom tool, whose arguments are text.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// One token with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's text.
    pub token: String,
    /// Natural logarithm of its probability; `None` for the first token of a prompt under `echo`.
    #[serde(with = "number::optional")]
    pub logprob: Option<f64>,
    /// The token's UTF-8 bytes, if the provider sends them.
    pub bytes: Option<Vec<u8>>,
    /// The most likely tokens in this position.
    pub top: Vec<TopLogprob>,
    /// Offset of the token in the text, in characters (text completions only).
    pub text_offset: Option<u64>,
}

/// One of the most likely tokens in a position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopLogprob {
    /// The token's text.
    pub token: String,
    /// Natural logarithm of its probability.
    #[serde(with = "number::required")]
    pub logprob: f64,
    /// The token's UTF-8 bytes, if the provider sends them.
    pub bytes: Option<Vec<u8>>,
}

/// One of the choices of a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its number. For a list of prompts it is `prompt * n + i`.
    pub index: u32,
    /// Its parts, in order.
    pub parts: Vec<Part>,
    /// Why it ended; `None` if it has not ended, or if the provider did not say.
    pub finish_reason: Option<FinishReason>,
    /// The provider's word for it.
    pub provider_finish_reason: Option<String>,
    /// What the provider says about the end, such as why a filter stopped the reply: a JSON value as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_details: Option<RawJson>,
    /// Token probabilities, if requested.
    pub logprobs: Option<Logprobs>,
}

impl Choice {
    /// All text parts, joined.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let text = self.joined(|part| match part {
            Part::Text { text, .. } => Some(text),
            _ => None,
        });
        text.unwrap_or_default()
    }

    /// All reasoning parts, joined.
    #[must_use]
    pub fn reasoning(&self) -> Cow<'_, str> {
        let text = self.joined(|part| match part {
            Part::Reasoning { text, .. } => Some(text),
            _ => None,
        });
        text.unwrap_or_default()
    }

    /// The refusal; `None` if the model did not refuse.
    #[must_use]
    pub fn refusal(&self) -> Option<Cow<'_, str>> {
        self.joined(|part| match part {
            Part::Refusal { text, .. } => Some(text),
            _ => None,
        })
    }

    /// The tool calls, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    fn joined<'a>(&'a self, pick: impl Fn(&'a Part) -> Option<&'a String>) -> Option<Cow<'a, str>> {
        let mut texts = self.parts.iter().filter_map(pick);
        let mut whole = Cow::Borrowed(texts.next()?.as_str());
        for text in texts {
            whole.to_mut().push_str(text);
        }
        Some(whole)
    }
}

/// Seconds that each stage of a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Waiting for a permit, in the last attempt.
    pub queue: Option<f64>,
    /// Making a connection, in the last attempt; `None` if it reused one.
    pub connect: Option<f64>,
    /// From the start of the call to the response head.
    pub first_byte: Option<f64>,
    /// From the start of the call to the first content (streams).
    pub first_token: Option<f64>,
    /// From the start of the call to the last content (streams).
    pub last_token: Option<f64>,
    /// From the start of the call to its end, including retries.
    pub total: Option<f64>,
}

impl Timing {
    /// (completion tokens - 1) / (last token - first token); for whole replies, completion tokens / total.
    ///
    /// `None` if the provider did not count the tokens, or if no time passed.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "token counts are far below 2^52"
    )]
    pub fn tokens_per_second(&self, usage: Option<&Usage>) -> Option<f64> {
        let tokens = usage?.completion_tokens? as f64;
        let (tokens, seconds) = match (self.first_token, self.last_token) {
            (Some(first), Some(last)) => (tokens - 1.0, last - first),
            _ => (tokens, self.total?),
        };
        (seconds > 0.0 && tokens >= 0.0).then(|| tokens / seconds)
    }
}

/// A whole or partial reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The provider's id of the reply.
    pub id: Option<String>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// Unix time in seconds; `None` if absent or 0.
    pub created: Option<i64>,
    /// How far the provider is with it, in its own word, such as `queued`; `None` in a dialect that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The choices, by index.
    pub choices: Vec<Choice>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// The provider's id of the request, from a header or else from the body.
    pub request_id: Option<String>,
}

impl Reply {
    /// Whether it takes more than so many bytes of memory. Does not look at more of it than necessary.
    #[must_use]
    pub fn is_over(&self, bytes: usize) -> bool {
        let mut counted = 0;
        self.choices.iter().any(|choice| {
            let logprobs = choice.logprobs.as_ref().map_or(0, Logprobs::bytes);
            counted += size_of::<Choice>() + logprobs;
            let mut parts = choice.parts.iter().map(Part::bytes);
            counted > bytes
                || parts.any(|part| {
                    counted += part;
                    counted > bytes
                })
        })
    }
}

/// The facts of a streamed reply that belong to no choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyHead {
    /// The provider's id of the reply.
    pub id: Option<String>,
    /// The model that answers, as the provider names it.
    pub model: Option<String>,
    /// Unix time in seconds; `None` if absent or 0.
    pub created: Option<i64>,
    /// See [`Reply::status`].
    pub status: Option<String>,
    /// The provider's id of the request, if the body has it.
    pub request_id: Option<String>,
}

impl ReplyHead {
    /// Copies the facts to `reply`.
    pub fn fold_into(&self, reply: &mut Reply) {
        // The fields are listed, so that the compiler notices one that is missing here.
        let Self {
            id,
            model,
            created,
            status,
            request_id,
        } = self;
        reply.id.clone_from(id);
        reply.model.clone_from(model);
        reply.created = *created;
        reply.status.clone_from(status);
        reply.request_id.clone_from(request_id);
    }

    /// The head of a whole reply.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        Self {
            id: reply.id.clone(),
            model: reply.model.clone(),
            created: reply.created,
            status: reply.status.clone(),
            request_id: reply.request_id.clone(),
        }
    }
}
