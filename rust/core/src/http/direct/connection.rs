//! One connection: a request at a time, driven by whoever waits for its reply.
//!
//! hyper gives a connection as two halves, of which one is usually a task of its own. Here the task that reads a reply
//! drives it, so a piece of a stream wakes one task instead of two.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use parking_lot::Mutex;
use tokio::task::unconstrained;

use super::pool::Pool;
use super::wire::{Hold, Wire};
use crate::http::exchange::MOST_HEADERS;
use crate::http::origin::Origin;
use crate::http::payload::Payload;

pub(super) type Message = http::Request<Payload>;

/// How much more of a head is read than it may have, in bytes: blanks that are not counted. hyper needs 8 KiB at least.
const HEAD_SLACK: usize = 8 << 10;

thread_local! {
    /// Whether this thread takes something out of one of hyper's channels.
    static TAKES: Cell<bool> = const { Cell::new(false) };
}

/// Wakes the task that drives a connection.
///
/// hyper's channels wake the driver for each piece that is taken. Whoever takes one drives the connection next, and would
/// be woken by itself.
#[derive(Debug)]
struct Doorbell(Mutex<Waker>);

impl Wake for Doorbell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !TAKES.get() {
            self.0.lock().wake_by_ref();
        }
    }
}

/// Polls the other end of one of hyper's channels. What is awaited there comes from the driver, so only that waits.
fn take<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    /// Ends it also when `poll` panics. The thread lives on, and its other connections need their doorbells.
    struct Taking;

    impl Drop for Taking {
        fn drop(&mut self) {
            TAKES.set(false);
        }
    }

    TAKES.set(true);
    let _taking = Taking;
    poll(&mut Context::from_waker(Waker::noop()))
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Payload>,
    driver: Driver,
    hold: Hold,
    pub(super) origin: Arc<Origin>,
    pub(super) max_head_bytes: usize,
}

#[derive(Debug)]
struct Driver {
    /// Boxed, because a connection moves between the pool and the replies. `None` once it has ended, which those at
    /// the other ends of its channels then see.
    connection: Option<Box<http1::Connection<Wire, Payload>>>,
    doorbell: Arc<Doorbell>,
    /// The one that rings it.
    waker: Waker,
}

impl Driver {
    /// Goes on as far as possible. Those who wait for a reply get its error.
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Some(connection) = &mut self.connection else {
            return Poll::Ready(());
        };
        self.doorbell.0.lock().clone_from(cx.waker());
        let cx = &mut Context::from_waker(&self.waker);
        let polled = Pin::new(&mut **connection).poll(cx).map(drop);
        if polled.is_ready() {
            self.connection = None;
        }
        polled
    }

    /// Polls it without waiting for it. A task that once waited must not be kept for its waker.
    fn nudge(&mut self) -> Poll<()> {
        self.poll(&Context::from_waker(Waker::noop()))
    }
}

impl Connection {
    pub(super) async fn new(
        wire: Wire,
        origin: Arc<Origin>,
        max_head_bytes: usize,
    ) -> Result<Self, hyper::Error> {
        let hold = wire.hold().clone();
        let (sender, connection) = http1::Builder::new()
            .max_headers(MOST_HEADERS)
            .max_buf_size(max_head_bytes.saturating_add(HEAD_SLACK))
            .handshake(wire)
            .await?;
        let doorbell = Arc::new(Doorbell(Mutex::new(Waker::noop().clone())));
        let driver = Driver {
            connection: Some(Box::new(connection)),
            waker: Arc::clone(&doorbell).into(),
            doorbell,
        };
        Ok(Self {
            sender,
            driver,
            hold,
            origin,
            max_head_bytes,
        })
    }

    /// Whether it can take a request. It reads what the server may have sent in the meantime, such as its goodbye.
    pub(super) fn is_usable(&mut self) -> bool {
        self.driver.nudge().is_pending() && self.sender.is_ready()
    }

