//! The producer of one stream: makes attempts, then reads the body into the queue under the timers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use super::clock::Clock;
use super::ends::closed_error;
use super::queue::Queue;
use super::reader::Reader;
use crate::call::{LoggedBody, Reception, Session, no_body, run_attempts};
use crate::client::Call;
use crate::error::{Attempt, Error, ErrorKind, Phase};
use crate::http::{Body, Head, Probe, Transport};
use crate::wire::Step;
use crate::workers::Workers;

/// How long to wait for the end of the body after the terminal mark, so that the connection can be reused, and after a
/// document, because more of them would follow in a stream that we do not read.
pub(crate) const DRAIN: Duration = Duration::from_millis(250);

/// How many bytes may follow the terminal mark. A server that sends more would cost more than another connection, and
/// could keep many of its streams busy after their ends.
const DRAIN_BYTES: usize = 64 << 10;

/// How many bytes are read before the other tasks of the thread get a turn.
const SLICE: usize = 16 << 10;

/// Makes a call, streams its reply into `queue` and ends with [`Queue::finish`].
///
/// Then it goes on for up to 250 ms to give the connection back, so drive it until it returns. It also returns when
/// the reader closes the queue. Dropping it closes the connection.
pub fn pump(
    transport: &Transport,
    call: impl Into<Box<Call>>,
    queue: Arc<Queue>,
) -> impl Future<Output = ()> {
    // A future holds what is passed to it more than once.
    pump_boxed(transport, call.into(), queue)
}

async fn pump_boxed(transport: &Transport, call: Box<Call>, queue: Arc<Queue>) {
    let mut session = Session::new(transport, &call);
    let streamed = Streamed {
        call: &call,
        queue: &queue,
        workers: transport.hub().workers(),
        unseen: Mutex::default(),
    };
    let (end, rest) = match run_attempts(&mut session, &streamed).await {
        Ok((_, rest)) => (Ok(()), rest),
        Err(error) => (Err(error), None),
    };
    let (timing, attempts) = session.into_report();
    let workers = transport.hub().workers();
    let finished = Arc::clone(&queue);
    let unseen = streamed.unseen.into_inner();
    workers
        .run(long_from_1_mib(queue.reply_bytes()), move || {
            if let Some(mut reader) = unseen {
                // The call has failed already. What is too large is not in its partial reply.
                let _ = reader.publish(&finished);
            }
            finished.finish(end, timing, attempts);
        })
        .await;
    if let Some(mut body) = rest {
        let place = &call.outgoing.place;
        let drain = async {
            let mut drained = 0;
            while drained < DRAIN_BYTES
                && let Ok(Some(frame)) = body.frame(place).await
            {
                drained += frame.len();
            }
        };
        // If the server goes on sending, the connection closes.
        let _ = timeout(DRAIN, drain).await;
    }
    // If the reader has gone, the reply goes now.
    workers.free(long_from_1_mib(queue.reply_bytes()), queue);
}

/// The size of a step that works on the whole reply so far. A reply of 1 MiB is copied or freed in about 1 ms, so a
/// smaller one is not worth a thread.
fn long_from_1_mib(reply_bytes: usize) -> usize {
    if reply_bytes < 1 << 20 {
        0
    } else {
        reply_bytes
    }
}

/// Receives a reply as a stream into a queue.
struct Streamed<'a> {
    call: &'a Call,
    queue: &'a Arc<Queue>,
    workers: &'a Workers,
    /// The reader of a failed attempt of which nothing was passed on. If no attempt follows, what it has read is part of the
    /// reply; otherwise it is not.
    unseen: Mutex<Option<Box<Reader>>>,
}

/// One attempt at a stream.
struct InFlight {
    clock: Clock,
    // Whether the reader may have seen some of it.
    has_surfaced: bool,
}

/// What a step of the reader brought.
struct Fed {
    reader: Reader,
    verdict: Result<Step, Error>,
    has_content: bool,
}

impl Streamed<'_> {
    /// Reads bytes and publishes their chunks; `None` stands for the end of the body. A large event is read by a worker.
    // The future has room for one reader. An `async fn` would have room for three.
    fn feed(&self, mut reader: Reader, bytes: Option<Bytes>) -> impl Future<Output = Fed> {
        let new = bytes.as_ref().map_or(0, Bytes::len);
        let queue = Arc::clone(self.queue);
        // A reader may be copying a large reply. Only a worker may wait for that.
        let size = reader
            .step_bytes(new)
            .max(long_from_1_mib(queue.reply_bytes()));
        let step = move || {
            let verdict = match bytes {
                Some(bytes) => reader.feed(&bytes),
                None => reader.end_of_body().map(|()| Step::Done),
            };
            let is_unseen = verdict.is_err() && !reader.has_surfaced();
            let published = if is_unseen {
                Ok(false)
            } else {
                reader.publish(&queue)
            };
            let (has_content, verdict) = match published {
                Ok(has_content) => (has_content, verdict),
                // It is too large, whatever follows.
                Err(error) => (false, Err(error)),
            };
            Fed {
                reader,
                verdict,
                has_content,
            }
        };
        self.workers.run(size, step)
    }

    /// Reads the end of the body.
    async fn end(&self, attempt: &mut InFlight, reader: Reader) -> Result<Option<Body>, Error> {
        let fed = self.feed(reader, None).await;
        attempt.has_surfaced = fed.reader.has_surfaced();
        match fed.verdict {
            Ok(_) => Ok(None),
            Err(error) => Err(self.failed_in(fed.reader, error)),
        }
    }

    /// Keeps the reader of a failed attempt if nothing of it was passed on, and returns the error.
    fn failed_in(&self, reader: Reader, error: Error) -> Error {
        if !reader.has_surfaced() {
            *self.unseen.lock() = Some(Box::new(reader));
        }
        error
    }

    /// Waits until there is room for more.
    async fn room(&self, clock: &mut Clock) -> Result<(), Error> {
        // A slow reader does not count as a silent server, but only content makes a reader slow.
        let has_content = self.queue.has_content();
        let is_open = tokio::select! {
            biased;
            is_open = self.queue.room() => is_open,
            error = clock.silence(self.queue, &self.call.outgoing.place), if !has_content => return Err(error),
        };
        if !is_open {
            return Err(closed_error());
        }
        if has_content {
            clock.resume(self.queue);
        }
        Ok(())
    }
}

