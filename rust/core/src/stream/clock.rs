//! The timeouts of one stream: `first_token` and `idle`.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::channel::{Cargo, Channel};
use crate::error::{Error, ErrorKind, Phase};
use crate::http::{Place, Probe};

/// Both timeouts of a stream, on one timer. It is set again only if it fires too early.
pub(crate) struct Clock {
    first_token: Option<Duration>,
    idle: Option<Duration>,
    sent_at: Instant,
    bytes_at: Instant,
    content_at: Option<Instant>,
    // How long the reader had been elsewhere when the current limit began.
    away_before: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(crate) fn new(first_token: Option<Duration>, idle: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            first_token,
            idle,
            sent_at: now,
            bytes_at: now,
            content_at: None,
            away_before: Duration::ZERO,
            timer: None,
        }
    }

    /// The request was sent, and its response head has arrived.
    pub(crate) fn note_sent<C: Cargo>(&mut self, at: Option<Instant>, queue: &Channel<C>) {
        self.away_before = queue.away();
        self.sent_at = at.unwrap_or(self.sent_at);
        self.bytes_at = Instant::now();
    }

    /// Bytes have arrived.
    pub(crate) fn note_bytes(&mut self) {
        self.bytes_at = Instant::now();
    }

    /// Those bytes had content.
    pub(crate) fn note_content<C: Cargo>(&mut self, queue: &Channel<C>) {
        self.away_before = queue.away();
        // `idle` may be shorter than the current wait, so the first content resets the timer.
        if self.content_at.replace(self.bytes_at).is_none() {
            self.timer = None;
        }
    }

    /// The reader had content to read and has made room again; the limits start over.
    pub(crate) fn resume<C: Cargo>(&mut self, queue: &Channel<C>) {
        let now = Instant::now();
        self.away_before = queue.away();
        self.bytes_at = now;
        match &mut self.content_at {
            Some(at) => *at = now,
            None => self.sent_at = now,
        }
    }

    /// Waits until the response head is overdue. Time for a permit and a connection does not count.
    pub(crate) async fn no_head(&self, probe: &Probe, place: &Place) -> Error {
        let Some(limit) = self.first_token else {
            return std::future::pending().await;
        };
        let mut due = self.sent_at + limit;
        loop {
            sleep_until(due).await;
            let now = Instant::now();
            due = probe.sent_at().unwrap_or(now) + limit;
            if due <= now {
                let message = format!(
                    "no response head from {} within {} s (the `first_token` timeout)",
                    place.origin,
                    limit.as_secs_f64()
                );
                return Error::new(ErrorKind::FirstByteTimeout, message)
                    .at(Phase::Head)
                    .retryable(true)
                    .maybe_processed(true);
            }
        }
    }

    /// The current limit, and when it ends.
    fn due(&self) -> Option<(Duration, Instant)> {
        let limit = match self.content_at {
            Some(_) => self.idle,
            None => self.first_token,
        }?;
        Some((limit, self.content_at.unwrap_or(self.sent_at) + limit))
    }

    /// Fails if content was overdue when the last bytes arrived, and they had none. Without this, a server that never
    /// pauses would never be late: [`Self::silence`] is polled only in pauses.
    pub(crate) fn check<C: Cargo>(&self, queue: &Channel<C>, place: &Place) -> Result<(), Error> {
        match self.due() {
            Some((limit, due)) if due <= self.bytes_at => {
                let away = queue.away().saturating_sub(self.away_before);
                if due + away <= self.bytes_at {
                    return Err(self.overdue(limit, place));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Waits until content is overdue.
    pub(crate) async fn silence<C: Cargo>(&mut self, queue: &Channel<C>, place: &Place) -> Error {
        loop {
            let Some((limit, due)) = self.due() else {
                return std::future::pending().await;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            timer.as_mut().await;
            // Time that a sync reader spent elsewhere does not count, because nothing drove the connection.
            let due = due + queue.away().saturating_sub(self.away_before);
            if due <= Instant::now() {
                return self.overdue(limit, place);
            }
            timer.as_mut().reset(due);
        }
    }

    fn overdue(&self, limit: Duration, place: &Place) -> Error {
        let origin = &place.origin;
        let seconds = limit.as_secs_f64();
        let is_silent = self.bytes_at.elapsed() * 2 >= limit;
        let (kind, message) = match self.content_at {
            None => (
                ErrorKind::ContentTimeout,
                format!("no content from {origin} within {seconds} s (the `first_token` timeout)"),
            ),
            Some(_) if is_silent => (
                ErrorKind::StallTimeout,
                format!(
                    "the stream from {origin} fell silent for {seconds} s (the `idle` timeout)"
                ),
            ),
            Some(_) => (
                ErrorKind::ContentTimeout,
                format!("bytes but no content from {origin} for {seconds} s (the `idle` timeout)"),
            ),
        };
        Error::new(kind, message)
            .at(Phase::Body)
            .retryable(true)
            .maybe_processed(true)
    }
}
