//! The rows of the table of providers. What a provider's documentation says is a comment with the source.

use super::clouds::{azure, bedrock, foundry, vertex};
use super::{OutputMode, PathOf, Provider};
use crate::wire::anthropic::Messages;
use crate::wire::auth::{Auth, KeyOrToken};
use crate::wire::cache_marks::CacheMarks;
use crate::wire::choice::Newer;
use crate::wire::dialect::Dialect;
use crate::wire::gemini::Gemini;
use crate::wire::openai::{Chat, Completions, Responses};
use crate::wire::reasoning::{Needed, ReasoningBack};

/// What most servers speak.
const USUAL: &[&dyn Dialect] = &[&Chat, &Completions];
/// What those speak that have the Responses API as well.
pub(super) const WITH_RESPONSES: &[&dyn Dialect] = &[&Chat, &Completions, &Responses];

/// What those speak that have the Messages API as well.
const WITH_MESSAGES: &[&dyn Dialect] = &[&Chat, &Completions, &Messages];
/// What those speak that have both, and no text completions.
const WITH_BOTH_BUT_COMPLETIONS: &[&dyn Dialect] = &[&Chat, &Responses, &Messages];
/// What those speak that have both.
const WITH_BOTH: &[&dyn Dialect] = &[&Chat, &Completions, &Responses, &Messages];

/// An `OpenAI`-shaped server; the rows below change what is different.
pub(super) fn openai_shaped(name: &'static str) -> Provider {
    Provider {
        name: name.into(),
        base_url: None,
        address_vars: Vec::new(),
        key_vars: Vec::new(),
        base_url_vars: Vec::new(),
        key_required: false,
        auth: Auth::Bearer,
        headers: Vec::new(),
        header_vars: Vec::new(),
        other_paths: Vec::new(),
        is_azure: false,
        is_vertex: false,
        dialects: USUAL,
        api: None,
        newer: None,
        max_tokens_field: "max_tokens".into(),
        seed_field: "seed".into(),
        stream_options: true,
        output_mode: OutputMode::JsonSchema,
        reasoning_back: ReasoningBack::AsSent,
        cache_marks: CacheMarks::None,
        lists_models: true,
        lacks: &[],
    }
}

/// A hosted server, which requires a key. `address` is the base URL without `https://`.
fn hosted(name: &'static str, address: &str, key_var: &'static str) -> Provider {
    Provider {
        base_url: Some(format!("https://{address}").into()),
        key_vars: vec![key_var.into()],
        key_required: true,
        ..openai_shaped(name)
    }
}

/// A server that has the Responses API, too.
fn responding(provider: Provider) -> Provider {
    Provider {
        dialects: WITH_RESPONSES,
        ..provider
    }
}

/// A server that people run themselves, by default on this machine: it takes any key, or none.
fn local(name: &'static str, port: u16, key_var: &'static str) -> Provider {
    Provider {
        base_url: Some(format!("http://localhost:{port}/v1").into()),
        key_vars: vec![key_var.into()],
        dialects: WITH_BOTH,
        ..openai_shaped(name)
    }
}

/// Where Messages is, for a provider whose other APIs are elsewhere. It takes the same key as a bearer token there, as
/// `ANTHROPIC_AUTH_TOKEN` is sent by Anthropic's tools.
pub(super) const fn messages_at(path: &'static str) -> PathOf {
    PathOf {
        api: "messages",
        path,
        auth: None,
    }
}

/// Its variables are those of Anthropic's libraries.
fn anthropic() -> Provider {
    Provider {
        base_url: Some("https://api.anthropic.com".into()),
        key_vars: vec!["ANTHROPIC_API_KEY".into(), "ANTHROPIC_AUTH_TOKEN".into()],
        base_url_vars: vec!["ANTHROPIC_BASE_URL".into()],
        header_vars: vec!["ANTHROPIC_CUSTOM_HEADERS".into()],
        key_required: true,
        auth: Auth::KeyOrToken(KeyOrToken {
            header: "x-api-key".into(),
            // Of an OAuth token.
            prefixes: &["sk-ant-oat"],
            token_vars: &["ANTHROPIC_AUTH_TOKEN"],
        }),
        dialects: &[&Messages, &Chat],
        // Source: platform.claude.com/docs/en/api/openai-sdk.
        other_paths: vec![PathOf {
            api: "chat",
            path: "/v1",
            auth: Some(Auth::Bearer),
        }],
        cache_marks: CacheMarks::Control,
        ..openai_shaped("anthropic")
    }
}

