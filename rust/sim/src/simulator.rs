//! What all connections of one simulator share, and how it is configured.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use tokio::sync::Notify;

use crate::log::{Kind, Log, RequestRecord};
use crate::script::{ActiveScript, Behaviour, Script};

/// Decides how a POST is answered. It may block.
pub type Answerer = Arc<dyn Fn(&RequestRecord) -> Behaviour + Send + Sync>;

/// How a simulator is started.
#[derive(Clone)]
pub struct Config {
    /// The address to listen on. It must be loopback unless `allow_remote` is set.
    pub host: IpAddr,
    /// The port; 0 is any free one.
    pub port: u16,
    /// Allows an address that other machines can reach, and any `Host` header.
    pub allow_remote: bool,
    /// The most records in the log; 0 turns it off, but waiting and counting still work. The log
    /// never keeps more than 64 MiB of request bodies.
    pub log_capacity: usize,
    /// The script at the start.
    pub script: Script,
    /// Decides how each POST is answered, instead of the script.
    pub answerer: Option<Answerer>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            allow_remote: false,
            log_capacity: 100_000,
            script: Script::default(),
            answerer: None,
        }
    }
}

/// Counters of one simulator since its start or the last reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Connections accepted, including those to `/_sim/`.
    pub accepts: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// The most connections that were open at once.
    pub peak_connections: u64,
    /// Requests read, except those to `/_sim/`.
    pub requests: u64,
    /// Requests being answered now.
    pub open_requests: u64,
    /// Answers sent in full.
    pub finished: u64,
    /// Stream events sent.
    pub events: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Connections closed by clients, while idle or in the middle of an answer.
    pub closed_by_client: u64,
    /// Answers that clients cancelled.
    pub cancelled: u64,
    /// Log records dropped to make room for newer ones.
    pub log_dropped: u64,
}

impl Stats {
    pub(crate) fn open_connection(&mut self) {
        self.open_connections += 1;
        self.peak_connections = self.peak_connections.max(self.open_connections);
    }
}

/// Shared by the server's thread and the owner of the [`Sim`](crate::Sim).
pub(crate) struct Simulator {
    pub(crate) log: Log,
    /// Without `events` and `log_dropped`, which the log counts.
    pub(crate) counters: Mutex<Stats>,
    script: Mutex<Arc<ActiveScript>>,
    pub(crate) script_changed: Notify,
    pub(crate) stop: Notify,
    is_listening: Mutex<bool>,
    listening_changed: Condvar,
    pub(crate) answerer: Option<Answerer>,
    /// Whether any `Host` header is accepted.
    pub(crate) any_host: bool,
}

impl Simulator {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            log: Log::new(config.log_capacity),
            counters: Mutex::default(),
            script: Mutex::new(Arc::new(ActiveScript::new(config.script))),
            script_changed: Notify::new(),
            stop: Notify::new(),
            is_listening: Mutex::new(true),
            listening_changed: Condvar::new(),
            answerer: config.answerer,
            any_host: config.allow_remote,
        }
    }

    pub(crate) fn script(&self) -> Arc<ActiveScript> {
        Arc::clone(&self.script.lock())
    }

    pub(crate) fn set_script(&self, script: Script) {
        *self.script.lock() = Arc::new(ActiveScript::new(script));
        self.script_changed.notify_one();
    }

    /// Notes whether the listener is open, and wakes the threads that wait for that.
    pub(crate) fn set_listening(&self, is_open: bool) {
        *self.is_listening.lock() = is_open;
        self.listening_changed.notify_all();
    }

    /// Blocks until the listener is as the script wants it, or `limit` is over. Must not be called
    /// on the server's own thread.
    pub(crate) fn wait_for_listener(&self, limit: Duration) {
        let mut is_listening = self.is_listening.lock();
        let is_wrong = |is_open: &mut bool| *is_open == self.script().refuses().is_some();
        self.listening_changed
            .wait_while_for(&mut is_listening, is_wrong, limit);
    }

    /// Empties the log, sets the counters to zero and goes back to no script.
    pub(crate) fn reset(&self) {
        self.log.reset();
        let mut counters = self.counters.lock();
        *counters = Stats {
            open_connections: counters.open_connections,
            open_requests: counters.open_requests,
            ..Stats::default()
        };
        drop(counters);
        self.set_script(Script::default());
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            events: self.log.total(Kind::EventsSent),
            log_dropped: self.log.dropped(),
            ..*self.counters.lock()
        }
    }
}
