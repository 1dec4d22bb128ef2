//! The table of providers: where each one is, how it differs from the others, and which dialects it speaks.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::auth::Auth;
use super::dialect::Dialect;
use super::openai::{Chat, Completions, Responses};
use super::params::nearest;
use super::reasoning::{Needed, ReasoningBack};
use crate::config::Family;
use crate::error::{Error, ErrorKind};
use crate::words::words;

/// One provider, or one kind of OpenAI-shaped server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name in model strings.
    pub name: Cow<'static, str>,
    /// The base URL without a trailing slash; `None` if the caller must give one.
    pub base_url: Option<Cow<'static, str>>,
    /// Environment variables that may hold the key, in order.
    pub key_vars: Vec<Cow<'static, str>>,
    /// Environment variables that may hold another base URL, in order.
    pub base_url_vars: Vec<Cow<'static, str>>,
    /// Whether a call without a key is refused before it is sent.
    pub key_required: bool,
    /// How a request carries the key.
    pub auth: Auth,
    /// Whether it is a resource of Azure, whose paths depend on the api-version.
    pub is_azure: bool,
    /// The dialects that it speaks at its own address. The first one of a family is the default of that family, unless
    /// `api` or `newer` names another. Elsewhere, all dialects may be spoken.
    pub dialects: &'static [&'static dyn Dialect],
    /// The dialect that is the default of its family instead of the first one.
    pub api: Option<Cow<'static, str>>,
    /// Models that need another dialect than the default one at its own address.
    pub newer: Option<Newer>,
    /// Name of the chat field for the token limit.
    pub max_tokens_field: Cow<'static, str>,
    /// Name of the field for the seed.
    pub seed_field: Cow<'static, str>,
    /// Whether it takes `stream_options`.
    pub stream_options: bool,
    /// How it is asked for JSON that fits a schema.
    pub output_mode: OutputMode,
    /// What goes back of the reasoning in its replies.
    pub reasoning_back: ReasoningBack,
    /// How the end of a prefix of the prompt is marked that it should cache.
    pub cache_marks: CacheMarks,
    /// Our parameters that it does not take. They are sent anyway, because it may support them by now.
    pub lacks: &'static [&'static str],
}

/// The models of a provider that its default dialect does not serve, or not fully.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newer {
    /// The dialect that serves them.
    pub api: &'static str,
    /// How their names begin, or what is in them if it begins with `*`.
    pub models: &'static [&'static str],
}

impl Newer {
    fn serves(&self, model: &str) -> bool {
        let mut models = self.models.iter();
        models.any(|known| match known.strip_prefix('*') {
            Some(part) => model.contains(part),
            None => model.starts_with(known),
        })
    }
}

words! {
    /// How a provider is asked for JSON that fits a schema.
    pub enum OutputMode {
        /// It takes the schema and holds the model to it.
        JsonSchema = "json_schema",
        /// It makes the model write some JSON object. The schema is part of the prompt.
        JsonObject = "json_object",
        /// It takes no `response_format`. The schema is part of the prompt.
        Prompt = "prompt",
    }
}

/// How the end of a prefix of the prompt is marked that a provider should cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMarks {
    /// Not at all: it caches by itself, or not.
    None,
    /// `cache_control` on content blocks and tools, as Anthropic's models have it.
    Control,
    /// `prompt_cache_breakpoint` on content blocks, for models that take it.
    Breakpoint,
}

