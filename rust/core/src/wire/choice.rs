//! Which dialect a call is made in: the one that `api=` names, or the provider's default for the model.

use super::dialect::Dialect;
use super::model_name::{base, version};
use super::providers::{Provider, dialects};
use crate::config::Family;
use crate::error::{Error, ErrorKind};

/// The models of a provider that are asked in another dialect than its default one, which does not serve them, or not
/// fully.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newer {
    /// The dialect that serves them.
    pub api: &'static str,
    /// How the names of a family begin, and its first version that is meant: `("gpt-", (5, 4))` is `gpt-5.4` and later.
    pub since: &'static [(&'static str, (u32, u32))],
    /// Parts of names, between signs or at an end, whatever the version: `pro` is `o3-pro` and `gpt-5-pro-2025-10-06`.
    pub words: &'static [&'static str],
    /// Whether that holds at other addresses, too, because the provider has no API that all its models have.
    pub everywhere: bool,
}

impl Newer {
    /// From gpt-5.4 on, chat refuses function tools together with reasoning. The models that `words` name are not served
    /// by chat at all.
    pub(super) const OF_OPENAI: Self = Self {
        api: "responses",
        since: &[("gpt-", (5, 4))],
        words: &["pro", "codex", "deep-research", "computer-use"],
        everywhere: false,
    };

    /// xAI calls its chat API deprecated. Source: docs.x.ai, "Comparison with Chat Completions".
    pub(super) const OF_XAI: Self = Self {
        api: "responses",
        since: &[("grok-", (4, 0))],
        words: &[],
        everywhere: false,
    };

    /// Bedrock serves Anthropic's models by Messages, as `anthropic.claude-opus-5` or `us.anthropic.claude-opus-5`.
    pub(super) const OF_BEDROCK: Self = Self {
        api: "messages",
        since: &[],
        words: &["claude"],
        everywhere: false,
    };

    /// Vertex serves the models of each publisher by the publisher's API.
    pub(super) const OF_VERTEX: Self = Self {
        everywhere: true,
        ..Self::OF_BEDROCK
    };

    /// Whether this model is one of them. A fine-tuned one counts as the model that it is based on.
    fn has(&self, model: &str) -> bool {
        let model = base(model);
        let is_since = |(family, first): &(&str, (u32, u32))| {
            version(model, family).is_some_and(|version| version >= *first)
        };
        self.since.iter().any(is_since) || self.words.iter().any(|word| has_word(model, word))
    }
}

/// Whether `word`, which may have hyphens itself, is in `name`, and neither a letter nor a digit is next to it.
fn has_word(name: &str, word: &str) -> bool {
    let is_sign = |c: char| !c.is_alphanumeric();
    name.match_indices(word).any(|(start, _)| {
        let before = name.get(..start).unwrap_or_default();
        let after = name.get(start + word.len()..).unwrap_or_default();
        (before.is_empty() || before.ends_with(is_sign))
            && (after.is_empty() || after.starts_with(is_sign))
    })
}

/// Where the server of a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At the provider's own address, which is that of all its APIs, or of this one only.
    Home(Option<&'static str>),
    /// At another address: all dialects may be spoken there.
    Elsewhere,
}

/// The dialect that a client of `family` speaks with `provider` to ask `model`: the one named `api`, or else the default.
///
/// Fails with `Config` if no dialect fits.
pub fn choose(
    provider: &Provider,
    family: Family,
    api: Option<&str>,
    model: &str,
    at: At,
) -> Result<&'static dyn Dialect, Error> {
    let all = of_family(&dialects(), family);
    let own = of_family(provider.dialects, family);
    let (spoken, here) = match at {
        At::Home(here) => (&own, here),
        At::Elsewhere => (&all, None),
    };
    let newer = provider
        .newer
        .filter(|newer| (newer.everywhere || at != At::Elsewhere) && newer.has(model));
    let usual = here.or(newer.map(|newer| newer.api));
    let usual = usual.or(provider.api.as_deref());
    let found = if let Some(api) = api {
        named(spoken, api)
    } else {
        let usual = usual.and_then(|usual| named(spoken, usual));
        usual.or(own.first().copied())
    };
    if let Some(dialect) = found {
        return Ok(dialect);
    }
    let name = &provider.name;
    let message = match api {
        Some(api) if named(&all, api).is_none() => not_spoken(api, "this class", &all),
        Some(api) if !spoken.is_empty() => not_spoken(api, name, spoken),
        _ => {
            let other = provider.dialects.first();
            let other = other.map_or("none", |dialect| dialect.family().client());
            let class = family.client();
            format!("provider {name}: {class} does not speak its API; {other} does")
        }
    };
    Err(Error::new(ErrorKind::Config, message))
}

