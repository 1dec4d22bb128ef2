//! Base URLs: their canonical form, and the URLs below them.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::check::refused;
use super::unix;
use crate::error::Error;
use crate::http::host::{is_quoted, split_zone, with_zone};
use crate::http::{Route, UnixSocket};
use crate::redact::{Secret, hides, steers};
use crate::wire::Provider;

/// The ends of URLs to which no call goes, and that no base URL has: `OpenAI`, Anthropic, Gemini and Vertex, Ollama,
/// Cohere, Bedrock. A plain `/chat` or `/models` may be a path of a gateway.
const OPERATIONS: [&str; 17] = [
    "/embeddings",
    "/messages",
    "/messages/count_tokens",
    ":generateContent",
    ":streamGenerateContent",
    ":countTokens",
    ":embedContent",
    ":rawPredict",
    ":streamRawPredict",
    "/api/chat",
    "/api/generate",
    "/api/embed",
    "/v2/chat",
    "/converse",
    "/converse-stream",
    "/invoke",
    "/invoke-with-response-stream",
];

/// The base URL that a client talks to.
#[derive(Debug)]
pub(super) struct Base {
    /// In canonical form: no trailing slash, no doubled ones, and no unspecified address.
    pub(super) url: Url,
    /// The zone of its IPv6 address: the name of an interface of this machine.
    pub(super) zone: Option<String>,
    /// The unix socket that it names instead of a host. The host of the URL is `localhost` then.
    pub(super) socket: Option<UnixSocket>,
}

/// The base URL in `text`. `name` is what messages call it.
pub(super) fn base_url(text: &str, name: &str, provider: &Provider) -> Result<Base, Error> {
    let text = text.trim_matches(' ');
    let base = match unix::split(text) {
        Ok(Some((socket, rest))) => canonical(&rest, provider).map(|base| Base {
            socket: Some(socket),
            ..base
        }),
        Ok(None) => canonical(text, provider),
        Err(why) => Err(why),
    };
    base.map_err(|why| refused(format!("{name} {why}")))
}

/// The error of a call to a provider that has no address.
pub(super) fn missing(provider: &Provider) -> Error {
    let vars = match &*provider.base_url_vars {
        [] => String::new(),
        vars => format!("set {} or ", vars.join(" or ")),
    };
    let example = if provider.is_azure {
        "https://NAME.openai.azure.com"
    } else {
        "http://127.0.0.1:8000/v1"
    };
    refused(format!(
        "{} has no default address: {vars}give base_url=, as in {example}",
        provider.name
    ))
}

/// What a character is called that no address has. A URL would drop some of them silently.
pub(super) fn unusable(c: char) -> Option<&'static str> {
    match c {
        '\r' | '\n' => Some("a line break"),
        '\\' => Some("a backslash"),
        c if c.is_control() => Some("a control character"),
        c if c.is_whitespace() => Some("a space"),
        c if steers(c) || hides(c) => Some("an invisible character"),
        _ => None,
    }
}

