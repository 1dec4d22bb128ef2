//! Which proxy, if any, is between us and an origin.
//!
//! Source of the rules for the environment: curl(1), sections ENVIRONMENT and `--noproxy`.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::{Url, form_urlencoded};

use crate::error::{Error, ErrorKind};
use crate::redact::Secrets;

/// A proxy. Its `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    url: Url,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.shown())
    }
}

impl Proxy {
    /// Reads a proxy URL; `from` names the argument or variable in an error. A bare `host:port` means http.
    pub(crate) fn parse(value: &str, from: &str) -> Result<Self, Error> {
        let refused = |why: &str| {
            Err(Error::new(
                ErrorKind::Config,
                format!("{from} {why}; write http://host:port or socks5h://host:port"),
            ))
        };
        let text = value.trim();
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let Ok(url) = Url::parse(&whole) else {
            return refused("is not a URL");
        };
        if !matches!(
            url.scheme(),
            "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h"
        ) {
            return refused("has a scheme that no proxy has");
        }
        if url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
            return refused("has no host, or port 0");
        }
        Ok(Self { url })
    }

    /// The URL with its credentials.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The address and credentials, as hyper's connectors take them.
    pub(super) fn intercept(&self) -> Result<Intercept, Error> {
        let matcher = Matcher::builder().all(self.url.as_str()).build();
        // A proxy for all is the proxy of any target.
        let found = matcher.intercept(&Uri::from_static("http://target.invalid"));
        found.ok_or_else(|| {
            let message = format!("the proxy {} cannot be used", self.shown());
            Error::new(ErrorKind::Config, message)
        })
    }

    /// Scheme, host and port.
    pub(crate) fn shown(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{}://{host}:{port}", self.url.scheme()),
            None => format!("{}://{host}", self.url.scheme()),
        }
    }

    /// Adds the user name, the password, and both as HTTP sends them.
    pub(crate) fn add_secrets(&self, secrets: &mut Secrets) {
        let found = self.intercept().ok();
        if let Some(sent) = found.as_ref().and_then(Intercept::basic_auth)
            && let Ok(sent) = sent.to_str()
        {
            secrets.add_value("proxy-authorization", sent);
        }
        for part in [Some(self.url.username()), self.url.password()]
            .into_iter()
            .flatten()
        {
            secrets.add_value("credentials", part);
            let plain: String = form_urlencoded::parse(part.as_bytes())
                .map(|(part, _)| part)
                .collect();
            secrets.add_value("credentials", &plain);
        }
    }

    /// Whether the connection to the proxy uses TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

