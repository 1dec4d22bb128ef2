//! What happened, in order: an append-only list that tests read and wait on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

/// What a record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A connection was accepted. Written when its first request has come, or when it ends
    /// without one, so that connections of `/_sim/` do not show.
    Accepted,
    /// A request was read in full.
    Request,
    /// The head of the answer was sent.
    HeadSent,
    /// A fault struck.
    Fault,
    /// The answer was sent in full.
    Finished,
    /// The client closed the connection: idle (no `request`) or before its answer was whole.
    ClientClosed,
    /// The simulator reset the connection.
    Reset,
    /// The simulator closed the connection.
    Closed,
    /// Stream events sent. Counted, never a record of its own.
    EventsSent,
}

const KINDS: usize = 9;

/// Most bytes of request bodies in the log; older records are dropped to keep to it.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Number of the entry, from 1; never reused.
    pub seq: u64,
    /// Microseconds since the simulator started.
    pub at_us: u64,
    /// Number of the connection, from 1.
    pub connection: u64,
    /// Number of the request, from 1; 0 when there is none.
    pub request: u64,
    /// What happened.
    pub kind: Kind,
    /// Stream events sent for this request so far.
    pub events: u64,
    /// Bytes sent for this request so far, head and framing included.
    pub bytes: u64,
    /// HTTP status, for a head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The fault's name, or `fin` or `rst` for a client that went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<&'static str>,
    /// The request itself, for a request.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "through_arc"
    )]
    pub http: Option<Arc<RequestRecord>>,
}

// The signature is serde's.
#[allow(clippy::ref_option)]
fn through_arc<S: serde::Serializer>(
    http: &Option<Arc<RequestRecord>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    http.as_deref().serialize(serializer)
}

/// A request as it came, secrets replaced.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestRecord {
    /// The method.
    pub method: String,
    /// Path and query; a `key` in the query is replaced like a secret header.
    pub path: String,
    /// The headers in their order, names in lower case. Values that hold secrets are `hash:` and
    /// 8 hex digits, see [`secret_hash`].
    pub headers: Vec<(String, String)>,
    /// The body as JSON; a string when it is none, null when it is empty.
    pub body: Value,
    /// Length of the body as it came, in bytes.
    pub body_bytes: usize,
}

