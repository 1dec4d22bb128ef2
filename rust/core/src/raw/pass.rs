//! The task that carries out a request.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderValue, TRANSFER_ENCODING};
use http::response::Parts;
use tokio::time::timeout;

use super::call::RawCall;
use super::exchange::{Exchange, RawHead};
use super::judge::Judge;
use super::limits::{Gap, RawLimits};
use crate::error::{Error, ErrorKind, Phase};
use crate::http::{Body, Payload, Place, Probe, Transport, mistake, send_as_is};
use crate::panic::guard;
use crate::stream::{Clock, DRAIN, closed_error};

/// How much is read of what a test did wrong.
const MISTAKE_BYTES: usize = 64 << 10;

/// A request that met the end of an idle connection knows it after one round trip. A server that ends the connection
/// later has most likely read the request, and may be working on it.
const ROUND_TRIP: Duration = Duration::from_secs(1);

/// Carries out a request, and fills its exchange. Drive it until it returns; it also returns when the reader closes the
/// exchange. Dropping it closes the connection.
pub async fn pass(transport: &Transport, call: Box<RawCall>) {
    let exchange = Arc::clone(&call.exchange);
    let mut work = Box::pin(guard(carry_out(transport, *call)));
    let end = tokio::select! {
        biased;
        end = &mut work => end.unwrap_or_else(Err),
        () = exchange.closed() => {
            if exchange.is_read() {
                // If the server goes on sending, the connection closes.
                let _ = timeout(DRAIN, work).await;
            }
            Err(closed_error())
        }
    };
    exchange.finish(end);
}

async fn carry_out(transport: &Transport, call: RawCall) -> Result<(), Error> {
    let exchange = Arc::clone(&call.exchange);
    let mut clock = Clock::new(call.limits.first_token, call.limits.idle);
    let (parts, body, probe) = Box::pin(open(transport, &call, &clock)).await?;
    let has_header = |name: &str| parts.headers.contains_key(name);
    if call.interception.is_mistake(has_header) {
        let (said, _) = body.up_to(MISTAKE_BYTES, &call.outgoing.place).await;
        return Err(mistake(&said));
    }
    let judge = call
        .asked
        .and_then(|asked| Judge::new(asked, &parts, transport.hub().workers()));
    clock.note_sent(probe.sent_at(), &exchange);
    exchange.publish_head(RawHead::of(&parts));
    let mut reading = Reading {
        call: &call,
        exchange: &exchange,
        probe: &probe,
        is_refused: parts.status.as_u16() >= 400,
        clock,
        judge,
    };
    let read = reading.read(body).await;
    transport.touch();
    match (read, &mut reading.judge) {
        (Ok(()), Some(judge)) => judge.end(&call.outgoing.place).await,
        (Err(error), Some(judge)) if error.kind() != ErrorKind::ClientClosed => {
            Err(judge.broken(error).await)
        }
        (read, _) => read,
    }
}

/// Makes attempts up to a head: a second one if the first met the end of an idle connection.
async fn open(
    transport: &Transport,
    call: &RawCall,
    clock: &Clock,
) -> Result<(Parts, Body, Arc<Probe>), Error> {
    let RawCall {
        outgoing, limits, ..
    } = call;
    let connection = limits.of_connection();
    let is_stream = call.asked.is_some_and(|asked| asked.is_stream);
    let mut fresh = false;
    loop {
        let probe = Probe::of_writing(Arc::clone(&outgoing.origin), &connection);
        let sent = tokio::select! {
            biased;
            sent = send_as_is(transport, outgoing, &probe, fresh) => sent,
            error = limits.no_head(&probe, &call.exchange, &outgoing.place) => return Err(error),
            error = clock.no_head(&probe, &outgoing.place), if is_stream => return Err(error),
        };
        match sent {
            // Pieces that were taken cannot be sent again.
            Err(error)
                if !fresh
                    && matches!(outgoing.body, Payload::Bytes(_))
                    && probe.lost_idle(&error)
                    && probe.sent_at().is_some_and(|at| at.elapsed() < ROUND_TRIP) =>
            {
                fresh = true;
            }
            Err(error) => return Err(error),
            Ok((parts, body)) => {
                check_coding(&parts, &outgoing.place)?;
                return Ok((parts, body, probe));
            }
        }
    }
}

/// Refuses a body that would be passed on in a coding which no one above removes.
fn check_coding(head: &Parts, place: &Place) -> Result<(), Error> {
    let is_known = |coding: &HeaderValue| {
        let coding = coding.as_bytes();
        coding.eq_ignore_ascii_case(b"chunked") || coding.eq_ignore_ascii_case(b"identity")
    };
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    if codings.all(is_known) {
        return Ok(());
    }
    let message = format!(
        "{} does not speak valid HTTP/1.1 (its reply has a transfer-encoding other than chunked)",
        place.origin
    );
    Err(Error::new(ErrorKind::Protocol, message)
        .at(Phase::Head)
        .maybe_processed(true))
}

/// Whether a stream had no content for too long.
fn is_silence(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ContentTimeout | ErrorKind::StallTimeout
    )
}

/// Reads one body.
struct Reading<'a> {
    call: &'a RawCall,
    exchange: &'a Exchange,
    probe: &'a Probe,
    // The server may leave the rest of a request that it refuses.
    is_refused: bool,
    clock: Clock,
    judge: Option<Judge>,
}

impl Reading<'_> {
    async fn read(&mut self, mut body: Body) -> Result<(), Error> {
        let (exchange, clock) = (self.exchange, &mut self.clock);
        let place = &self.call.outgoing.place;
        let mut gap = Gap::new(self.call.limits.read, exchange);
        // The server may answer before it has the request.
        let of_writing = RawLimits {
            read: None,
            ..self.call.limits
        };
        let mut not_taken = pin!(of_writing.no_head(self.probe, exchange, place));
        loop {
            if !exchange.has_room() {
                if !exchange.room().await {
                    return Err(closed_error());
                }
                // A slow reader does not count as a silent server.
                gap.restart(exchange);
                clock.resume(exchange);
            }
            let judge = self.judge.as_ref();
            let is_whole = judge.is_some_and(Judge::is_whole);
            let judged = is_whole || judge.is_some_and(Judge::is_reading);
            let next = tokio::select! {
                biased;
                next = body.frame(place) => next,
                error = gap.overdue(exchange, place) => return Err(error),
                error = &mut not_taken, if !self.is_refused => return Err(error),
                error = clock.silence(exchange, place), if judged => Err(error),
            };
            let bytes = match next {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(()),
                // Many servers end TLS without its closing message, and some go on with comments.
                Err(error) if is_whole && (body.may_be_whole(&error) || is_silence(&error)) => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                continue;
            }
            gap.restart(exchange);
            clock.note_bytes();
            if let Some(judge) = &mut self.judge {
                if judge.feed(&bytes).await {
                    clock.note_content(exchange);
                } else if judge.is_reading() {
                    clock.check(exchange, place)?;
                } else if judge.is_whole() && clock.check(exchange, place).is_err() {
                    return Ok(());
                }
                if judge.is_whole() {
                    exchange.note_whole();
                }
                if judge.is_short() {
                    // Its reader stops there.
                    exchange.note_short();
                    exchange.publish(bytes);
                    return Ok(());
                }
            }
            exchange.publish(bytes);
        }
    }
}