fn canonical(text: &str, provider: &Provider) -> Result<Base, String> {
    const NO_HOST: &str = "has no host: write http://host:port/v1 or https://host/v1";
    if is_quoted(text) {
        return Err("is in quotes: leave them out".to_owned());
    }
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let mut chars = text.chars().enumerate();
    if !is_plain && let Some((position, what)) = chars.find_map(|(at, c)| Some((at, unusable(c)?)))
    {
        return Err(format!("has {what} at position {position}"));
    }
    let (text, zone) = split_zone(text)?;
    let mut url = match Url::parse(&text) {
        Ok(url) if url.has_host() => url,
        Ok(_) => return Err(NO_HOST.to_owned()),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return Err("has no scheme: write http://… or https://…".to_owned());
        }
        Err(error) => return Err(format!("is not a URL ({error})")),
    };
    let scheme = url.scheme();
    // The URL standard accepts any number of slashes, and would make a host of the path.
    let after_scheme = text.get(scheme.len()..).unwrap_or_default();
    let wrong = if !matches!(scheme, "http" | "https") {
        return Err(format!(
            "begins with {scheme}://: write http:// or https://"
        ));
    } else if !after_scheme.starts_with("://") || after_scheme.starts_with(":///") {
        Some(NO_HOST)
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("holds a user name or password: give the key as api_key=")
    } else if url.fragment().is_some() {
        Some("has a fragment (#…): leave it out")
    } else if url.port() == Some(0) {
        Some("has port 0: give the server's port")
    } else if matches!(url.host_str(), Some("http" | "https")) && url.path().starts_with("//") {
        Some("has two schemes: write http:// or https:// once")
    } else if url.host_str().is_some_and(|host| host.contains('$')) {
        Some("has the name of a variable in its host instead of the value")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        return Err(wrong.to_owned());
    }
    let parts = url.path().split('/').filter(|part| !part.is_empty());
    let path = format!("/{}", parts.collect::<Vec<_>>().join("/"));
    let dialects = crate::wire::providers::dialects();
    let spoken = provider.dialects.iter().copied().chain(dialects);
    let mut endings = spoken.flat_map(|dialect| dialect.paths().iter().copied());
    if let Some(ending) = endings.find(|ending| path.ends_with(ending)) {
        return Err(format!(
            "ends with {ending}, which each call adds: leave it out"
        ));
    }
    if let Some(ending) = OPERATIONS.iter().find(|ending| path.ends_with(**ending)) {
        return Err(format!(
            "ends with {ending}, which is one operation of an API: leave it out"
        ));
    }
    url.set_path(&path);
    // Servers that listen on all interfaces print such an address. No other system than Linux connects to it, and few
    // servers take it in a Host header.
    let is_unspecified = |address: Ipv6Addr| address.to_canonical().is_unspecified();
    let _ = match url.host() {
        Some(Host::Ipv4(address)) if address.is_unspecified() => {
            url.set_ip_host(Ipv4Addr::LOCALHOST.into())
        }
        Some(Host::Ipv6(address)) if is_unspecified(address) => {
            url.set_ip_host(Ipv6Addr::LOCALHOST.into())
        }
        _ => Ok(()),
    };
    // RFC 4007 (section 6) gives zones to link-local addresses. With any other, the system's lookup refuses a name.
    let is_link_local = match url.host() {
        Some(Host::Ipv6(address)) => address.is_unicast_link_local() || address.is_multicast(),
        _ => false,
    };
    let zone = zone.filter(|_| is_link_local);
    Ok(Base {
        url,
        zone,
        socket: None,
    })
}

/// `base` as messages show it: with its zone, and without its query, which may hold a key.
pub(super) fn shown(base: &Url, zone: Option<&str>) -> String {
    let mut shown = base.clone();
    shown.set_query(None);
    with_zone(shown.as_str().trim_end_matches('/'), zone)
}

/// `url` as messages show it, if it is reached by `route`.
pub(super) fn shown_by(route: &Route, url: &Url) -> String {
    match &route.socket {
        Some(socket) => socket.url(url.path()),
        None => shown(url, route.zone()),
    }
}

/// `base` with `version` behind it, such as `/v1beta`, unless its last segment is a version.
pub(super) fn versioned<'a>(base: &'a Url, version: Option<&str>) -> Cow<'a, Url> {
    let last = base.path().rsplit('/').next().unwrap_or_default();
    let Some(version) = version.filter(|_| !is_version(last)) else {
        return Cow::Borrowed(base);
    };
    let mut url = base.clone();
    url.set_path(&format!("{}{version}", base.path().trim_end_matches('/')));
    Cow::Owned(url)
}

