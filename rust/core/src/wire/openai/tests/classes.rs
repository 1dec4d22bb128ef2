//! Which kind of error each text of a provider is.
//!
//! The texts are from the recorded exchanges, the documentation of the providers, their open source servers, and
//! reports of users; the comment before a row says whose text it is.

use serde_json::{Value, json};

use super::decoded;
use crate::error::ErrorKind as K;
use crate::wire::dialect;

pub(super) fn kind(status: u16, body: &Value) -> K {
    let error = dialect("chat")
        .unwrap()
        .decode_error(status, body.to_string().as_bytes());
    error.kind()
}

/// A body with only a message.
fn plain(message: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}})
}

/// Checks texts, each with its status.
pub(super) fn check(expected: K, texts: &[(u16, &str)]) {
    for (status, text) in texts {
        assert_eq!(kind(*status, &plain(text)), expected, "{status}: {text}");
        // Other servers send the same text in other forms.
        let flat =
            json!({"object": "error", "message": text, "type": "BadRequestError", "code": status});
        assert_eq!(kind(*status, &flat), expected, "{status}: {flat}");
        let string = json!({"error": text});
        assert_eq!(kind(*status, &string), expected, "{status}: {string}");
    }
}

#[test]
fn a_content_filter_is_known_by_the_text_of_every_provider() {
    check(
        K::ContentFilter,
        &[
            // DeepSeek; Alibaba, input and output; Moonshot; Z.ai.
            (400, "Content Exists Risk"),
            (400, "Input data may contain inappropriate content."),
            (400, "Output data may contain inappropriate content."),
            (
                400,
                "The request was rejected because it was considered high risk",
            ),
            (
                400,
                "System detected potentially unsafe or sensitive content in input or generation. Please avoid using prompts that may generate sensitive content.",
            ),
            (
                400,
                "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。",
            ),
            // OpenAI; Azure.
            (
                400,
                "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt: https://platform.openai.com/docs/guides/reasoning#advice-on-prompting",
            ),
            (
                400,
                "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
            ),
            // xAI; OpenRouter; Anthropic.
            (
                403,
                "Content violates usage guidelines. Team: x, API key ID: y, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO",
            ),
            (
                403,
                "openai/gpt-5 requires moderation on OpenAI. Your input was flagged for \"harassment\". No credits were charged.",
            ),
            (400, "Output blocked by content filtering policy"),
            // LiteLLM.
            (
                400,
                "litellm.BadRequestError: litellm.ContentPolicyViolationError: AzureException - x",
            ),
            // OpenAI; Google; Mistral.
            (
                400,
                "This content was flagged for possible cybersecurity risk. If this seems wrong, try rephrasing your request.",
            ),
            (
                400,
                "The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI practices.",
            ),
            (403, "Request blocked by guardrail: moderation"),
        ],
    );
    for (status, body) in [
        (
            400,
            json!({"error": {"message": "x", "type": "data_inspection_failed", "code": "data_inspection_failed"}}),
        ),
        (
            400,
            json!({"code": "DataInspectionFailed", "message": "x", "request_id": "r"}),
        ),
        (
            400,
            json!({"error": {"code": 400, "message": "x", "param": "prompt", "type": "content_filter"}}),
        ),
        (
            400,
            json!({"error": {"code": "content_policy_violation", "message": "x"}}),
        ),
        (
            400,
            json!({"error": {"code": "content_filter", "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        ),
        (
            400,
            json!({"error": {"code": "SensitiveContentDetected", "message": "x"}}),
        ),
        (
            403,
            json!({"code": "The caller does not have permission to execute the specified operation", "error": "Content violates usage guidelines."}),
        ),
    ] {
        assert_eq!(kind(status, &body), K::ContentFilter, "{body}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_spent_quota_or_balance_is_known_by_the_text_of_every_provider() {
    check(
        K::QuotaExceeded,
        &[
            // DeepSeek, OpenRouter, Hugging Face.
            (402, "Insufficient Balance"),
            (
                402,
                "This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 3.",
            ),
            (
                402,
                "You have exceeded your monthly included credits for Inference Providers.",
            ),
            // Anthropic; xAI; Moonshot; Z.ai; MiniMax; SiliconFlow; OpenRouter.
            (
                400,
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
            ),
            (
                429,
                "Your team x has either used all available credits or reached its monthly spending limit.",
            ),
            (
                403,
                "Your newly created team doesn't have any credits or licenses yet.",
            ),
            (
                403,
                "You have run out of credits or need a Grok subscription.",
            ),
            (
                429,
                "Your account org-x <ak-y> is suspended due to insufficient balance, please recharge your account or check your plan and billing details",
            ),
            (
                429,
                "Insufficient balance or no resource package. Please recharge.",
            ),
            (429, "您的账户已欠费，请充值后重试。"),
            (429, "余额不足或无可用资源包,请充值。"),
            (500, "insufficient balance (1008)"),
            (403, "Sorry, your account balance is insufficient"),
            (
                403,
                "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys",
            ),
            // Alibaba.
            (
                400,
                "Access denied, please make sure your account is in good standing.",
            ),
            // Anthropic; Fireworks; Hugging Face; Alibaba; Azure API Management; Bedrock.
            (
                400,
                "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            ),
            (
                412,
                "Account x is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.",
            ),
            (
                429,
                "You have depleted your monthly included credits. Purchase pre-paid credits to continue",
            ),
            (
                403,
                "The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the \"use free tier only\" mode.",
            ),
            (
                403,
                "Out of call volume quota. Quota will be replenished in 12:34:56.",
            ),
            (
                429,
                "Too many tokens per day, please wait before trying again.",
            ),
        ],
    );
    for (status, body) in [
        (
            429,
            json!({"error": {"message": "You exceeded your current quota, please check your plan and billing details.", "type": "insufficient_quota", "code": "insufficient_quota"}}),
        ),
        (
            429,
            json!({"error": {"message": "x", "type": "exceeded_current_quota_error"}}),
        ),
        (
            403,
            json!({"error": {"message": "Your account is not active", "type": "exceeded_current_quota_error"}}),
        ),
        (400, json!({"error": {"message": "x", "code": "Arrearage"}})),
        (
            429,
            json!({"error": {"message": "x", "type": "insufficient_balance_error"}}),
        ),
        (
            403,
            json!({"error": {"message": "x", "code": "insufficient_user_quota"}}),
        ),
        (
            403,
            json!({"error": {"message": "x", "code": "AccountOverdueError"}}),
        ),
        (
            402,
            json!({"type": "error", "error": {"type": "billing_error", "message": "x"}}),
        ),
        // In the details: Anthropic, Google.
        (
            429,
            json!({"type": "error", "error": {"type": "rate_limit_error", "message": "x", "details": {"error_code": "enforced_spend_limit_reached"}}}),
        ),
        (
            403,
            json!([{"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "x", "details": [{"locale": "en"}, {"reason": "BILLING_DISABLED"}]}}]),
        ),
        (
            429,
            json!({"type": "error", "error": {"type": "rate_limit_error", "code": "1113", "message": "[1113][Insufficient balance or no resource package. Please recharge.]"}}),
        ),
        // Google: the requests of a day.
        (
            429,
            json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota", "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22s"}]}}]),
        ),
    ] {
        let error = dialect("chat")
            .unwrap()
            .decode_error(status, body.to_string().as_bytes());
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (K::QuotaExceeded, false),
            "{body}"
        );
    }
}

#[test]
fn a_busy_server_is_no_spent_quota() {
    check(
        K::RateLimit,
        &[
            // OpenAI; Moonshot; Google (recorded).
            (
                429,
                "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.",
            ),
            (
                429,
                "Your account reached max request: 3, please try again after 1 seconds",
            ),
            (
                429,
                "The engine is currently overloaded, please try again later",
            ),
            (
                429,
                "You exceeded your current quota, please check your plan and billing details. Please retry in 48.939935699s.",
            ),
            (
                429,
                "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
            ),
        ],
    );
    check(
        K::Server,
        &[
            (503, "overloaded"),
            (529, "Overloaded"),
            (500, "x"),
            (504, "x"),
        ],
    );
    // Azure (recorded); Google, of a minute.
    for body in [
        json!({"error": {"code": "RateLimitReached", "message": "Your requests to grok-4 have exceeded rate limit."}}),
        json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x", "details": [
            {"violations": [{"quotaId": "GenerateContentPaidTierInputTokensPerModelPerMinute"}]}]}}),
    ] {
        assert_eq!(kind(429, &body), K::RateLimit, "{body}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_model_that_does_not_exist_and_a_wrong_key_are_known_by_their_text() {
    check(
        K::ModelNotFound,
        &[
            // Recorded: OpenRouter, DeepSeek, xAI, Bedrock, Voyage, Ollama, Google, Anthropic.
            (
                400,
                "openai/gpt-nonexistent-routed-model is not a valid model ID",
            ),
            (400, "Model no-such/embedding-model does not exist"),
            (
                400,
                "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed deepseek-v9-nonexistent.",
            ),
            (
                400,
                "Model not found: grok-nonexistent-model-for-identity-edge",
            ),
            (400, "The provided model identifier is invalid."),
            (
                400,
                "Model nonexistent is not supported. Supported models are ['voyage-2']",
            ),
            (
                400,
                "The model 'rig-nonexistent-image-model' does not exist.",
            ),
            (404, "model 'nonexistent-model:latest' not found"),
            (
                404,
                "models/gemini-1.5-flash is not found for API version v1beta, or is not supported for generateContent.",
            ),
            (404, "model: claude-sonet-4-5"),
            // OpenAI; LiteLLM; DeepSeek.
            (400, "invalid model ID"),
            (
                400,
                "/chat/completions: Invalid model name passed in model=foo. Call `/v1/models` to view available models for your key.",
            ),
            (400, "Model Not Exist"),
            // OpenRouter; Z.ai; Moonshot.
            (404, "No endpoints found for openai/gpt-x."),
            (400, "Unknown Model, please check the model code."),
            (404, "Not found the model kimi-x or Permission denied"),
        ],
    );
    for (status, body) in [
        (
            400,
            json!({"error": {"message": "x", "code": "model_not_found", "param": "model"}}),
        ),
        (
            400,
            json!({"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}),
        ),
        (
            404,
            json!({"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}),
        ),
        (
            400,
            json!({"error": {"code": "model_decommissioned", "message": "x"}}),
        ),
        (
            400,
            json!({"error": {"code": "model_not_supported", "message": "x", "param": "model"}}),
        ),
    ] {
        assert_eq!(kind(status, &body), K::ModelNotFound, "{body}");
    }
    for (status, body) in [
        // Recorded: xAI, Google.
        (
            400,
            json!({"code": "invalid-argument", "error": "Incorrect API key provided. You can obtain an API key from https://console.x.ai."}),
        ),
        (
            400,
            json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "API key not valid. Please pass a valid API key."}}),
        ),
        (
            400,
            json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "x", "details": [{"reason": "API_KEY_INVALID"}]}}),
        ),
        (
            500,
            json!({"error": {"code": "500", "message": "litellm.AuthenticationError: OpenAIException - Incorrect API key provided: sk-x."}}),
        ),
        (
            401,
            json!({"error": {"code": "invalid_api_key", "message": "Incorrect API key provided: sk-x."}}),
        ),
        (
            403,
            json!({"error": {"code": "forbidden", "message": "Forbidden"}}),
        ),
    ] {
        assert_eq!(kind(status, &body), K::Authentication, "{body}");
    }
    for body in [
        json!({"error": {"code": "404", "message": "Resource not found"}}),
        json!({"detail": "Not Found"}),
        json!({"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
    ] {
        assert_eq!(kind(404, &body), K::Api, "{body}");
    }
}

#[test]
fn a_text_of_the_caller_that_an_error_quotes_does_not_change_its_kind() {
    check(
        K::Api,
        &[
            (
                400,
                "Invalid value: 'prompt is too long'. Supported values are: 'low' and 'high'.",
            ),
            (
                400,
                "Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `prompt is too long`, expected `text` at line 1 column 197",
            ),
            (
                400,
                "Unrecognized request argument supplied: context_length_exceeded",
            ),
            (400, "Unknown parameter: 'content_filter'."),
            (
                400,
                "Invalid schema for function 'read': the description \"insufficient balance\" is not allowed",
            ),
            (
                400,
                "Invalid 'messages[1].name': 'the model x does not exist' does not match the pattern '^[a-z]+$'. Got 'Content Exists Risk'.",
            ),
            (400, "Unknown model parameter 'foo'"),
            (
                400,
                "'response_format' of type 'json_schema' is not supported by this model. Supported models are gpt-4o.",
            ),
        ],
    );
    // The field that is wrong has the name of a filter or of a limit.
    let body = json!({"error": {"message": "Unknown parameter: 'content_filter'.", "param": "content_filter", "code": "unknown_parameter"}});
    assert_eq!(kind(400, &body), K::Api);
    for param in [
        "tools[0].function.name",
        "messages[1].name",
        "response_format",
        "metadata.x",
    ] {
        let body = json!({"error": {"message": "Invalid value: prompt is too long", "param": param, "code": "invalid_value"}});
        assert_eq!(kind(400, &body), K::Api, "{param}");
    }
    for param in ["messages", "prompt", "input_tokens", "max_tokens"] {
        let body = json!({"error": {"message": "prompt is too long: 9 > 8", "param": param}});
        assert_eq!(kind(400, &body), K::ContextLength, "{param}");
    }
    // A key that is wrong stays a wrong key, whatever the server says besides.
    for status in [401, 404, 409] {
        let found = kind(status, &plain("prompt is too long: 5 tokens > 4 maximum"));
        assert_ne!(found, K::ContextLength, "{status}");
    }
}

#[test]
fn a_long_message_of_quotation_marks_is_read_in_linear_time() {
    // A square of its length would take minutes.
    let text = "\"a".repeat(30_000);
    assert_eq!(kind(400, &plain(&text)), K::Api);
}

#[test]
fn an_error_inside_a_reply_has_the_same_kinds() {
    for (message, code, expected) in [
        (
            "prompt is too long: 9 tokens > 8 maximum",
            json!(null),
            K::ContextLength,
        ),
        (
            "Content Exists Risk",
            json!("invalid_request_error"),
            K::ContentFilter,
        ),
        ("Insufficient Balance", json!(null), K::QuotaExceeded),
        ("x", json!(402), K::QuotaExceeded),
        ("x", json!(429), K::RateLimit),
        ("x", json!("engine_overloaded_error"), K::Server),
        ("x", json!("rate_limit_reached_error"), K::RateLimit),
        ("x", json!("unavailable"), K::Server),
    ] {
        let error = json!({"message": message, "code": code});
        let whole = json!({"error": error});
        let in_choice = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "error", "error": error}]});
        for body in [whole, in_choice] {
            let found = decoded(&body).unwrap_err();
            assert_eq!(found.kind(), expected, "{body}");
        }
    }
}

#[test]
fn a_reply_without_choices_may_say_why() {
    let minimax = |code: i64, text: &str| json!({"id": "r", "choices": null, "base_resp": {"status_code": code, "status_msg": text}});
    for (body, expected, retryable) in [
        (
            minimax(1026, "input new_sensitive"),
            K::ContentFilter,
            false,
        ),
        (
            minimax(1027, "output new_sensitive"),
            K::ContentFilter,
            false,
        ),
        (
            minimax(1008, "insufficient balance"),
            K::QuotaExceeded,
            false,
        ),
        (minimax(1002, "rate limit"), K::RateLimit, true),
        (minimax(1004, "login fail"), K::Authentication, false),
        (minimax(1013, "internal error"), K::Server, true),
        (
            minimax(2013, "invalid params, context window exceeds limit"),
            K::ContextLength,
            false,
        ),
        (minimax(2013, "invalid params"), K::Api, false),
        (minimax(0, "success"), K::UnexpectedContent, false),
        (
            json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {}}),
            K::ContentFilter,
            false,
        ),
    ] {
        let error = decoded(&body).unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (expected, retryable),
            "{body}"
        );
        let mut stream = dialect("chat").unwrap().stream(1);
        let streamed = stream.event(b"", body.to_string().as_bytes(), &mut Vec::new());
        match streamed {
            Err(error) => assert_eq!(error.kind(), expected, "{body}"),
            Ok(_) => assert_eq!(expected, K::UnexpectedContent, "{body}"),
        }
    }
}
