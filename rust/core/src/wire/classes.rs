//! Which kind of error an answer describes: one table for all providers, and the rules that need no table.
//!
//! Providers say the same thing with a status, a code or a text. The first row that fits decides. A code counts with
//! every status, because it is a word of its own. A text counts only with the statuses of its row, and only where the
//! server speaks itself: what it quotes may be the caller's.

use super::own_words::OwnWords;
use crate::error::{ApiFailure, ErrorKind};

/// One kind of error, and how it is recognized.
struct Row {
    kind: ErrorKind,
    /// Values of `code` or `type`; upper and lower case are the same.
    codes: &'static [&'static str],
    /// Statuses with which a text counts, besides no status at all.
    statuses: &'static [u16],
    /// Texts as [`OwnWords::contain`] takes them.
    texts: &'static [&'static str],
}

const TABLE: [Row; 6] = [
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
            // Anthropic.
            "billing_error",
            "enforced_spend_limit_reached",
            // Moonshot; MiniMax and Venice; Copilot; Alibaba; Volcengine; One API.
            "exceeded_current_quota_error",
            "insufficient_balance_error",
            "insufficient_balance",
            "quota_exceeded",
            "arrearage",
            "accountoverdueerror",
            "insufficient_user_quota",
            // LiteLLM.
            "budget_exceeded",
        ],
        // Z.ai and Moonshot answer 429, xAI 403 or 429, Anthropic and Alibaba 400, MiniMax 500.
        statuses: &[400, 403, 429, 500],
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
            // Google; xAI; Moonshot; MiniMax; Alibaba; Z.ai; Copilot; watsonx.
            "input token count*exceeds the maximum",
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
        ],
    },
    Row {
        kind: ErrorKind::ContentFilter,
        codes: &[
            // OpenAI, Azure, Moonshot; Alibaba; Volcengine.
            "content_filter",
            "content_policy_violation",
            "moderation_blocked",
            "responsibleaipolicyviolation",
            "data_inspection_failed",
            "datainspectionfailed",
            "sensitivecontentdetected",
            "inputtextsensitivecontentdetected",
            "outputtextsensitivecontentdetected",
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
            // DeepSeek; Alibaba; Moonshot; Z.ai.
            "content exists risk",
            "may contain inappropriate content",
            "considered high risk",
            "potentially unsafe or sensitive content",
            "不安全或敏感内容",
            // xAI; Anthropic.
            "content violates usage guidelines",
            "blocked by content filtering policy",
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
        // xAI and Google answer 400.
        statuses: &[400],
        texts: &["incorrect api key provided", "api key not valid"],
    },
];

/// Types and codes of a failure of the server, if there is no status.
const BROKEN: [&str; 10] = [
    "server_error",
    "api_error",
    "overloaded_error",
    "engine_overloaded_error",
    "timeout_error",
    "internal",
    "internal_error",
    "internal_server_error",
    "internalservererror",
    "unavailable",
];

/// The kind of error that the server describes. `status` is the HTTP status, or the one that the error names;
/// `upstream` is what the provider behind a router said.
pub(super) fn of(
    status: Option<u16>,
    api: &ApiFailure,
    upstream: Option<&ApiFailure>,
) -> ErrorKind {
    if status == Some(402) || is_daily_quota(api) {
        return ErrorKind::QuotaExceeded;
    }
    let said = OwnWords::of(api);
    let row = find(status, api, &said).or_else(|| {
        let api = upstream?;
        find(status, api, &OwnWords::of(api))
    });
    if let Some(row) = row {
        return row.kind;
    }
    let is_about_model = api.param.as_deref() == Some("model") || said.contain("model");
    match status {
        Some(404) if is_about_model => ErrorKind::ModelNotFound,
        Some(401 | 403) => ErrorKind::Authentication,
        Some(429) => ErrorKind::RateLimit,
        Some(500..) => ErrorKind::Server,
        None if is_named(api, &BROKEN) => ErrorKind::Server,
        _ => ErrorKind::Api,
    }
}

/// The first row that fits, where `said` is what the server says in its own words.
fn find(status: Option<u16>, api: &ApiFailure, said: &OwnWords) -> Option<&'static Row> {
    let fits = |row: &&Row| {
        let counts =
            status.is_none_or(|status| row.statuses.contains(&status)) && !is_about_a_setting(api);
        is_named(api, row.codes) || counts && row.texts.iter().any(|text| said.contain(text))
    };
    TABLE.iter().find(fits)
}

/// Whether the server complains about a parameter that holds names or descriptions of the caller, which it may repeat
/// without quotation marks.
fn is_about_a_setting(api: &ApiFailure) -> bool {
    let param = api.param.as_deref().unwrap_or_default();
    let mut settings = ["tool", "function", "response_format", "metadata", "stop"].iter();
    param.rsplit('.').next() == Some("name") || settings.any(|name| param.starts_with(name))
}

/// Whether `code` or `type` is one of `codes`.
fn is_named(api: &ApiFailure, codes: &[&str]) -> bool {
    let mut words = [api.code.as_deref(), api.error_type.as_deref()]
        .into_iter()
        .flatten();
    words.any(|word| codes.iter().any(|code| word.eq_ignore_ascii_case(code)))
}

/// Whether Google says that the requests of a day are used up, which no wait within a call changes.
fn is_daily_quota(api: &ApiFailure) -> bool {
    is_named(api, &["RESOURCE_EXHAUSTED"]) && memchr::memmem::find(&api.body, b"PerDay").is_some()
}

/// The kind of error that a status of `MiniMax` stands for, which is in `base_resp` of a reply with status 200.
///
/// Source: platform.minimax.io/docs, "error codes".
pub(super) fn of_minimax(code: i64) -> Option<ErrorKind> {
    Some(match code {
        1000 | 1001 | 1013 | 1024 | 1033 => ErrorKind::Server,
        1002 | 1039 | 1041 => ErrorKind::RateLimit,
        1004 | 2049 => ErrorKind::Authentication,
        1008 => ErrorKind::QuotaExceeded,
        1026 | 1027 => ErrorKind::ContentFilter,
        _ => return None,
    })
}

/// Whether another attempt may succeed, for an error of `kind`. There is no other list of statuses.
///
/// 408 and 409: as in the official SDKs. 425: sent too early. 498: Groq has no capacity. 520 to 524: Cloudflare did not
/// reach the server. 529: Anthropic is overloaded. A gateway may give such a status to a failure of another kind, and
/// then the same request fails again.
pub(super) fn is_retryable(kind: ErrorKind, status: Option<u16>) -> bool {
    match (kind, status) {
        (ErrorKind::RateLimit | ErrorKind::Server, None) => true,
        (ErrorKind::RateLimit | ErrorKind::Server | ErrorKind::Api, Some(status)) => matches!(
            status,
            408 | 409 | 425 | 429 | 498 | 500 | 502..=504 | 520..=524 | 529
        ),
        _ => false,
    }
}