/// Whether a segment of a path is a version, such as `v1`, `v4`, `v1.1` or `v1beta1`.
pub(super) fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('v') else {
        return false;
    };
    let word = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let stage = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_numbered = rest.starts_with(|c: char| c.is_ascii_digit());
    is_numbered && matches!(stage, "" | "alpha" | "beta" | "preview")
}

/// The URL of `path`, which may contain a query, below `base`, with `query` added. A parameter of `query` replaces
/// that of `base`.
pub(super) fn below(base: &Url, path: &str, query: &[(String, Secret)]) -> Url {
    let mut url = base.clone();
    let is_replaced = |name: &str| query.iter().any(|(other, _)| other == name);
    if base.query_pairs().any(|(name, _)| is_replaced(&name)) {
        // A server that gets a parameter twice takes either.
        url.set_query(None);
        let kept = base.query_pairs().filter(|(name, _)| !is_replaced(name));
        url.query_pairs_mut().extend_pairs(kept);
    }
    let (path, path_query) = path.split_once('?').unwrap_or((path, ""));
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    if !path_query.is_empty() || !query.is_empty() {
        let mut pairs = url.query_pairs_mut();
        pairs.extend_pairs(url::form_urlencoded::parse(path_query.as_bytes()));
        pairs.extend_pairs(query.iter().map(|(name, value)| (name, value.expose())));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Base, Error> {
        let row = crate::wire::providers::find("openai").unwrap();
        base_url(text, "A_URL", &row)
    }

    #[test]
    fn base_urls_are_brought_to_one_form() {
        let table = [
            ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
            ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
            ("HTTP://Example.COM:80//v1//", "http://example.com/v1"),
            ("https://example.com", "https://example.com"),
            (
                "http://bücher.example/v1",
                "http://xn--bcher-kva.example/v1",
            ),
            ("http://2130706433:1", "http://127.0.0.1:1"),
            ("http://0.0.0.0:8000/v1", "http://127.0.0.1:8000/v1"),
            ("http://0:8000/v1", "http://127.0.0.1:8000/v1"),
            ("http://[::]:8000/v1", "http://[::1]:8000/v1"),
            ("http://[::ffff:0.0.0.0]/v1", "http://[::1]/v1"),
            ("http://[FE80::1%25eth0]:1/v1", "http://[fe80::1%eth0]:1/v1"),
            ("https://[fe80::1%eth0]", "https://[fe80::1%eth0]"),
            ("http://[::1%lo]:1/v1", "http://[::1]:1/v1"),
            ("http://[fd00::1%25eth0]:1", "http://[fd00::1]:1"),
            ("https://a.example/v1?api-version=2", "https://a.example/v1"),
            // They may be paths of a gateway.
            ("http://h/models", "http://h/models"),
            ("http://h/chat", "http://h/chat"),
            ("http://h/messages/v1", "http://h/messages/v1"),
        ];
        for (text, canonical) in table {
            let base = parsed(text).unwrap();
            assert_eq!(shown(&base.url, base.zone.as_deref()), canonical, "{text}");
        }
    }

    #[test]
    fn a_base_url_that_makes_no_sense_is_refused() {
        let table = [
            ("example.com/v1", "no scheme"),
            ("/v1", "no scheme"),
            ("", "no scheme"),
            ("localhost:8000", "no host"),
            ("ftp://example.com", "ftp://"),
            ("http://", "is not a URL"),
            ("http:///v1", "no host"),
            ("http:example.com/v1", "no host"),
            ("http://user:hunter2@example.com", "user name or password"),
            ("http://example.com/#x", "fragment"),
            ("http://example.com:0", "port 0"),
            ("http://example.com:99999", "is not a URL"),
            ("http://exa mple.com", "position 10"),
            ("http://example.com\\v1", "position 18"),
            ("http://example.com/v1\n", "a line break at position 21"),
            ("http://[fe80::1%]:1", "zone"),
            ("http://[fe80::1%a%20b]:1", "zone"),
            ("http://[fe80::g%eth0]:1", "is not a URL"),
            (
                "http://user:hunter2@[fe80::1%eth0]:1",
                "user name or password",
            ),
            ("http://a.example:８０", "is not a URL"),
            ("http://a.example:-1", "is not a URL"),
            ("http:/a.example/v1", "no host"),
            ("http://http://a.example/v1", "two schemes"),
            ("http://$HOST/v1", "name of a variable"),
            ("\"http://a.example/v1\"", "in quotes"),
            (
                "\u{feff}http://a.example/v1",
                "an invisible character at position 0",
            ),
            ("http://bücher\u{200b}.example/v1", "position 13"),
            ("//a.example/v1", "no scheme"),
            ("ws://a.example/v1", "ws://"),
            ("file:///v1", "no host"),
            ("file://a/v1", "file://"),
            ("http://a.example/v1\u{a0}", "position 19"),
            ("http://example.com/v1/chat/completions", "leave it out"),
            ("http://example.com/v1/responses/", "each call adds"),
            ("http://example.com/v1/messages", "each call adds"),
            ("http://h/v1/messages/count_tokens", "one operation"),
            (
                "https://h/v1/publishers/anthropic/models/m:rawPredict",
                "one operation",
            ),
            (
                "http://h/v1beta/models/m:streamGenerateContent?alt=sse",
                "ends with :streamGenerateContent, which",
            ),
            ("http://h:11434/api/chat", "one operation"),
            ("http://h/v1/embeddings", "one operation"),
        ];
        for (text, why) in table {
            let error = parsed(text).unwrap_err();
            assert!(error.message().starts_with("A_URL "), "{text}: {error}");
            assert!(error.message().contains(why), "{text}: {error}");
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn paths_and_queries_go_below_the_base() {
        let base = parsed("http://h/v1/?api-version=2").unwrap().url;
        let query = [("a".to_owned(), Secret::new("b c&d".to_owned()))];
        assert_eq!(
            below(&base, "/models", &[]).as_str(),
            "http://h/v1/models?api-version=2"
        );
        let url = below(&base, "/x%2Fy:go?alt=sse", &query);
        assert_eq!(
            url.as_str(),
            "http://h/v1/x%2Fy:go?api-version=2&alt=sse&a=b+c%26d"
        );
        let newer = [("api-version".to_owned(), Secret::new("3".to_owned()))];
        let url = below(&base, "/models", &newer);
        assert_eq!(url.as_str(), "http://h/v1/models?api-version=3");
        let root = parsed("http://h").unwrap().url;
        assert_eq!(below(&root, "/models", &[]).as_str(), "http://h/models");
    }

    #[test]
    fn a_version_is_added_to_a_base_url_that_has_none() {
        for (base, expected) in [
            ("http://h", "http://h/v1beta"),
            ("http://h/", "http://h/v1beta"),
            ("http://h/gemini", "http://h/gemini/v1beta"),
            ("http://h/x?key=1", "http://h/x/v1beta?key=1"),
            ("http://h/v1/openai", "http://h/v1/openai/v1beta"),
            ("http://h/vault", "http://h/vault/v1beta"),
            ("http://h/v1-proxy", "http://h/v1-proxy/v1beta"),
            ("http://h/v1", "http://h/v1"),
            ("http://h/v1beta/", "http://h/v1beta"),
            ("http://h/a/v2?b=c", "http://h/a/v2?b=c"),
            ("http://h/v4", "http://h/v4"),
            ("http://h/v1beta1", "http://h/v1beta1"),
            ("http://h/v1.1", "http://h/v1.1"),
            ("http://h/v1alpha", "http://h/v1alpha"),
        ] {
            let base = parsed(base).unwrap().url;
            assert_eq!(versioned(&base, Some("/v1beta")).as_str(), expected);
            assert_eq!(versioned(&base, None).as_str(), base.as_str());
        }
    }
}
