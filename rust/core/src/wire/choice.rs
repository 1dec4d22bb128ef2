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
    /// Parts of names, between hyphens, whatever the version: `pro` is `o3-pro` and `gpt-5-pro-2025-10-06`.
    pub words: &'static [&'static str],
}

impl Newer {
    /// From gpt-5.4 on, chat refuses function tools together with reasoning. The models that `words` name are not served
    /// by chat at all.
    pub(super) const OF_OPENAI: Self = Self {
        api: "responses",
        since: &[("gpt-", (5, 4))],
        words: &["pro", "codex", "deep-research", "computer-use"],
    };

    /// xAI calls its chat API deprecated. Source: docs.x.ai, "Comparison with Chat Completions".
    pub(super) const OF_XAI: Self = Self {
        api: "responses",
        since: &[("grok-", (4, 0))],
        words: &[],
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

/// Whether `word`, which may have hyphens itself, is between hyphens of `name` or its ends.
fn has_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(start, _)| {
        let before = name.get(..start).unwrap_or_default();
        let after = name.get(start + word.len()..).unwrap_or_default();
        (before.is_empty() || before.ends_with('-')) && (after.is_empty() || after.starts_with('-'))
    })
}

/// The dialect that a client of `family` speaks with `provider` to ask `model`: the one named `api`, or else the default.
/// `is_elsewhere` if the server has another address than the provider: all dialects may be spoken there.
///
/// Fails with `Config` if no dialect fits.
pub fn choose(
    provider: &Provider,
    family: Family,
    api: Option<&str>,
    model: &str,
    is_elsewhere: bool,
) -> Result<&'static dyn Dialect, Error> {
    let all = of_family(&dialects(), family);
    let own = of_family(provider.dialects, family);
    let spoken = if is_elsewhere { &all } else { &own };
    let newer = provider
        .newer
        .filter(|newer| !is_elsewhere && newer.has(model));
    let usual = newer.map(|newer| newer.api).or(provider.api.as_deref());
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
        choose(&row, Family::Chat, None, model, false)
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
    fn other_providers_are_asked_by_chat_whatever_the_model() {
        for name in providers::names().filter(|name| !["openai", "xai"].contains(name)) {
            for model in ["gpt-5.6", "openai/gpt-5.6", "grok-4.3", "o3-pro"] {
                assert_eq!(default_of(name, model), "chat", "{name}");
            }
        }
    }

    #[test]
    fn elsewhere_chat_is_the_default_and_every_api_may_be_spoken() {
        for name in providers::names() {
            let row = providers::find(name).unwrap();
            let chosen = |api| {
                choose(&row, Family::Chat, api, "gpt-5.6", true)
                    .unwrap()
                    .name()
            };
            assert_eq!(chosen(None), "chat", "{name}");
            assert_eq!(chosen(Some("responses")), "responses", "{name}");
        }
    }

    #[test]
    fn an_api_that_is_not_spoken_at_the_own_address_is_refused_in_one_line() {
        let refused = |name: &str, family, api: &str| {
            let row = providers::find(name).unwrap();
            let error = choose(&row, family, Some(api), "m", false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            error.message().to_owned()
        };
        assert_eq!(
            refused("moonshot", Family::Chat, "responses"),
            "api: 'responses' is not spoken by moonshot; it speaks \"chat\""
        );
        assert_eq!(
            refused("openai", Family::Chat, "messages\n"),
            "api: 'messages\\n' is not spoken by this class; it speaks \"chat\", \"responses\""
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
            assert_eq!(choose(&row, family, api, "m", true).unwrap().name(), chosen);
        }
    }
}
