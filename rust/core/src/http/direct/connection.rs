//! One connection: a request at a time, driven by whoever waits for its reply.
//!
//! hyper gives a connection as two halves, of which one is usually a task of its own. Here the task that reads a reply
//! drives it, so a piece of a stream wakes one task instead of two.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as _, Frame, SizeHint};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};

use super::pool::Pool;
use super::wire::Wire;
use crate::http::origin::Origin;

pub(super) type Message = http::Request<Full<Bytes>>;
type Driver = http1::Connection<Wire, Full<Bytes>>;

/// How many headers a reply may have. Their bytes are bounded, too.
const MOST_HEADERS: usize = 1_000;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Boxed, because a connection moves between the pool and the replies.
    driver: Box<Driver>,
    pub(super) origin: Arc<Origin>,
}

impl Connection {
    pub(super) async fn new(wire: Wire, origin: Arc<Origin>) -> Result<Self, hyper::Error> {
        let (sender, driver) = http1::Builder::new()
            .max_headers(MOST_HEADERS)
            .handshake(wire)
            .await?;
        Ok(Self {
            sender,
            driver: Box::new(driver),
            origin,
        })
    }

    fn poll_driver(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        Pin::new(&mut *self.driver).poll(cx)
    }

    /// Whether it can take a request. It reads what the server may have sent in the meantime, such as its goodbye.
    pub(super) fn is_usable(&mut self) -> bool {
        // Nobody waits for it, so a task that once did must not be kept for its waker.
        let cx = &mut Context::from_waker(Waker::noop());
        self.poll_driver(cx).is_pending() && self.sender.is_ready()
    }

    /// Ends the connection in an orderly way, as far as that needs no waiting.
    pub(super) fn close(self) {
        let Self {
            sender, mut driver, ..
        } = self;
        drop(sender);
        let cx = &mut Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut *driver).poll(cx);
    }

    /// Sends a request and waits for the head of the response.
    pub(super) async fn exchange(
        &mut self,
        message: Message,
    ) -> Result<http::Response<hyper::body::Incoming>, TrySendError<Message>> {
        let mut sending = pin!(self.sender.try_send_request(message));
        let driver = &mut self.driver;
        std::future::poll_fn(|cx| {
            // It tells the other half how it ended.
            let _ = Pin::new(&mut **driver).poll(cx);
            sending.as_mut().poll(cx)
        })
        .await
    }
}

/// The body of a response, and the connection that it comes on.
#[derive(Debug)]
pub(in crate::http) struct Incoming {
    frames: hyper::body::Incoming,
    /// `None` once it was given back, or has ended.
    connection: Option<Connection>,
    /// Where the connection goes at the end of the body.
    pool: Weak<Pool>,
}

impl Incoming {
    pub(super) fn new(
        frames: hyper::body::Incoming,
        connection: Connection,
        pool: Weak<Pool>,
    ) -> Self {
        Self {
            frames,
            connection: Some(connection),
            pool,
        }
    }

    pub(in crate::http) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut next = Pin::new(&mut self.frames).poll_frame(cx);
        if next.is_pending()
            && let Some(connection) = &mut self.connection
        {
            let ended = connection.poll_driver(cx).is_ready();
            // It may have brought a frame.
            next = Pin::new(&mut self.frames).poll_frame(cx);
            if ended {
                self.connection = None;
            }
        }
        if let Poll::Ready(None) = next {
            self.give_back();
        }
        next
    }

    pub(in crate::http) fn size_hint(&self) -> SizeHint {
        self.frames.size_hint()
    }

    /// After the end of the body, the next call can use the connection.
    fn give_back(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if let Some(pool) = self.pool.upgrade()
            && connection.is_usable()
        {
            pool.put(connection);
        }
    }
}
