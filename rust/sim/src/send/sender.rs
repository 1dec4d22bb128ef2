//! Puts payloads into HTTP framing and onto the wire, at their time.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::{Gone, Wire};
use crate::log::{Entry, Kind};
use crate::reply::{Api, Plan};
use crate::script::{Fault, Position};
use crate::state::State;

/// Why an answer did not come to its regular end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The client went.
    Gone(Gone),
    /// The connection is to be reset.
    Reset,
    /// The connection is to be closed.
    Close,
    /// The body is to end here, cleanly.
    EndBody,
}

impl From<Gone> for Stop {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

/// The numbers under which an answer stands in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    pub(crate) connection: u64,
    pub(crate) request: u64,
}

/// Sends one answer.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) wire: &'a mut Wire,
    pub(crate) state: &'a State,
    /// Whose events a fault sends.
    pub(crate) api: &'static dyn Api,
    ids: Ids,
    status: u16,
    is_chunked: bool,
    bytes_per_write: usize,
    delay: Duration,
    next_write: Instant,
    fault: Option<(Position, Fault)>,
    /// Framed bytes that go out with the next flush.
    out: Vec<u8>,
    holds_payload: bool,
    is_head_logged: bool,
    unsent_events: u64,
    queued_body: u64,
    queued_events: u64,
    sent_events: u64,
    sent_bytes: u64,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(wire: &'a mut Wire, state: &'a State, ids: Ids, plan: &Plan) -> Self {
        wire.take_written();
        Self {
            wire,
            state,
            api: plan.api,
            ids,
            status: plan.status,
            is_chunked: false,
            bytes_per_write: 0,
            delay: Duration::ZERO,
            next_write: Instant::now(),
            fault: None,
            out: Vec::new(),
            holds_payload: false,
            is_head_logged: false,
            unsent_events: 0,
            queued_body: 0,
            queued_events: 0,
            sent_events: 0,
            sent_bytes: 0,
        }
    }

    pub(crate) fn frame(&mut self, is_chunked: bool) {
        self.is_chunked = is_chunked;
    }

    /// Cuts writes to `bytes` (0: does not) and waits `delay` after each.
    pub(crate) fn portion(&mut self, bytes: usize, delay: Duration) {
        self.bytes_per_write = bytes;
        self.delay = delay;
    }

    /// Arms the fault that strikes at a place in the answer.
    pub(crate) fn arm(&mut self, at: Position, fault: &Fault) {
        self.fault = Some((at, fault.clone()));
    }

    pub(crate) fn fault_at(&self) -> Option<Position> {
        self.fault.as_ref().map(|(at, _)| *at)
    }

    /// Bytes to be written with the next payload, outside of any framing.
    pub(crate) fn queue_raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Forgets what was queued and returns it.
    pub(crate) fn take_queue(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    pub(crate) fn queued_events(&self) -> u64 {
        self.queued_events
    }

    /// Sends what is queued.
    pub(crate) async fn flush(&mut self) -> Result<(), Stop> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = self.wire.send(&self.out).await;
        self.note_bytes();
        self.out.clear();
        self.holds_payload = false;
        sent?;
        if !self.is_head_logged {
            self.is_head_logged = true;
            let mut entry = self.entry(Kind::HeadSent);
            entry.status = Some(self.status);
            self.state.log.write(entry);
        }
        if self.unsent_events > 0 {
            self.sent_events += self.unsent_events;
            self.state.log.count(Kind::EventsSent, self.unsent_events);
            self.unsent_events = 0;
        }
        Ok(())
    }

    fn note_bytes(&mut self) {
        let written = self.wire.take_written();
        self.sent_bytes += written;
        let total = &self.state.counters.bytes;
        total.fetch_add(written, Ordering::Relaxed);
    }

    /// Sends what is queued, then waits until `deadline`.
    pub(crate) async fn pause_until(&mut self, deadline: Instant) -> Result<(), Stop> {
        if deadline > Instant::now() {
            self.flush().await?;
            self.wire.pause_until(deadline).await?;
        }
        Ok(())
    }

    /// Sends what is queued, then waits for `time`, or until the client goes.
    pub(crate) async fn pause(&mut self, time: Option<Duration>) -> Result<(), Stop> {
        self.flush().await?;
        self.wire.pause(time).await?;
        Ok(())
    }

    /// A part of the body that holds the ends of `events` events. The armed fault strikes inside
    /// it if its place is there.
    pub(crate) async fn payload(&mut self, bytes: &[u8], events: u64) -> Result<(), Stop> {
        let mut rest = bytes;
        if let Some(Position::Bytes(at)) = self.fault_at()
            && let Some(before) = at.checked_sub(self.queued_body)
            && let Some((first, second)) = usize::try_from(before)
                .ok()
                .and_then(|before| rest.split_at_checked(before))
        {
            self.pieces(first).await?;
            self.strike().await?;
            rest = second;
        }
        self.plain_payload(rest, events).await
    }

    /// A part of the body that no fault can strike.
    pub(crate) async fn plain_payload(&mut self, bytes: &[u8], events: u64) -> Result<(), Stop> {
        self.pieces(bytes).await?;
        self.unsent_events += events;
        self.queued_events += events;
        Ok(())
    }

    async fn pieces(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let size = if self.bytes_per_write == 0 {
            bytes.len()
        } else {
            self.bytes_per_write
        };
        for piece in bytes.chunks(size.max(1)) {
            self.piece(piece).await?;
        }
        Ok(())
    }

    /// One write: queued until the next one, or a wait, or the end.
    async fn piece(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if self.holds_payload {
            self.flush().await?;
            if !self.delay.is_zero() {
                self.next_write = (self.next_write + self.delay).max(Instant::now());
                self.wire.pause_until(self.next_write).await?;
            }
        } else if !self.delay.is_zero() {
            self.next_write = self.next_write.max(Instant::now());
        }
        if self.is_chunked {
            // Writing into memory cannot fail.
            let _ = write!(self.out, "{:x}\r\n", bytes.len());
            self.out.extend_from_slice(bytes);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.out.extend_from_slice(bytes);
        }
        self.queued_body += bytes.len() as u64;
        self.holds_payload = true;
        Ok(())
    }

    /// Lets the armed fault strike if its place is `at`.
    pub(crate) async fn reach(&mut self, at: Position) -> Result<(), Stop> {
        if self.fault_at() == Some(at) {
            self.strike().await
        } else {
            Ok(())
        }
    }

    async fn strike(&mut self) -> Result<(), Stop> {
        let Some((_, fault)) = self.fault.take() else {
            return Ok(());
        };
        self.flush().await?;
        self.note_fault(&fault);
        super::fault::strike(self, &fault).await
    }

    /// Writes the fault into the log.
    pub(crate) fn note_fault(&self, fault: &Fault) {
        let mut entry = self.entry(Kind::Fault);
        entry.what = Some(fault.name());
        self.state.log.write(entry);
    }

    /// Ends the body and sends it all.
    pub(crate) async fn finish(&mut self, trailing: &[u8]) -> Result<(), Stop> {
        if self.is_chunked {
            self.out.extend_from_slice(b"0\r\n\r\n");
        }
        self.out.extend_from_slice(trailing);
        self.flush().await?;
        self.state.counters.finished.fetch_add(1, Ordering::Relaxed);
        self.state.log.write(self.entry(Kind::Finished));
        Ok(())
    }

    /// An entry with what has been sent so far.
    pub(crate) fn entry(&self, kind: Kind) -> Entry {
        let mut entry = Entry::new(kind, self.ids.connection, self.ids.request);
        entry.events = self.sent_events;
        entry.bytes = self.sent_bytes;
        entry
    }

    /// As [`Sender::entry`], after an answer that was broken off.
    pub(crate) fn last_entry(&mut self, kind: Kind) -> Entry {
        self.note_bytes();
        self.entry(kind)
    }
}
