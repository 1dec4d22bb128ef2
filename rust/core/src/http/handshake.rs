//! Handshakes: how many run at a time, how long each of them takes, and how long it, and the wait for its turn, may take.
//!
//! A connector of reqwest does not know which request it works for, so the request's [`Probe`] is in a task-local:
//! a connector is first called inside the poll of the request that wants the connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use tower_layer::Layer;
use tower_service::Service;

use super::exchange::BoxError;
use super::origin::Origin;
use crate::config::Timeout;
use crate::error::{Error, ErrorKind, Phase};

tokio::task_local! {
    static PROBE: Arc<Probe>;
}

/// What one attempt learns about its connection.
#[derive(Debug)]
pub(crate) struct Probe {
    origin: Arc<Origin>,
    connect_limit: Option<Duration>,
    pool_limit: Option<Duration>,
    handshake: Mutex<Handshake>,
    /// `None` if no one asks.
    writing: Option<Mutex<Option<Writing>>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Handshake {
    reads_files: bool,
    turn_by: Option<Instant>,
    asked: Option<Instant>,
    started: Option<Instant>,
    finished: Option<Instant>,
}

/// How the writing of a request goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writing {
    /// When the system last took some of it, or began to take no more.
    pub(crate) since: Instant,
    /// Whether the system takes no more.
    pub(crate) is_blocked: bool,
}

impl Probe {
    pub(crate) fn new(origin: Arc<Origin>, limits: &Timeout) -> Arc<Self> {
        Self::with(origin, limits, None)
    }

    /// The same, and it learns how the writing of the request goes on.
    pub(crate) fn of_writing(origin: Arc<Origin>, limits: &Timeout) -> Arc<Self> {
        Self::with(origin, limits, Some(Mutex::default()))
    }

    fn with(
        origin: Arc<Origin>,
        limits: &Timeout,
        writing: Option<Mutex<Option<Writing>>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            origin,
            connect_limit: limits.connect,
            pool_limit: limits.pool,
            handshake: Mutex::default(),
            writing,
        })
    }

    /// How the writing of the request goes on, as far as the direct transport knows.
    pub(crate) fn writing(&self) -> Option<Writing> {
        *self.writing.as_ref()?.lock()
    }

    /// Whether `error` is that of an idle connection which ended before any byte of a response. The server had most
    /// likely closed it while the request was on its way.
    pub(crate) fn lost_idle(&self, error: &Error) -> bool {
        self.connected_at().is_none()
            && error.phase() == Phase::Head
            && error.kind() == ErrorKind::ConnectionLost
    }

    /// How long the handshake took; `None` if the attempt reused a connection.
    pub(crate) fn connect_time(&self) -> Option<Duration> {
        let handshake = *self.handshake.lock();
        Some(handshake.finished? - handshake.started?)
    }

    /// When the attempt got a new connection; `None` if it reused one.
    pub(crate) fn connected_at(&self) -> Option<Instant> {
        self.handshake.lock().finished
    }

    /// How long a connection may take.
    pub(super) fn connect_limit(&self) -> Option<Duration> {
        self.connect_limit
    }

    /// When the connection that is being made has to be there.
    pub(super) fn connect_by(&self) -> Option<Instant> {
        let started = self.handshake.lock().started?;
        started.checked_add(self.connect_limit?)
    }

    /// Host and port of the origin.
    pub(super) fn origin_name(&self) -> &str {
        &self.origin.name
    }

    /// How long the attempt may wait for a free connection, and for its turn to make one.
    pub(super) fn pool_limit(&self) -> Option<Duration> {
        self.pool_limit
    }

    /// Notes whether the attempt waits for certificate files.
    pub(super) fn read_files(&self, reads: bool) {
        self.handshake.lock().reads_files = reads;
    }

    /// Whether the attempt waits for certificate files.
    pub(crate) fn reads_files(&self) -> bool {
        self.handshake.lock().reads_files
    }

    /// Notes that the attempt has its permit, for which it has waited since `since`, and asks for a connection.
    pub(super) fn ask(&self, since: Instant) {
        let mut handshake = self.handshake.lock();
        handshake.asked = Some(Instant::now());
        handshake.turn_by = self.pool_limit.and_then(|limit| since.checked_add(limit));
    }

    /// Notes that the attempt begins to wait for a new connection.
    fn start(self: &Arc<Self>) {
        if self.is_current() {
            self.handshake.lock().started = Some(Instant::now());
        }
    }

    /// Notes that the attempt got an open connection instead of a new one. The wait for it does not count as one for
    /// the reply.
    pub(super) fn reuse(&self) {
        let mut handshake = self.handshake.lock();
        handshake.started = None;
        handshake.asked = Some(Instant::now());
    }

    /// When the request was sent, at the earliest; `None` while it waits for a permit or a connection.
    pub(crate) fn sent_at(&self) -> Option<Instant> {
        let handshake = *self.handshake.lock();
        match handshake.started {
            Some(_) => handshake.finished,
            None => handshake.asked,
        }
    }

    /// Runs `request` so that the connector finds this probe.
    pub(crate) async fn watch<F: Future>(self: &Arc<Self>, request: F) -> F::Output {
        PROBE.scope(Arc::clone(self), request).await
    }

    /// Whether the current task is that of this probe's attempt. It is not if the attempt took another connection
    /// and hyper finishes this handshake in the background.
    fn is_current(self: &Arc<Self>) -> bool {
        PROBE
            .try_with(|current| Arc::ptr_eq(current, self))
            .unwrap_or(false)
    }
}