/// Its variables are those of Google's libraries, which read `GOOGLE_API_KEY` first. Source: ai.google.dev/gemini-api/docs.
fn google() -> Provider {
    Provider {
        key_vars: vec!["GOOGLE_API_KEY".into(), "GEMINI_API_KEY".into()],
        base_url_vars: vec!["GOOGLE_GEMINI_BASE_URL".into()],
        auth: Auth::KeyOrToken(KeyOrToken {
            header: "x-goog-api-key".into(),
            prefixes: GOOGLE_TOKENS,
            token_vars: &[],
        }),
        dialects: &[&Gemini, &Chat],
        // Source: ai.google.dev/gemini-api/docs/openai.
        other_paths: vec![PathOf {
            api: "chat",
            path: "/v1beta/openai",
            auth: Some(Auth::Bearer),
        }],
        ..hosted("google", "generativelanguage.googleapis.com", "")
    }
}

/// How OAuth tokens of Google begin.
pub(super) const GOOGLE_TOKENS: &[&str] = &["ya29."];

/// Source: platform.minimax.io/docs/api-reference, `OpenAI` SDK and Anthropic SDK.
fn minimax() -> Provider {
    Provider {
        dialects: WITH_BOTH_BUT_COMPLETIONS,
        other_paths: vec![messages_at("/anthropic")],
        ..hosted("minimax", "api.minimax.io/v1", "MINIMAX_API_KEY")
    }
}

/// Vercel's gateway, to which deployments have a token of their own. Source: vercel.com/docs/ai-gateway/sdks-and-apis.
fn vercel() -> Provider {
    Provider {
        key_vars: vec!["AI_GATEWAY_API_KEY".into(), "VERCEL_OIDC_TOKEN".into()],
        dialects: WITH_BOTH_BUT_COMPLETIONS,
        ..hosted("vercel", "ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY")
    }
}

fn perplexity() -> Provider {
    Provider {
        key_vars: vec!["PERPLEXITY_API_KEY".into(), "PPLX_API_KEY".into()],
        stream_options: false,
        reasoning_back: ReasoningBack::Never,
        lacks: &[
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "logprobs",
            "seed",
            "n",
        ],
        ..hosted("perplexity", "api.perplexity.ai", "PERPLEXITY_API_KEY")
    }
}

