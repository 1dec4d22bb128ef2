//! One call: attempts, waits and the deadline over all of them.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::client::Call;
use crate::error::{Attempt, Error, ErrorKind};
use crate::http::{Head, Transport};
use crate::message::{Reply, Timing};
use crate::panic::guard;
use crate::redact;

mod session;

pub(crate) use session::{Failure, Session};

/// A whole reply and how it came.
#[derive(Debug, Clone)]
pub struct Completed {
    /// The reply.
    pub reply: Reply,
    /// The head of the response that brought it.
    pub head: Head,
    /// How long each stage took.
    pub timing: Timing,
    /// Every attempt; the last one succeeded.
    pub attempts: Vec<Attempt>,
    /// The body as received.
    pub raw: Bytes,
}

/// A whole body that no dialect reads, and how it came.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The head of the response.
    pub head: Head,
    /// How long each stage took.
    pub timing: Timing,
    /// Every attempt; the last one succeeded.
    pub attempts: Vec<Attempt>,
    /// The body as received.
    pub raw: Bytes,
}

/// Makes a call whose reply comes whole. Dropping the future closes the connection.
pub async fn complete(transport: &Transport, call: Call) -> Result<Completed, Error> {
    let decode = |body: &[u8]| call.client.dialect.decode_reply(body);
    let (mut reply, fetched) = run(transport, &call, decode).await?;
    // A header's id is what the provider's support asks for.
    if fetched.head.request_id.is_some() {
        reply.request_id.clone_from(&fetched.head.request_id);
    }
    Ok(Completed {
        reply,
        head: fetched.head,
        timing: fetched.timing,
        attempts: fetched.attempts,
        raw: fetched.raw,
    })
}

/// Makes a call whose body the caller reads, as for [`crate::client::Client::models_call`].
pub async fn fetch(transport: &Transport, call: Call) -> Result<Fetched, Error> {
    let ((), mut fetched) = run(transport, &call, |_| Ok(())).await?;
    // The body may end up in an error of the caller's, and a server may echo what it was sent.
    if call.key.is_some() {
        let raw = Vec::from(fetched.raw);
        fetched.raw = redact::bytes_without_secret(raw, call.key.as_ref()).into();
    }
    Ok(fetched)
}

async fn run<T>(
    transport: &Transport,
    call: &Call,
    decode: impl Fn(&[u8]) -> Result<T, Error>,
) -> Result<(T, Fetched), Error> {
    let mut session = Session::new(transport, call);
    session.log_start();
    let deadline = session.deadline();
    // Boxed once: every wrapper around it would otherwise hold its bytes twice.
    let work = Box::pin(attempts(&mut session, decode));
    let outcome = guard(within(deadline, work)).await;
    let outcome = match outcome {
        Ok(Some(outcome)) => outcome,
        Ok(None) => Err(session.deadline_exceeded()),
        Err(panic) => Err(session.abandon(panic)),
    };
    if let Ok((_, _, raw)) = &outcome {
        session.log_body(false, raw);
    }
    session.log_end(outcome.as_ref().err());
    let (value, head, raw) = outcome?;
    let (timing, attempts) = session.into_report();
    let fetched = Fetched {
        head,
        timing,
        attempts,
        raw,
    };
    Ok((value, fetched))
}

/// Runs `work` up to `deadline`; `None` when that came first.
pub(crate) async fn within<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

async fn attempts<T>(
    session: &mut Session<'_>,
    decode: impl Fn(&[u8]) -> Result<T, Error>,
) -> Result<(T, Head, Bytes), Error> {
    loop {
        let failure = match one_attempt(session, &decode).await {
            Ok(whole) => {
                session.succeed(&whole.1);
                return Ok(whole);
            }
            Err(failure) => failure,
        };
        session.again(failure).await?;
    }
}

async fn one_attempt<T>(
    session: &mut Session<'_>,
    decode: impl Fn(&[u8]) -> Result<T, Error>,
) -> Result<(T, Head, Bytes), Failure> {
    let probe = session.probe();
    let (head, body) = session.open(&probe).await?;
    let cap = session.call().client.config.limits.max_reply_bytes;
    let failed = |error: Error| Failure::after_head(error, &head);
    let raw = body
        .whole(cap, &session.call().outgoing.place)
        .await
        .map_err(failed)?;
    if raw.is_empty() {
        return Err(failed(no_body(&head)));
    }
    let value = decode(&raw).map_err(|error| failed(session.cleaned(error)))?;
    Ok((value, head, raw))
}

/// A success without a body: the provider answered nothing.
pub(crate) fn no_body(head: &Head) -> Error {
    let message = format!("the server answered {} without a body", head.status);
    Error::new(ErrorKind::UnexpectedContent, message).maybe_processed(true)
}

/// Seconds, as reports give them.
pub(crate) fn secs(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
