//! The table of providers: who is where, what is different there, and which dialects it speaks.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::dialect::{Auth, Dialect, Provider, ReasoningBack};
use super::nearest::nearest;
use super::openai::{Chat, Completions};
use crate::config::Family;
use crate::error::{Error, ErrorKind};

/// An `OpenAI`-shaped server in the cloud; rows below change what is different.
fn cloud() -> Provider {
    Provider {
        name: "".into(),
        base_url: None,
        key_vars: Vec::new(),
        base_url_vars: Vec::new(),
        key_required: true,
        auth: Auth::Bearer,
        dialects: &[&Chat, &Completions],
        max_tokens_field: "max_tokens".into(),
        seed_field: "seed".into(),
        stream_options: true,
        reasoning_back: ReasoningBack::Always,
        lacks: &[],
    }
}

/// A server of one's own: any key, or none.
fn local() -> Provider {
    Provider {
        key_required: false,
        ..cloud()
    }
}

fn vars<const N: usize>(names: [&'static str; N]) -> Vec<Cow<'static, str>> {
    names.map(Cow::Borrowed).into()
}

static PROVIDERS: LazyLock<Vec<Arc<Provider>>> =
    LazyLock::new(|| rows().into_iter().map(Arc::new).collect());

#[allow(clippy::too_many_lines, reason = "a table, one row after another")]
fn rows() -> Vec<Provider> {
    vec![
        Provider {
            name: "openai".into(),
            base_url: Some("https://api.openai.com/v1".into()),
            key_vars: vars(["OPENAI_API_KEY"]),
            base_url_vars: vars(["OPENAI_BASE_URL"]),
            max_tokens_field: "max_completion_tokens".into(),
            reasoning_back: ReasoningBack::Never,
            lacks: &["top_k"],
            ..cloud()
        },
        Provider {
            name: "azure".into(),
            key_vars: vars(["AZURE_OPENAI_API_KEY"]),
            base_url_vars: vars(["AZURE_OPENAI_BASE_URL"]),
            auth: Auth::Header("api-key".into()),
            max_tokens_field: "max_completion_tokens".into(),
            reasoning_back: ReasoningBack::Never,
            lacks: &["top_k"],
            ..cloud()
        },
        Provider {
            name: "groq".into(),
            base_url: Some("https://api.groq.com/openai/v1".into()),
            key_vars: vars(["GROQ_API_KEY"]),
            base_url_vars: vars(["GROQ_BASE_URL"]),
            lacks: &["top_k", "logprobs", "logit_bias"],
            ..cloud()
        },
        Provider {
            name: "mistral".into(),
            base_url: Some("https://api.mistral.ai/v1".into()),
            key_vars: vars(["MISTRAL_API_KEY"]),
            seed_field: "random_seed".into(),
            // Usage always comes.
            stream_options: false,
            lacks: &["top_k", "logprobs", "logit_bias", "user"],
            ..cloud()
        },
        Provider {
            name: "deepseek".into(),
            base_url: Some("https://api.deepseek.com".into()),
            key_vars: vars(["DEEPSEEK_API_KEY"]),
            // The older reasoner refused its own reasoning and called no tools; the newer ones need it in a tool loop.
            reasoning_back: ReasoningBack::WithToolCalls,
            ..cloud()
        },
        Provider {
            name: "xai".into(),
            base_url: Some("https://api.x.ai/v1".into()),
            key_vars: vars(["XAI_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "openrouter".into(),
            base_url: Some("https://openrouter.ai/api/v1".into()),
            key_vars: vars(["OPENROUTER_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "together".into(),
            base_url: Some("https://api.together.xyz/v1".into()),
            key_vars: vars(["TOGETHER_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "fireworks".into(),
            base_url: Some("https://api.fireworks.ai/inference/v1".into()),
            key_vars: vars(["FIREWORKS_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "perplexity".into(),
            base_url: Some("https://api.perplexity.ai".into()),
            key_vars: vars(["PERPLEXITY_API_KEY", "PPLX_API_KEY"]),
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
            ..cloud()
        },
        Provider {
            name: "cerebras".into(),
            base_url: Some("https://api.cerebras.ai/v1".into()),
            key_vars: vars(["CEREBRAS_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "huggingface".into(),
            base_url: Some("https://router.huggingface.co/v1".into()),
            key_vars: vars(["HF_TOKEN"]),
            ..cloud()
        },
        Provider {
            name: "moonshot".into(),
            base_url: Some("https://api.moonshot.ai/v1".into()),
            key_vars: vars(["MOONSHOT_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "zai".into(),
            base_url: Some("https://api.z.ai/api/paas/v4".into()),
            key_vars: vars(["ZAI_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "alibaba".into(),
            base_url: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1".into()),
            key_vars: vars(["DASHSCOPE_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "venice".into(),
            base_url: Some("https://api.venice.ai/api/v1".into()),
            key_vars: vars(["VENICE_API_KEY"]),
            ..cloud()
        },
        Provider {
            name: "writer".into(),
            base_url: Some("https://api.writer.com/v1".into()),
            key_vars: vars(["WRITER_API_KEY"]),
            reasoning_back: ReasoningBack::Never,
            ..cloud()
        },
        Provider {
            name: "vllm".into(),
            base_url: Some("http://localhost:8000/v1".into()),
            key_vars: vars(["VLLM_API_KEY"]),
            base_url_vars: vars(["VLLM_API_BASE"]),
            ..local()
        },
        Provider {
            name: "sglang".into(),
            base_url: Some("http://localhost:30000/v1".into()),
            key_vars: vars(["SGLANG_API_KEY"]),
            ..local()
        },
        Provider {
            name: "ollama".into(),
            base_url: Some("http://localhost:11434/v1".into()),
            key_vars: vars(["OLLAMA_API_KEY"]),
            lacks: &[
                "tool_choice",
                "n",
                "logit_bias",
                "parallel_tool_calls",
                "top_k",
                "user",
                "metadata",
            ],
            ..local()
        },
        Provider {
            name: "llamacpp".into(),
            base_url: Some("http://localhost:8080/v1".into()),
            key_vars: vars(["LLAMA_API_KEY"]),
            ..local()
        },
        Provider {
            name: "lmstudio".into(),
            base_url: Some("http://localhost:1234/v1".into()),
            key_vars: vars(["LM_STUDIO_API_KEY"]),
            ..local()
        },
        Provider {
            name: "gpustack".into(),
            key_vars: vars(["GPUSTACK_API_KEY"]),
            ..local()
        },
        // A server of the dialect that no row names: a bare model id with a base URL.
        Provider {
            name: "openai-compatible".into(),
            ..local()
        },
        // The embedded simulator: it listens where it is started.
        Provider {
            name: "sim".into(),
            ..local()
        },
    ]
}

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
pub fn find(name: &str) -> Result<Arc<Provider>, Error> {
    if let Some(row) = PROVIDERS.iter().find(|row| row.name == name) {
        return Ok(Arc::clone(row));
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
    PROVIDERS.iter().map(|row| &*row.name)
}

/// Whether a name before the colon of a model string is a provider's, be its API spoken or not.
#[must_use]
pub fn is_known(name: &str) -> bool {
    names()
        .chain(NOT_YET.iter().map(|(name, _)| *name))
        .any(|known| known == name)
}

/// All dialects that some provider speaks, each once.
#[must_use]
pub fn dialects() -> Vec<&'static dyn Dialect> {
    let mut found: Vec<&'static dyn Dialect> = Vec::new();
    for dialect in PROVIDERS.iter().flat_map(|row| row.dialects).copied() {
        if !found.contains(&dialect) {
            found.push(dialect);
        }
    }
    found
}

/// The dialect that `api=` names.
#[must_use]
pub fn dialect(api: &str) -> Option<&'static dyn Dialect> {
    dialects().into_iter().find(|dialect| dialect.name() == api)
}

/// The dialect that a client of `family` speaks with `provider`: the one named `api`, or without a name the first.
///
/// Fails with `Config` where there is none.
pub fn choose(
    provider: &Provider,
    family: Family,
    api: Option<&str>,
) -> Result<&'static dyn Dialect, Error> {
    let of_family = |dialects: &[&'static dyn Dialect]| -> Vec<&'static dyn Dialect> {
        let all = dialects.iter().copied();
        all.filter(|dialect| dialect.family() == family).collect()
    };
    let listed = |dialects: &[&'static dyn Dialect]| {
        let names = dialects
            .iter()
            .map(|dialect| format!("\"{}\"", dialect.name()));
        names.collect::<Vec<_>>().join(", ")
    };
    let spoken = of_family(provider.dialects);
    let found = match api {
        None => spoken.first(),
        Some(api) => spoken.iter().find(|dialect| dialect.name() == api),
    };
    if let Some(dialect) = found {
        return Ok(*dialect);
    }
    let all = of_family(&dialects());
    let message = match api {
        Some(api) if !all.iter().any(|dialect| dialect.name() == api) => format!(
            "api: '{}' is not spoken by this class; it speaks {}",
            api.escape_debug(),
            listed(&all)
        ),
        Some(api) if !spoken.is_empty() => format!(
            "api: '{api}' is not spoken by {}; it speaks {}",
            provider.name,
            listed(&spoken)
        ),
        _ => {
            let speaks = provider.dialects.first();
            let speaks = speaks.map_or("none", |dialect| dialect.family().client());
            format!(
                "provider {}: {} does not speak its API; {speaks} does",
                provider.name,
                family.client()
            )
        }
    };
    Err(Error::new(ErrorKind::Config, message))
}
