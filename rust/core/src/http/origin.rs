//! The origins of the process: how many calls and handshakes each of them takes at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::host::with_zone;
use super::unix::UnixSocket;
use crate::config::Limits;
use crate::log::{Event, LogSink};

/// How many handshakes with one origin run at a time. Without a limit, a burst of thousands would time out in the
/// listen backlog of the server.
pub(super) const HANDSHAKES: usize = 64;

/// The most connections of an origin without a limit, however many files the process may open.
const MAX_CONNECTIONS: usize = 10_000;

/// A longer wait for a permit is logged, once for each origin.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// What makes two origins different. Callers with different limits do not share permits, or neither limit would
/// hold.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OriginKey {
    https: bool,
    /// Host and port, or the unix socket.
    name: String,
    max_connections: usize,
}

/// Where idle connections are kept. Sync calls that run at the same time have separate places.
pub(super) trait KeepsIdle: std::fmt::Debug + Send + Sync {
    /// Closes one of the idle connections to `origin`. Returns whether there was one.
    fn close_one(&self, origin: &Origin) -> bool;
}

/// One origin: what limits its connections, counters and flags. It lives at least as long as a client or a call needs it.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) https: bool,
    /// Host and port, or the unix socket, as shown in errors and logs.
    pub(crate) name: String,
    pub(crate) max_connections: usize,
    pub(crate) permits: Arc<Semaphore>,
    pub(super) handshakes: Arc<Semaphore>,
    /// How many handshakes have succeeded.
    connected: AtomicUsize,
    /// How many idle connections there are, wherever they are kept.
    idle: AtomicUsize,
    keepers: Mutex<Vec<Weak<dyn KeepsIdle>>>,
    warned_of_wait: AtomicBool,
    warned_of_plain_key: AtomicBool,
}

impl Origin {
    fn new(key: &OriginKey) -> Self {
        Self {
            https: key.https,
            name: key.name.clone(),
            max_connections: key.max_connections,
            permits: Arc::new(Semaphore::new(key.max_connections)),
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            connected: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            keepers: Mutex::default(),
            warned_of_wait: AtomicBool::new(false),
            warned_of_plain_key: AtomicBool::new(false),
        }
    }

    /// Waits for a permit, first come first served; `None` when `limit` runs out. Dropping the permit gives it
    /// back.
    pub(crate) async fn permit(
        &self,
        limit: Option<Duration>,
        log: &LogSink,
    ) -> Option<OwnedSemaphorePermit> {
        // The semaphore is fair: `try_acquire` fails while others wait, so no call overtakes another.
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        let wait = self.permit_with_warning(log);
        match limit {
            Some(limit) => tokio::time::timeout(limit, wait).await.ok()?,
            None => wait.await,
        }
    }

    async fn permit_with_warning(&self, log: &LogSink) -> Option<OwnedSemaphorePermit> {
        let mut acquire = std::pin::pin!(Arc::clone(&self.permits).acquire_owned());
        if let Ok(permit) = tokio::time::timeout(LONG_WAIT, acquire.as_mut()).await {
            return permit.ok();
        }
        if !self.warned_of_wait.swap(true, Ordering::Relaxed) {
            log.push(Event::LongPoolWait {
                origin: self.name.clone(),
                max_connections: self.max_connections,
            });
        }
        acquire.await.ok()
    }

    fn is_in_use(&self) -> bool {
        self.permits.available_permits() < self.max_connections
    }

    /// How many handshakes have succeeded. It grows as long as the origin takes connections.
    pub(super) fn connected(&self) -> usize {
        self.connected.load(Ordering::Relaxed)
    }

    /// Notes that a handshake has succeeded.
    pub(super) fn note_connected(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds a place whose idle connections [`make_room`](Self::make_room) may close.
    pub(super) fn add_keeper(&self, keeper: Weak<dyn KeepsIdle>) {
        let mut keepers = self.keepers.lock();
        keepers.retain(|known| known.strong_count() > 0 && !known.ptr_eq(&keeper));
        keepers.push(keeper);
    }

    /// Counts an idle connection until the result is dropped.
    pub(super) fn count_idle(self: &Arc<Self>) -> CountedIdle {
        self.idle.fetch_add(1, Ordering::Relaxed);
        CountedIdle(Arc::clone(self))
    }

    /// Closes idle connections, of other threads for example, that would be too many with another one. The caller has
    /// the permit for it. A server may take no more than `max_connections`, and would leave the new one waiting until
    /// an idle one is closed.
    pub(super) fn make_room(&self) {
        let is_too_many = || {
            let permits = self.permits.available_permits();
            self.idle.load(Ordering::Relaxed) > permits
        };
        if !is_too_many() {
            return;
        }
        // Those who put a connection into a keeper lock it first and then this list.
        let keepers: Vec<_> = self.keepers.lock().clone();
        for keeper in keepers.iter().filter_map(Weak::upgrade) {
            while is_too_many() && keeper.close_one(self) {}
        }
    }

    /// Logs once that a key is sent to this origin in the clear.
    pub(crate) fn warn_of_plain_key(&self, log: &LogSink) {
        if !self.warned_of_plain_key.swap(true, Ordering::Relaxed) {
            log.push(Event::PlainHttpKey {
                origin: self.name.clone(),
            });
        }
    }
}

/// An idle connection, as its origin counts it.
#[derive(Debug)]
pub(super) struct CountedIdle(Arc<Origin>);

impl Drop for CountedIdle {
    fn drop(&mut self) {
        self.0.idle.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The origins of the process.
#[derive(Debug, Default)]
pub(crate) struct Origins(Mutex<HashMap<OriginKey, Arc<Origin>>>);

impl Origins {
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// The origin of `url`, whose IPv6 address may have a zone.
    pub(crate) fn get(&self, url: &Url, zone: Option<&str>, max_connections: usize) -> Arc<Origin> {
        let host = with_zone(url.host_str().unwrap_or_default(), zone);
        let port = url.port_or_known_default().unwrap_or_default();
        self.of(OriginKey {
            https: url.scheme() == "https",
            name: format!("{host}:{port}"),
            max_connections,
        })
    }

    /// The origin at a unix socket.
    pub(crate) fn at(&self, socket: &UnixSocket, max_connections: usize) -> Arc<Origin> {
        self.of(OriginKey {
            https: false,
            name: socket.to_string(),
            max_connections,
        })
    }

    fn of(&self, key: OriginKey) -> Arc<Origin> {
        let mut origins = self.0.lock();
        if let Some(origin) = origins.get(&key) {
            return Arc::clone(origin);
        }
        if origins.len() == origins.capacity() {
            // Before it grows, origins that no client and no call needs any more make room.
            origins.retain(|_, origin| Arc::strong_count(origin) > 1 || origin.is_in_use());
        }
        let origin = Arc::new(Origin::new(&key));
        origins.insert(key, Arc::clone(&origin));
        origin
    }
}

/// How many connections an origin may have under `limits`, if the process may open `soft_file_limit` files.
pub(crate) fn max_connections(limits: &Limits, soft_file_limit: Option<usize>) -> usize {
    match limits.max_connections {
        Some(limit) => usize::try_from(limit).unwrap_or(MAX_CONNECTIONS).max(1),
        // Four fifths leave descriptors for the caller's files and for idle connections.
        None => soft_file_limit.map_or(MAX_CONNECTIONS, |files| {
            (files / 5 * 4).clamp(1, MAX_CONNECTIONS)
        }),
    }
}

/// Reads the soft limit on open files from the text of `/proc/self/limits`.
pub(crate) fn soft_file_limit(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
