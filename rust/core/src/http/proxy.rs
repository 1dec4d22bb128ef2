//! Which proxy, if any, is between us and an origin.
//!
//! Source of the rules for the environment: curl(1), sections ENVIRONMENT and `--noproxy`.

use url::Url;

use super::host;
use super::no_proxy;
use super::proxy_credentials;
use crate::error::{Error, ErrorKind};
use crate::redact::{hides, steers};

/// The argument that names a proxy.
pub(crate) const ARGUMENT: &str = "proxy";

/// A proxy. Its `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    url: Url,
    /// The argument or the variable that it is from.
    name: String,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.shown())
    }
}

impl Proxy {
    /// Reads the proxy URL in `proxy=`, or in the environment variable `name`. A bare `host:port` means http, and
    /// `socks` means SOCKS5 with names looked up by the proxy.
    pub(crate) fn parse(value: &str, name: &str) -> Result<Self, Error> {
        let from = source(name);
        let refused = |why: &str| {
            Err(Error::new(
                ErrorKind::Config,
                format!("{from} {why}; write http://host:port or socks5h://host:port"),
            ))
        };
        let text = value.trim();
        if host::is_quoted(text) {
            return refused("is in quotes: leave them out");
        }
        // A URL would drop some of these silently.
        if text.contains(|c: char| c == '\\' || c.is_whitespace() || steers(c) || hides(c)) {
            return refused("has a space, invisible character or backslash in it");
        }
        let has_scheme = text.contains("://");
        let whole = match text.split_once("://") {
            // As the settings of GNOME and KDE, and programs such as v2rayN, write a SOCKS5 proxy that looks names up.
            // curl takes it for SOCKS4, which has no IPv6, no password, and mostly no server any more.
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("socks") => {
                format!("socks5h://{rest}")
            }
            Some(_) => text.to_owned(),
            None => format!("http://{text}"),
        };
        // In `user:1/x@host`, the standard takes `user` for the host.
        let rest = whole.get(whole.find("://").unwrap_or_default() + 3..);
        let rest = rest.and_then(|rest| rest.split_once(['/', '?', '#']));
        if rest.is_some_and(|(_, rest)| rest.contains('@')) {
            return refused(
                "has a /, ? or # in its user name or password, which must be written as %2F, %3F or %23",
            );
        }
        let Ok(mut url) = Url::parse(&whole) else {
            return refused("is not a URL");
        };
        if !has_scheme && url.path() != "/" {
            return refused("has a path, but no ://");
        }
        if !matches!(
            url.scheme(),
            "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h"
        ) {
            return refused("has a scheme that no proxy has");
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() || url.port() == Some(0) {
            return refused("has no host, or port 0");
        }
        if host.contains('$') {
            return refused("has the name of a variable in its host instead of the value");
        }
        if url.scheme().starts_with("socks") {
            // The port of SOCKS (RFC 1928); an HTTP client would take 80.
            let port = url.port().or(Some(1080));
            if url.set_port(port).is_err() {
                return refused("has no host");
            }
        }
        if let Some(why) = proxy_credentials::problem(&url) {
            return refused(why);
        }
        let name = name.to_owned();
        Ok(Self { url, name })
    }

    /// The argument or the variable that it is from.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The same, as messages begin with it.
    pub(crate) fn source(&self) -> String {
        source(&self.name)
    }

    /// The URL with its credentials.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port.
    pub(crate) fn shown(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{}://{host}:{port}", self.url.scheme()),
            None => format!("{}://{host}", self.url.scheme()),
        }
    }

    /// Whether it makes a tunnel to an https origin by CONNECT.
    pub(super) fn makes_tunnels(&self) -> bool {
        matches!(self.url.scheme(), "http" | "https")
    }

