//! The connector of hyper's client: handshakes take turns, are timed, and have their own clock.
//!
//! hyper gives a connector no way to say which request it works for, so the request's
//! [`Probe`] travels in a task-local: a connector is first called inside the poll of the request
//! that wants the connection.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use parking_lot::Mutex;
use tokio::time::Instant;
use tower_service::Service;

use super::dial::{BoxError, Conn, Connecting, Way};
use super::origin::Origin;

tokio::task_local! {
    static PROBE: Arc<Probe>;
}

/// What one attempt learns of its connection.
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

    /// How long the handshake took; `None` where the attempt used a connection again.
    pub(crate) fn connect_time(&self) -> Option<Duration> {
        let handshake = *self.handshake.lock();
        Some(handshake.finished? - handshake.started?)
    }

    /// When the attempt got its own new connection.
    pub(crate) fn connected_at(&self) -> Option<Instant> {
        self.handshake.lock().finished
    }

    /// The attempt has its permit and asks for a connection.
    pub(crate) fn ask(&self) {
        self.handshake.lock().asked = Some(Instant::now());
    }

    /// Since when the request can be on its way; `None` while it waits for a permit or a connection.
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

    /// Whether the task that polls right now is the one of this probe's attempt. It is not when
    /// the attempt took another connection and hyper finishes this handshake in the background.
    fn is_current(self: &Arc<Self>) -> bool {
        PROBE
            .try_with(|current| Arc::ptr_eq(current, self))
            .unwrap_or(false)
    }
}

/// A handshake that did not end in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection in time")]
pub(crate) struct HandshakeTimedOut(pub(crate) Duration);

/// What hyper's client gets its connections from. Their handshakes take turns.
#[derive(Debug, Clone)]
pub(super) struct Connector(pub(super) Arc<Way>);

impl Service<Uri> for Connector {
    type Response = Conn;
    type Error = BoxError;
    type Future = Connecting<Conn>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, origin: Uri) -> Self::Future {
        let way = Arc::clone(&self.0);
        let Ok(probe) = PROBE.try_with(Arc::clone) else {
            return Box::pin(way.connect(origin));
        };
        Box::pin(async move {
            if probe.is_current() {
                probe.handshake.lock().started = Some(Instant::now());
            }
            let _turn = Arc::clone(&probe.origin.handshakes).acquire_owned().await;
            if probe.is_current() {
                probe.handshake.lock().started = Some(Instant::now());
            }
            let connection = match probe.limit {
                Some(limit) => tokio::time::timeout(limit, way.connect(origin))
                    .await
                    .unwrap_or_else(|_| Err(Box::new(HandshakeTimedOut(limit)))),
                None => way.connect(origin).await,
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
