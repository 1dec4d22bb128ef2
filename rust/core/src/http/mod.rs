//! HTTP: origins, permits, TLS, DNS, proxies, and one attempt: a request in, a head and a body out.
//!
//! The only folder that names hyper.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::config::Limits;
use crate::error::Error;
use crate::log::LogSink;

mod attempt;
mod body;
mod clients;
mod connector;
mod dial;
mod dns;
mod fault;
mod origin;
mod proxy;
mod test_rules;
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use attempt::{Failed, Outgoing, Target, send};
pub(crate) use body::Body;
pub(crate) use clients::Route;
pub(crate) use connector::Probe;
pub(crate) use fault::Place;
pub(crate) use origin::{Origin, OriginKey};
pub use proxy::proxy_in_use;
pub(crate) use proxy::{Proxy, from_environment as proxy_from_environment};
pub(crate) use tls::TlsKey;
pub use tls::{RootPlace, root_places};

/// What the connections of a process share: permits, TLS configurations, DNS cache, log.
///
/// One value instead of statics: a forked child leaks its parent's and makes its own.
#[derive(Debug)]
pub struct Hub {
    origins: origin::Origins,
    tls: tls::TlsConfigs,
    dns: dns::Resolver,
    log: LogSink,
    gate: test_rules::Gate,
    soft_file_limit: OnceLock<Option<usize>>,
}

impl Hub {
    /// An empty hub. Does no I/O.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            origins: origin::Origins::default(),
            tls: tls::TlsConfigs::default(),
            dns: dns::Resolver::default(),
            log: LogSink::default(),
            gate: test_rules::Gate::default(),
            soft_file_limit: OnceLock::new(),
        })
    }

    /// What is worth a log line.
    #[must_use]
    pub fn log(&self) -> &LogSink {
        &self.log
    }

    /// How many connections an origin may have where nothing else is set.
    #[must_use]
    pub fn usual_max_connections(&self) -> usize {
        origin::max_connections(&Limits::default(), self.soft_file_limit())
    }

    /// Sends the calls of all clients that are prepared from now on to `base_url`, without their
    /// keys, with headers that say what they were: see [`CALL_HEADER`](crate::client::CALL_HEADER). `None` ends that.
    pub fn divert(&self, base_url: Option<&str>) -> Result<(), Error> {
        self.gate.divert(base_url)
    }

    /// Whether calls go to another address than their client's.
    #[must_use]
    pub fn is_diverted(&self) -> bool {
        self.gate.is_diverted()
    }

    pub(crate) fn detour(&self) -> Option<Arc<Url>> {
        self.gate.detour()
    }

    /// Refuses attempts to reach anything but loopback and these hosts (`host` or `host:port`),
    /// over connections that stand already, too. `None` ends that.
    pub fn allow_only(&self, hosts: Option<Vec<String>>) {
        self.gate.allow_only(hosts);
    }

    pub(crate) fn origin(
        &self,
        https: bool,
        host: &str,
        port: u16,
        limits: &Limits,
    ) -> Arc<Origin> {
        let max_connections = origin::max_connections(limits, self.soft_file_limit());
        self.origins.get(OriginKey {
            https,
            host: host.to_owned(),
            port,
            max_connections,
        })
    }

    fn soft_file_limit(&self) -> Option<usize> {
        // A pseudo-file of the kernel: no disk is touched.
        *self.soft_file_limit.get_or_init(|| {
            let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
            origin::soft_file_limit(&limits)
        })
    }
}

/// The connections of one tokio runtime. Use it on that runtime alone: an idle connection's task lives there.
#[derive(Debug)]
pub struct Transport {
    hub: Arc<Hub>,
    clients: clients::Clients,
    last_used: Mutex<Instant>,
}

impl Transport {
    /// A transport without connections. Does no I/O.
    #[must_use]
    pub fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            clients: clients::Clients::default(),
            last_used: Mutex::new(Instant::now()),
        }
    }

    /// What it shares with the process's other transports.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// When a call last began or ended here. A lane whose connections are all past their
    /// keep-alive is not worth keeping.
    #[must_use]
    pub fn last_used(&self) -> Instant {
        *self.last_used.lock()
    }

    pub(crate) fn touch(&self) {
        *self.last_used.lock() = Instant::now();
    }
}

/// The head of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values; bytes that are not UTF-8 are replaced.
    /// Shared by the call, the queue and every reply made of it.
    pub headers: Arc<[(String, String)]>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

impl Head {
    /// The first value of the header `name`, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}