    /// Whether the connection to the proxy uses TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

fn source(name: &str) -> String {
    match name {
        ARGUMENT => "proxy=".to_owned(),
        variable => format!("environment variable {variable}"),
    }
}

/// The environment's proxy for `target`. `var` reads a variable.
///
/// No proxy of the environment is between this machine and itself: as in Go's `http.ProxyFromEnvironment`.
pub(crate) fn from_environment(
    target: &Url,
    var: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, Error> {
    if host::is_this_machine(target) {
        return Ok(None);
    }
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
    let exceptions = ["no_proxy", "NO_PROXY"];
    let exceptions = exceptions.iter().find_map(|name| Some((*name, set(name)?)));
    if let Some((name, list)) = exceptions {
        if no_proxy::entries(&list).any(host::is_quoted) {
            // It would match no host, so that everything went to the proxy.
            let message = format!("environment variable {name} has quotes in it: leave them out");
            return Err(Error::new(ErrorKind::Config, message));
        }
        if no_proxy::is_excepted(target, &list) {
            return Ok(None);
        }
    }
    Proxy::parse(&value, name).map(Some)
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
    fn socks_is_socks5_with_names_looked_up_by_the_proxy() {
        for (value, proxy) in [
            ("socks://127.0.0.1:9/", "socks5h://127.0.0.1:9"),
            ("SOCKS://user:hunter2@p:1", "socks5h://p:1"),
            ("socks4://p:1", "socks4://p:1"),
        ] {
            let vars = [("ALL_PROXY", value)];
            assert_eq!(chosen("http://a.example", &vars).unwrap(), proxy);
            assert_eq!(chosen("https://a.example", &vars).unwrap(), proxy);
            assert_eq!(Proxy::parse(value, ARGUMENT).unwrap().shown(), proxy);
            assert_eq!(chosen("http://127.0.0.1:8", &vars), None);
        }
    }

    #[test]
    fn a_cgi_process_does_not_take_http_proxy_in_capitals() {
        let vars = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")];
        assert_eq!(chosen("http://a.example", &vars), None);
    }

    #[test]
    fn no_proxy_of_the_environment_is_between_this_machine_and_itself() {
        let vars = ["http_proxy", "https_proxy", "ALL_PROXY"];
        // Not even a value that cannot be a proxy matters there.
        for value in ["http://p:1", "socks5h://p:1", "\"bad\""] {
            let vars = vars.map(|name| (name, value));
            for host in [
                "127.0.0.1:1",
                "[::1]",
                "0.0.0.0",
                "[::]",
                "localhost.",
                "A.localhost",
            ] {
                assert_eq!(chosen(&format!("http://{host}"), &vars), None, "{host}");
                assert_eq!(chosen(&format!("https://{host}"), &vars), None, "{host}");
            }
        }
    }

    #[test]
    fn a_value_of_the_environment_is_taken_without_its_blanks_or_the_variable_is_named() {
        let vars = [("http_proxy", " http://p:1\r\n")];
        assert_eq!(chosen("http://a.example", &vars).unwrap(), "http://p:1");
        for (value, why) in [
            ("\"http://p:1\"", "in quotes"),
            ("'p:1'", "in quotes"),
            ("http://p:1'", "in quotes"),
            ("http://p\t.example:1", "invisible character"),
            ("http://p p:1", "space"),
            ("http://p:1\\", "backslash"),
            ("http:/p:1", "has a path"),
            ("http://user:1/hunter2@p:1", "%2F"),
            ("http://user:1?hunter2@p:1", "%3F"),
            ("http://user:1#hunter2@p:1", "%23"),
            ("http://user:hunter2/x@p:1", "%2F"),
            ("http://user:hunter2%FF@p:1", "not UTF-8"),
            (&format!("socks5://u:hunter2{}@p", "%61".repeat(249)), "255"),
            ("http://p:hunter2", "not a URL"),
            ("http://p:99999", "not a URL"),
            ("http://", "not a URL"),
            ("ftp://p:1", "scheme"),
            ("http://p:0", "port 0"),
            ("socks4://user:hunter2@p", "SOCKS 4 has no passwords"),
            ("$PROXY", "name of a variable"),
            ("http://${PROXY}:8080", "name of a variable"),
        ] {
            let url = Url::parse("http://a.example").unwrap();
            let var = |name: &str| (name == "HTTP_PROXY").then(|| value.to_owned());
            let error = from_environment(&url, var).unwrap_err();
            let message = error.message();
            assert!(
                message.starts_with("environment variable HTTP_PROXY "),
                "{message}"
            );
            assert!(
                message.contains(why) && !message.contains("hunter2"),
                "{value}: {message}"
            );
        }
    }

    #[test]
    fn a_socks_proxy_has_the_port_of_socks_unless_it_names_another() {
        for (value, shown) in [
            ("socks5://p", "socks5://p:1080"),
            ("socks4a://p:80", "socks4a://p:80"),
            ("socks5h://[::1]", "socks5h://[::1]:1080"),
            ("http://p", "http://p:80"),
        ] {
            assert_eq!(Proxy::parse(value, ARGUMENT).unwrap().shown(), shown);
        }
    }

    #[test]
    fn exceptions_in_quotes_are_refused_because_they_match_no_host() {
        let url = Url::parse("http://a.example").unwrap();
        for list in [
            "\"a.example\"",
            "b.example,'a.example'",
            "\"b.example, a.example\"",
        ] {
            let var = |name: &str| match name {
                "http_proxy" => Some("http://p:1".to_owned()),
                "NO_PROXY" => Some(list.to_owned()),
                _ => None,
            };
            let error = from_environment(&url, var).unwrap_err();
            assert!(error.message().contains("NO_PROXY has quotes"), "{error}");
        }
    }

    #[test]
    fn no_text_shows_the_credentials() {
        let proxy = Proxy::parse("http://user:hunter2@p.example:8080", ARGUMENT).unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(http://p.example:8080)");
        for bad in [
            "ftp://user:hunter2@p",
            "http://user:hunter2@:0",
            "socks9://hunter2",
        ] {
            let error = Proxy::parse(bad, ARGUMENT).unwrap_err();
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }
}
