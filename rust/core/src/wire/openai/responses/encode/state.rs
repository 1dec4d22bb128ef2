//! What the server keeps of a call, and what it is asked to include in the reply.

use crate::wire::body::Body;
use crate::wire::openai::families;
use crate::wire::params::Set;

/// What the server keeps of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// Whether it keeps nothing, so that an item is known by its content alone.
    pub(super) is_stateless: bool,
    /// Whether `store` is written because the caller said nothing about state.
    by_default: bool,
}

/// What needs the server to keep the reply.
const KEEP: [&str; 3] = ["previous_response_id", "conversation", "background"];

/// Asks for reasoning in a form that can be sent back to a server that keeps nothing.
const ENCRYPTED: &str = "\"reasoning.encrypted_content\"";
/// Asks for the probabilities of the tokens.
const LOGPROBS: &str = "\"message.output_text.logprobs\"";

impl State {
    /// Reads what the caller says about it, in parameters or in `extra_body`, which wins.
    pub(super) fn of(params: &Set<'_>, body: &Body<'_>) -> Self {
        let value = |name: &str| body.given(name).or_else(|| params.get(name));
        let is_on = |name: &&str| value(name).is_some_and(|raw| !matches!(raw, "null" | "false"));
        match value("store") {
            // The server's default is to store, chat's is not.
            None => {
                let by_default = !KEEP.iter().any(is_on);
                Self {
                    is_stateless: by_default,
                    by_default,
                }
            }
            Some(store) => Self {
                is_stateless: store == "false",
                by_default: false,
            },
        }
    }

    /// Writes `store` and `include`.
    pub(super) fn write(self, body: &mut Body<'_>, model: &str, params: &Set<'_>) {
        if self.by_default {
            body.raw("store", "false");
        }
        let effort = params.get("reasoning_effort");
        let reasons = effort.map_or(families::reasons(model), |effort| effort != "\"none\"");
        let logprobs = params.get("logprobs").or(params.get("top_logprobs"));
        let mut include = Vec::new();
        if self.is_stateless && reasons {
            include.push(ENCRYPTED);
        }
        if logprobs.is_some_and(|raw| raw != "false") {
            include.push(LOGPROBS);
        }
        if !include.is_empty() {
            body.raw("include", &format!("[{}]", include.join(",")));
        }
    }
}
