//! Frames payloads and writes them at their time.

use std::io::Write;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::{Gone, Wire};
use crate::log::{Kind, Record};
use crate::reply::{Api, Plan};
use crate::script::{Fault, Position};
use crate::simulator::Simulator;

/// Why an answer did not reach its regular end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The client left.
    Gone(Gone),
    /// The connection must be reset.
    Reset,
    /// The connection must be closed.
    Close,
    /// The body must end here, cleanly.
    EndBody,
}

impl From<Gone> for Stop {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

impl Stop {
    /// How a script's `reset` ends a connection.
    pub(crate) fn of(reset: bool) -> Self {
        if reset { Self::Reset } else { Self::Close }
    }

    /// Completes the record of a connection that ended like this.
    pub(crate) fn recorded(self, record: Record) -> Record {
        let (kind, what) = match self {
            Self::Gone(Gone::Fin) => (Kind::ClientClosed, Some("fin".to_owned())),
            Self::Gone(Gone::Rst) => (Kind::ClientClosed, Some("rst".to_owned())),
            Self::Reset => (Kind::Reset, None),
            Self::Close | Self::EndBody => (Kind::Closed, None),
        };
        Record {
            kind,
            what,
            ..record
        }
    }
}

/// Sends one answer.
pub(crate) struct Sender<'a> {
    pub(super) wire: &'a mut Wire,
    simulator: &'a Simulator,
    /// The API that makes the events of a fault.
    pub(super) api: &'static dyn Api,
    pub(super) request_id: String,
    connection: u64,
    pub(super) request: u64,
    /// The status of the head, until that is sent.
    unsent_status: Option<u16>,
    pub(super) is_chunked: bool,
    /// Writes are cut to this many bytes; 0 does not cut.
    pub(super) bytes_per_write: usize,
    /// The wait after each write.
    pub(super) delay: Duration,
    next_write: Instant,
    /// The fault that strikes at a position in the answer.
    pub(super) fault: Option<(Position, Fault)>,
    /// Bytes that go out with the next flush. What is appended here is outside of any framing.
    pub(super) out: Vec<u8>,
    holds_payload: bool,
    unsent_events: u64,
    queued_body: u64,
    pub(super) queued_events: u64,
    sent_bytes: u64,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(
        wire: &'a mut Wire,
        simulator: &'a Simulator,
        connection: u64,
        request: u64,
        plan: &Plan,
    ) -> Self {
        wire.take_written();
        Self {
            wire,
            simulator,
            api: plan.api,
            connection,
            request_id: plan.request_id.clone(),
            request,
            unsent_status: Some(plan.status),
            is_chunked: false,
            bytes_per_write: 0,
            delay: Duration::ZERO,
            next_write: Instant::now(),
            fault: None,
            out: Vec::new(),
            holds_payload: false,
            unsent_events: 0,
            queued_body: 0,
            queued_events: 0,
            sent_bytes: 0,
        }
    }

    /// Where the armed fault strikes.
    pub(super) fn fault_at(&self) -> Option<Position> {
        self.fault.as_ref().map(|(at, _)| *at)
    }

    /// Sends what is queued.
    pub(super) async fn flush(&mut self) -> Result<(), Stop> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = self.wire.send(&self.out).await;
        self.count_bytes();
        self.out.clear();
        self.holds_payload = false;
        sent?;
        let log = &self.simulator.log;
        if let Some(status) = self.unsent_status.take() {
            log.write(Record {
                status: Some(status),
                ..self.record(Kind::HeadSent)
            });
        }
        if self.unsent_events > 0 {
            log.count(Kind::EventsSent, std::mem::take(&mut self.unsent_events));
        }
        Ok(())
    }

    fn count_bytes(&mut self) {
        let written = self.wire.take_written();
        self.sent_bytes += written;
        self.simulator.counters.lock().bytes += written;
    }

    /// Sends what is queued, then waits until `deadline`.
    pub(super) async fn pause_until(&mut self, deadline: Instant) -> Result<(), Stop> {
        if deadline > Instant::now() {
            self.flush().await?;
            self.wire.pause_until(deadline).await?;
        }
        Ok(())
    }

    /// Sends what is queued, then waits for `time`, or without one until the client leaves.
    pub(super) async fn pause(&mut self, time: Option<Duration>) -> Result<(), Stop> {
        self.flush().await?;
        self.wire.pause(time).await?;
        Ok(())
    }

    /// Sends a part of the body that holds the ends of `events` events. The armed fault strikes
    /// inside it if its position is there.
    pub(super) async fn payload(&mut self, bytes: &[u8], events: u64) -> Result<(), Stop> {
        let mut rest = bytes;
        if let Some(Position::Bytes(at)) = self.fault_at()
            && let Some(before) = at.checked_sub(self.queued_body)
            && let Some((first, second)) = usize::try_from(before)
                .ok()
                .and_then(|before| rest.split_at_checked(before))
        {
            self.plain_payload(first, 0).await?;
            self.strike().await?;
            rest = second;
        }
        self.plain_payload(rest, events).await
    }

    /// Sends a part of the body in which no fault can strike.
    pub(super) async fn plain_payload(&mut self, bytes: &[u8], events: u64) -> Result<(), Stop> {
        let size = match self.bytes_per_write {
            0 => bytes.len(),
            size => size,
        };
        for piece in bytes.chunks(size.max(1)) {
            self.piece(piece).await?;
        }
        self.unsent_events += events;
        self.queued_events += events;
        Ok(())
    }

    /// Queues one write. It is sent before the next write, before a wait, or at the end, so that a
    /// short answer is a single write.
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

    /// Lets the armed fault strike if its position is `at`.
    pub(super) async fn reach(&mut self, at: Position) -> Result<(), Stop> {
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
        self.log_fault(&fault);
        super::fault::strike(self, &fault).await
    }

    pub(super) fn log_fault(&self, fault: &Fault) {
        let mut record = self.record(Kind::Fault);
        record.what = Some(fault.name());
        self.simulator.log.write(record);
    }

    /// Ends the body and sends what is left.
    pub(super) async fn finish(&mut self, trailing: &[u8]) -> Result<(), Stop> {
        if self.is_chunked {
            self.out.extend_from_slice(b"0\r\n\r\n");
        }
        self.out.extend_from_slice(trailing);
        self.flush().await?;
        self.simulator.counters.lock().finished += 1;
        self.simulator.log.write(self.record(Kind::Finished));
        Ok(())
    }

    /// Counts the end of an answer that was cut short, and returns its record.
    pub(super) fn cut_short(&mut self, stop: Stop) -> Record {
        self.count_bytes();
        if matches!(stop, Stop::Gone(_)) {
            self.simulator.counters.lock().cancelled += 1;
        }
        self.record(Kind::Closed)
    }

    /// A record that says how much has been sent so far.
    fn record(&self, kind: Kind) -> Record {
        Record {
            events: self.queued_events - self.unsent_events,
            bytes: self.sent_bytes,
            ..Record::new(kind, self.connection, self.request)
        }
    }
}
