//! The loop over the attempts of a call, for whole replies and for streams.

use std::future::pending;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::failure::Failure;
use super::session::{LoggedBody, Session};
use crate::error::{Attempt, Error};
use crate::http::{Body, Head, Probe};
use crate::panic::guard;

/// How a reply is received: whole or as a stream.
pub(crate) trait Reception {
    /// What an attempt has to remember while it runs.
    type Attempt;
    /// What a successful attempt returns.
    type Reply;

    /// Starts an attempt, `started` seconds after the call.
    fn begin(&self, started: f64, probe: &Arc<Probe>) -> Self::Attempt;

    /// Learns which attempts have failed, before the wait for the next one. By default it does not care.
    fn failed(&self, _: &[Attempt]) {}

    /// Waits until the head is overdue. By default it never is.
    async fn head_overdue(&self, _: &mut Self::Attempt, _: &Probe) -> Error {
        pending().await
    }

    /// Reads the body that follows `head`.
    async fn read(
        &self,
        attempt: &mut Self::Attempt,
        probe: &Probe,
        head: &Head,
        body: Body,
    ) -> Result<Self::Reply, Error>;

    /// Whether another attempt may follow this one, which failed.
    fn may_repeat(&self, _: &Self::Attempt) -> bool {
        true
    }

    /// Waits until the caller no longer wants the reply.
    async fn abandoned(&self) -> Error {
        pending().await
    }

    /// Returns the body as the log shows it; `reply` is `None` if the call failed.
    fn logged(&self, reply: Option<&Self::Reply>) -> LoggedBody;
}

/// Makes attempts until one succeeds, no other may follow, the deadline of the call passes, or the caller no longer
/// wants the reply.
pub(crate) async fn run<R: Reception>(
    session: &mut Session<'_>,
    reception: &R,
) -> Result<(Head, R::Reply), Error> {
    session.log_start().await;
    let deadline = session.deadline();
    // Boxed, because each of the wrappers below would otherwise hold its bytes twice.
    let work = Box::pin(attempts(session, reception));
    let work = guard(within(deadline, work));
    let outcome = tokio::select! {
        biased;
        outcome = work => Ok(outcome),
        abandoned = reception.abandoned() => Err(abandoned),
    };
    let outcome = match outcome {
        Ok(Ok(Some(outcome))) => outcome,
        Ok(Ok(None)) => Err(session.deadline_exceeded()),
        Ok(Err(stopped)) | Err(stopped) => Err(session.abandon(stopped)),
    };
    let reply = outcome.as_ref().ok().map(|(_, reply)| reply);
    session
        .log_end(outcome.as_ref().err(), || reception.logged(reply))
        .await;
    outcome
}

/// Runs `work` up to `deadline`; `None` if that passes first.
async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

async fn attempts<R: Reception>(
    session: &mut Session<'_>,
    reception: &R,
) -> Result<(Head, R::Reply), Error> {
    loop {
        let (started, probe) = session.begin();
        let mut attempt = reception.begin(started, &probe);
        let failure = match one_attempt(session, reception, &mut attempt, &probe).await {
            Ok(received) => {
                session.succeed(&received.0);
                return Ok(received);
            }
            Err(failure) => session.cleaned(failure),
        };
        if !reception.may_repeat(&attempt) {
            return Err(session.fail(failure));
        }
        let wait = session.retry(failure)?;
        reception.failed(session.attempts());
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
    }
}

async fn one_attempt<R: Reception>(
    session: &mut Session<'_>,
    reception: &R,
    attempt: &mut R::Attempt,
    probe: &Arc<Probe>,
) -> Result<(Head, R::Reply), Failure> {
    // Boxed, so that its memory is free while the body is read.
    let opening = Box::pin(session.open(probe));
    let (head, body) = tokio::select! {
        biased;
        opened = opening => opened?,
        error = reception.head_overdue(attempt, probe) => return Err(error.into()),
    };
    match reception.read(attempt, probe, &head, body).await {
        Ok(reply) => Ok((head, reply)),
        Err(error) => Err(Failure::after_head(error, &head)),
    }
}
