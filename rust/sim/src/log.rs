//! What happened, in order: an append-only list that tests read and wait on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A connection was accepted. This is written when its first request arrives, or when it ends
    /// without one, so that connections to `/_sim/` leave no record.
    Accepted,
    /// A request was read in full.
    Request,
    /// The head of the answer was sent.
    HeadSent,
    /// A fault struck.
    Fault,
    /// The answer was sent in full.
    Finished,
    /// The client closed the connection: while it was idle (no `request`), or before the answer
    /// was complete.
    ClientClosed,
    /// The simulator reset the connection.
    Reset,
    /// The simulator closed the connection.
    Closed,
    /// Stream events were sent. They are counted and have no record.
    EventsSent,
}

const KINDS: usize = Kind::EventsSent as usize + 1;

/// The most bytes of request bodies in the log; older records are dropped to stay below it.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Number of the record, from 1; never reused.
    pub seq: u64,
    /// Microseconds since the simulator started.
    pub at_us: u64,
    /// Number of the connection, from 1.
    pub connection: u64,
    /// Number of the request, from 1; 0 for a record that belongs to no request.
    pub request: u64,
    /// What happened.
    pub kind: Kind,
    /// Stream events sent for this request so far.
    pub events: u64,
    /// Bytes sent for this request so far, including head and framing.
    pub bytes: u64,
    /// HTTP status, for a head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The name of the fault, or how the client left: `fin` or `rst`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// The request itself, for a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Arc<RequestRecord>>,
}

impl Record {
    /// A record without details. The log adds its number and its time.
    pub(crate) fn new(kind: Kind, connection: u64, request: u64) -> Self {
        Self {
            seq: 0,
            at_us: 0,
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

    fn body_bytes(&self) -> usize {
        self.http.as_ref().map_or(0, |http| http.body_bytes)
    }
}

/// A received request, without its secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestRecord {
    /// The method.
    pub method: String,
    /// Path and query. The value of `key` in the query is replaced like that of a secret header.
    pub path: String,
    /// The headers in their order, names in lower case. A value that holds a secret is replaced
    /// by its [`secret_hash`].
    pub headers: Vec<(String, String)>,
    /// The body as JSON; a string if it is not JSON, null if it is empty.
    pub body: Value,
    /// Length of the received body, in bytes.
    pub body_bytes: usize,
}

/// Returns what the log shows instead of a secret such as `Bearer sk-1`: `hash:` and 8 hex digits.
#[must_use]
pub fn secret_hash(value: &str) -> String {
    format!("hash:{}", crate::hash::checksum(value))
}

/// A bounded list of records and a counter for each kind. The counters go on when the list is
/// full or off.
#[derive(Debug)]
pub(crate) struct Log {
    started: Instant,
    capacity: usize,
    entries: Mutex<Entries>,
    /// Wakes the threads that wait for a count.
    changed: Condvar,
    /// Wakes the tasks that wait for a count.
    changed_async: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    records: VecDeque<Record>,
    counts: [u64; KINDS],
    last_seq: u64,
    dropped: u64,
    body_bytes: usize,
}

impl Entries {
    fn push(&mut self, record: Record, capacity: usize) {
        self.last_seq += 1;
        self.body_bytes += record.body_bytes();
        while self.records.len() >= capacity || self.body_bytes > MAX_BODY_BYTES {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.dropped += 1;
            self.body_bytes -= oldest.body_bytes();
        }
        let seq = self.last_seq;
        self.records.push_back(Record { seq, ..record });
    }

    fn total(&self, kind: Kind) -> u64 {
        self.counts.get(kind as usize).copied().unwrap_or(0)
    }
}

impl Log {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            started: Instant::now(),
            capacity,
            entries: Mutex::default(),
            changed: Condvar::new(),
            changed_async: Notify::new(),
        }
    }

    /// Whether records are kept, so that they are worth making.
    pub(crate) fn is_on(&self) -> bool {
        self.capacity > 0
    }

    pub(crate) fn write(&self, mut record: Record) {
        let kind = record.kind;
        if self.is_on() {
            let at_us = self.started.elapsed().as_micros();
            record.at_us = u64::try_from(at_us).unwrap_or(u64::MAX);
            self.entries.lock().push(record, self.capacity);
        }
        self.count(kind, 1);
    }

    /// Adds to a counter and wakes those who wait for it.
    pub(crate) fn count(&self, kind: Kind, by: u64) {
        if let Some(count) = self.entries.lock().counts.get_mut(kind as usize) {
            *count += by;
        }
        self.changed.notify_all();
        self.changed_async.notify_waiters();
    }

    /// How many of this kind there have been since the start or the last reset.
    pub(crate) fn total(&self, kind: Kind) -> u64 {
        self.entries.lock().total(kind)
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.entries.lock().records.iter().cloned().collect()
    }

    /// Removes all records and returns them.
    pub(crate) fn take(&self) -> Vec<Record> {
        let mut entries = self.entries.lock();
        entries.body_bytes = 0;
        std::mem::take(&mut entries.records).into()
    }

    /// How many records were dropped to make room for newer ones.
    pub(crate) fn dropped(&self) -> u64 {
        self.entries.lock().dropped
    }

    /// Empties the list and sets all counters to zero. The numbers of the records go on.
    pub(crate) fn reset(&self) {
        let mut entries = self.entries.lock();
        *entries = Entries {
            last_seq: entries.last_seq,
            ..Entries::default()
        };
    }

    /// Blocks until there have been `count` of this kind. Returns `false` after `limit`.
    pub(crate) fn wait(&self, kind: Kind, count: u64, limit: Duration) -> bool {
        let mut entries = self.entries.lock();
        let is_short = |entries: &mut Entries| entries.total(kind) < count;
        self.changed.wait_while_for(&mut entries, is_short, limit);
        entries.total(kind) >= count
    }

    /// Does the same as [`Log::wait`] without blocking the thread.
    pub(crate) async fn wait_async(&self, kind: Kind, count: u64, limit: Duration) -> bool {
        let reached = async {
            loop {
                // Made before the check, so that a change in between wakes it.
                let changed = self.changed_async.notified();
                if self.total(kind) >= count {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(limit, reached).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::{Kind, Log, MAX_BODY_BYTES, Record, RequestRecord};

    #[test]
    fn large_bodies_push_out_older_records() {
        let log = Log::new(100);
        for request in 1..=5 {
            let mut record = Record::new(Kind::Request, 1, request);
            record.http = Some(Arc::new(RequestRecord {
                method: "POST".to_owned(),
                path: "/".to_owned(),
                headers: Vec::new(),
                body: Value::Null,
                body_bytes: MAX_BODY_BYTES / 2,
            }));
            log.write(record);
        }
        let kept: Vec<u64> = log.records().iter().map(|record| record.request).collect();
        assert_eq!(
            (kept, log.dropped(), log.total(Kind::Request)),
            (vec![4, 5], 3, 5)
        );
    }
}
