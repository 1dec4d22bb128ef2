//! What all connections of one simulator share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use tokio::sync::Notify;

use crate::answerer::Answerer;
use crate::http::Request;
use crate::log::Log;
use crate::script::{Accept, Asked, Behaviour, Pacing, Rule, Script, ScriptError};

/// Counters of one simulator, since its start or the last reset (those that are open: now).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Connections accepted, those of `/_sim/` included.
    pub accepts: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// Most connections that were open at once.
    pub peak_connections: u64,
    /// Requests read, those to `/_sim/` left out.
    pub requests: u64,
    /// Requests being answered now.
    pub open_requests: u64,
    /// Answers sent in full.
    pub finished: u64,
    /// Stream events sent.
    pub events: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Connections closed by clients, idle or in the middle of an answer.
    pub closed_by_client: u64,
    /// Answers that a client broke off.
    pub cancelled: u64,
    /// Log records pushed out by newer ones.
    pub log_dropped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepts: AtomicU64,
    pub(crate) open_connections: AtomicU64,
    pub(crate) peak_connections: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) open_requests: AtomicU64,
    pub(crate) finished: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) closed_by_client: AtomicU64,
    pub(crate) cancelled: AtomicU64,
}

/// A script with the counters of its rules.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) script: Script,
    default: Arc<Prepared>,
    rules: Vec<ActiveRule>,
    accepts: AtomicU64,
    serves_again: AtomicBool,
}

#[derive(Debug)]
struct ActiveRule {
    rule: Rule,
    then: Arc<Prepared>,
    met: AtomicU64,
    used: AtomicU64,
}

/// A behaviour whose replay is decoded once.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) behaviour: Behaviour,
    pub(crate) pacing: Pacing,
    pub(crate) replay: Option<Bytes>,
}

impl Prepared {
    pub(crate) fn new(behaviour: &Behaviour, fallback: Option<&Pacing>) -> Arc<Self> {
        let pacing = behaviour
            .pacing
            .as_ref()
            .or(fallback)
            .cloned()
            .unwrap_or_default();
        let replay = behaviour
            .replay
            .as_ref()
            .and_then(crate::script::Replay::bytes)
            .map(Bytes::from);
        Arc::new(Self {
            behaviour: behaviour.clone(),
            pacing,
            replay,
        })
    }
}

impl Active {
    pub(crate) fn new(script: Script) -> Self {
        let fallback = script.default.pacing.as_ref();
        let rules = script
            .rules
            .iter()
            .map(|rule| ActiveRule {
                rule: rule.clone(),
                then: Prepared::new(&rule.then, fallback),
                met: AtomicU64::new(0),
                used: AtomicU64::new(0),
            })
            .collect();
        let default = Prepared::new(&script.default, None);
        Self {
            script,
            default,
            rules,
            accepts: AtomicU64::new(0),
            serves_again: AtomicBool::new(false),
        }
    }

    /// The behaviour for a request, and whether a rule chose it; uses the rule up by one.
    pub(crate) fn choose(&self, request: &Request, asked: &Asked<'_>) -> (Arc<Prepared>, bool) {
        for active in &self.rules {
            if !active.rule.matching.meets(request, asked) {
                continue;
            }
            let met = active.met.fetch_add(1, Ordering::Relaxed) + 1;
            if active.rule.matching.nth.is_some_and(|nth| nth != met) {
                continue;
            }
            let used = active.used.fetch_add(1, Ordering::Relaxed);
            if active.rule.times.is_none_or(|times| used < times) {
                return (Arc::clone(&active.then), true);
            }
        }
        (Arc::clone(&self.default), false)
    }

    /// The time of refusing connections is over.
    pub(crate) fn serve_again(&self) {
        self.serves_again.store(true, Ordering::Relaxed);
    }

    /// Whether connecting is to be refused now, and for how long at most.
    pub(crate) fn refuses(&self) -> Option<Duration> {
        match &self.script.accept {
            Accept::Refuse { for_ms } if !self.serves_again.load(Ordering::Relaxed) => {
                Some(for_ms.map_or(Duration::MAX, Duration::from_millis))
            }
            _ => None,
        }
    }

    /// What to do with the connection that has just come.
    pub(crate) fn accept(&self) -> Accept {
        let accept = &self.script.accept;
        if let Accept::Reset { times } | Accept::Close { times } | Accept::Hold { times } = accept
            && times.is_some_and(|times| self.accepts.fetch_add(1, Ordering::Relaxed) >= times)
        {
            return Accept::Serve;
        }
        accept.clone()
    }
}

/// Shared by the server's thread and the owner of the [`Sim`](crate::Sim).
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) log: Log,
    pub(crate) counters: Counters,
    pub(crate) active: Mutex<Arc<Active>>,
    pub(crate) script_changed: Notify,
    pub(crate) stop: Notify,
    /// Whether the listener is open.
    pub(crate) door: Mutex<bool>,
    pub(crate) door_moved: Condvar,
    pub(crate) answerer: Option<Answerer>,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) any_host: bool,
}

impl State {
    pub(crate) fn active(&self) -> Arc<Active> {
        Arc::clone(&self.active.lock())
    }

    pub(crate) fn set_script(&self, script: Script) -> Result<(), ScriptError> {
        script.check()?;
        *self.active.lock() = Arc::new(Active::new(script));
        self.script_changed.notify_one();
        Ok(())
    }

    /// Tells those who wait that the listener is open, or closed.
    pub(crate) fn move_door(&self, is_open: bool) {
        let mut door = self.door.lock();
        if *door != is_open {
            *door = is_open;
            self.door_moved.notify_all();
        }
    }

    /// Blocks until the listener is as the script wants it. Never on the server's own thread.
    pub(crate) fn wait_for_door(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut door = self.door.lock();
        while *door == self.active().refuses().is_some() {
            if self.door_moved.wait_until(&mut door, deadline).timed_out() {
                return;
            }
        }
    }

    /// Empties the log, sets the counters to zero and the script to the plain one.
    pub(crate) fn reset(&self) {
        self.log.reset();
        let counters = &self.counters;
        for counter in [
            &counters.accepts,
            &counters.peak_connections,
            &counters.requests,
            &counters.finished,
            &counters.bytes,
            &counters.closed_by_client,
            &counters.cancelled,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        *self.active.lock() = Arc::new(Active::new(Script::default()));
        self.script_changed.notify_one();
    }

    pub(crate) fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        Stats {
            accepts: read(&counters.accepts),
            open_connections: read(&counters.open_connections),
            peak_connections: read(&counters.peak_connections),
            requests: read(&counters.requests),
            open_requests: read(&counters.open_requests),
            finished: read(&counters.finished),
            events: self.log.total(crate::log::Kind::EventsSent),
            bytes: read(&counters.bytes),
            closed_by_client: read(&counters.closed_by_client),
            cancelled: read(&counters.cancelled),
            log_dropped: self.log.dropped(),
        }
    }
}
