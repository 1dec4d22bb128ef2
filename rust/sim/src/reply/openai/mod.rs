//! `OpenAI`'s chat completions and text completions: the request, the reply, its stream, errors.

pub(super) mod ask;
pub(super) mod error;
mod logprobs;
pub(super) mod stream;
pub(super) mod usage;
pub(super) mod whole;