/// Notes for the attempt in whose task this runs that the system took some of the request, or takes no more.
pub(super) fn note_write(is_blocked: bool) {
    let _ = PROBE.try_with(|probe| {
        if let Some(writing) = &probe.writing {
            let mut writing = writing.lock();
            if !is_blocked || writing.is_none_or(|writing| !writing.is_blocked) {
                let since = Instant::now();
                *writing = Some(Writing { since, is_blocked });
            }
        }
    });
}

/// The probe of the attempt in whose task this runs.
pub(super) fn probe() -> Option<Arc<Probe>> {
    PROBE.try_with(Arc::clone).ok()
}

/// A handshake took too long, or did not begin in time.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no connection in time")]
pub(crate) enum TimedOut {
    /// The handshake took longer than `connect`.
    Handshake(Duration),
    /// The attempt had no turn within `pool`.
    Turn(Duration),
    /// The attempt had no turn, and no other attempt got a connection, within `connect`.
    Outage(Duration),
}

impl Probe {
    /// Waits for a turn to connect, first come first served.
    ///
    /// Without a `pool` limit, it waits as long as the origin takes connections from others.
    async fn turn(&self) -> Result<Option<OwnedSemaphorePermit>, TimedOut> {
        let mut turn = std::pin::pin!(Arc::clone(&self.origin.handshakes).acquire_owned());
        let turn_by = self.handshake.lock().turn_by;
        if let (Some(until), Some(limit)) = (turn_by, self.pool_limit) {
            let turn = timeout_at(until, turn).await;
            return turn.map_or(Err(TimedOut::Turn(limit)), |turn| Ok(turn.ok()));
        }
        let Some(limit) = self.connect_limit else {
            return Ok(turn.await.ok());
        };
        loop {
            let before = self.origin.connected();
            if let Ok(turn) = timeout(limit, turn.as_mut()).await {
                return Ok(turn.ok());
            }
            if self.origin.connected() == before {
                return Err(TimedOut::Outage(limit));
            }
        }
    }
}

/// How long a handshake keeps its turn. One that hangs longer, under a long limit or none, must not keep others from
/// an origin that is well again.
const TURN: Duration = Duration::from_secs(10);

/// A turn to open a connection.
#[derive(Debug)]
pub(super) struct Turn {
    /// `None` for a connection that no attempt waits for any more.
    probe: Option<Arc<Probe>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turn {
    /// Waits for a turn. The attempt of this task waits for a connection from here on.
    pub(super) async fn next() -> Result<Self, TimedOut> {
        let mut turn = Self {
            probe: probe(),
            permit: None,
        };
        if let Some(probe) = &turn.probe {
            // `sent_at` must not take it for one on an idle connection.
            probe.start();
            turn.permit = probe.turn().await?;
            // The wait for its turn does not count as part of the handshake.
            probe.start();
        }
        Ok(turn)
    }

    /// Opens a connection in time.
    pub(super) async fn open<T>(
        self,
        opening: impl Future<Output = Result<T, BoxError>>,
    ) -> Result<T, BoxError> {
        let Some(probe) = self.probe else {
            return opening.await;
        };
        let opening = in_turn(opening, self.permit);
        let opened = match probe.connect_limit {
            Some(limit) => timeout(limit, opening)
                .await
                .unwrap_or_else(|_| Err(Box::new(TimedOut::Handshake(limit)))),
            None => opening.await,
        };
        if opened.is_ok() {
            probe.origin.note_connected();
        }
        let mut handshake = probe.handshake.lock();
        if !probe.is_current() {
            handshake.started = None;
        } else if opened.is_ok() {
            handshake.finished = Some(Instant::now());
        }
        drop(handshake);
        opened
    }
}

async fn in_turn<T>(
    opening: impl Future<Output = Result<T, BoxError>>,
    permit: Option<OwnedSemaphorePermit>,
) -> Result<T, BoxError> {
    let mut opening = std::pin::pin!(opening);
    if let Ok(opened) = timeout(TURN, opening.as_mut()).await {
        return opened;
    }
    drop(permit);
    opening.await
}

/// Makes the connections of reqwest take turns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turns;

impl<S> Layer<S> for Turns {
    type Service = Timed<S>;

    fn layer(&self, connector: S) -> Timed<S> {
        Timed(connector)
    }
}

/// A connector whose handshakes take turns.
#[derive(Debug, Clone)]
pub(super) struct Timed<S>(S);

impl<S, R> Service<R> for Timed<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let opening = self.0.call(request);
        Box::pin(async move { Turn::next().await?.open(opening).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use crate::http::hub::Hub;

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_a_connection_that_becomes_free_is_not_one_for_the_reply() {
        let url = "http://127.0.0.1:1".parse().unwrap();
        let origin = Hub::new().origin(&url, None, &Limits::default());
        let probe = Probe::new(origin, &Timeout::default());
        probe.ask(Instant::now());
        probe.watch(async { probe.start() }).await;
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(probe.sent_at(), None);
        probe.reuse();
        assert_eq!(probe.sent_at(), Some(Instant::now()));
        assert_eq!(probe.connect_time(), None);
    }
}
