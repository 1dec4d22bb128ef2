//! The limits in time of a request that is passed on.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::exchange::{Exchange, Sent};
use crate::config::Timeout;
use crate::error::{Error, ErrorKind, Phase};
use crate::http::{Place, Probe};

/// The limits in time of a request that is passed on. `None` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawLimits {
    /// For a connection.
    pub connect: Option<Duration>,
    /// For a free connection, and for a turn to make one.
    pub pool: Option<Duration>,
    /// Between two reads of the reply, and from the end of the request to the head.
    pub read: Option<Duration>,
    /// Between two pieces of the request that the server takes.
    pub write: Option<Duration>,
    /// Requests for a stream of a known API: from the request to the first content.
    pub first_token: Option<Duration>,
    /// Streams of a known API: between two pieces of content.
    pub idle: Option<Duration>,
}

impl RawLimits {
    /// Those of a connection.
    pub(super) fn of_connection(&self) -> Timeout {
        Timeout {
            connect: self.connect,
            pool: self.pool,
            ..Timeout::NONE
        }
    }

    /// Waits until the server is too slow to take the request, or to answer it.
    pub(super) async fn no_head(&self, probe: &Probe, exchange: &Exchange, place: &Place) -> Error {
        let Some(shortest) = self.read.iter().chain(&self.write).min().copied() else {
            return std::future::pending().await;
        };
        let mut due = Instant::now() + shortest;
        loop {
            sleep_until(due).await;
            let now = Instant::now();
            let slow = progress(probe, exchange);
            let limit =
                slow.and_then(|(_, is_write)| if is_write { self.write } else { self.read });
            let (Some((since, is_write)), Some(limit)) = (slow, limit) else {
                // There is nothing to wait for that has a limit, so it is enough to look again then.
                due = now + shortest;
                continue;
            };
            due = since + limit;
            if due <= now {
                return if is_write {
                    not_taken(limit, place)
                } else {
                    silent(limit, place, Phase::Head)
                };
            }
        }
    }
}

/// Since when the server is slow, and whether it is so in taking the request. `None` while there is no connection, or
/// the caller has not brought the next piece.
fn progress(probe: &Probe, exchange: &Exchange) -> Option<(Instant, bool)> {
    let connected = probe.sent_at()?;
    let writing = probe.writing();
    let wrote = writing.map_or(connected, |writing| writing.since.max(connected));
    if writing.is_some_and(|writing| writing.is_blocked) {
        return Some((wrote, true));
    }
    match exchange.sent() {
        Sent::All(at) => Some((at.map_or(wrote, |at| wrote.max(at.into())), false)),
        Sent::Writing(at) => Some((wrote.max(at.into()), true)),
        Sent::Awaited => None,
    }
}

fn not_taken(limit: Duration, place: &Place) -> Error {
    let message = format!(
        "{} takes no more of the request for {} s (the `write` timeout)",
        place.origin,
        limit.as_secs_f64()
    );
    Error::new(ErrorKind::WriteTimeout, message)
        .at(Phase::Head)
        .retryable(true)
        .maybe_processed(true)
}

fn silent(limit: Duration, place: &Place, phase: Phase) -> Error {
    let message = format!(
        "no bytes from {} for {} s (the `read` timeout)",
        place.origin,
        limit.as_secs_f64()
    );
    Error::new(ErrorKind::ReadTimeout, message)
        .at(phase)
        .retryable(true)
        .maybe_processed(true)
}

/// The limit between two reads of a body, on one timer. It is set again only if it fires too early.
pub(super) struct Gap {
    limit: Option<Duration>,
    since: Instant,
    // How long the reader had been elsewhere by then.
    away_before: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Gap {
    pub(super) fn new(limit: Option<Duration>, exchange: &Exchange) -> Self {
        Self {
            limit,
            since: Instant::now(),
            away_before: exchange.away(),
            timer: None,
        }
    }

    /// Bytes have arrived, or the reader has made room.
    pub(super) fn restart(&mut self, exchange: &Exchange) {
        if self.limit.is_some() {
            self.since = Instant::now();
            self.away_before = exchange.away();
        }
    }

    /// Waits until the next bytes are overdue.
    pub(super) async fn overdue(&mut self, exchange: &Exchange, place: &Place) -> Error {
        let Some(limit) = self.limit else {
            return std::future::pending().await;
        };
        loop {
            let due = self.since + limit;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            timer.as_mut().await;
            // Time that a sync reader spent elsewhere does not count, because nothing drove the connection.
            let due = due + exchange.away().saturating_sub(self.away_before);
            if due <= Instant::now() {
                return silent(limit, place, Phase::Body);
            }
            timer.as_mut().reset(due);
        }
    }
}
