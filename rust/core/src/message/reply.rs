//! A reply: a whole one, or the part of a stream that has arrived.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::logprobs::Logprobs;
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
}

/// One token with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's text.
    pub token: String,
    /// Natural logarithm of its probability; `None` for the first token of a prompt under `echo`.
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
    pub logprob: f64,
    /// The token's UTF-8 bytes, if the provider sends them.
    pub bytes: Option<Vec<u8>>,
}

/// One part of a reply's message. The parts are in the order in which they arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "PartFields")]
pub enum Part {
    /// Text for the user.
    Text {
        /// The text.
        text: String,
    },
    /// The model's reasoning.
    Reasoning {
        /// The text; empty if there was only a signature.
        text: String,
        /// The provider's signature over it. It has to be sent back.
        signature: Option<String>,
        /// The message key it was in, such as `reasoning_content`. It is sent back in the same one.
        field: Option<String>,
    },
    /// A refusal.
    Refusal {
        /// The text.
        text: String,
    },
    /// A tool call.
    ToolCall(ToolCall),
    /// A block that only the provider understands, kept verbatim.
    Opaque {
        /// The message key it was in.
        field: String,
        /// The JSON value as sent.
        json: RawJson,
    },
}

/// A JSON value as its text. Two are equal if their texts are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(pub Box<RawValue>);

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// The fields of all kinds of part. serde reads a tagged enum through a tree, which cannot keep JSON text as it
/// was sent, so a [`Part`] is read from these instead.
#[derive(Deserialize)]
struct PartFields {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    signature: Option<String>,
    field: Option<String>,
    json: Option<RawJson>,
    id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
}

impl TryFrom<PartFields> for Part {
    type Error = String;

    fn try_from(fields: PartFields) -> Result<Self, String> {
        let (kind, text) = (fields.kind, fields.text);
        let part = match &*kind {
            "text" => text.map(|text| Self::Text { text }),
            "refusal" => text.map(|text| Self::Refusal { text }),
            "reasoning" => text.map(|text| Self::Reasoning {
                text,
                signature: fields.signature,
                field: fields.field,
            }),
            "tool_call" => fields.name.zip(fields.arguments).map(|(name, arguments)| {
                let id = fields.id;
                Self::ToolCall(ToolCall {
                    id,
                    name,
                    arguments,
                })
            }),
            "opaque" => {
                let both = fields.field.zip(fields.json);
                both.map(|(field, json)| Self::Opaque { field, json })
            }
            _ => return Err(format!("`{kind}` is not a type of part")),
        };
        part.ok_or_else(|| format!("a {kind} part lacks one of its fields"))
    }
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
    /// Token probabilities, if requested.
    pub logprobs: Option<Logprobs>,
}

impl Choice {
    /// All text parts, joined.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let text = self.joined(|part| match part {
            Part::Text { text } => Some(text),
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
            Part::Refusal { text } => Some(text),
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
    /// The choices, by index.
    pub choices: Vec<Choice>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// The provider's id of the request, from a header or else from the body.
    pub request_id: Option<String>,
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
}

impl ReplyHead {
    /// Copies the facts to `reply`.
    pub fn fold_into(&self, reply: &mut Reply) {
        // The fields are listed, so that the compiler notices one that is missing here.
        let Self { id, model, created } = self;
        reply.id.clone_from(id);
        reply.model.clone_from(model);
        reply.created = *created;
    }

    /// The head of a whole reply.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        Self {
            id: reply.id.clone(),
            model: reply.model.clone(),
            created: reply.created,
        }
    }
}