/// The environment's proxy for `target`. `var` reads a variable.
pub(crate) fn from_environment(
    target: &Url,
    var: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, Error> {
    let set = |name: &str| var(name).filter(|value| !value.trim().is_empty());
    // As in curl, the lower-case name wins. `HTTP_PROXY` in capitals is not read under a CGI server, which may have
    // taken it from a request's `Proxy` header (httpoxy, CVE-2016-5385).
    let is_cgi = var("REQUEST_METHOD").is_some();
    let names: &[&str] = match target.scheme() {
        "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ if is_cgi => &["http_proxy", "all_proxy", "ALL_PROXY"],
        _ => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let Some((name, value)) = names.iter().find_map(|name| Some((*name, set(name)?))) else {
        return Ok(None);
    };
    let exceptions = set("no_proxy").or_else(|| set("NO_PROXY"));
    if exceptions.is_some_and(|list| is_excepted(target, &list)) {
        return Ok(None);
    }
    Proxy::parse(&value, &format!("environment variable {name}")).map(Some)
}

/// The environment's proxy for `url` as scheme, host and port, without its credentials.
pub fn proxy_in_use(
    url: &str,
    var: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, Error> {
    let target = Url::parse(url)
        .map_err(|error| Error::new(ErrorKind::Config, format!("this is not a URL ({error})")))?;
    let proxy = from_environment(&target, var)?;
    Ok(proxy.map(|proxy| proxy.shown()))
}

/// Whether the target is in `list`: names, domain suffixes, addresses, address/bits or `*`, separated by commas
/// or spaces.
fn is_excepted(target: &Url, list: &str) -> bool {
    let host = target.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let port = target.port_or_known_default();
    let address: Option<IpAddr> = host.parse().ok();
    list.split([',', ' ', '\t'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            if entry == "*" {
                return true;
            }
            let (entry, only_port) = split_port(entry);
            if only_port.is_some() && only_port != port {
                return false;
            }
            match address {
                Some(address) => names_address(entry, address),
                None => names_host(&entry.to_ascii_lowercase(), &host),
            }
        })
}

/// Splits off a `:port`. IPv6 addresses have one only in brackets.
pub(super) fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|e| e.split_once(']')) {
        return (
            host,
            rest.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn names_host(entry: &str, host: &str) -> bool {
    let entry = entry.trim_start_matches("*.").trim_start_matches('.');
    let entry = entry.trim_end_matches('.');
    !entry.is_empty()
        && (host == entry
            || host
                .strip_suffix(entry)
                .is_some_and(|rest| rest.ends_with('.')))
}

fn names_address(entry: &str, address: IpAddr) -> bool {
    let Some((network, bits)) = entry.split_once('/') else {
        return entry.parse() == Ok(address);
    };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
            let drop = 32 - bits;
            let (a, b) = (u64::from(u32::from(a)), u64::from(u32::from(b)));
            a >> drop == b >> drop
        }
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
            let shift = |value: u128| value.checked_shr(128 - bits).unwrap_or(0);
            shift(u128::from(a)) == shift(u128::from(b))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(target: &str, vars: &[(&str, &str)]) -> Option<String> {
        let var = |name: &str| {
            let found = vars.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        proxy_in_use(target, var).unwrap()
    }

    #[test]
    fn the_scheme_picks_the_variable_and_lower_case_wins() {
        let vars = [
            ("http_proxy", "http://lower:1"),
            ("HTTP_PROXY", "http://upper:2"),
            ("HTTPS_PROXY", "tls:3"),
            ("ALL_PROXY", "socks5h://all:4"),
        ];
        assert_eq!(chosen("http://a.example", &vars).unwrap(), "http://lower:1");
        assert_eq!(chosen("https://a.example", &vars).unwrap(), "http://tls:3");
        assert_eq!(
            chosen("http://a.example", &vars[3..]).unwrap(),
            "socks5h://all:4"
        );
        assert_eq!(chosen("http://a.example", &[("HTTP_PROXY", " ")]), None);
    }

    #[test]
    fn a_cgi_process_does_not_take_http_proxy_in_capitals() {
        let vars = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")];
        assert_eq!(chosen("http://a.example", &vars), None);
    }

    #[test]
    fn no_proxy_follows_curl() {
        let table = [
            ("http://a.example", "*", true),
            ("http://a.example", "example", true),
            ("http://a.example", ".example", true),
            ("http://a.example", "*.example", true),
            ("http://example", ".example", true),
            ("http://badexample", "example", false),
            ("http://A.Example", "x, a.EXAMPLE", true),
            ("http://a.example:81", "a.example:80", false),
            ("http://a.example:81", "a.example:81", true),
            ("http://127.0.0.1:8000", "127.0.0.0/8", true),
            ("http://128.0.0.1", "127.0.0.0/8", false),
            ("http://127.0.0.1", "0.1", false),
            ("http://10.0.0.1", "10.0.0.0/all", false),
            ("http://a.example:81", "a.example:http", false),
            ("http://[::1]:8000", "::1", true),
            ("http://[::1]:8000", "[::1]:8000", true),
            ("http://[fd00::1]", "fd00::/8", true),
            ("http://10.0.0.1", "0.0.0.0/0", true),
            ("http://a.example", "", false),
        ];
        for (target, list, excepted) in table {
            let vars = [("http_proxy", "http://p:1"), ("NO_PROXY", list)];
            assert_eq!(chosen(target, &vars).is_none(), excepted, "{target} {list}");
        }
    }

    #[test]
    fn no_text_shows_the_credentials() {
        let proxy = Proxy::parse("http://user:hunter2@p.example:8080", "proxy=").unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(http://p.example:8080)");
        for bad in [
            "ftp://user:hunter2@p",
            "http://user:hunter2@:0",
            "socks9://hunter2",
        ] {
            let error = Proxy::parse(bad, "proxy=").unwrap_err();
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }
}