    /// Ends the connection in an orderly way, as far as that needs no waiting.
    pub(super) fn close(self) {
        let Self {
            sender, mut driver, ..
        } = self;
        drop(sender);
        let _ = driver.nudge();
    }

    /// Ends the hold of a body, if there is one.
    pub(super) fn end_hold(&self) -> bool {
        self.hold.end()
    }

    /// Takes the wire away from hyper, with what hyper has read of a body; `None` if the connection has ended.
    pub(super) fn take_wire(&mut self) -> Option<(Wire, Bytes)> {
        let parts = self.driver.connection.take()?.into_parts();
        Some((parts.io, parts.read_buf))
    }

    /// Sends a request and waits for the head of the response. [`Self::end_hold`] has to follow.
    pub(super) async fn exchange(
        &mut self,
        message: Message,
    ) -> Result<http::Response<hyper::body::Incoming>, TrySendError<Message>> {
        // Where the turn of the task is over, a receiver of tokio would have nothing to wake in `take`.
        let mut sending = pin!(unconstrained(self.sender.try_send_request(message)));
        let driver = &mut self.driver;
        std::future::poll_fn(|cx| {
            let _ = driver.poll(cx);
            take(|cx| sending.as_mut().poll(cx))
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
        let mut next = self.take_frame();
        if next.is_pending()
            && let Some(connection) = &mut self.connection
        {
            let _ = connection.driver.poll(cx);
            next = self.take_frame();
        }
        if let Poll::Ready(None) = next {
            self.give_back();
        }
        next
    }

    fn take_frame(&mut self) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        take(|cx| Pin::new(&mut self.frames).poll_frame(cx))
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

#[cfg(test)]
mod tests {
    use std::task::ready;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Limits;
    use crate::http::dns::Resolver;
    use crate::http::hub::Hub;
    use crate::http::link::Linker;

    /// Its body goes on later, so nothing else wakes the task.
    const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegin";
    /// How many units a task of tokio has in a turn.
    const TURN: usize = 128;

    /// Gets a reply in a task that has so many units left in each of its turns.
    async fn status_with(left: usize) -> http::StatusCode {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let origin = Hub::new().origin(&url.parse().unwrap(), None, &Limits::default());
        let linker = Linker::new(Resolver::default(), None, None);
        let link = linker.open(&url.parse().unwrap()).await.unwrap();
        let connection = Connection::new(Wire::new(link), origin, 64 << 10).await;
        let mut connection = connection.unwrap();
        let server = tokio::spawn(async move {
            let mut peer = listener.accept().await.unwrap().0;
            assert!(peer.read(&mut [0; 1_024]).await.unwrap() > 0);
            peer.write_all(REPLY).await.unwrap();
            peer
        });
        let mut message = Message::new(Bytes::new().into());
        let headers = message.headers_mut();
        headers.insert("host", http::HeaderValue::from_static("a"));
        let mut exchange = pin!(connection.exchange(message));
        let exchange = std::future::poll_fn(|cx| {
            for _ in left..TURN {
                ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
            }
            exchange.as_mut().poll(cx)
        });
        let exchanged = tokio::select! {
            biased;
            () = tokio::time::sleep(Duration::from_secs(10)) => panic!("nothing woke the task"),
            exchanged = exchange => exchanged,
        };
        drop(server.await.unwrap());
        exchanged.unwrap().status()
    }

    #[tokio::test]
    async fn a_reply_is_received_however_little_of_the_turn_is_left() {
        for left in 1..=8 {
            assert_eq!(status_with(left).await, 200, "{left} units left");
        }
    }

    #[test]
    fn a_panic_leaves_the_doorbells_of_the_thread_on() {
        let taken = std::panic::catch_unwind(|| take::<()>(|_| panic!("as a bug of hyper would")));
        assert!(taken.is_err() && !TAKES.get());
    }
}
