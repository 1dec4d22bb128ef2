//! Whether a base URL is the address of its provider: what the table says of the provider then holds.

use std::borrow::Cow;
use std::sync::Arc;

use url::{Host, Url};

use super::vertex;
use crate::wire::{At, Dialect, Provider, providers};

/// Stands for a place of an address, such as `{region}`, while the address is read as a URL.
const PLACE: &str = "any-place";

/// Where `base` is: at an address of `provider`, also with the version of an API behind it, or elsewhere.
pub(super) fn of(provider: &Provider, base: &Url) -> At {
    let Some(own) = provider.base_url.as_deref() else {
        return At::Elsewhere;
    };
    if provider.is_vertex && vertex::is_host(base) {
        return At::Home(None);
    }
    let is_version_of = |path: &str, dialect: &dyn Dialect| {
        let version = dialect.version().unwrap_or_default();
        is_at(&with_path(own, &format!("{path}{version}")), base)
    };
    let path = path(own);
    let mut others = provider.dialects.iter();
    // What the API of a path of its own shares with the others is theirs.
    let is_shared = |dialect: &&&dyn Dialect| {
        provider.path_of(dialect.name()).is_none() && is_version_of(path, **dialect)
    };
    if is_at(own, base) || others.any(|dialect| is_shared(&dialect)) {
        return At::Home(None);
    }
    for dialect in provider.dialects {
        if let Some(other) = provider.path_of(dialect.name())
            && (is_at(&with_path(own, other.path), base) || is_version_of(other.path, *dialect))
        {
            return At::Home(Some(other.api));
        }
    }
    At::Elsewhere
}

/// The provider that has its address at the host of `url`; the first one of several.
pub(crate) fn provider_at(url: &Url) -> Option<Arc<Provider>> {
    let mut origin = url.clone();
    origin.set_path("");
    let is_of = |provider: &&Arc<Provider>| {
        let own = provider.base_url.as_deref();
        (provider.is_vertex && vertex::is_host(url))
            || own.is_some_and(|own| is_at(&with_path(own, ""), &origin))
    };
    providers::all().find(is_of).cloned()
}

/// Gives `base`, which is an address of `provider`, the path that `dialect` has there.
pub(super) fn go_to(base: &mut Url, provider: &Provider, dialect: &dyn Dialect) {
    if provider.other_paths.is_empty() {
        return;
    }
    let own = provider.base_url.as_deref().map_or("", path);
    let other = provider.path_of(dialect.name());
    if provider.is_vertex {
        let version = own.get(
            ..own
                .get(1..)
                .and_then(|rest| rest.find('/'))
                .map_or(0, |at| at + 1),
        );
        let version = other.map_or(version.unwrap_or_default(), |other| other.path);
        vertex::set_version(base, version);
        return;
    }
    base.set_path(other.map_or(own, |other| other.path));
}

/// The provider, with the key where `dialect` takes it.
pub(super) fn keyed(provider: Arc<Provider>, dialect: &dyn Dialect) -> Arc<Provider> {
    let other = provider.path_of(dialect.name());
    match other.and_then(|other| other.auth.clone()) {
        Some(auth) => Arc::new(Provider {
            auth,
            ..(*provider).clone()
        }),
        None => provider,
    }
}

/// The path of the address `own`, which may have places.
fn path(own: &str) -> &str {
    let host = own.find("://").map_or(0, |scheme| scheme + 3);
    let host = own.get(host..).unwrap_or_default();
    let slash = host.find('/');
    slash
        .and_then(|slash| host.get(slash..))
        .unwrap_or_default()
}

/// The address `own` with another path.
fn with_path(own: &str, other: &str) -> String {
    let origin = own.strip_suffix(path(own)).unwrap_or(own);
    format!("{origin}{other}")
}

/// Whether `base` is the address `own` of a provider, with anything in its places, or the same path below a subdomain
/// of its host, which is the provider's, too: `https://eu.api.openai.com/v1` for `https://api.openai.com/v1`.
pub(super) fn is_at(own: &str, base: &Url) -> bool {
    let Ok(own) = Url::parse(&pattern(own)) else {
        return false;
    };
    let (Some(own_host), Some(host)) = (own.host_str(), base.host_str()) else {
        return false;
    };
    let is_subdomain = || {
        let is_name = matches!(own.host(), Some(Host::Domain(name)) if name.contains('.'));
        let before = host.strip_suffix(own_host);
        is_name && before.is_some_and(|before| before.ends_with('.'))
    };
    own.scheme() == base.scheme()
        && own.port_or_known_default() == base.port_or_known_default()
        && (fits(own_host, host, '.') || is_subdomain())
        && fits(own.path(), base.path(), '/')
}

/// The address with [`PLACE`] in each of its places.
fn pattern(own: &str) -> Cow<'_, str> {
    let Some((before, mut rest)) = own.split_once('{') else {
        return Cow::Borrowed(own);
    };
    let mut pattern = before.to_owned();
    loop {
        pattern.push_str(PLACE);
        let after = rest.split_once('}').map_or("", |(_, after)| after);
        let Some((before, others)) = after.split_once('{') else {
            pattern.push_str(after);
            return Cow::Owned(pattern);
        };
        pattern.push_str(before);
        rest = others;
    }
}