fn of_family(dialects: &[&'static dyn Dialect], family: Family) -> Vec<&'static dyn Dialect> {
    let all = dialects.iter().copied();
    all.filter(|dialect| dialect.family() == family).collect()
}

fn named(dialects: &[&'static dyn Dialect], name: &str) -> Option<&'static dyn Dialect> {
    let mut all = dialects.iter().copied();
    all.find(|dialect| dialect.name() == name)
}

/// The message for an API that `who` does not speak.
fn not_spoken(api: &str, who: &str, spoken: &[&'static dyn Dialect]) -> String {
    let names = spoken
        .iter()
        .map(|dialect| format!("\"{}\"", dialect.name()));
    let names = names.collect::<Vec<_>>().join(", ");
    let api = api.escape_debug();
    format!("api: '{api}' is not spoken by {who}; it speaks {names}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::providers;

    /// The dialect of a chat client without `api=`, at the provider's own address.
    fn default_of(provider: &str, model: &str) -> &'static str {
        let row = providers::find(provider).unwrap();
        choose(&row, Family::Chat, None, model, At::Home(None))
            .unwrap()
            .name()
    }

    #[test]
    fn openai_s_models_that_chat_does_not_serve_fully_are_asked_by_responses() {
        for model in [
            "gpt-5.4",
            "gpt-5.4-nano",
            "gpt-5.5-2026-08-01",
            "gpt-5.6-terra",
            "gpt-5.10",
            "gpt-6",
            "gpt-6.1-mini",
            "gpt-10",
            "gpt-5-pro",
            "gpt-5-pro-2025-10-06",
            "o1-pro",
            "o3-pro",
            "gpt-5-codex",
            "gpt-5.1-codex-max",
            "codex-mini-latest",
            "o3-deep-research",
            "o4-mini-deep-research-2025-06-26",
            "computer-use-preview",
            "ft:gpt-5.4-mini-2026-03-01:acme::x1",
        ] {
            assert_eq!(default_of("openai", model), "responses", "{model}");
        }
        for model in [
            "gpt-4o",
            "gpt-4o-mini",
            "gpt-4.1",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5.1",
            "gpt-5.2-chat-latest",
            "o1",
            "o3",
            "o4-mini",
            "gpt-3.5-turbo",
            "gpt-4o-search-preview",
            "gpt-oss-120b",
            "gpt-audio",
            "chatgpt-4o-latest",
            "ft:gpt-4o-mini:acme:my-pro-model:id",
            "ft:gpt-4.1:acme-codex::id",
            "gpt-5.4x",
            "professor",
            "m",
        ] {
            assert_eq!(default_of("openai", model), "chat", "{model}");
        }
    }

    #[test]
    fn xai_s_current_models_are_asked_by_responses() {
        for (model, api) in [
            ("grok-4", "responses"),
            ("grok-4-0709", "responses"),
            ("grok-4.3", "responses"),
            ("grok-4-1-fast-reasoning", "responses"),
            ("grok-5", "responses"),
            ("grok-3-mini", "chat"),
            ("grok-2-1212", "chat"),
        ] {
            assert_eq!(default_of("xai", model), api, "{model}");
        }
    }

    #[test]
    fn bedrock_is_asked_by_messages_for_anthropic_s_models() {
        for (model, api) in [
            ("anthropic.claude-opus-5", "messages"),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "messages"),
            ("openai.gpt-oss-120b", "chat"),
            ("claudette", "chat"),
        ] {
            assert_eq!(default_of("bedrock", model), api, "{model}");
        }
    }

    #[test]
    fn vertex_is_asked_by_the_api_of_the_publisher_wherever_it_is() {
        let row = providers::find("vertex").unwrap();
        for (model, api) in [
            ("gemini-3-pro", "gemini"),
            ("claude-opus-5", "messages"),
            ("claude-sonnet-4-5@20250929", "messages"),
        ] {
            for at in [At::Home(None), At::Elsewhere] {
                let found = choose(&row, Family::Chat, None, model, at).unwrap();
                assert_eq!(found.name(), api, "{model} {at:?}");
            }
        }
    }

    /// The providers that have one API of their own, and it.
    const OF_ONE_API: [(&str, &str); 4] = [
        ("anthropic", "messages"),
        ("foundry", "messages"),
        ("google", "gemini"),
        ("vertex", "gemini"),
    ];

    fn own_api(provider: &str) -> &'static str {
        let own = OF_ONE_API.iter().find(|(name, _)| *name == provider);
        own.map_or("chat", |(_, api)| api)
    }

    #[test]
    fn other_providers_are_asked_by_their_own_api_whatever_the_model() {
        for name in providers::names().filter(|name| !["openai", "xai"].contains(name)) {
            for model in ["gpt-5.6", "openai/gpt-5.6", "grok-4.3", "o3-pro"] {
                assert_eq!(default_of(name, model), own_api(name), "{name}");
            }
        }
    }

    #[test]
    fn elsewhere_the_provider_s_own_api_is_the_default_and_every_api_may_be_spoken() {
        for name in providers::names() {
            let row = providers::find(name).unwrap();
            let chosen = |api| {
                choose(&row, Family::Chat, api, "gpt-5.6", At::Elsewhere)
                    .unwrap()
                    .name()
            };
            assert_eq!(chosen(None), own_api(name), "{name}");
            for api in ["chat", "responses", "messages", "gemini"] {
                assert_eq!(chosen(Some(api)), api, "{name}");
            }
        }
    }

    #[test]
    fn at_the_address_of_one_api_that_one_is_the_default() {
        let row = providers::find("deepseek").unwrap();
        for (api, chosen) in [(None, "messages"), (Some("chat"), "chat")] {
            let at = At::Home(Some("messages"));
            let found = choose(&row, Family::Chat, api, "m", at).unwrap();
            assert_eq!(found.name(), chosen);
        }
    }

    #[test]
    fn an_api_that_is_not_spoken_at_the_own_address_is_refused_in_one_line() {
        let refused = |name: &str, family, api: &str| {
            let row = providers::find(name).unwrap();
            let error = choose(&row, family, Some(api), "m", At::Home(None)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            error.message().to_owned()
        };
        assert_eq!(
            refused("cerebras", Family::Chat, "responses"),
            "api: 'responses' is not spoken by cerebras; it speaks \"chat\""
        );
        assert_eq!(
            refused("openai", Family::Chat, "messages"),
            "api: 'messages' is not spoken by openai; it speaks \"chat\", \"responses\""
        );
        assert_eq!(
            refused("foundry", Family::Chat, "chat"),
            "api: 'chat' is not spoken by foundry; it speaks \"messages\""
        );
        assert_eq!(
            refused("openai", Family::Chat, "message\n"),
            "api: 'message\\n' is not spoken by this class; it speaks \"chat\", \"responses\", \"messages\", \"gemini\""
        );
        assert_eq!(
            refused("openai", Family::Completion, "responses"),
            "api: 'responses' is not spoken by this class; it speaks \"completions\""
        );
    }

    #[test]
    fn a_row_may_have_another_default_than_its_first_dialect() {
        let row = Provider {
            api: Some("responses".into()),
            ..(*providers::find("openai-compatible").unwrap()).clone()
        };
        for (family, api, chosen) in [
            (Family::Chat, None, "responses"),
            (Family::Chat, Some("chat"), "chat"),
            (Family::Completion, None, "completions"),
        ] {
            assert_eq!(
                choose(&row, family, api, "m", At::Elsewhere)
                    .unwrap()
                    .name(),
                chosen
            );
        }
    }
}
