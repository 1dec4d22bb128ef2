//! The codes and texts by which each kind of error is recognized.

use crate::error::ErrorKind;

/// One kind of error, and how it is recognized.
pub(super) struct Row {
    pub(super) kind: ErrorKind,
    /// Values of `code` or `type`; upper and lower case are the same.
    pub(super) codes: &'static [&'static str],
    /// Statuses with which a text counts, besides no status at all.
    pub(super) statuses: &'static [u16],
    /// Texts as `OwnWords::contain` takes them.
    pub(super) texts: &'static [&'static str],
}

pub(super) const TABLE: [Row; 6] = [
    Row {
        kind: ErrorKind::QuotaExceeded,
        codes: &[
            // OpenAI.
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "workspace_spend_limit_exceeded",
            "billing_hard_limit_reached",
            "billing_not_active",
            // Google.
            "billing_disabled",
            // Anthropic.
            "billing_error",
            "enforced_spend_limit_reached",
            // Moonshot; MiniMax and Venice; Copilot; Alibaba; Volcengine; One API.
            "exceeded_current_quota_error",
            "insufficient_balance_error",
            "insufficient_balance",
            "quota_exceeded",
            "arrearage",
            "allocationquota.freetieronly",
            "accountoverdueerror",
            "insufficient_user_quota",
            // LiteLLM.
            "budget_exceeded",
        ],
        // Z.ai and Moonshot answer 429, xAI 403 or 429, Anthropic and Alibaba 400, Fireworks 412, MiniMax 500.
        statuses: &[400, 403, 412, 429, 500],
        texts: &[
            // DeepSeek, Z.ai, Moonshot, MiniMax; SiliconFlow.
            "insufficient balance",
            "insufficient account balance",
            "balance is insufficient",
            "余额不足",
            "欠费",
            // Anthropic; xAI; OpenRouter; Alibaba.
            "credit balance is too low",
            "used all available credits",
            "run out of credits",
            "doesn't have any credits",
            "key limit exceeded (total limit)",
            "make sure your account is in good standing",
            // Anthropic; Fireworks; Hugging Face; Alibaba.
            "reached your specified api usage limits",
            "reaching the monthly spending limit",
            "your monthly included credits",
            "free tier of the model has been exhausted",
            // Google.
            "exceeded its monthly spending cap",
            "prepayment credits are depleted",
            // Azure API Management; Bedrock; Cohere.
            "out of call volume quota",
            "out of bandwidth quota",
            "too many tokens per day",
            "api calls / month",
        ],
    },
    Row {
        kind: ErrorKind::RateLimit,
        codes: &[
            // Groq and OpenAI, also with 413 and for a request that is larger than the limit of a minute.
            "rate_limit_exceeded",
            "rate_limit_error",
            // Moonshot; Azure; Google; Bedrock; Volcengine.
            "rate_limit_reached_error",
            "ratelimitreached",
            "too_many_requests",
            "resource_exhausted",
            "throttlingexception",
            "throttling.ratequota",
            "throttling.allocationquota",
        ],
        statuses: &[],
        texts: &[],
    },
    Row {
        kind: ErrorKind::ContextLength,
        codes: &[
            // OpenAI, Azure, Groq, Cerebras; llama.cpp; Copilot; GitHub Models.
            "context_length_exceeded",
            "exceed_context_size_error",
            "model_max_prompt_tokens_exceeded",
            "tokens_limit_reached",
            // Volcengine.
            "outofcontexterror",
        ],
        // Gateways and old servers answer 500. Only a request that was refused for its content can be too long.
        statuses: &[400, 413, 422, 500],
        texts: &[
            // OpenAI, DeepSeek, OpenRouter, vLLM, SGLang, Mistral, Fireworks; Ollama.
            "maximum context length",
            "exceeded max context length",
            "exceeds the context length",
            // OpenAI; Groq and Cerebras; LiteLLM.
            "exceeds the context window",
            "reduce the length of the messages",
            "contextwindowexceedederror",
            // Anthropic, Bedrock; Cohere.
            "prompt is too long",
            "exceed context limit",
            "input is too long for requested model",
            "too many input tokens. max input tokens",
            "too many tokens: ",
            "input tokens exceeded: ",
            // Google; xAI; Moonshot; MiniMax; Alibaba; Z.ai; Copilot; watsonx.
            "input token count*exceeds the maximum",
            "input token count*model only supports up to",
            "maximum prompt length is",
            "exceeded model token limit",
            "context window exceeds limit",
            "range of input length should be",
            "prompt exceeds max length",
            "prompt 超长",
            "prompt token count of*exceeds the limit of",
            "cannot exceed the total tokens limit",
            // SGLang, Together; vLLM.
            "is longer than the model's context length",
            "exceeds the maximum allowed length",
            "exceeds the maximum allowed input length",
            "longer than the maximum model length",
            "too long to fit into the model",
            "exceeds the max_model_len",
            "the model's context length is only",
            // LM Studio; llama.cpp.
            "loaded with context length of only",
            "greater than the context length",
            "context size has been exceeded",
            "reached context length of",
            "exceeds the available context size",
            // Text Generation Inference, Together.
            "`inputs` tokens + `max_new_tokens` must be <=",
            "`inputs` must have less than",
            // TensorRT-LLM; Cloudflare.
            "exceeds maximum input length",
            "exceeded this model context window limit",
        ],
    },
    Row {
        kind: ErrorKind::ContentFilter,
        codes: &[
            // OpenAI, Azure, Moonshot; Alibaba; Volcengine.
            "content_filter",
            "content_policy_violation",
            "image_content_policy_violation",
            "moderation_blocked",
            "responsibleaipolicyviolation",
            "cyber_policy",
            "cyber_policy_violation",
            "data_inspection_failed",
            "datainspectionfailed",
            "sensitivecontentdetected",
            "inputtextsensitivecontentdetected",
            "inputimagesensitivecontentdetected",
            "outputtextsensitivecontentdetected",
            // StepFun.
            "censorship_blocked",
            // `blockReason` of Gemini.
            "safety",
            "blocklist",
            "prohibited_content",
            "image_safety",
            "model_armor",
            "jailbreak",
        ],
        // xAI and OpenRouter answer 403.
        statuses: &[400, 403, 422, 451],
        texts: &[
            // OpenAI; Azure; OpenRouter.
            "prompt was flagged as potentially violating",
            "content management policy",
            "your input was flagged",
            "rejected as a result of our safety system",
            "flagged for potentially high-risk",
            "flagged for possible cybersecurity risk",
            // DeepSeek; Alibaba; Moonshot; Z.ai.
            "content exists risk",
            "may contain inappropriate content",
            "considered high risk",
            "potentially unsafe or sensitive content",
            "不安全或敏感内容",
            // xAI; Anthropic.
            "content violates usage guidelines",
            "blocked by content filtering policy",
            // Google; LiteLLM and Mistral.
            "responsible ai practices",
            "violated guardrail policy",
            "blocked by guardrail",
            // LiteLLM.
            "contentpolicyviolationerror",
        ],
    },
    Row {
        kind: ErrorKind::ModelNotFound,
        codes: &[
            // OpenAI, Groq, Doubleword; Azure; Mistral and Perplexity; GitHub Models; Together; Hugging Face.
            "model_not_found",
            "deploymentnotfound",
            "invalid_model",
            "unknown_model",
            "model_not_available",
            "model_not_supported",
            "model_decommissioned",
        ],
        statuses: &[400, 404],
        texts: &[
            // OpenRouter; DeepSeek; xAI; Z.ai and GitHub Models; OpenAI; Bedrock; Voyage.
            "is not a valid model id",
            "model not exist",
            "invalid model id",
            "invalid model name",
            "no endpoints found for",
            "supported api model names are",
            "model not found",
            "unknown model:",
            "unknown model,",
            "unknown model '",
            "the model *does not exist",
            "^model *does not exist",
            "model identifier is invalid",
            "^model *is not supported. supported models are",
        ],
    },
    Row {
        kind: ErrorKind::Authentication,
        codes: &[
            "authentication_error",
            "invalid_api_key",
            "api_key_invalid",
            "permission_error",
            "unauthenticated",
            "permission_denied",
        ],
        // xAI and Google answer 400, and gateways in front of OpenAI 500.
        statuses: &[400, 500],
        texts: &[
            "incorrect api key provided",
            "api key not valid",
            "api key expired",
        ],
    },
];

/// The kind of error that a status of `MiniMax` stands for, which is in `base_resp` of a reply with status 200.
///
/// Source: platform.minimax.io/docs, "error codes".
pub(in crate::wire) fn of_minimax(code: i64) -> Option<ErrorKind> {
    Some(match code {
        1000 | 1001 | 1013 | 1024 | 1033 => ErrorKind::Server,
        1002 | 1039 | 1041 => ErrorKind::RateLimit,
        1004 | 2049 => ErrorKind::Authentication,
        1008 => ErrorKind::QuotaExceeded,
        1026 | 1027 => ErrorKind::ContentFilter,
        _ => return None,
    })
}
