//! Providers as data.

use super::params::nearest;
use crate::error::{Error, ErrorKind};

/// One provider, or one kind of OpenAI-shaped server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name in model strings.
    pub name: &'static str,
    /// Base URL without a trailing slash; `None` where the caller must give one.
    pub base_url: Option<&'static str>,
    /// Environment variables that may hold the key, in order.
    pub key_vars: &'static [&'static str],
    /// Environment variables that may hold another base URL, in order.
    pub base_url_vars: &'static [&'static str],
    /// Whether a call without a key is refused before it is sent.
    pub key_required: bool,
    /// Header that carries the key; `authorization` gets the `Bearer ` prefix.
    pub auth_header: &'static str,
    /// Name of the chat field for the token limit.
    pub max_tokens_field: &'static str,
    /// Name of the field for the seed.
    pub seed_field: &'static str,
    /// Whether `stream_options` is taken.
    pub stream_options: bool,
    /// Whether reasoning is sent back with the message that it came in.
    pub reasoning_back: ReasoningBack,
    /// Parameters of ours that it does not take. They are sent all the same: it may have learnt them.
    pub lacks: &'static [&'static str],
}

/// Whether a provider takes its own reasoning back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasoningBack {
    /// It is left out.
    Never,
    /// Only with an assistant message that calls tools.
    WithToolCalls,
    /// Always.
    Always,
}

/// An `OpenAI`-shaped server in the cloud; rows below change what is different.
const CLOUD: Provider = Provider {
    name: "",
    base_url: None,
    key_vars: &[],
    base_url_vars: &[],
    key_required: true,
    auth_header: "authorization",
    max_tokens_field: "max_tokens",
    seed_field: "seed",
    stream_options: true,
    reasoning_back: ReasoningBack::Always,
    lacks: &[],
};

/// A server of one's own: any key, or none.
const LOCAL: Provider = Provider {
    key_required: false,
    ..CLOUD
};

