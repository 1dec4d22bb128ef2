//! One stream: attempts up to a head, then bytes to events to deltas to the queue, under the timers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::clock::Clock;
use super::queue::Queue;
use super::reader::{Reader, Verdict};
use crate::call::{Failure, Session, no_body, within};
use crate::client::Call;
use crate::error::{Error, ErrorKind, Phase};
use crate::http::{Body, Head, Place, Probe, Transport};
use crate::panic::guard;

/// How long the bytes behind the terminal mark are waited for, so that the connection can be used again.
const DRAIN: Duration = Duration::from_millis(250);

/// Makes a call whose reply is streamed into `queue`, and ends with [`Queue::finish`].
///
/// It goes on for up to 250 ms after the queue's end, to give the connection back: drive it until it
/// returns. Dropping it at any point closes the connection. When the reader closes the queue it returns by itself.
pub async fn pump(transport: &Transport, call: Call, queue: Arc<Queue>) {
    let mut session = Session::new(transport, &call);
    session.log_start();
    let deadline = session.deadline();
    let work = attempts(&mut session, &queue);
    // Boxed once: every wrapper around it would otherwise hold its bytes twice.
    let work = guard(within(deadline, Box::pin(work)));
    let outcome = tokio::select! {
        biased;
        outcome = work => Some(outcome),
        () = queue.closed() => None,
    };
    let outcome = match outcome {
        Some(Ok(Some(outcome))) => outcome,
        Some(Ok(None)) => Err(session.deadline_exceeded()),
        Some(Err(panic)) => Err(session.abandon(panic)),
        None => Err(session.abandon(closed())),
    };
    if transport.hub().log().shows_bodies() {
        let reply = serde_json::to_vec(&queue.snapshot().0).unwrap_or_default();
        session.log_body(false, &reply);
    }
    session.log_end(outcome.as_ref().err());
    let (end, rest) = match outcome {
        Ok(rest) => (Ok(()), rest),
        Err(error) => (Err(error), None),
    };
    let (timing, attempts) = session.into_report();
    queue.finish(end, timing, attempts);
    if let Some(mut body) = rest {
        let place = &call.outgoing.place;
        let drain = async { while let Ok(Some(_)) = body.frame(place).await {} };
        // A server that goes on talking costs its connection, nothing else.
        let _ = timeout(DRAIN, drain).await;
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::ClientClosed,
        "the stream was closed before it ended",
    )
}

/// Attempts until one brings the whole reply. Gives the body that is still to be drained.
async fn attempts(session: &mut Session<'_>, queue: &Queue) -> Result<Option<Body>, Error> {
    loop {
        let mut reader = Reader::new(session.call(), queue.wants_raw());
        let failure = match one_attempt(session, queue, &mut reader).await {
            Ok((head, rest)) => {
                session.succeed(&head);
                return Ok(rest);
            }
            Err(failure) => failure,
        };
        // What the reader has seen cannot be taken back, so from here on there is one attempt only.
        if reader.has_surfaced() {
            return Err(session.fail(failure));
        }
        session.again(failure).await?;
    }
}

async fn one_attempt(
    session: &mut Session<'_>,
    queue: &Queue,
    reader: &mut Reader<'_>,
) -> Result<(Head, Option<Body>), Failure> {
    let call = session.call();
    let probe = session.probe();
    let mut clock = Clock::new(call);
    let (head, body) = tokio::select! {
        biased;
        opened = session.open(&probe) => opened?,
        error = clock.no_head(&probe, call) => return Err(error.into()),
    };
    queue.publish_head(head.clone());
    clock.sent(probe.sent_at(), queue);
    let place = &call.outgoing.place;
    match read(reader, body, queue, &mut clock, place, &head).await {
        Ok(rest) => Ok((head, rest)),
        Err(error) => Err(Failure::after_head(session.cleaned(error), &head)),
    }
}

async fn read(
    reader: &mut Reader<'_>,
    mut body: Body,
    queue: &Queue,
    clock: &mut Clock,
    place: &Place,
    head: &Head,
) -> Result<Option<Body>, Error> {
    let mut is_first = true;
    loop {
        if !queue.has_room() {
            if !queue.room().await {
                return Err(closed());
            }
            // The reader's pace is not the server's silence.
            clock.resume(queue);
        }
        let next = tokio::select! {
            biased;
            next = body.frame(place) => next,
            error = clock.silence(queue, place) => return Err(error),
        };
        let frame = match next {
            Ok(Some(frame)) if frame.is_empty() => continue,
            Ok(Some(frame)) => frame,
            Ok(None) if is_first => return Err(no_body(head)),
            Ok(None) => {
                let verdict = reader.end_of_body();
                reader.publish(queue);
                return verdict.map(|()| None);
            }
            Err(error) => return Err(interrupted(&error)),
        };
        clock.bytes();
        if is_first && is_document(&frame) {
            return document(reader, frame, body, queue, place).await;
        }
        is_first &= frame.trim_ascii().is_empty();
        let verdict = reader.feed(&frame);
        if reader.publish(queue) {
            clock.content(queue);
        }
        match verdict? {
            Verdict::More => {}
            Verdict::Done => return Ok(Some(body)),
        }
    }
}

/// A broken transport in the middle of a stream.
fn interrupted(error: &Error) -> Error {
    let message = format!("the stream broke before its end: {}", error.message());
    Error::new(ErrorKind::StreamInterrupted, message)
        .at(Phase::Body)
        .retryable(true)
        .maybe_processed(true)
}

/// Whether a body is one JSON or HTML document instead of events: no line of an event stream begins so.
fn is_document(frame: &[u8]) -> bool {
    let text = frame.strip_prefix(b"\xef\xbb\xbf").unwrap_or(frame);
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'[' | b'<'))
}

/// Some servers ignore `stream` and answer whole, and some answer 200 with an error or a page.
async fn document(
    reader: &mut Reader<'_>,
    first: Bytes,
    body: Body,
    queue: &Queue,
    place: &Place,
) -> Result<Option<Body>, Error> {
    let whole = body
        .whole_after(first, reader.max_reply_bytes(), place)
        .await?;
    reader.whole_reply(&whole)?;
    reader.publish(queue);
    Ok(None)
}
