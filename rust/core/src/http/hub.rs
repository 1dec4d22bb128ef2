//! What all connections of a process share.

use std::sync::{Arc, OnceLock};

use url::Url;

use super::dns::Resolver;
use super::origin::{self, Origin, Origins};
use super::test_rules::TestRules;
use super::tls::TlsConfigs;
use crate::config::Limits;
use crate::log::LogSink;

/// What the connections of a process share: permits, TLS configurations, DNS cache, log.
///
/// One value instead of statics: a forked child leaks its parent's and makes its own.
#[derive(Debug, Default)]
pub struct Hub {
    origins: Origins,
    pub(super) tls: TlsConfigs,
    pub(super) dns: Resolver,
    log: LogSink,
    test_rules: TestRules,
    soft_file_limit: OnceLock<Option<usize>>,
}

impl Hub {
    /// An empty hub. Does no I/O.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
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

    /// What a test has set for the calls of this process.
    #[must_use]
    pub fn test_rules(&self) -> &TestRules {
        &self.test_rules
    }

    /// The origin of `url` under `limits`.
    pub(crate) fn origin(&self, url: &Url, limits: &Limits) -> Arc<Origin> {
        self.origins
            .get(url, origin::max_connections(limits, self.soft_file_limit()))
    }

    fn soft_file_limit(&self) -> Option<usize> {
        // A pseudo-file of the kernel: no disk is touched.
        *self.soft_file_limit.get_or_init(|| {
            let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
            origin::soft_file_limit(&limits)
        })
    }
}
