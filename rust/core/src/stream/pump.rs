//! The producer of one stream: makes attempts, then reads the body into the queue under the timers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::clock::Clock;
use super::queue::{Queue, closed_error};
use super::reader::Reader;
use crate::call::{Reception, Session, no_body, run_attempts};
use crate::client::Call;
use crate::error::{Error, ErrorKind, Phase};
use crate::http::{Body, Head, Probe, Transport};
use crate::wire::Step;

/// How long to wait for the end of the body after the terminal mark, so that the connection can be reused.
const DRAIN: Duration = Duration::from_millis(250);

/// Makes a call, streams its reply into `queue` and ends with [`Queue::finish`].
///
/// Then it goes on for up to 250 ms to give the connection back, so drive it until it returns. It also returns when
/// the reader closes the queue. Dropping it closes the connection.
pub async fn pump(transport: &Transport, call: Call, queue: Arc<Queue>) {
    let mut session = Session::new(transport, &call);
    let streamed = Streamed {
        call: &call,
        queue: &queue,
    };
    let (end, rest) = match run_attempts(&mut session, &streamed).await {
        Ok((_, rest)) => (Ok(()), rest),
        Err(error) => (Err(error), None),
    };
    let (timing, attempts) = session.into_report();
    queue.finish(end, timing, attempts);
    if let Some(mut body) = rest {
        let place = &call.outgoing.place;
        let drain = async { while let Ok(Some(_)) = body.frame(place).await {} };
        // If the server goes on sending, the connection closes.
        let _ = timeout(DRAIN, drain).await;
    }
}

/// Receives a reply as a stream into a queue.
struct Streamed<'a> {
    call: &'a Call,
    queue: &'a Queue,
}

/// One attempt at a stream.
struct InFlight<'a> {
    reader: Reader<'a>,
    clock: Clock,
}

impl<'a> Reception for Streamed<'a> {
    type Attempt = InFlight<'a>;
    /// The body, if it has to be drained.
    type Reply = Option<Body>;

    fn begin(&self) -> InFlight<'a> {
        InFlight {
            reader: Reader::new(self.call, self.queue.wants_raw()),
            clock: Clock::new(self.call),
        }
    }

    async fn head_overdue(&self, attempt: &mut InFlight<'a>, probe: &Probe) -> Error {
        attempt.clock.no_head(probe, self.call).await
    }

    async fn read(
        &self,
        attempt: &mut InFlight<'a>,
        probe: &Probe,
        head: &Head,
        mut body: Body,
    ) -> Result<Option<Body>, Error> {
        let InFlight { reader, clock } = attempt;
        let queue = self.queue;
        let place = &self.call.outgoing.place;
        queue.publish_head(head.clone());
        clock.note_sent(probe.sent_at(), queue);
        let mut is_first = true;
        loop {
            if !queue.has_room() {
                if !queue.room().await {
                    return Err(closed_error());
                }
                // A slow reader does not count as a silent server.
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
                    reader.publish(queue)?;
                    return verdict.map(|()| None);
                }
                Err(error) => return Err(interrupted(&error)),
            };
            clock.note_bytes();
            if is_first && is_document(&frame) {
                // Some servers ignore `stream` and answer whole, and some answer 200 with an error or a page.
                let cap = self.call.client.config.limits.max_reply_bytes;
                let whole = body.whole_after(frame, cap, place).await?;
                reader.whole_reply(&whole)?;
                reader.publish(queue)?;
                return Ok(None);
            }
            is_first &= frame.trim_ascii().is_empty();
            let verdict = reader.feed(&frame);
            if reader.publish(queue)? {
                clock.note_content(queue);
            }
            if verdict? == Step::Done {
                return Ok(Some(body));
            }
        }
    }

    /// What the reader has seen cannot be taken back, so there is no other attempt after that.
    fn may_repeat(&self, attempt: &InFlight<'a>) -> bool {
        !attempt.reader.has_surfaced()
    }

    async fn abandoned(&self) -> Error {
        self.queue.closed().await;
        closed_error()
    }

    fn logged(&self, _: Option<&Option<Body>>) -> Bytes {
        let reply = self.queue.snapshot().0;
        serde_json::to_vec(&reply).unwrap_or_default().into()
    }
}

/// The error of a connection that broke in the middle of a stream.
fn interrupted(error: &Error) -> Error {
    let message = format!("the stream broke before its end: {}", error.message());
    Error::new(ErrorKind::StreamInterrupted, message)
        .at(Phase::Body)
        .retryable(true)
        .maybe_processed(true)
}

/// Whether a body is a JSON or HTML document: no line of an event stream begins like that.
fn is_document(frame: &[u8]) -> bool {
    let text = frame.strip_prefix(b"\xef\xbb\xbf").unwrap_or(frame);
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'[' | b'<'))
}
