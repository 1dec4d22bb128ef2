//! The table of providers: where each one is, how it differs from the others, and which dialects it speaks.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::auth::Auth;
use super::cache_marks::CacheMarks;
use super::choice::Newer;
use super::dialect::Dialect;
use super::params::nearest;
use super::reasoning::ReasoningBack;
use crate::error::{Error, ErrorKind};
use crate::redact::Secret;
use crate::words::words;

mod clouds;
mod rows;

/// One provider, or one kind of OpenAI-shaped server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
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
    /// Environment variables that may hold more headers of each request, one `Name: value` on each line.
    pub header_vars: Vec<Cow<'static, str>>,
    /// The APIs that are not below the path of `base_url`, or take the key in another way. Other hosts are other
    /// providers, so the key goes to one origin.
    pub other_paths: Vec<PathOf>,
    /// Whether it is a resource of Azure, whose paths depend on the api-version.
    pub is_azure: bool,
    /// Whether it is Vertex, where the path names the model, and the publisher of the model decides which API it has.
    pub is_vertex: bool,
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
    /// Whether it has a list of its models at its own address.
    pub lists_models: bool,
    /// Our parameters that it does not take. They are sent anyway, because it may support them by now.
    pub lacks: &'static [&'static str],
}

/// Where an API of a provider is, if that differs from its others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathOf {
    /// The name of the dialect.
    pub api: &'static str,
    /// The path of its base URL; empty for none. On Vertex, the version that its path begins with.
    pub path: &'static str,
    /// How its requests carry the key; `None` if as those of the other APIs do.
    pub auth: Option<Auth>,
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

    /// The path of the base URL of this API, if it is not that of `base_url`.
    #[must_use]
    pub(crate) fn path_of(&self, api: &str) -> Option<&PathOf> {
        self.other_paths.iter().find(|other| other.api == api)
    }
}

static PROVIDERS: LazyLock<Vec<Arc<Provider>>> =
    LazyLock::new(|| rows::rows().into_iter().map(Arc::new).collect());

/// Providers whose own API is not supported yet.
const NOT_YET: &[(&str, &str)] = &[("cohere", "the Cohere API")];

/// Other names of providers, with the one of the table.
const ALIASES: &[(&str, &str)] = &[("gemini", "google")];

/// The provider of this name.
///
/// Fails with `Config` for an unknown name, and for a provider whose API is not supported yet.
pub fn find(name: &str) -> Result<Arc<Provider>, Error> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let name = alias.map_or(name, |(_, name)| *name);
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

/// All providers, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Arc<Provider>> {
    PROVIDERS.iter()
}

/// Names of the providers that can be called, in the order of the table.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|row| &*row.name)
}

/// Whether this is the name of a provider, even if its API is not supported yet.
#[must_use]
pub fn is_known(name: &str) -> bool {
    names()
        .chain(NOT_YET.iter().chain(ALIASES).map(|(name, _)| *name))
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

/// The dialect whose requests have this path, whatever is before it: the one with the longest end that fits.
#[must_use]
pub fn dialect_at(path: &str) -> Option<&'static dyn Dialect> {
    let path = path.trim_end_matches('/');
    let all = dialects().into_iter();
    let ends = all.flat_map(|dialect| dialect.paths().iter().map(move |end| (end, dialect)));
    let found = ends.filter(|(end, _)| path.ends_with(**end));
    found
        .max_by_key(|(end, _)| end.len())
        .map(|(_, dialect)| dialect)
}
