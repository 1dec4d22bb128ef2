//! Which texts say that a prompt is too long, and which only look like it. `classes` says where the texts are from.

use serde_json::json;

use super::classes::{check, kind};
use crate::error::ErrorKind as K;

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_prompt_that_is_too_long_is_known_by_the_text_of_every_server() {
    check(
        K::ContextLength,
        &[
            // OpenAI.
            (
                400,
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 8545 tokens. Please reduce the length of the messages.",
            ),
            (
                400,
                "Your input exceeds the context window of this model. Please adjust your input and try again.",
            ),
            // DeepSeek (recorded).
            (
                400,
                "This model's maximum context length is 1048565 tokens. However, you requested 1250025 tokens (1250025 in the messages, 0 in the completion). Please reduce the length of the messages or completion.",
            ),
            // Anthropic (recorded), and with the output.
            (400, "prompt is too long: 3333404 tokens > 200000 maximum"),
            (
                400,
                "input length and `max_tokens` exceed context limit: 90402 + 116650 > 204648, decrease input length or `max_tokens` and try again",
            ),
            // Google (recorded).
            (
                400,
                "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
            ),
            (
                400,
                "The input token count exceeds the maximum number of tokens allowed 1048575.",
            ),
            // Ollama (recorded), its older texts.
            (
                400,
                "prompt too long; exceeded max context length by 1119046 tokens (ref: 96164522-08b2-4cbf-886e-e5a38961a688)",
            ),
            (400, "the input length exceeds the context length"),
            (500, "input length exceeds maximum context length"),
            // llama.cpp (recorded), and its older text.
            (
                400,
                "request (2009 tokens) exceeds the available context size (512 tokens), try increasing it",
            ),
            (
                400,
                "the request exceeds the available context size. try increasing the context size or enable context shift",
            ),
            // SGLang.
            (
                400,
                "The input (33000 tokens) is longer than the model's context length (32768 tokens).",
            ),
            (
                400,
                "Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens). Use a shorter input or enable --allow-auto-truncate.",
            ),
            (
                400,
                "Requested token count exceeds the model's maximum context length of 131072 tokens. You requested a total of 140000 tokens: 132000 tokens from the input messages and 8000 tokens for the completion.",
            ),
            // vLLM, old and new.
            (
                400,
                "This model's maximum context length is 262144 tokens. However, you requested 128000 output tokens and your prompt contains at least 134145 input tokens, for a total of at least 262145 tokens. (parameter=input_tokens, value=134145)",
            ),
            (
                400,
                "This model's maximum context length is 16384 tokens. However, your request has 18225 input tokens. Please reduce the length of the input messages. None",
            ),
            (
                400,
                "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 65536 tokens and your request has 57879 input tokens (8192 > 65536 - 57879). None",
            ),
            (
                400,
                "The decoder prompt (length 33000) is longer than the maximum model length of 32768.",
            ),
            (
                400,
                "The encoder prompt (length 33000) is longer than the maximum model length of 32768.",
            ),
            (
                400,
                "The prompt (total length 33000) is too long to fit into the model (context length 32768).",
            ),
            (
                400,
                "The engine prompt length 33000 exceeds the max_model_len 32768. Please reduce prompt.",
            ),
            (
                400,
                "You passed 33000 input tokens and requested 100 output tokens. However, the model's context length is only 32768 tokens, resulting in a maximum input length of 32668 tokens. Please reduce the length of the input prompt.",
            ),
            (
                400,
                "Input length (265330) exceeds model's maximum context length (262144).",
            ),
            // LM Studio.
            (
                400,
                "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
            ),
            (
                400,
                "The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input",
            ),
            (400, "Context size has been exceeded."),
            // Text Generation Inference and Together.
            (
                422,
                "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4000 `inputs` tokens and 512 `max_new_tokens`",
            ),
            (
                422,
                "Input validation error: `inputs` must have less than 1024 tokens. Given: 1231",
            ),
            // xAI; Groq and Cerebras; Mistral; Fireworks.
            (
                400,
                "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
            ),
            (
                400,
                "Please reduce the length of the messages or completion. Current length is 8543 while limit is 8192",
            ),
            (
                400,
                "Prompt contains 200000 tokens and 0 draft tokens, too large for model with 131072 maximum context length",
            ),
            (
                400,
                "The prompt is too long: 140000, model maximum context length: 131071",
            ),
            // OpenRouter.
            (
                400,
                "This endpoint's maximum context length is 131072 tokens. However, you requested about 150000 tokens (149000 of text input, 1000 in the output).",
            ),
            (
                400,
                "Input length 150000 exceeds the maximum allowed input length of 131040 tokens.",
            ),
            // Moonshot; MiniMax; Alibaba; Z.ai.
            (
                400,
                "Invalid request: Your request exceeded model token limit: 8192 (requested: 9000)",
            ),
            (400, "invalid params, context window exceeds limit (2013)"),
            (
                400,
                "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
            ),
            (400, "Prompt exceeds max length"),
            (400, "Prompt 超长"),
            // Copilot; Bedrock; Cohere; watsonx.
            (
                400,
                "prompt token count of 391491 exceeds the limit of 128000",
            ),
            (400, "Input is too long for requested model."),
            (
                400,
                "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
            ),
            (
                400,
                "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
            ),
            // Vertex; TensorRT-LLM; Cloudflare.
            (
                400,
                "Unable to submit request because the input token count is 40000 but model only supports up to 32768. Reduce the input token count and try again.",
            ),
            (
                400,
                "Encountered an error in forwardAsync function: Prompt length (5000) exceeds maximum input length (4096). Set log level to info and check TRTGptModel logs",
            ),
            (
                413,
                "AiError: AiError: The estimated number of input and maximum output tokens (5000) exceeded this model context window limit (4096).",
            ),
            (
                400,
                "too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs, or setting prompt_truncation='AUTO'.",
            ),
            (
                400,
                "the number of input tokens 4097 cannot exceed the total tokens limit 4096 for this model",
            ),
            // LiteLLM wraps the error of a provider, as JSON and as Python prints it.
            (
                400,
                r#"litellm.BadRequestError: AnthropicException - {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum"}}"#,
            ),
            (
                400,
                r#"Error code: 400 - {'error': {'message': "This model's maximum context length is 8192 tokens.", 'code': 400}}"#,
            ),
            (
                400,
                "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - too long",
            ),
        ],
    );
    for body in [
        json!({"error": {"message": "x", "code": "context_length_exceeded"}}),
        json!({"error": {"code": 400, "type": "exceed_context_size_error", "message": "x"}}),
        json!({"error": {"message": "x", "code": "model_max_prompt_tokens_exceeded"}}),
        json!({"error": {"message": "Request body too large for gpt-4o model. Max size: 8000 tokens.", "code": "tokens_limit_reached"}}),
        // OpenRouter, with the error of the provider as a string.
        json!({"error": {"code": 400, "message": "Provider returned error", "metadata": {"provider_name": "X",
            "raw": r#"{"error":{"message":"it does not fit","code":"context_length_exceeded"}}"#}}}),
        // Mistral, FastAPI.
        json!({"object": "error", "message": {"detail": "prompt is too long: 9 tokens > 8 maximum"}, "code": "3051"}),
        json!({"detail": [{"loc": ["body"], "msg": "This model's maximum context length is 9 tokens", "type": "value_error"}]}),
    ] {
        assert_eq!(kind(400, &body), K::ContextLength, "{body}");
    }
}

#[test]
fn a_limit_on_tokens_that_is_no_context_is_another_error() {
    // A parameter is wrong, or the limit is one of time.
    check(
        K::Api,
        &[
            // OpenAI, Groq, DeepSeek, Alibaba, Anthropic, Google.
            (
                400,
                "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.",
            ),
            (
                400,
                "max_tokens must be less than or equal to 16384, the maximum value for max_tokens is less than the context_window for this model",
            ),
            (
                400,
                "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            ),
            (400, "Range of max_tokens should be [1, 8192]"),
            (
                400,
                "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for this model",
            ),
            (
                400,
                "Unable to submit request because it has a maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 65537 (exclusive).",
            ),
            (
                400,
                "Cached content is too small. total_token_count=97, min_total_token_count=1024",
            ),
            (400, "Too many inputs in request, split into more batches."),
            (413, "Request Entity Too Large"),
        ],
    );
    check(
        K::RateLimit,
        &[
            (
                429,
                "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 61337. The input or output tokens must be reduced in order to run successfully.",
            ),
            (429, "Too many tokens, please wait before trying again."),
            (
                429,
                "This model's maximum context length is not the reason; too many requests",
            ),
        ],
    );
    // Groq: the request does not fit into a minute.
    let groq = json!({"error": {"message": "Request too large for model `llama-3.1-8b-instant` in organization `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 12328, please reduce your message size and try again.", "type": "tokens", "code": "rate_limit_exceeded"}});
    assert_eq!(kind(413, &groq), K::RateLimit);
}