#[allow(clippy::too_many_lines, reason = "a table")]
/// All rows, in the order in which lists show them.
pub(super) fn rows() -> Vec<Provider> {
    vec![
        Provider {
            base_url_vars: vec!["OPENAI_BASE_URL".into()],
            max_tokens_field: "max_completion_tokens".into(),
            dialects: WITH_RESPONSES,
            newer: Some(Newer::OF_OPENAI),
            reasoning_back: ReasoningBack::Never,
            cache_marks: CacheMarks::Breakpoint,
            lacks: &["top_k"],
            ..hosted("openai", "api.openai.com/v1", "OPENAI_API_KEY")
        },
        azure(),
        anthropic(),
        google(),
        foundry(),
        bedrock(),
        vertex(),
        Provider {
            base_url_vars: vec!["GROQ_BASE_URL".into()],
            // 400 "property 'reasoning_content' is unsupported", "reasoning is not supported with this model".
            reasoning_back: ReasoningBack::field("reasoning", Needed::IfTheModelReasons),
            lacks: &["top_k", "logprobs", "logit_bias"],
            dialects: WITH_RESPONSES,
            ..hosted("groq", "api.groq.com/openai/v1", "GROQ_API_KEY")
        },
        Provider {
            seed_field: "random_seed".into(),
            // It always sends usage.
            stream_options: false,
            // 422 "extra_forbidden" for a field.
            reasoning_back: ReasoningBack::Blocks,
            lacks: &["top_k", "logprobs", "logit_bias", "user"],
            dialects: WITH_RESPONSES,
            ..hosted("mistral", "api.mistral.ai/v1", "MISTRAL_API_KEY")
        },
        Provider {
            // After a turn with tool calls every later request needs it, also where it was empty: 400 "must be passed
            // back to the API". Without tools it is ignored. Source: api-docs.deepseek.com/guides/thinking_mode.
            reasoning_back: ReasoningBack::field("reasoning_content", Needed::Always),
            // https://api-docs.deepseek.com/guides/json_mode
            output_mode: OutputMode::JsonObject,
            // Sources: api-docs.deepseek.com/guides/responses_api and /guides/anthropic_api.
            dialects: WITH_BOTH,
            other_paths: vec![messages_at("/anthropic")],
            ..hosted("deepseek", "api.deepseek.com", "DEEPSEEK_API_KEY")
        },
        Provider {
            newer: Some(Newer::OF_XAI),
            ..responding(hosted("xai", "api.x.ai/v1", "XAI_API_KEY"))
        },
        Provider {
            cache_marks: CacheMarks::Control,
            // Source: openrouter.ai/docs, "Create a message".
            dialects: WITH_BOTH,
            ..hosted("openrouter", "openrouter.ai/api/v1", "OPENROUTER_API_KEY")
        },
        // Source: docs.together.ai/docs/inference/responses.
        responding(hosted(
            "together",
            "api.together.xyz/v1",
            "TOGETHER_API_KEY",
        )),
        Provider {
            dialects: WITH_RESPONSES,
            // Source: docs.fireworks.ai/guides/reasoning.
            reasoning_back: ReasoningBack::field("reasoning_content", Needed::No),
            ..hosted(
                "fireworks",
                "api.fireworks.ai/inference/v1",
                "FIREWORKS_API_KEY",
            )
        },
        perplexity(),
        Provider {
            // 400 "property 'messages.1.assistant.reasoning_content' is unsupported".
            reasoning_back: ReasoningBack::field("reasoning", Needed::IfTheModelReasons),
            ..hosted("cerebras", "api.cerebras.ai/v1", "CEREBRAS_API_KEY")
        },
        responding(hosted(
            "huggingface",
            "router.huggingface.co/v1",
            "HF_TOKEN",
        )),
        Provider {
            // 400 "thinking is enabled but reasoning_content is missing in assistant tool call message".
            reasoning_back: ReasoningBack::field("reasoning_content", Needed::WithToolCalls),
            // Source: platform.kimi.ai/docs/api/overview.
            dialects: WITH_MESSAGES,
            other_paths: vec![messages_at("/anthropic")],
            ..hosted("moonshot", "api.moonshot.ai/v1", "MOONSHOT_API_KEY")
        },
        Provider {
            // Source: docs.z.ai/guides/capabilities/thinking-mode.
            reasoning_back: ReasoningBack::field("reasoning_content", Needed::No),
            // https://docs.z.ai/guides/capabilities/struct-output
            output_mode: OutputMode::JsonObject,
            // Source: docs.z.ai/devpack/tool/claude.
            dialects: WITH_MESSAGES,
            other_paths: vec![messages_at("/api/anthropic")],
            ..hosted("zai", "api.z.ai/api/paas/v4", "ZAI_API_KEY")
        },
        minimax(),
        Provider {
            // Sources: help.aliyun.com/en/model-studio/compatibility-with-openai-responses-api and
            // alibabacloud.com/help/en/model-studio/anthropic-api-messages.
            dialects: WITH_BOTH,
            other_paths: vec![messages_at("/apps/anthropic")],
            ..hosted(
                "alibaba",
                "dashscope-intl.aliyuncs.com/compatible-mode/v1",
                "DASHSCOPE_API_KEY",
            )
        },
        vercel(),
        // Source: docs.venice.ai/api-reference/endpoint/responses/create.
        responding(hosted("venice", "api.venice.ai/api/v1", "VENICE_API_KEY")),
        Provider {
            reasoning_back: ReasoningBack::Never,
            ..hosted("writer", "api.writer.com/v1", "WRITER_API_KEY")
        },
        Provider {
            base_url_vars: vec!["VLLM_API_BASE".into()],
            ..local("vllm", 8000, "VLLM_API_KEY")
        },
        local("sglang", 30_000, "SGLANG_API_KEY"),
        Provider {
            lacks: &[
                "tool_choice",
                "n",
                "logit_bias",
                "parallel_tool_calls",
                "top_k",
                "user",
                "metadata",
            ],
            ..local("ollama", 11_434, "OLLAMA_API_KEY")
        },
        local("llamacpp", 8080, "LLAMA_API_KEY"),
        local("lmstudio", 1234, "LM_STUDIO_API_KEY"),
        Provider {
            key_vars: vec!["GPUSTACK_API_KEY".into()],
            ..openai_shaped("gpustack")
        },
        // A server that no row names: a bare model id with a base URL.
        openai_shaped("openai-compatible"),
        // The embedded simulator: its address is known only once it runs.
        openai_shaped("sim"),
    ]
}