/// An `OpenAI`-shaped server; the rows below change what is different.
fn openai_shaped(name: &'static str) -> Provider {
    Provider {
        name: name.into(),
        base_url: None,
        key_vars: Vec::new(),
        base_url_vars: Vec::new(),
        key_required: false,
        auth: Auth::Bearer,
        is_azure: false,
        dialects: &[&Chat, &Completions, &Responses],
        api: None,
        newer: None,
        max_tokens_field: "max_tokens".into(),
        seed_field: "seed".into(),
        stream_options: true,
        output_mode: OutputMode::JsonSchema,
        reasoning_back: ReasoningBack::AsSent,
        cache_marks: CacheMarks::None,
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

/// A server that people run themselves, by default on this machine: it takes any key, or none.
fn local(name: &'static str, port: u16, key_var: &'static str) -> Provider {
    Provider {
        base_url: Some(format!("http://localhost:{port}/v1").into()),
        key_vars: vec![key_var.into()],
        ..openai_shaped(name)
    }
}

/// A resource of Azure. Its variables are those of Microsoft's and `OpenAI`'s libraries, and our own for the base URL.
fn azure() -> Provider {
    Provider {
        key_vars: ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"]
            .map(Into::into)
            .to_vec(),
        base_url_vars: ["AZURE_OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"]
            .map(Into::into)
            .to_vec(),
        key_required: true,
        auth: Auth::Azure,
        is_azure: true,
        max_tokens_field: "max_completion_tokens".into(),
        reasoning_back: ReasoningBack::Never,
        lacks: &["top_k"],
        ..openai_shaped("azure")
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

static PROVIDERS: LazyLock<Vec<Arc<Provider>>> =
    LazyLock::new(|| rows().into_iter().map(Arc::new).collect());

#[allow(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Provider> {
    vec![
        Provider {
            base_url_vars: vec!["OPENAI_BASE_URL".into()],
            max_tokens_field: "max_completion_tokens".into(),
            reasoning_back: ReasoningBack::Never,
            cache_marks: CacheMarks::Breakpoint,
            lacks: &["top_k"],
            ..hosted("openai", "api.openai.com/v1", "OPENAI_API_KEY")
        },
        azure(),
        Provider {
            base_url_vars: vec!["GROQ_BASE_URL".into()],
            // 400 "property 'reasoning_content' is unsupported", "reasoning is not supported with this model".
            reasoning_back: ReasoningBack::field("reasoning", Needed::IfTheModelReasons),
            lacks: &["top_k", "logprobs", "logit_bias"],
            ..hosted("groq", "api.groq.com/openai/v1", "GROQ_API_KEY")
        },
        Provider {
            seed_field: "random_seed".into(),
            // It always sends usage.
            stream_options: false,
            // 422 "extra_forbidden" for a field.
            reasoning_back: ReasoningBack::Blocks,
            lacks: &["top_k", "logprobs", "logit_bias", "user"],
            ..hosted("mistral", "api.mistral.ai/v1", "MISTRAL_API_KEY")
        },
        Provider {
            // After a turn with tool calls every later request needs it, also where it was empty: 400 "must be passed
            // back to the API". Without tools it is ignored. Source: api-docs.deepseek.com/guides/thinking_mode.
            reasoning_back: ReasoningBack::field("reasoning_content", Needed::Always),
            // https://api-docs.deepseek.com/guides/json_mode
            output_mode: OutputMode::JsonObject,
            ..hosted("deepseek", "api.deepseek.com", "DEEPSEEK_API_KEY")
        },
        hosted("xai", "api.x.ai/v1", "XAI_API_KEY"),
        Provider {
            cache_marks: CacheMarks::Control,
            ..hosted("openrouter", "openrouter.ai/api/v1", "OPENROUTER_API_KEY")
        },
        hosted("together", "api.together.xyz/v1", "TOGETHER_API_KEY"),
        Provider {
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
        hosted("huggingface", "router.huggingface.co/v1", "HF_TOKEN"),
        Provider {
            // 400 "thinking is enabled but reasoning_content is missing in assistant tool call message".
            reasoning_back: ReasoningBack::field("reasoning_content", Needed::WithToolCalls),
            ..hosted("moonshot", "api.moonshot.ai/v1", "MOONSHOT_API_KEY")
        },
        Provider {
            // Source: docs.z.ai/guides/capabilities/thinking-mode.
            reasoning_back: ReasoningBack::field("reasoning_content", Needed::No),
            // https://docs.z.ai/guides/capabilities/struct-output
            output_mode: OutputMode::JsonObject,
            ..hosted("zai", "api.z.ai/api/paas/v4", "ZAI_API_KEY")
        },
        hosted(
            "alibaba",
            "dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "DASHSCOPE_API_KEY",
        ),
        hosted("venice", "api.venice.ai/api/v1", "VENICE_API_KEY"),
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

/// Providers whose own API is not supported yet.
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
/// Fails with `Config` for an unknown name, and for a provider whose API is not supported yet.
pub fn find(name: &str) -> Result<Arc<Provider>, Error> {
    if let Some(row) = PROVIDERS.iter().find(|row| row.name == name) {
        return Ok(Arc::clone(row));
    }
    let message = match NOT_YET.iter().find(|(known, _)| *known == name) {
        Some((_, api)) => format!(
            "provider {name}: {api} is not supported yet; if it has an OpenAI-compatible address, give that as base_url= \
             with provider=\"openai\""
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

/// Names of the providers that can be called, in the order of the table.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|row| &*row.name)
}

/// Whether this is the name of a provider, even if its API is not supported yet.
#[must_use]
pub fn is_known(name: &str) -> bool {
    names()
        .chain(NOT_YET.iter().map(|(name, _)| *name))
        .any(|known| known == name)
}

/// All dialects of the providers, each once.
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

/// The dialect that a client of `family` speaks with `provider` to ask `model`: the one named `api`, or else the default.
/// `is_elsewhere` if the server has another address than the provider.
///
/// Fails with `Config` if no dialect fits.
pub fn choose(
    provider: &Provider,
    family: Family,
    api: Option<&str>,
    model: &str,
    is_elsewhere: bool,
) -> Result<&'static dyn Dialect, Error> {
    let of_family = |dialects: &[&'static dyn Dialect]| -> Vec<&'static dyn Dialect> {
        let all = dialects.iter().copied();
        all.filter(|dialect| dialect.family() == family).collect()
    };
    let all = of_family(&dialects());
    let mut spoken = of_family(provider.dialects);
    let named = |dialects: &[&'static dyn Dialect], name: &str| -> Option<&'static dyn Dialect> {
        dialects
            .iter()
            .copied()
            .find(|dialect| dialect.name() == name)
    };
    let newer = provider
        .newer
        .filter(|newer| !is_elsewhere && newer.serves(model));
    let usual = newer.map(|newer| newer.api).or(provider.api.as_deref());
    let default = usual.and_then(|usual| named(&spoken, usual));
    let default = default.or(spoken.first().copied());
    if is_elsewhere {
        spoken.clone_from(&all);
    }
    let found = match api {
        None => default,
        Some(api) => named(&spoken, api),
    };
    if let Some(dialect) = found {
        return Ok(dialect);
    }
    let is_meant = |dialect: &&'static dyn Dialect| api.is_none_or(|api| api == dialect.name());
    let (who, speaks) = match api {
        Some(_) if !all.iter().any(is_meant) => ("this class", all),
        Some(_) if !spoken.is_empty() => (&*provider.name, spoken),
        _ => {
            let other = provider.dialects.first();
            let other = other.map_or("none", |dialect| dialect.family().client());
            let (name, class) = (&provider.name, family.client());
            let message = format!("provider {name}: {class} does not speak its API; {other} does");
            return Err(Error::new(ErrorKind::Config, message));
        }
    };
    let names = speaks
        .iter()
        .map(|dialect| format!("\"{}\"", dialect.name()));
    let message = format!(
        "api: '{}' is not spoken by {who}; it speaks {}",
        api.unwrap_or_default().escape_debug(),
        names.collect::<Vec<_>>().join(", ")
    );
    Err(Error::new(ErrorKind::Config, message))
}
