//! What all connections of a process share.

use std::sync::{Arc, OnceLock};

use super::dns::Resolver;
use super::origin::{self, Origin, OriginKey, Origins};
use super::test_rules::{Interception, TestRules};
use super::tls::TlsConfigs;
use crate::config::Limits;
use crate::error::Error;
use crate::log::LogSink;

/// What the connections of a process share: permits, TLS configurations, DNS cache, log.
///
/// One value instead of statics: a forked child leaks its parent's and makes its own.
#[derive(Debug)]
pub struct Hub {
    origins: Origins,
    tls: TlsConfigs,
    dns: Resolver,
    log: LogSink,
    test_rules: TestRules,
    soft_file_limit: OnceLock<Option<usize>>,
}

impl Hub {
    /// An empty hub. Does no I/O.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            origins: Origins::default(),
            tls: TlsConfigs::default(),
            dns: Resolver::default(),
            log: LogSink::default(),
            test_rules: TestRules::default(),
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
    /// keys, with headers that say what they were: see [`CALL_HEADER`](super::test_rules::CALL_HEADER). `None` ends that.
    pub fn intercept(&self, base_url: Option<&str>) -> Result<(), Error> {
        self.test_rules.intercept(base_url)
    }

    /// Whether calls go to another address than their client's.
    #[must_use]
    pub fn is_intercepted(&self) -> bool {
        self.test_rules.is_intercepted()
    }

    /// What holds for a call that is prepared now.
    pub(crate) fn interception(&self) -> Interception {
        self.test_rules.interception()
    }

    /// Refuses attempts to reach anything but loopback and these hosts (`host` or `host:port`),
    /// over connections that stand already, too. `None` ends that.
    pub fn allow_only(&self, hosts: Option<Vec<String>>) {
        self.test_rules.allow_only(hosts);
    }

    pub(super) fn test_rules(&self) -> &TestRules {
        &self.test_rules
    }

    pub(super) fn tls(&self) -> &TlsConfigs {
        &self.tls
    }

    pub(super) fn dns(&self) -> &Resolver {
        &self.dns
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
