//! The attempts of a stream so far, for a reader that wants to know what it is waiting for.

use std::sync::Arc;

use crate::error::{Attempt, Phase};
use crate::http::Probe;

/// The attempts that are over, and the one that runs.
#[derive(Default)]
pub(super) struct Attempts {
    over: Vec<Attempt>,
    running: Option<Running>,
}

struct Running {
    started: f64,
    probe: Arc<Probe>,
    // `None` until its head has arrived.
    status: Option<u16>,
}

impl Attempts {
    /// Begins an attempt, `started` seconds after the call.
    pub(super) fn begin(&mut self, started: f64, probe: &Arc<Probe>) {
        self.running = Some(Running {
            started,
            probe: Arc::clone(probe),
            status: None,
        });
    }

    /// The attempt that runs has a response head.
    pub(super) fn answered(&mut self, status: u16) {
        if let Some(running) = &mut self.running {
            running.status = Some(status);
        }
    }

    /// No attempt runs; these are over.
    pub(super) fn over(&mut self, attempts: Vec<Attempt>) {
        self.over = attempts;
        self.running = None;
    }

    /// All of them. The one that runs is the last, and has no error.
    pub(super) fn so_far(&self) -> Vec<Attempt> {
        let running = self.running.as_ref().map(Running::attempt);
        self.over.iter().cloned().chain(running).collect()
    }
}

impl Running {
    fn attempt(&self) -> Attempt {
        let is_sent = self.probe.sent_at().is_some();
        Attempt {
            started: self.started,
            phase: match self.status {
                Some(_) => Phase::Body,
                None if is_sent => Phase::Head,
                None => Phase::Connect,
            },
            status: self.status,
            error: None,
            message: None,
            slept: 0.0,
            maybe_processed: is_sent,
        }
    }
}
