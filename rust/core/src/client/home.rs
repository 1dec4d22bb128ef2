//! Whether a base URL is the address of its provider: what the table says of the provider then holds.

use std::borrow::Cow;

use url::{Host, Url};

/// Stands for a place of an address, such as `{region}`, while the address is read as a URL.
const PLACE: &str = "any-place";

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
