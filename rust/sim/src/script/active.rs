//! A script in use: its behaviours, ready to be sent, and the counters of its rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::{Accept, Asked, Behaviour, Match, Pacing, Reply, Script, Stored};
use crate::http::Request;

/// A script with the counters of its rules.
#[derive(Debug)]
pub(crate) struct ActiveScript {
    pub(crate) require_key: Option<String>,
    pub(crate) models: Option<Vec<String>>,
    pub(crate) stored: Stored,
    default: Arc<Prepared>,
    rules: Vec<ActiveRule>,
    accept: Accept,
    accepted: AtomicU64,
    /// Whether the time of refusing connections is over.
    serves_again: AtomicBool,
}

#[derive(Debug)]
struct ActiveRule {
    matching: Match,
    times: Option<u64>,
    then: Arc<Prepared>,
    met: AtomicU64,
    used: AtomicU64,
}

/// A behaviour whose optional parts are filled in and whose recording is decoded.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) behaviour: Behaviour,
    pub(crate) pacing: Pacing,
    pub(crate) reply: Reply,
    pub(crate) replay: Option<Bytes>,
}

impl Prepared {
    pub(crate) fn new(mut behaviour: Behaviour, fallback: Option<&Pacing>) -> Arc<Self> {
        let pacing = behaviour.pacing.take().or_else(|| fallback.cloned());
        let replay = behaviour.replay.as_ref().and_then(super::Replay::bytes);
        Arc::new(Self {
            pacing: pacing.unwrap_or_default(),
            reply: behaviour.reply.take().unwrap_or_default(),
            replay: replay.map(Bytes::from),
            behaviour,
        })
    }
}

impl ActiveScript {
    pub(crate) fn new(script: Script) -> Self {
        let fallback = script.default.pacing.as_ref();
        let rules = script.rules.into_iter().map(|rule| ActiveRule {
            matching: rule.matching,
            times: rule.times,
            then: Prepared::new(rule.then, fallback),
            met: AtomicU64::new(0),
            used: AtomicU64::new(0),
        });
        Self {
            require_key: script.require_key,
            models: script.models,
            stored: Stored::default(),
            rules: rules.collect(),
            default: Prepared::new(script.default, None),
            accept: script.accept,
            accepted: AtomicU64::new(0),
            serves_again: AtomicBool::new(false),
        }
    }

    /// Returns the behaviour for a request, and counts the use of its rule.
    pub(crate) fn choose(&self, request: &Request, asked: &Asked<'_>) -> Arc<Prepared> {
        for rule in &self.rules {
            if !rule.matching.meets(request, asked) {
                continue;
            }
            let met = rule.met.fetch_add(1, Ordering::Relaxed) + 1;
            if rule.matching.nth.is_some_and(|nth| nth != met) {
                continue;
            }
            let used = rule.used.fetch_add(1, Ordering::Relaxed);
            if rule.times.is_none_or(|times| used < times) {
                return Arc::clone(&rule.then);
            }
        }
        Arc::clone(&self.default)
    }

    /// Ends the refusal of connections.
    pub(crate) fn serve_again(&self) {
        self.serves_again.store(true, Ordering::Relaxed);
    }

    /// For how long connections are refused from now on, if they are.
    pub(crate) fn refuses(&self) -> Option<Duration> {
        match self.accept {
            Accept::Refuse { for_ms } if !self.serves_again.load(Ordering::Relaxed) => {
                Some(for_ms.map_or(Duration::MAX, Duration::from_millis))
            }
            _ => None,
        }
    }

    /// What to do with a connection that has just been accepted. Counts it.
    pub(crate) fn accept(&self) -> Accept {
        match self.accept {
            Accept::Reset { times: Some(times) }
            | Accept::Close { times: Some(times) }
            | Accept::Hold { times: Some(times) }
                if self.accepted.fetch_add(1, Ordering::Relaxed) >= times =>
            {
                Accept::Serve {}
            }
            ref accept => accept.clone(),
        }
    }
}
