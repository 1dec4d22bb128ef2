//! What a test sets for the calls of its process: they all go to the test's server, or they may reach only
//! some hosts. It may also ask which transport carried them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use url::Url;

use super::host;
use super::no_proxy::split_port;
use super::outgoing::{Outgoing, Road};
use super::proxy::Proxy;
use crate::error::{Error, ErrorKind, Phase};
use crate::redact;

/// Carries an id that all attempts of a call share.
pub const CALL_HEADER: &str = "x-tokenwire-call";
/// Carries the provider's name.
pub const PROVIDER_HEADER: &str = "x-tokenwire-provider";
/// Carries the URL that the call was made for, without its query. It is absent if the provider has no address.
pub const URL_HEADER: &str = "x-tokenwire-url";
/// Carries the name of the dialect.
pub const API_HEADER: &str = "x-tokenwire-api";
/// On an error reply: the test itself is wrong, and the body is the message.
pub const MISTAKE_HEADER: &str = "x-tokenwire-mistake";

/// How much of a mistake's message is shown.
const SHOWN_CHARS: usize = 1_024;

/// What the tests that run in this process have set.
#[derive(Debug, Default)]
pub struct TestRules {
    intercepted_to: RwLock<Option<Arc<Url>>>,
    allowed: RwLock<Option<Vec<String>>>,
    direct: AtomicU64,
    general: AtomicU64,
}

impl TestRules {
    /// Sends all calls that are prepared from now on to `base_url`, without their keys and with headers that say
    /// what they were: see [`CALL_HEADER`]. Requests of other libraries are sent there if they are calls, too, and are refused if
    /// not. `None` ends this.
    pub fn intercept(&self, base_url: Option<&str>) -> Result<(), Error> {
        let url = base_url.map(Url::parse).transpose().map_err(|error| {
            Error::new(
                ErrorKind::Config,
                format!("base_url is not a URL ({error})"),
            )
        })?;
        *self.intercepted_to.write() = url.map(Arc::new);
        Ok(())
    }

    /// Whether calls go to a test's server instead of their own.
    #[must_use]
    pub fn is_intercepted(&self) -> bool {
        self.intercepted_to.read().is_some()
    }

    /// What holds for a call that is prepared now.
    pub(crate) fn interception(&self) -> Interception {
        Interception(self.intercepted_to.read().clone())
    }

    /// Refuses attempts to reach anything but loopback and these hosts (`host` or `host:port`), even over open
    /// connections. `None` ends this.
    pub fn allow_only(&self, hosts: Option<Vec<String>>) {
        *self.allowed.write() = hosts;
    }

    /// How many attempts the direct and the general transport have made.
    #[must_use]
    pub fn attempts(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.direct), read(&self.general))
    }

    /// Counts an attempt.
    pub(super) fn count(&self, road: Road) {
        let counter = match road {
            Road::Direct => &self.direct,
            Road::General => &self.general,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Refuses an attempt to reach a host that is not allowed. Looks nothing up.
    pub(super) fn check(&self, outgoing: &Outgoing) -> Result<(), Error> {
        let allowed = self.allowed.read();
        let Some(allowed) = &*allowed else {
            return Ok(());
        };
        // Behind a proxy the origin is reached all the same, so both must be allowed.
        let proxy = outgoing.route.proxy.as_ref().map(Proxy::url);
        let stranger = [Some(&outgoing.target.url), proxy]
            .into_iter()
            .flatten()
            .find(|url| !is_allowed(allowed, url));
        let Some(stranger) = stranger else {
            return Ok(());
        };
        let host = host::of(stranger);
        let port = stranger.port_or_known_default().unwrap_or_default();
        let message = format!(
            "block_network() is on, and this call would go to {host}:{port}: serve it from \
             tokenwire.testing.fake(), or permit it by allow=[\"{host}\"]"
        );
        Err(Error::new(ErrorKind::Connection, message).at(Phase::Connect))
    }
}

/// Whether a test intercepts a call, and where it then goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interception(Option<Arc<Url>>);

impl Interception {
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The base URL that the call goes to instead of its client's.
    pub(crate) fn base_url(&self) -> Option<&Url> {
        self.0.as_deref()
    }

    /// The wait before a retry: none for an intercepted call, because a test's server needs no rest.
    pub(crate) fn wait(&self, usual: Duration) -> Duration {
        if self.is_on() { Duration::ZERO } else { usual }
    }

    /// Whether a reply that `has_header` says that the test itself is wrong. A real server cannot cause it.
    pub(crate) fn is_mistake(&self, has_header: impl FnOnce(&str) -> bool) -> bool {
        self.is_on() && has_header(MISTAKE_HEADER)
    }
}

/// The error of such a reply, by its body.
pub(crate) fn mistake(body: &[u8]) -> Error {
    let message = redact::one_line(&String::from_utf8_lossy(body), SHOWN_CHARS);
    Error::new(ErrorKind::Config, message).at(Phase::Head)
}

fn is_allowed(allowed: &[String], url: &Url) -> bool {
    let host = host::of(url);
    let port = url.port_or_known_default();
    host::is_this_machine(url)
        || allowed.iter().any(|entry| {
            let (name, only_port) = split_port(entry);
            host::plain(name) == host && only_port.is_none_or(|only| Some(only) == port)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_the_hosts_named_are_allowed() {
        let allowed = [
            "API.example.com.",
            "10.0.0.5:8000",
            "[fd00::1]:80",
            "fd00::2",
            "bücher.example",
        ];
        let allowed = allowed.map(str::to_owned);
        for (url, expected) in [
            ("http://127.0.0.1:1/", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:1/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://localhost/", true),
            ("http://a.localhost/", true),
            ("https://api.example.com/v1", true),
            ("http://api.example.com:99/v1", true),
            ("http://10.0.0.5:8000/", true),
            ("http://10.0.0.5:8001/", false),
            ("http://[fd00::1]/", true),
            ("https://[fd00::1]/", false),
            ("https://[fd00::2]/", true),
            ("https://example.com/", false),
            ("https://x.api.example.com/", false),
            ("http://0.0.0.0/", true),
            ("http://[::]/", true),
            ("http://xn--bcher-kva.example/", true),
            ("http://localhost.example/", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(is_allowed(&allowed, &url), expected, "{url}");
        }
    }
}
