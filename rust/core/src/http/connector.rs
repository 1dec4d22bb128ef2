//! The connector of hyper's client. It limits how many handshakes run at a time, times them, and gives each its
//! own timeout.
//!
//! A connector does not learn from hyper which request it works for, so the request's [`Probe`] is in a task-local:
//! hyper first calls a connector inside the poll of the request that wants the connection.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use parking_lot::Mutex;
use tokio::time::Instant;
use tower_service::Service;

use super::dial::{BoxError, Conn, Connecting, Dialer};
use super::origin::Origin;

tokio::task_local! {
    static PROBE: Arc<Probe>;
}

/// What one attempt learns about its connection.
#[derive(Debug)]
pub(crate) struct Probe {
    origin: Arc<Origin>,
    limit: Option<Duration>,
    handshake: Mutex<Handshake>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Handshake {
    asked: Option<Instant>,
    started: Option<Instant>,
    finished: Option<Instant>,
}

impl Probe {
    pub(crate) fn new(origin: Arc<Origin>, limit: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            origin,
            limit,
            handshake: Mutex::default(),
        })
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

    /// Notes that the attempt has its permit and asks for a connection.
    pub(crate) fn ask(&self) {
        self.handshake.lock().asked = Some(Instant::now());
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

/// A handshake took too long.
#[derive(Debug, thiserror::Error)]
#[error("no connection in time")]
pub(crate) struct HandshakeTimedOut(pub(crate) Duration);

/// Makes the connections of hyper's client. Their handshakes take turns.
#[derive(Debug, Clone)]
pub(super) struct Connector(pub(super) Arc<Dialer>);

impl Service<Uri> for Connector {
    type Response = Conn;
    type Error = BoxError;
    type Future = Connecting<Conn>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, origin: Uri) -> Self::Future {
        let dialer = Arc::clone(&self.0);
        let Ok(probe) = PROBE.try_with(Arc::clone) else {
            return Box::pin(dialer.connect(origin));
        };
        Box::pin(async move {
            // From here on the request waits for this connection: `sent_at` must not take it for one on an idle one.
            if probe.is_current() {
                probe.handshake.lock().started = Some(Instant::now());
            }
            let _turn = Arc::clone(&probe.origin.handshakes).acquire_owned().await;
            // The wait for its turn does not count as part of the handshake.
            if probe.is_current() {
                probe.handshake.lock().started = Some(Instant::now());
            }
            let connection = match probe.limit {
                Some(limit) => tokio::time::timeout(limit, dialer.connect(origin))
                    .await
                    .unwrap_or_else(|_| Err(Box::new(HandshakeTimedOut(limit)))),
                None => dialer.connect(origin).await,
            };
            let mut handshake = probe.handshake.lock();
            if !probe.is_current() {
                handshake.started = None;
            } else if connection.is_ok() {
                handshake.finished = Some(Instant::now());
            }
            drop(handshake);
            connection
        })
    }
}