impl Reception for Streamed<'_> {
    type Attempt = InFlight;
    /// The body, if it has to be drained.
    type Reply = Option<Body>;

    fn begin(&self, started: f64, probe: &Arc<Probe>) -> InFlight {
        self.queue.note(|attempts| attempts.begin(started, probe));
        InFlight {
            clock: Clock::new(self.call.timeout.first_token, self.call.timeout.idle),
            has_surfaced: false,
        }
    }

    fn failed(&self, attempts: &[Attempt]) {
        *self.unseen.lock() = None;
        self.queue.note(|noted| noted.over(attempts.to_vec()));
    }

    async fn head_overdue(&self, attempt: &mut InFlight, probe: &Probe) -> Error {
        attempt
            .clock
            .no_head(probe, &self.call.outgoing.place)
            .await
    }

    async fn read(
        &self,
        attempt: &mut InFlight,
        probe: &Probe,
        head: &Head,
        mut body: Body,
    ) -> Result<Option<Body>, Error> {
        let clock = &mut attempt.clock;
        let queue = self.queue;
        let place = &self.call.outgoing.place;
        let mut reader = Reader::new(self.call, queue.wants_raw(), self.workers);
        queue.publish_head(head.clone());
        clock.note_sent(probe.sent_at(), queue);
        let mut is_first = true;
        // When a body is over, although its bytes may go on.
        let mut over_at = None;
        // What has arrived and was not read yet.
        let mut rest = Bytes::new();
        loop {
            if !queue.has_room() {
                self.room(clock).await?;
            }
            if rest.is_empty() {
                let next = tokio::select! {
                    biased;
                    // Some servers send a whole reply and keep the connection open.
                    () = passed(over_at) => Ok(None),
                    next = body.frame(place) => next,
                    error = clock.silence(queue, place), if over_at.is_none() => return Err(error),
                };
                rest = match next {
                    Ok(Some(frame)) if frame.is_empty() => continue,
                    Ok(Some(frame)) => frame,
                    Ok(None) if is_first => return Err(no_body(head)),
                    Ok(None) => return self.end(attempt, reader).await,
                    // Of what has not ended, the terminal mark alone is certain.
                    Err(_) if reader.is_at_mark() => return self.end(attempt, reader).await,
                    Err(error) if reader.has_document() => {
                        if reader.is_document_whole() && body.may_be_whole(&error) {
                            return self.end(attempt, reader).await;
                        }
                        return Err(error);
                    }
                    Err(error) => {
                        reader.flush();
                        if reader.has_surfaced() {
                            reader.publish(queue)?;
                        }
                        return Err(self.failed_in(reader, interrupted(error)));
                    }
                };
                clock.note_bytes();
                is_first &= rest.trim_ascii().is_empty();
            } else {
                // However much arrives at once, the other calls of this thread get their turns.
                yield_now().await;
            }
            let bytes = rest.split_to(rest.len().min(SLICE));
            let fed = self.feed(reader, Some(bytes)).await;
            reader = fed.reader;
            attempt.has_surfaced = reader.has_surfaced();
            if fed.has_content {
                clock.note_content(queue);
            }
            match fed.verdict {
                Ok(Step::Done) => return Ok(Some(body)),
                Ok(Step::Continue) => {}
                Err(error) => return Err(self.failed_in(reader, error)),
            }
            if over_at.is_none() && reader.is_settled() {
                over_at = Some(Instant::now() + DRAIN);
            }
            if !fed.has_content && over_at.is_none() {
                clock.check(queue, place)?;
            }
        }
    }

    /// What the reader has seen cannot be taken back, so there is no other attempt after that.
    fn may_repeat(&self, attempt: &InFlight) -> bool {
        !attempt.has_surfaced
    }

    async fn abandoned(&self) -> Error {
        self.queue.closed().await;
        closed_error()
    }

    fn logged(&self, _: Option<&Option<Body>>) -> LoggedBody {
        let queue = Arc::clone(self.queue);
        Box::new(move || {
            let reply = queue.snapshot().0;
            serde_json::to_vec(&*reply).unwrap_or_default().into()
        })
    }
}

/// The error of a connection that broke in the middle of a stream. What cannot be unpacked did not break there.
fn interrupted(error: Error) -> Error {
    if let ErrorKind::Decode | ErrorKind::ResponseTooLarge = error.kind() {
        return error;
    }
    let message = format!("the stream broke before its end: {}", error.message());
    Error::new(ErrorKind::StreamInterrupted, message)
        .at(Phase::Body)
        .retryable(true)
        .maybe_processed(true)
}

/// Waits until this time, or forever without one.
async fn passed(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
