//! The table of providers: where each one is, how it differs from the others, and which dialects it speaks.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::anthropic::Messages;
use super::auth::{Auth, KeyOrToken};
use super::cache_marks::CacheMarks;
use super::choice::Newer;
use super::dialect::Dialect;
use super::gemini::Gemini;
use super::openai::{Chat, Completions, Responses};
use super::params::nearest;
use super::reasoning::{Needed, ReasoningBack};
use crate::error::{Error, ErrorKind};
use crate::redact::Secret;
use crate::words::words;

/// One provider, or one kind of OpenAI-shaped server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name in model strings.
    pub name: Cow<'static, str>,
    /// The base URL without a trailing slash; `None` if the caller must give one. It may have places that the caller or
    /// the environment fills, such as `{region}`.
    pub base_url: Option<Cow<'static, str>>,
    /// Each place of `base_url`, without its braces, and the environment variables that may fill it, in order.
    pub address_vars: Vec<(Cow<'static, str>, Vec<Cow<'static, str>>)>,
    /// Environment variables that may hold the key, in order.
    pub key_vars: Vec<Cow<'static, str>>,
    /// Environment variables that may hold another base URL, in order.
    pub base_url_vars: Vec<Cow<'static, str>>,
    /// Whether a call without a key is refused before it is sent.
    pub key_required: bool,
    /// How a request carries the key.
    pub auth: Auth,
    /// Headers of each request, with names in lower case. A header that the caller gave wins.
    pub headers: Vec<(Cow<'static, str>, Secret)>,
    /// Whether it is a resource of Azure, whose paths depend on the api-version.
    pub is_azure: bool,
    /// The dialects that it speaks at its own address. The first one of a family is the default of that family, unless
    /// `api` or `newer` names another. Elsewhere, all dialects may be spoken.
    pub dialects: &'static [&'static dyn Dialect],
    /// The dialect that is the default of its family instead of the first one.
    pub api: Option<Cow<'static, str>>,
    /// The models that are asked in another dialect than the default one at its own address.
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

words! {
    /// How a provider is asked for JSON that fits a schema.
    pub enum OutputMode {
        /// It takes the schema and holds the model to it.
        JsonSchema = "json_schema",
        /// It makes the model write some JSON object. The schema is part of the prompt.
        JsonObject = "json_object",
        /// It takes no `response_format`. The schema is part of the prompt.
        Prompt = "prompt",
        /// It is made to call one tool, whose arguments are the JSON.
        Tool = "tool",
    }
}

impl Provider {
    /// Its base URL, unless it has none, or one with a place that has to be filled.
    #[must_use]
    pub fn default_address(&self) -> Option<&str> {
        self.base_url.as_deref().filter(|url| !url.contains('{'))
    }
}

/// What most servers speak.
const USUAL: &[&dyn Dialect] = &[&Chat, &Completions];
/// What those speak that have the Responses API as well.
const WITH_RESPONSES: &[&dyn Dialect] = &[&Chat, &Completions, &Responses];

/// What those speak that have the Messages API as well.
const WITH_MESSAGES: &[&dyn Dialect] = &[&Chat, &Completions, &Responses, &Messages];

/// An `OpenAI`-shaped server; the rows below change what is different.
fn openai_shaped(name: &'static str) -> Provider {
    Provider {
        name: name.into(),
        base_url: None,
        address_vars: Vec::new(),
        key_vars: Vec::new(),
        base_url_vars: Vec::new(),
        key_required: false,
        auth: Auth::Bearer,
        headers: Vec::new(),
        is_azure: false,
        dialects: USUAL,
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
        dialects: WITH_MESSAGES,
        ..openai_shaped(name)
    }
}

/// A resource of Azure. Its variables are those of Microsoft's and `OpenAI`'s libraries, and our own for the base URL.
fn azure() -> Provider {
    Provider {
        base_url: Some("https://{resource}.openai.azure.com".into()),
        address_vars: vec![("resource".into(), vec!["AZURE_RESOURCE_NAME".into()])],
        key_vars: ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"]
            .map(Into::into)
            .to_vec(),
        base_url_vars: ["AZURE_OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"]
            .map(Into::into)
            .to_vec(),
        key_required: true,
        auth: Auth::KeyOrToken(KeyOrToken {
            header: "api-key".into(),
            prefixes: &[],
            token_vars: &["AZURE_OPENAI_AD_TOKEN"],
        }),
        is_azure: true,
        // Models are named by deployments, whose names say nothing about them: chat is what all of them serve.
        dialects: WITH_RESPONSES,
        max_tokens_field: "max_completion_tokens".into(),
        reasoning_back: ReasoningBack::Never,
        lacks: &["top_k"],
        ..openai_shaped("azure")
    }
}

/// Its variables are those of Anthropic's libraries.
fn anthropic() -> Provider {
    Provider {
        key_vars: vec!["ANTHROPIC_API_KEY".into(), "ANTHROPIC_AUTH_TOKEN".into()],
        base_url_vars: vec!["ANTHROPIC_BASE_URL".into()],
        auth: Auth::KeyOrToken(KeyOrToken {
            header: "x-api-key".into(),
            prefixes: &["sk-ant-oat"],
            token_vars: &["ANTHROPIC_AUTH_TOKEN"],
        }),
        dialects: &[&Messages],
        cache_marks: CacheMarks::Control,
        ..hosted("anthropic", "api.anthropic.com", "")
    }
}

/// Its variables are those of Google's libraries, which read `GOOGLE_API_KEY` first.
fn google() -> Provider {
    Provider {
        key_vars: vec!["GOOGLE_API_KEY".into(), "GEMINI_API_KEY".into()],
        auth: Auth::Header("x-goog-api-key".into()),
        dialects: &[&Gemini],
        ..hosted("google", "generativelanguage.googleapis.com", "")
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
            // Source: api-docs.deepseek.com/guides/responses_api.
            dialects: WITH_RESPONSES,
            ..hosted("deepseek", "api.deepseek.com", "DEEPSEEK_API_KEY")
        },
        Provider {
            newer: Some(Newer::OF_XAI),
            ..responding(hosted("xai", "api.x.ai/v1", "XAI_API_KEY"))
        },
        Provider {
            cache_marks: CacheMarks::Control,
            ..responding(hosted(
                "openrouter",
                "openrouter.ai/api/v1",
                "OPENROUTER_API_KEY",
            ))
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
            ..hosted("moonshot", "api.moonshot.ai/v1", "MOONSHOT_API_KEY")
        },
        Provider {
            // Source: docs.z.ai/guides/capabilities/thinking-mode.
            reasoning_back: ReasoningBack::field("reasoning_content", Needed::No),
            // https://docs.z.ai/guides/capabilities/struct-output
            output_mode: OutputMode::JsonObject,
            ..hosted("zai", "api.z.ai/api/paas/v4", "ZAI_API_KEY")
        },
        // Source: help.aliyun.com/en/model-studio/compatibility-with-openai-responses-api.
        responding(hosted(
            "alibaba",
            "dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "DASHSCOPE_API_KEY",
        )),
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

/// Providers whose own API is not supported yet.
const NOT_YET: &[(&str, &str)] = &[
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
