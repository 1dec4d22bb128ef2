//! Base URLs: their canonical form, and the URLs below them.

use std::net::IpAddr;

use url::{Host, Url};

use super::check::refused;
use crate::error::Error;
use crate::redact::Secret;
use crate::wire::Provider;

/// The base URL that a client talks to, in canonical form: no trailing slash, no doubled ones. `name` is what messages
/// call it.
pub(super) fn base_url(text: &str, name: &str, provider: &Provider) -> Result<Url, Error> {
    canonical(text.trim_matches(' '), provider).map_err(|why| refused(format!("{name} {why}")))
}

/// The error of a call to a provider that has no address.
pub(super) fn missing(provider: &Provider) -> Error {
    let vars = match &*provider.base_url_vars {
        [] => String::new(),
        vars => format!("set {} or ", vars.join(" or ")),
    };
    refused(format!(
        "{} has no default address: {vars}give base_url=, as in http://127.0.0.1:8000/v1",
        provider.name
    ))
}

fn canonical(text: &str, provider: &Provider) -> Result<Url, String> {
    const NO_HOST: &str = "has no host: write http://host:port/v1 or https://host/v1";
    if text.starts_with(['"', '\'', '`']) {
        return Err("is in quotes: leave them out".to_owned());
    }
    if let Some(position) = text.find(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
        let what = match text.get(position..).and_then(|rest| rest.chars().next()) {
            Some('\r' | '\n') => "line break",
            Some('\\') => "backslash",
            Some(c) if c.is_control() => "control character",
            _ => "space",
        };
        return Err(format!("has a {what} at position {position}"));
    }
    let mut url = match Url::parse(text) {
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
    } else {
        None
    };
    if let Some(wrong) = wrong {
        return Err(wrong.to_owned());
    }
    let parts = url.path().split('/').filter(|part| !part.is_empty());
    let path = format!("/{}", parts.collect::<Vec<_>>().join("/"));
    let mut endings = provider.dialects.iter().map(|dialect| dialect.path());
    if let Some(ending) = endings.find(|ending| path.ends_with(ending)) {
        return Err(format!(
            "ends with {ending}, which each call adds: leave it out"
        ));
    }
    url.set_path(&path);
    Ok(url)
}

/// `base` as messages show it: without its query, which may hold a key.
pub(super) fn shown(base: &Url) -> String {
    let mut shown = base.clone();
    shown.set_query(None);
    shown.as_str().trim_end_matches('/').to_owned()
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

/// Whether `base` is this machine or in a private network, where plain http with a key is common.
///
/// Names without a dot and those under `.local`, `.internal` and `.localhost` resolve inside a network.
pub(super) fn is_private(base: &Url) -> bool {
    let address = match base.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => address.to_canonical(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let mut suffixes = [".local", ".internal", ".localhost"].into_iter();
            return !name.contains('.') || suffixes.any(|suffix| name.ends_with(suffix));
        }
        None => return false,
    };
    match address {
        IpAddr::V4(v4) => {
            // 100.64.0.0/10 is shared address space (RFC 6598), where mesh networks live.
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Url, Error> {
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
            ("https://a.example/v1?api-version=2", "https://a.example/v1"),
        ];
        for (text, canonical) in table {
            assert_eq!(shown(&parsed(text).unwrap()), canonical, "{text}");
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
            ("\"http://example.com/v1\"", "in quotes"),
            ("http://example.com/v1/chat/completions", "leave it out"),
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
        let base = parsed("http://h/v1/?api-version=2").unwrap();
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
        let root = parsed("http://h").unwrap();
        assert_eq!(below(&root, "/models", &[]).as_str(), "http://h/models");
    }

    #[test]
    fn private_hosts_are_known() {
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.9",
            "100.64.0.1",
            "[::1]",
            "[fd00::1]",
            "[::ffff:10.0.0.1]",
            "localhost",
            "vllm",
            "gpu.local",
            "db.internal",
        ] {
            assert!(
                is_private(&Url::parse(&format!("http://{host}/")).unwrap()),
                "{host}"
            );
        }
        for host in [
            "8.8.8.8",
            "example.com",
            "[2001:db8::1]",
            "local.example",
            "100.128.0.1",
        ] {
            assert!(
                !is_private(&Url::parse(&format!("http://{host}/")).unwrap()),
                "{host}"
            );
        }
    }
}