impl RequestRecord {
    /// The first header of this name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What the log shows in place of a secret value, for example of `Bearer sk-1`.
#[must_use]
pub fn secret_hash(value: &str) -> String {
    let hash = crate::reply::fnv(value.as_bytes());
    format!("hash:{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}

/// A record before it has its number and time.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) connection: u64,
    pub(crate) request: u64,
    pub(crate) kind: Kind,
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    pub(crate) status: Option<u16>,
    pub(crate) what: Option<&'static str>,
    pub(crate) http: Option<Arc<RequestRecord>>,
}

impl Entry {
    pub(crate) fn new(kind: Kind, connection: u64, request: u64) -> Self {
        Self {
            connection,
            request,
            kind,
            events: 0,
            bytes: 0,
            status: None,
            what: None,
            http: None,
        }
    }
}

/// The log: a bounded list of records and a counter for each kind, which counts on when the list
/// is full or off.
#[derive(Debug)]
pub(crate) struct Log {
    started: Instant,
    capacity: usize,
    counts: [AtomicU64; KINDS],
    list: Mutex<List>,
    waiting: AtomicU64,
    changed: Condvar,
    pub(crate) notify: Notify,
}

#[derive(Debug, Default)]
struct List {
    records: VecDeque<Record>,
    last_seq: u64,
    dropped: u64,
    body_bytes: usize,
}

impl List {
    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.records.pop_front() {
            self.dropped += 1;
            self.body_bytes -= body_bytes(oldest.http.as_deref());
        }
    }
}

fn body_bytes(http: Option<&RequestRecord>) -> usize {
    http.map_or(0, |http| http.body_bytes)
}

impl Log {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            started: Instant::now(),
            capacity,
            counts: Default::default(),
            list: Mutex::default(),
            waiting: AtomicU64::new(0),
            changed: Condvar::new(),
            notify: Notify::new(),
        }
    }

    /// Whether records are kept, so that making them is worth while.
    pub(crate) fn is_on(&self) -> bool {
        self.capacity > 0
    }

    pub(crate) fn write(&self, entry: Entry) {
        let kind = entry.kind;
        if self.capacity > 0 {
            let at_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
            let mut list = self.list.lock();
            list.last_seq += 1;
            list.body_bytes += body_bytes(entry.http.as_deref());
            while list.records.len() >= self.capacity
                || (list.body_bytes > MAX_BODY_BYTES && !list.records.is_empty())
            {
                list.drop_oldest();
            }
            let Entry {
                connection,
                request,
                kind,
                events,
                bytes,
                status,
                what,
                http,
            } = entry;
            let seq = list.last_seq;
            list.records.push_back(Record {
                seq,
                at_us,
                connection,
                request,
                kind,
                events,
                bytes,
                status,
                what,
                http,
            });
        }
        self.count(kind, 1);
    }

    /// Adds to a counter and wakes those who wait for it.
    pub(crate) fn count(&self, kind: Kind, by: u64) {
        if let Some(counter) = self.counts.get(kind as usize) {
            counter.fetch_add(by, Ordering::SeqCst);
        }
        if self.waiting.load(Ordering::SeqCst) > 0 {
            // The lock orders this wake-up after the check of one who is about to wait.
            drop(self.list.lock());
            self.changed.notify_all();
            self.notify.notify_waiters();
        }
    }

    /// How many of this kind there have been since the start or the last reset.
    pub(crate) fn total(&self, kind: Kind) -> u64 {
        self.counts
            .get(kind as usize)
            .map_or(0, |counter| counter.load(Ordering::SeqCst))
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.list.lock().records.iter().cloned().collect()
    }

    pub(crate) fn take(&self) -> Vec<Record> {
        let mut list = self.list.lock();
        list.body_bytes = 0;
        std::mem::take(&mut list.records).into()
    }

    /// Records that were pushed out by newer ones.
    pub(crate) fn dropped(&self) -> u64 {
        self.list.lock().dropped
    }

    /// Empties the list and sets all counters to zero; numbers go on.
    pub(crate) fn reset(&self) {
        let mut list = self.list.lock();
        list.records.clear();
        list.body_bytes = 0;
        list.dropped = 0;
        for counter in &self.counts {
            counter.store(0, Ordering::SeqCst);
        }
    }

    /// Blocks until there have been `count` of this kind; `false` when `limit` was over first.
    pub(crate) fn wait(&self, kind: Kind, count: u64, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut list = self.list.lock();
        let mut in_time = true;
        while self.total(kind) < count && in_time {
            in_time = !self.changed.wait_until(&mut list, deadline).timed_out();
        }
        drop(list);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.total(kind) >= count
    }

    /// As [`Log::wait`], without blocking the thread.
    pub(crate) async fn wait_async(&self, kind: Kind, count: u64, limit: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + limit;
        self.waiting.fetch_add(1, Ordering::SeqCst);
        loop {
            let changed = self.notify.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.total(kind) >= count {
                break;
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                break;
            }
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.total(kind) >= count
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::{Entry, Kind, Log, MAX_BODY_BYTES, RequestRecord};

    #[test]
    fn large_bodies_push_out_older_records() {
        let log = Log::new(100);
        for number in 1..=5 {
            let mut entry = Entry::new(Kind::Request, 1, number);
            entry.http = Some(Arc::new(RequestRecord {
                method: "POST".to_owned(),
                path: "/".to_owned(),
                headers: Vec::new(),
                body: Value::Null,
                body_bytes: MAX_BODY_BYTES / 2,
            }));
            log.write(entry);
        }
        let kept: Vec<u64> = log.records().iter().map(|record| record.request).collect();
        assert_eq!(
            (kept, log.dropped(), log.total(Kind::Request)),
            (vec![4, 5], 3, 5)
        );
    }
}
