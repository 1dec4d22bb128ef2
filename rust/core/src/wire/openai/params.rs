//! The parameters of both APIs, and how each of them spells what the other spells differently.

use crate::wire::params::{Param, Type, param};

/// What one API takes.
pub(super) struct Parameters {
    pub(super) table: &'static [Param],
    /// The field of the token limit; `None` takes the provider's.
    pub(super) limit_field: Option<&'static str>,
    pub(super) logprobs: Logprobs,
}

/// How token probabilities are asked for.
#[derive(Clone, Copy)]
pub(super) enum Logprobs {
    /// A flag, and a number beside it.
    FlagAndCount,
    /// A number alone.
    Count,
}

/// Chat completions.
pub(super) const CHAT: Parameters = Parameters {
    table: CHAT_TABLE,
    limit_field: None,
    logprobs: Logprobs::FlagAndCount,
};

/// Text completions, which have known only one name for the token limit.
pub(super) const COMPLETIONS: Parameters = Parameters {
    table: COMPLETIONS_TABLE,
    limit_field: Some("max_tokens"),
    logprobs: Logprobs::Count,
};

const CHAT_TABLE: &[Param] = &[
    param("max_tokens", Type::Count),
    param("max_completion_tokens", Type::Count),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
    param("top_k", Type::Integer),
    param("stop", Type::Texts),
    param("seed", Type::Integer),
    param("n", Type::Count),
    param("logprobs", Type::BoolOrCount),
    param("frequency_penalty", Type::Number),
    param("presence_penalty", Type::Number),
    param("logit_bias", Type::Object),
    param("tools", Type::Objects),
    param("tool_choice", Type::TextOrObject),
    param("parallel_tool_calls", Type::Bool),
    param("response_format", Type::Object),
    param("reasoning_effort", Type::Text),
    param("user", Type::Text),
    param("metadata", Type::Object),
];

const COMPLETIONS_TABLE: &[Param] = &[
    param("max_tokens", Type::FromZero),
    param("max_completion_tokens", Type::FromZero),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
    param("top_k", Type::Integer),
    param("stop", Type::Texts),
    param("seed", Type::Integer),
    param("n", Type::Count),
    param("logprobs", Type::BoolOrCount),
    param("frequency_penalty", Type::Number),
    param("presence_penalty", Type::Number),
    param("logit_bias", Type::Object),
    param("response_format", Type::Object),
    param("user", Type::Text),
    param("suffix", Type::Text),
    param("echo", Type::Bool),
    param("best_of", Type::Count),
];
