//! What the words of providers for the end of a choice mean.

use super::reply::FinishReason;

impl FinishReason {
    /// The reason for a provider's word, in letters of any case; `None` for an empty word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        // Gemini puts its own word after that of OpenAI.
        let word = word.rsplit(": ").next().unwrap_or_default().trim();
        Some(match word {
            "" => return None,
            "stop" | "eos" | "stop_sequence" | "end_turn" | "eos_token" | "complete" => Self::Stop,
            // Z.ai names the context window; Gemini; Cohere.
            "length"
            | "max_tokens"
            | "model_length"
            | "model_context_window_exceeded"
            | "continuation"
            | "error_limit" => Self::Length,
            "tool_calls" | "tool_call" | "function_call" | "tool_use" => Self::ToolCalls,
            // Gemini; "sensitive" of Z.ai; Bedrock; Cohere.
            "content_filter"
            | "content_filtered"
            | "safety"
            | "recitation"
            | "prohibited_content"
            | "blocklist"
            | "spii"
            | "model_armor"
            | "image_safety"
            | "image_prohibited_content"
            | "image_recitation"
            | "sensitive"
            | "guardrail_intervened"
            | "error_toxic" => Self::ContentFilter,
            "refusal" => Self::Refusal,
            // DeepSeek; Gemini, where the model's call was not one.
            "insufficient_system_resource"
            | "unexpected_tool_call"
            | "too_many_tool_calls"
            | "missing_thought_signature" => Self::Error,
            _ => Self::of_failure(word),
        })
    }

    /// The reason for a word that is in no list: one of its parts may say that something failed, as in
    /// `network_error` (Z.ai), `malformed_function_call` (Gemini) or `server_overloaded`.
    fn of_failure(word: &str) -> Self {
        let has = |parts: &[&str]| {
            let mut words = word.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|part| parts.contains(&part))
        };
        // vLLM and SGLang say "abort".
        if has(&["abort", "aborted", "cancel", "canceled", "cancelled"]) {
            Self::Abort
        } else if has(&[
            "error",
            "failed",
            "failure",
            "malformed",
            "overloaded",
            "timeout",
            "unavailable",
        ]) {
            Self::Error
        } else {
            Self::Other
        }
    }

    /// Whether it means that the server did not finish its work, so that the reply is only a part.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Error | Self::Abort)
    }

    /// Whether it may have stopped the model in the middle of a call, whose arguments then stay cut.
    #[must_use]
    pub fn may_cut_a_call(self) -> bool {
        !matches!(self, Self::Stop | Self::ToolCalls | Self::Other)
    }

    /// Corrects the reason by what the choice has: a refusal wins, and so does a tool call, unless the provider's
    /// reason means that the call may be incomplete.
    #[must_use]
    pub fn corrected(self, refused: bool, called: bool) -> Self {
        match self {
            _ if refused => Self::Refusal,
            Self::Length | Self::Refusal | Self::ContentFilter | Self::Error | Self::Abort => self,
            _ if called => Self::ToolCalls,
            _ => self,
        }
    }
}