const PROVIDERS: &[Provider] = &[
    Provider {
        name: "openai",
        base_url: Some("https://api.openai.com/v1"),
        key_vars: &["OPENAI_API_KEY"],
        base_url_vars: &["OPENAI_BASE_URL"],
        max_tokens_field: "max_completion_tokens",
        reasoning_back: ReasoningBack::Never,
        lacks: &["top_k"],
        ..CLOUD
    },
    Provider {
        name: "azure",
        key_vars: &["AZURE_OPENAI_API_KEY"],
        base_url_vars: &["AZURE_OPENAI_BASE_URL"],
        auth_header: "api-key",
        max_tokens_field: "max_completion_tokens",
        reasoning_back: ReasoningBack::Never,
        lacks: &["top_k"],
        ..CLOUD
    },
    Provider {
        name: "groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        key_vars: &["GROQ_API_KEY"],
        base_url_vars: &["GROQ_BASE_URL"],
        lacks: &["top_k", "logprobs", "logit_bias"],
        ..CLOUD
    },
    Provider {
        name: "mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        key_vars: &["MISTRAL_API_KEY"],
        seed_field: "random_seed",
        // Usage always comes.
        stream_options: false,
        lacks: &["top_k", "logprobs", "logit_bias", "user"],
        ..CLOUD
    },
    Provider {
        name: "deepseek",
        base_url: Some("https://api.deepseek.com"),
        key_vars: &["DEEPSEEK_API_KEY"],
        // The older reasoner refused its own reasoning and called no tools; the newer ones need it in a tool loop.
        reasoning_back: ReasoningBack::WithToolCalls,
        ..CLOUD
    },
    Provider {
        name: "xai",
        base_url: Some("https://api.x.ai/v1"),
        key_vars: &["XAI_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "openrouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        key_vars: &["OPENROUTER_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "together",
        base_url: Some("https://api.together.xyz/v1"),
        key_vars: &["TOGETHER_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "fireworks",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        key_vars: &["FIREWORKS_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "perplexity",
        base_url: Some("https://api.perplexity.ai"),
        key_vars: &["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
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
        ..CLOUD
    },
    Provider {
        name: "cerebras",
        base_url: Some("https://api.cerebras.ai/v1"),
        key_vars: &["CEREBRAS_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "huggingface",
        base_url: Some("https://router.huggingface.co/v1"),
        key_vars: &["HF_TOKEN"],
        ..CLOUD
    },
    Provider {
        name: "moonshot",
        base_url: Some("https://api.moonshot.ai/v1"),
        key_vars: &["MOONSHOT_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "zai",
        base_url: Some("https://api.z.ai/api/paas/v4"),
        key_vars: &["ZAI_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "alibaba",
        base_url: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        key_vars: &["DASHSCOPE_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "venice",
        base_url: Some("https://api.venice.ai/api/v1"),
        key_vars: &["VENICE_API_KEY"],
        ..CLOUD
    },
    Provider {
        name: "writer",
        base_url: Some("https://api.writer.com/v1"),
        key_vars: &["WRITER_API_KEY"],
        reasoning_back: ReasoningBack::Never,
        ..CLOUD
    },
    Provider {
        name: "vllm",
        base_url: Some("http://localhost:8000/v1"),
        key_vars: &["VLLM_API_KEY"],
        base_url_vars: &["VLLM_API_BASE"],
        ..LOCAL
    },
    Provider {
        name: "sglang",
        base_url: Some("http://localhost:30000/v1"),
        key_vars: &["SGLANG_API_KEY"],
        ..LOCAL
    },
    Provider {
        name: "ollama",
        base_url: Some("http://localhost:11434/v1"),
        key_vars: &["OLLAMA_API_KEY"],
        lacks: &[
            "tool_choice",
            "n",
            "logit_bias",
            "parallel_tool_calls",
            "top_k",
            "user",
            "metadata",
        ],
        ..LOCAL
    },
    Provider {
        name: "llamacpp",
        base_url: Some("http://localhost:8080/v1"),
        key_vars: &["LLAMA_API_KEY"],
        ..LOCAL
    },
    Provider {
        name: "lmstudio",
        base_url: Some("http://localhost:1234/v1"),
        key_vars: &["LM_STUDIO_API_KEY"],
        ..LOCAL
    },
    Provider {
        name: "gpustack",
        key_vars: &["GPUSTACK_API_KEY"],
        ..LOCAL
    },
    // A server of the dialect that no row names: a bare model id with a base URL.
    Provider {
        name: "openai-compatible",
        ..LOCAL
    },
    // The embedded simulator: it listens where it is started.
    Provider {
        name: "sim",
        ..LOCAL
    },
];

/// Providers whose own API is not spoken yet, with what speaks for them meanwhile.
const NOT_YET: &[(&str, &str)] = &[
    ("anthropic", "the Messages API"),
    ("google", "the Gemini API"),
    ("gemini", "the Gemini API"),
    ("vertex", "the Gemini API"),
    ("cohere", "the Cohere API"),
    ("bedrock", "the Bedrock API"),
];

/// The provider of this name.
///
/// Fails with `Config` for an unknown name and for one whose API is not spoken yet.
pub fn find(name: &str) -> Result<&'static Provider, Error> {
    if let Some(row) = PROVIDERS.iter().find(|row| row.name == name) {
        return Ok(row);
    }
    let message = match NOT_YET.iter().find(|(known, _)| *known == name) {
        Some((_, api)) => format!(
            "provider {name}: {api} is not spoken yet; an OpenAI-compatible address of it works with base_url= \
             and provider=\"openai\""
        ),
        None => match nearest(name, names()) {
            Some(near) => format!("provider {name}: unknown; did you mean {near}?"),
            None => format!(
                "provider {name}: unknown; give base_url= for an OpenAI-compatible server, or one of: {}",
                names().collect::<Vec<_>>().join(", ")
            ),
        },
    };
    Err(Error::new(ErrorKind::Config, message))
}

/// Names of all providers that can be called, in the order of the table.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|row| row.name)
}

/// Whether a name before the colon of a model string is a provider's, be its API spoken or not.
#[must_use]
pub fn is_known(name: &str) -> bool {
    names()
        .chain(NOT_YET.iter().map(|(name, _)| *name))
        .any(|known| known == name)
}
