//! What all connections of the process share.

use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};

use url::Url;

use super::dns::Resolver;
use super::origin::{self, Origin, Origins};
use super::test_rules::TestRules;
use super::tls::TlsConfigs;
use super::unix::UnixSocket;
use crate::config::Limits;
use crate::log::LogSink;
use crate::workers::Workers;

/// What the connections of the process share: permits, TLS configurations, DNS cache, log, workers.
///
/// It is a value instead of statics, so that a forked child can leak its parent's and make another one.
#[derive(Debug, Default)]
pub struct Hub {
    origins: Origins,
    pub(super) tls: TlsConfigs,
    pub(super) dns: Resolver,
    log: LogSink,
    workers: Workers,
    test_rules: TestRules,
    soft_file_limit: OnceLock<Option<usize>>,
}

impl Hub {
    /// Makes an empty hub. Does no I/O.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The events for the log.
    #[must_use]
    pub fn log(&self) -> &LogSink {
        &self.log
    }

    /// The threads for long work.
    #[must_use]
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// How many connections an origin may have by default.
    #[must_use]
    pub fn usual_max_connections(&self) -> usize {
        origin::max_connections(&Limits::default(), self.soft_file_limit())
    }

    /// What a test has set for the calls of this process.
    #[must_use]
    pub fn test_rules(&self) -> &TestRules {
        &self.test_rules
    }

    /// The origin of `url` under `limits`; its IPv6 address may have a zone.
    pub(crate) fn origin(&self, url: &Url, zone: Option<&str>, limits: &Limits) -> Arc<Origin> {
        let most = origin::max_connections(limits, self.soft_file_limit());
        self.origins.get(url, zone, most)
    }

    /// The origin at a unix socket.
    pub(crate) fn origin_at(&self, socket: &UnixSocket, limits: &Limits) -> Arc<Origin> {
        let most = origin::max_connections(limits, self.soft_file_limit());
        self.origins.at(socket, most)
    }

    fn soft_file_limit(&self) -> Option<usize> {
        if let Some(known) = self.soft_file_limit.get() {
            return *known;
        }
        // This is a pseudo-file of the kernel; the disk is not read.
        let limit = match std::fs::read_to_string("/proc/self/limits") {
            Ok(limits) => origin::soft_file_limit(&limits),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            // A moment without descriptors is not remembered.
            Err(_) => return None,
        };
        *self.soft_file_limit.get_or_init(|| limit)
    }
}
