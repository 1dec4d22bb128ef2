//! One exchange: a request goes out, and a head and a body come back. Nothing is retried, redirected, unpacked or judged.
//!
//! There are two ways to do it. `direct` speaks HTTP/1.1 straight to an origin, and costs least. `general` uses
//! reqwest, and goes through proxies. What both need is outside of them and written once: permits and redirects in
//! `attempt`, turns and limits of handshakes in `handshake`, names in `dns`, TLS in `tls`, errors in `fault`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Method};
use hyper::body::{Body as _, Frame, SizeHint};

use super::direct;
use super::origin::Origin;
use super::outgoing::Target;
use super::payload::Payload;

/// How many headers a reply may have. Their bytes are bounded, too.
pub(super) const MOST_HEADERS: usize = 1_000;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A transport.
pub(super) trait Exchange {
    /// Sends `request` and returns the head of the response; the body follows.
    async fn send(&self, request: Request) -> Result<(Parts, Incoming), Failed>;
}

/// What one exchange sends.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) target: Arc<Target>,
    pub(super) headers: HeaderMap,
    pub(super) body: Payload,
    pub(super) origin: Arc<Origin>,
    /// Whether it must have a new connection.
    pub(super) fresh: bool,
}

/// An exchange that got no head.
#[derive(Debug)]
pub(super) struct Failed {
    /// Whether there was no connection.
    pub(super) connecting: bool,
    pub(super) error: BoxError,
}

/// The body of a response, as it was sent.
#[derive(Debug)]
pub(super) enum Incoming {
    Direct(direct::Incoming),
    Events(Box<direct::Events>),
    General(reqwest::Body),
}

impl Incoming {
    /// The next frame; `None` at the end of the body. Until then, dropping it closes the connection.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self {
            Self::Direct(body) => body.poll_frame(cx).map_err(Into::into),
            Self::Events(body) => body.poll_frame(cx).map_err(Into::into),
            Self::General(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    /// Reads what has arrived, for the sake of the connection: if that is the whole body, it can be used again.
    pub(super) async fn skip(&mut self) {
        poll_fn(|cx| {
            while let Poll::Ready(Some(Ok(_))) = self.poll_frame(cx) {}
            Poll::Ready(())
        })
        .await;
    }

    /// How many bytes follow, as far as the head says.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Direct(body) => body.size_hint(),
            Self::Events(_) => SizeHint::default(),
            Self::General(body) => body.size_hint(),
        }
    }
}
