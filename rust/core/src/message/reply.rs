//! A whole reply. It is also what a stream has brought so far.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::words::words;

words! {
    /// Why a choice ended, in the words that all providers share.
    pub enum FinishReason {
        /// The model was done, or met a stop sequence.
        Stop = "stop",
        /// The token limit.
        Length = "length",
        /// The model called a tool.
        ToolCalls = "tool_calls",
        /// The model refused.
        Refusal = "refusal",
        /// The provider's filter.
        ContentFilter = "content_filter",
        /// The server gave up on the request.
        Abort = "abort",
        /// The server failed in the middle.
        Error = "error",
        /// A word that we do not know; it stands in `provider_finish_reason`.
        Other = "other",
    }
}

/// Token counts; `None` where the provider did not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All input, cached tokens included.
    pub prompt_tokens: Option<u64>,
    /// All output, reasoning included.
    pub completion_tokens: Option<u64>,
    /// The provider's total, else the sum where both parts are known.
    pub total_tokens: Option<u64>,
    /// Input read from the provider's cache.
    pub cached_tokens: Option<u64>,
    /// Input written to the provider's cache.
    pub cache_write_tokens: Option<u64>,
    /// Output spent on reasoning.
    pub reasoning_tokens: Option<u64>,
    /// The provider's own figure for the cost, in US dollars, as the text it sent.
    pub cost_usd: Option<String>,
}

/// A tool call of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id; `None` where it sent none.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// JSON text as sent; may be empty or cut.
    pub arguments: String,
}

/// One token with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's text.
    pub token: String,
    /// Natural logarithm of its probability; `None` for the first prompt token under `echo`.
    pub logprob: Option<f64>,
    /// The token's UTF-8 bytes, where the provider sends them.
    pub bytes: Option<Vec<u8>>,
    /// The likeliest tokens at this place.
    pub top: Vec<TopLogprob>,
    /// Offset of the token in the text, in characters (text completions only).
    pub text_offset: Option<u64>,
}

/// One of the likeliest tokens at a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopLogprob {
    /// The token's text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f64,
    /// The token's UTF-8 bytes, where the provider sends them.
    pub bytes: Option<Vec<u8>>,
}

/// One part of a reply's message. The parts stand in the order in which they came.
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
        /// The text; empty where only a signature came.
        text: String,
        /// The provider's signature over it, to be sent back.
        signature: Option<String>,
        /// The field that it came in (`reasoning_content`, for one): it goes back there.
        field: Option<String>,
    },
    /// A refusal.
    Refusal {
        /// The text.
        text: String,
    },
    /// A tool call.
    ToolCall(ToolCall),
    /// A provider's own block, kept verbatim.
    Opaque {
        /// The message key that it stood under.
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

/// One of the answers of a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its number; prompt lists number them `prompt * n + i`.
    pub index: u32,
    /// What it consists of, in order.
    pub parts: Vec<Part>,
    /// Why it ended; `None` while it runs, or where the provider did not say.
    pub finish_reason: Option<FinishReason>,
    /// The provider's own word for it.
    pub provider_finish_reason: Option<String>,
    /// Token probabilities, where asked for.
    pub logprobs: Option<Vec<TokenLogprob>>,
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
    /// Waiting for a permit, within the last attempt.
    pub queue: Option<f64>,
    /// Making a connection, within the last attempt; `None` when one was used again.
    pub connect: Option<f64>,
    /// From the start of the call to the response head.
    pub first_byte: Option<f64>,
    /// From the start of the call to the first content (streams).
    pub first_token: Option<f64>,
    /// From the start of the call to the last content (streams).
    pub last_token: Option<f64>,
    /// From the start of the call to its end, retries included.
    pub total: Option<f64>,
}

impl Timing {
    /// (completion tokens - 1) / (last token - first token); on whole replies completion tokens / total.
    ///
    /// `None` where the provider did not count, or where no time passed.
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

/// A reply, whole or so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The provider's id of the reply.
    pub id: Option<String>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// Unix time in seconds; `None` where absent or 0.
    pub created: Option<i64>,
    /// The answers, by index.
    pub choices: Vec<Choice>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// The provider's id of the request, from the body; a header's wins.
    pub request_id: Option<String>,
}

/// Facts of a streamed reply that belong to no choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyHead {
    /// The provider's id of the reply.
    pub id: Option<String>,
    /// The model that answers, as the provider names it.
    pub model: Option<String>,
    /// Unix time in seconds; `None` where absent or 0.
    pub created: Option<i64>,
}

impl ReplyHead {
    /// Sets what is known in `reply`.
    pub fn fold_into(&self, reply: &mut Reply) {
        // Named one by one, so that the compiler asks for a field that is not set here.
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