/// Whether `text` has as many parts as `pattern`, and each equal one, apart from places.
fn fits(pattern: &str, text: &str, between: char) -> bool {
    let mut texts = text.trim_matches(between).split(between);
    let mut patterns = pattern.trim_matches(between).split(between);
    let all_fit = patterns.all(|pattern| match (texts.next(), pattern.split_once(PLACE)) {
        (None, _) => false,
        (Some(text), None) => text == pattern,
        (Some(text), Some((start, end))) => {
            let place = text.strip_prefix(start);
            let place = place.and_then(|rest| rest.strip_suffix(end));
            place.is_some_and(|place| !place.is_empty())
        }
    });
    all_fit && texts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(provider: &str, base: &str) -> At {
        let row = crate::wire::providers::find(provider).unwrap();
        of(&row, &Url::parse(base).unwrap())
    }

    #[test]
    fn an_api_may_have_a_path_of_its_own() {
        let messages = At::Home(Some("messages"));
        for (provider, base, at) in [
            ("deepseek", "https://api.deepseek.com", At::Home(None)),
            ("deepseek", "https://api.deepseek.com/anthropic", messages),
            (
                "deepseek",
                "https://api.deepseek.com/anthropic/v1",
                messages,
            ),
            ("deepseek", "https://api.deepseek.com/v1", At::Elsewhere),
            (
                "deepseek",
                "http://api.deepseek.com/anthropic",
                At::Elsewhere,
            ),
            ("deepseek", "https://a.example/anthropic", At::Elsewhere),
            ("zai", "https://api.z.ai/api/anthropic", messages),
            ("anthropic", "https://api.anthropic.com", At::Home(None)),
            // Anthropic's tools take it without, and chat needs it.
            ("anthropic", "https://api.anthropic.com/v1", At::Home(None)),
            ("anthropic", "https://api.anthropic.com/v2", At::Elsewhere),
            (
                "anthropic",
                "https://api.anthropic.com.evil.example",
                At::Elsewhere,
            ),
            (
                "bedrock",
                "https://bedrock-mantle.eu-west-1.api.aws/anthropic",
                messages,
            ),
            (
                "bedrock",
                "https://bedrock-mantle.eu-west-1.api.aws/v1",
                At::Home(None),
            ),
            ("openrouter", "https://openrouter.ai/api/v1", At::Home(None)),
            ("vllm", "http://localhost:8000/v1", At::Home(None)),
            ("vllm", "http://gpu:8000/v1", At::Elsewhere),
            ("openai-compatible", "http://gpu:8000/v1", At::Elsewhere),
        ] {
            assert_eq!(found(provider, base), at, "{provider} {base}");
        }
    }

    #[test]
    fn each_api_is_asked_at_its_own_path() {
        for (provider, base, api, expected) in [
            (
                "deepseek",
                "https://api.deepseek.com",
                "messages",
                "https://api.deepseek.com/anthropic",
            ),
            (
                "deepseek",
                "https://eu.api.deepseek.com/anthropic?a=b",
                "chat",
                "https://eu.api.deepseek.com/?a=b",
            ),
            (
                "anthropic",
                "https://api.anthropic.com/v1",
                "messages",
                "https://api.anthropic.com/",
            ),
            (
                "anthropic",
                "https://api.anthropic.com",
                "chat",
                "https://api.anthropic.com/v1",
            ),
            (
                "bedrock",
                "https://bedrock-mantle.us-east-1.api.aws/v1",
                "messages",
                "https://bedrock-mantle.us-east-1.api.aws/anthropic",
            ),
            (
                "openai",
                "https://api.openai.com/v1",
                "responses",
                "https://api.openai.com/v1",
            ),
        ] {
            let row = crate::wire::providers::find(provider).unwrap();
            let mut url = Url::parse(base).unwrap();
            go_to(&mut url, &row, crate::wire::dialect(api).unwrap());
            assert_eq!(url.as_str(), expected, "{provider} {api}");
        }
    }

    #[test]
    fn a_provider_is_at_its_own_address_and_at_subdomains_of_it() {
        const OPENAI: &str = "https://api.openai.com/v1";
        const REGIONAL: &str = "https://{region}-llm.acme.example/v1/projects/{project}";
        for (own, base, is_own) in [
            (OPENAI, "https://api.openai.com/v1", true),
            (OPENAI, "https://api.openai.com:443/v1/", true),
            (OPENAI, "https://eu.api.openai.com/v1", true),
            (OPENAI, "https://us.eu.api.openai.com/v1", true),
            (OPENAI, "https://evilapi.openai.com/v1", false),
            (OPENAI, "https://api.openai.com.evil.example/v1", false),
            (OPENAI, "https://api.openai.com:8443/v1", false),
            (OPENAI, "http://api.openai.com/v1", false),
            (OPENAI, "https://api.openai.com/v2", false),
            (OPENAI, "https://api.openai.com", false),
            (OPENAI, "https://gateway.example/v1", false),
            (
                "https://api.acme.example",
                "https://api.acme.example/",
                true,
            ),
            (
                "https://api.acme.example",
                "https://api.acme.example/v1",
                false,
            ),
            ("http://localhost:8000/v1", "http://localhost:8000/v1", true),
            (
                "http://localhost:8000/v1",
                "http://a.localhost:8000/v1",
                false,
            ),
            (REGIONAL, "https://eu-llm.acme.example/v1/projects/p", true),
            (
                REGIONAL,
                "https://eu-1-llm.acme.example/v1/projects/p",
                true,
            ),
            (REGIONAL, "https://-llm.acme.example/v1/projects/p", false),
            (REGIONAL, "https://llm.acme.example/v1/projects/p", false),
            (
                REGIONAL,
                "https://eu-llm.acme.example/v1/projects/p/x",
                false,
            ),
            (
                REGIONAL,
                "https://a.eu-llm.acme.example.org/v1/projects/p",
                false,
            ),
            ("not an address", "https://api.openai.com/v1", false),
        ] {
            let base = Url::parse(base).unwrap();
            assert_eq!(is_at(own, &base), is_own, "{own} {base}");
        }
    }
}
