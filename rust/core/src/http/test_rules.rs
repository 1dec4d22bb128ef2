//! Where calls may go while a test says so: all of them to one address, or none to a stranger.
//!
//! Each of the two costs one load while it is off.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use url::Url;

use super::attempt::Outgoing;
use super::proxy::split_port;
use crate::error::{Error, ErrorKind, Phase};

/// A value that is seldom there.
#[derive(Debug)]
struct Seldom<T> {
    is_set: AtomicBool,
    value: Mutex<Option<Arc<T>>>,
}

impl<T> Default for Seldom<T> {
    fn default() -> Self {
        Self {
            is_set: AtomicBool::new(false),
            value: Mutex::new(None),
        }
    }
}

impl<T> Seldom<T> {
    fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    fn get(&self) -> Option<Arc<T>> {
        if !self.is_set() {
            return None;
        }
        self.value.lock().clone()
    }

    fn set(&self, value: Option<T>) {
        let mut held = self.value.lock();
        self.is_set.store(value.is_some(), Ordering::Relaxed);
        *held = value.map(Arc::new);
    }
}

/// What a test puts between the calls of a process and the network.
#[derive(Debug, Default)]
pub(super) struct Gate {
    detour: Seldom<Url>,
    allowed: Seldom<Vec<String>>,
}

impl Gate {
    /// Sends all calls prepared from now on to `base_url`; `None` sends them where they belong.
    pub(super) fn divert(&self, base_url: Option<&str>) -> Result<(), Error> {
        let unusable =
            |error| Error::new(ErrorKind::Config, format!("base_url is no URL ({error})"));
        let url = base_url.map(Url::parse).transpose().map_err(unusable)?;
        self.detour.set(url);
        Ok(())
    }

    pub(super) fn is_diverted(&self) -> bool {
        self.detour.is_set()
    }

    pub(super) fn detour(&self) -> Option<Arc<Url>> {
        self.detour.get()
    }

    /// Lets attempts from now on go to loopback and to these hosts alone; `None` lets all go.
    pub(super) fn allow_only(&self, hosts: Option<Vec<String>>) {
        self.allowed.set(hosts);
    }

    /// Refuses an attempt that would leave this machine without leave. Looks nothing up.
    pub(super) fn check(&self, outgoing: &Outgoing) -> Result<(), Error> {
        let Some(allowed) = self.allowed.get() else {
            return Ok(());
        };
        // Behind a proxy the origin is reached all the same, so both must be allowed.
        let proxy = outgoing.route.proxy.as_ref().map(super::Proxy::url);
        let stranger = [Some(&outgoing.target.url), proxy]
            .into_iter()
            .flatten()
            .find(|url| !is_allowed(&allowed, url));
        let Some(stranger) = stranger else {
            return Ok(());
        };
        let host = bare(stranger.host_str().unwrap_or_default());
        let port = stranger.port_or_known_default().unwrap_or_default();
        let message = format!(
            "block_network() is on, and this call would go to {host}:{port}: serve it from \
             tokenwire.testing.fake(), or permit it by allow=[\"{host}\"]"
        );
        Err(Error::new(ErrorKind::Connection, message).at(Phase::Connect))
    }
}

fn is_allowed(allowed: &[String], url: &Url) -> bool {
    let host = bare(url.host_str().unwrap_or_default());
    let port = url.port_or_known_default();
    is_loopback(&host)
        || allowed.iter().any(|entry| {
            let (name, only_port) = split_port(entry);
            bare(name) == host && only_port.is_none_or(|only| Some(only) == port)
        })
}

fn bare(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        // RFC 6761: names under localhost mean this machine.
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
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
            ("http://0.0.0.0/", false),
            ("http://localhost.example/", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(is_allowed(&allowed, &url), expected, "{url}");
        }
    }
}
