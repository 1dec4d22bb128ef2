//! What one call knows over its attempts.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use super::echo;
use super::failure::{Failure, may_need_https, of_reply};
use crate::client::Call;
use crate::error::{Attempt, Error, ErrorKind, Phase};
use crate::http::{Body, Head, Probe, Transport, mistake, send};
use crate::log::Event;
use crate::message::Timing;
use crate::redact::shortened;
use crate::retry::{Decision, GaveUp, decide, server_hints, wait_in_body};

/// How many bytes of an error's body are kept.
const ERROR_BODY_BYTES: usize = 64 << 10;

/// Makes a body for the log, on another thread.
pub(crate) type LoggedBody = Box<dyn FnOnce() -> Bytes + Send>;

/// One call in progress.
pub(crate) struct Session<'a> {
    transport: &'a Transport,
    call: &'a Call,
    started: Instant,
    timing: Timing,
    attempts: Vec<Attempt>,
    retries: u32,
    // Tokens that the last retry took. Success gives them back.
    taken: u32,
    // Whether the next attempt needs a new connection.
    fresh: bool,
    lost_idle_retried: bool,
    // The current attempt: when it started, in seconds, and its probe.
    current: Option<(f64, Arc<Probe>)>,
    // The head of its response, or of the attempt before.
    head: Option<Head>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(transport: &'a Transport, call: &'a Call) -> Self {
        Self {
            transport,
            call,
            started: Instant::from_std(call.started),
            timing: Timing::default(),
            attempts: Vec::with_capacity(1),
            retries: 0,
            taken: 0,
            fresh: false,
            lost_idle_retried: false,
            current: None,
            head: None,
        }
    }

    fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.started.checked_add(self.call.timeout.total?)
    }

    /// Begins an attempt. Returns when that was, in seconds after the call, and its probe.
    pub(super) fn begin(&mut self) -> (f64, Arc<Probe>) {
        let probe = Probe::new(Arc::clone(&self.call.outgoing.origin), &self.call.timeout);
        let started = self.elapsed();
        self.current = Some((started, Arc::clone(&probe)));
        (started, probe)
    }

    /// The attempts that are over.
    pub(super) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Makes an attempt, up to a response head with a 2xx status.
    pub(super) async fn open(&mut self, probe: &Arc<Probe>) -> Result<(Head, Body), Failure> {
        self.head = None;
        let outgoing = &self.call.outgoing;
        self.timing = Timing::default();
        let sent = send(
            self.transport,
            outgoing,
            probe,
            self.fresh,
            &mut self.timing.queue,
        )
        .await;
        self.timing.connect = probe.connect_time().map(|time| time.as_secs_f64());
        let (mut head, body) = sent.map_err(|error| {
            let reused = probe.connected_at().is_none();
            Failure {
                lost_idle: probe.lost_idle(&error),
                ..if reused {
                    error
                } else {
                    may_need_https(error, outgoing)
                }
                .into()
            }
        })?;
        head.mask(self.call.mask());
        self.head = Some(head.clone());
        self.timing.first_byte = Some(self.elapsed());
        if (200..300).contains(&head.status) {
            return Ok((head, body));
        }
        let (body, unreadable) = body.up_to(ERROR_BODY_BYTES, &outgoing.place).await;
        // Masked first: what is read from it may be shortened, and then no longer be found.
        let is_cut = body.len() >= ERROR_BODY_BYTES;
        let masked = self.call.mask().bytes(body.to_vec(), is_cut);
        let mut failure = self.error_reply(&head, &masked);
        if masked != body {
            // A secret may be part of what says which kind of error it is, or a number, and then this is not JSON.
            let said = self.error_reply(&head, &body).error;
            failure.error = failure
                .error
                .with_kind(said.kind())
                .retryable(said.is_retryable());
        }
        Err(failure.without_body(unreadable))
    }

    fn error_reply(&self, head: &Head, body: &[u8]) -> Failure {
        let has_header = |name: &str| head.header(name).is_some();
        if self.call.interception.is_mistake(has_header) {
            return mistake(body).into();
        }
        let now = SystemTime::now();
        let mut hints = server_hints(|name| head.header(name), now);
        let proxied = head.status == 407 && self.call.outgoing.route.proxy.is_some();
        let error = if proxied {
            let proxy = self.call.outgoing.place.proxy.as_ref();
            let proxy = proxy.map_or("?", |(proxy, _)| proxy);
            let message = format!(
                "the proxy {proxy} requires credentials, as in http://user:password@host:port"
            );
            Error::new(ErrorKind::Proxy, message)
        } else {
            of_reply(self.call, head.status, body)
        };
        hints.retry_after = hints.retry_after.or_else(|| wait_in_body(&error, now));
        let mut api = error.api().cloned().unwrap_or_default();
        api.status = Some(head.status);
        api.retry_after = hints.retry_after;
        // A 4xx is refused before any work. A gateway may answer 5xx after the server has done the work.
        let error = head
            .seen_by(error.with_api(api))
            .maybe_processed(head.status >= 500)
            .at(Phase::Head);
        Failure {
            hints,
            ..error.into()
        }
    }

    /// The same failure with our secrets masked, and with its message on one short line. If the key was refused, the
    /// message says where it came from; if the address may be wrong, it says what was asked.
    pub(super) fn cleaned(&self, failure: Failure) -> Failure {
        let mut error = failure.error;
        if error.may_be_wrong_address() {
            let message = format!("{} ({})", error.message(), self.call.asked());
            error = error.with_message(message);
        }
        let clean_headers = self.head.as_ref().map(|head| &head.headers);
        let mut error = echo::masked(error, clean_headers, self.call.mask());
        if error.kind() == ErrorKind::Authentication
            && let Some(about) = self.call.about_key()
        {
            let message = format!("{} ({about})", error.message());
            error = error.with_message(message);
        }
        Failure { error, ..failure }
    }

    /// How long to wait for the next attempt after a failed one, or the error that ends the call.
    pub(super) fn retry(&mut self, mut failure: Failure) -> Result<Option<Duration>, Error> {
        let policy = &self.call.client.config.retry;
        if failure.lost_idle
            && !self.lost_idle_retried
            && policy.retry_ambiguous
            && self.call.max_retries > 0
        {
            // The server closed an idle connection when we took it. Nothing is wrong with the server, so there is no
            // wait, but the next attempt must not get another idle connection.
            self.lost_idle_retried = true;
            self.fresh = true;
            self.record(&failure, 0.0);
            return Ok(None);
        }
        self.fresh = false;
        // A page or an empty body instead of a reply may be a gateway's hiccup once. The second time it is not.
        if failure.error.kind() == ErrorKind::UnexpectedContent && self.retries == 0 {
            failure.error = failure.error.retryable(true);
        }
        let wait = match self.decide(&failure) {
            Decision::Retry { wait, cost } => {
                self.taken = cost;
                wait
            }
            Decision::GiveUp(why) => return Err(self.give_up(failure, why)),
        };
        self.retries += 1;
        self.record(&failure, wait.as_secs_f64());
        self.transport.hub().log().push(Event::Retry {
            provider: self.call.client.provider.name.clone(),
            attempt: u32::try_from(self.attempts.len()).unwrap_or(u32::MAX),
            kind: failure.error.kind(),
            status: failure.status,
            wait,
        });
        Ok(Some(wait))
    }

    fn decide(&self, failure: &Failure) -> Decision {
        let remaining = self
            .deadline()
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        decide(
            &self.call.retry_policy(),
            &failure.error,
            failure.hints,
            self.retries,
            fastrand::f64(),
            remaining,
            &self.call.bucket(),
        )
    }

    fn give_up(&mut self, failure: Failure, why: GaveUp) -> Error {
        let error = self.fail(failure).retryable(why != GaveUp::NotRetryable);
        if why == GaveUp::BudgetSpent {
            return error.with_retry_budget_exhausted(true);
        }
        error
    }

    /// Ends the call with the error of an attempt.
    pub(super) fn fail(&mut self, failure: Failure) -> Error {
        self.record(&failure, 0.0);
        self.end();
        self.seen(failure.error)
            .with_attempts(self.attempts.clone())
    }

    /// Ends the call in the middle of an attempt or a wait, for a reason outside of both.
    pub(super) fn abandon(&mut self, error: Error) -> Error {
        if self.current.is_some() {
            let status = self.head.as_ref().map(|head| head.status);
            return self.fail(Failure {
                status,
                ..error.into()
            });
        }
        self.end();
        self.seen(error).with_attempts(self.attempts.clone())
    }

    /// The error with what the last response's head says, unless it came with a head of its own.
    fn seen(&self, error: Error) -> Error {
        match &self.head {
            Some(head) if error.headers().is_none() => head.seen_by(error),
            _ => error,
        }
    }

    /// Ends the call because its deadline has passed.
    pub(super) fn deadline_exceeded(&mut self) -> Error {
        let limit = self.call.timeout.total.unwrap_or_default();
        let (phase, sent) = match &self.current {
            Some((_, probe)) if self.timing.first_byte.is_some() && probe.sent_at().is_some() => {
                (Phase::Body, true)
            }
            Some((_, probe)) => match probe.sent_at() {
                Some(_) => (Phase::Head, true),
                None => (Phase::Connect, false),
            },
            None => (Phase::Backoff, false),
        };
        let mut message = format!(
            "no complete reply from {} within {} s (the `total` timeout, over all attempts)",
            self.call.outgoing.place.origin,
            limit.as_secs_f64()
        );
        if let Some((_, probe)) = &self.current
            && let Some(tls) = &self.call.outgoing.route.tls
            && probe.reads_files()
        {
            message = format!("{message}: {} could not be read", tls.shown());
        }
        let error = Error::new(ErrorKind::DeadlineExceeded, message)
            .at(phase)
            .maybe_processed(sent);
        self.abandon(error)
    }

    /// Ends the call because the current attempt succeeded.
    pub(super) fn succeed(&mut self, head: &Head) {
        if let Some((started, _)) = self.current.take() {
            self.attempts.push(Attempt {
                started,
                phase: Phase::Body,
                status: Some(head.status),
                error: None,
                message: None,
                slept: 0.0,
                maybe_processed: true,
            });
        }
        self.call.bucket().refund(self.taken);
        self.end();
    }

    pub(crate) fn into_report(self) -> (Timing, Vec<Attempt>) {
        (self.timing, self.attempts)
    }

    fn end(&mut self) {
        self.current = None;
        self.timing.total = Some(self.elapsed());
        self.transport.touch();
    }

    fn record(&mut self, failure: &Failure, slept: f64) {
        let now = self.elapsed();
        let started = self.current.take().map_or(now, |(started, _)| started);
        let error = &failure.error;
        self.attempts.push(Attempt {
            started,
            phase: error.phase(),
            status: failure.status,
            error: Some(error.kind()),
            message: Some(error.message().to_owned()),
            slept,
            maybe_processed: error.is_maybe_processed(),
        });
    }

    pub(super) async fn log_start(&self) {
        let log = self.transport.hub().log();
        if log.is_debug() {
            log.push(Event::CallStart {
                provider: self.call.client.provider.name.clone(),
                origin: self.call.outgoing.place.origin.clone(),
                path: self.call.outgoing.target.url.path().to_owned(),
                stream: self.call.stream,
            });
        }
        if log.shows_bodies() {
            let sent = self.call.outgoing.body.bytes().clone();
            self.log_body(true, Box::new(|| sent)).await;
        }
    }

    /// Logs a body. It may be large, so a worker writes, masks and shortens it.
    async fn log_body(&self, sent: bool, body: LoggedBody) {
        let mask = self.call.mask().clone();
        let write = move || {
            let body = body();
            let text = String::from_utf8_lossy(&body);
            // Masked first: half a secret would not be found.
            shortened(&mask.text(&text))
        };
        let hub = self.transport.hub();
        let text = hub.workers().run(usize::MAX, write).await;
        if !text.is_empty() {
            hub.log().push(Event::Body {
                provider: self.call.client.provider.name.clone(),
                sent,
                text,
            });
        }
    }

    /// Logs how the call ended. `received` returns its body.
    pub(super) async fn log_end(
        &self,
        error: Option<&Error>,
        received: impl FnOnce() -> LoggedBody,
    ) {
        let log = self.transport.hub().log();
        if log.shows_bodies() {
            self.log_body(false, received()).await;
        }
        if log.is_debug() {
            log.push(Event::CallEnd {
                provider: self.call.client.provider.name.clone(),
                error: error.map(Error::kind),
                attempts: self.attempts.len(),
                took: self.started.elapsed(),
            });
        }
    }
}
