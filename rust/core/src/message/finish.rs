//! What the words of providers for the end of a choice mean.

use super::reply::FinishReason;

impl FinishReason {
    /// The reason for a provider's word, in letters of any case; `None` for an empty word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match &*word.to_ascii_lowercase() {
            "" => return None,
            "stop" | "eos" | "stop_sequence" | "end_turn" | "eos_token" => Self::Stop,
            // Z.ai names the context window.
            "length" | "max_tokens" | "model_length" | "model_context_window_exceeded" => {
                Self::Length
            }
            "tool_calls" | "function_call" | "tool_use" => Self::ToolCalls,
            // Gemini, and "sensitive" of Z.ai.
            "content_filter" | "safety" | "recitation" | "prohibited_content" | "sensitive" => {
                Self::ContentFilter
            }
            "refusal" => Self::Refusal,
            // vLLM and SGLang.
            "abort" => Self::Abort,
            // OpenRouter and vLLM; DeepSeek; Z.ai; Cohere.
            "error" | "insufficient_system_resource" | "network_error" | "timeout" => Self::Error,
            _ => Self::Other,
        })
    }

    /// Whether it means that the server did not finish its work, so that the reply is only a part.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Error | Self::Abort)
    }

    /// Corrects the reason by what the choice has: a refusal wins, and so does a tool call, unless the provider's
    /// reason means that the call may be incomplete.
    #[must_use]
    pub fn corrected(self, refused: bool, called: bool) -> Self {
        match self {
            _ if refused => Self::Refusal,
            Self::Length | Self::ContentFilter | Self::Error | Self::Abort => self,
            _ if called => Self::ToolCalls,
            _ => self,
        }
    }
}
