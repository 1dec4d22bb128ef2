//! Sends requests as the bindings do.

#![allow(unreachable_pub, reason = "the other files of this test use it")]

use crate::support::*;
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokenwire_core::error::{Error, ErrorKind as K};
use tokenwire_core::http::{Hub, Transport};
use tokenwire_core::raw::{Exchange, RawCall, RawClient, RawHead, RawLimits, RawRequest, pass};
use tokenwire_core::stream::{Interest, Parker, Taken};

pub const SHORT: Duration = Duration::from_millis(80);
pub const HOST: (&[u8], &[u8]) = (b"host", b"h");

pub struct Sender {
    pub transport: Transport,
    pub client: RawClient,
}

impl Sender {
    pub fn new() -> Self {
        let hub = Hub::new();
        let mut config = RawClient::settings();
        config.trust_env = false;
        config.transport = std::env::var("TOKENWIRE_TRANSPORT")
            .ok()
            .map(|name| name.parse().unwrap());
        Self {
            transport: Transport::new(hub.clone()),
            client: RawClient::new(&hub, config, None).unwrap(),
        }
    }

    pub fn call(&self, url: &str, body: Option<&str>, limits: RawLimits) -> RawCall {
        let framing: (&[u8], &[u8]) = (b"transfer-encoding", b"chunked");
        let headers = [HOST, framing];
        let request = RawRequest {
            method: "POST",
            url,
            headers: if body.is_some() {
                &headers[..1]
            } else {
                &headers
            },
            body: body.map(|body| Bytes::from(body.to_owned())),
            limits,
            checks_streams: true,
        };
        self.client.prepare(request).unwrap()
    }

    /// Sends a request with a whole body, and returns its head and its body or the error.
    pub async fn send(&self, url: &str, limits: RawLimits) -> Sent {
        let call = self.call(url, Some("{}"), limits);
        let exchange = Arc::clone(call.exchange());
        pass(&self.transport, call.into()).await;
        Sent::of(&exchange)
    }
}

/// What came of an exchange that is over.
pub struct Sent {
    pub head: Option<RawHead>,
    pub body: String,
    pub error: Option<Error>,
}

impl Sent {
    pub fn of(exchange: &Exchange) -> Self {
        let head = exchange.head().unwrap().ok();
        let (mut body, mut pieces) = (Vec::new(), VecDeque::new());
        let error = loop {
            match exchange.take(&mut pieces) {
                Taken::Items => pieces.drain(..).for_each(|piece| body.extend(piece)),
                Taken::Nothing => panic!("the exchange is not over"),
                Taken::End(end) => break end,
            }
        };
        Self {
            head,
            body: String::from_utf8_lossy(&body).into_owned(),
            error,
        }
    }

    pub fn kind(&self) -> Option<K> {
        self.error.as_ref().map(Error::kind)
    }
}

pub fn url(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.address)
}

/// A signal that never comes.
pub fn never() -> std::sync::mpsc::Receiver<()> {
    let (signal, never) = signal();
    std::mem::forget(signal);
    never
}

/// A reader that waits as Python's does.
pub async fn parked(exchange: &Exchange, interest: Interest) {
    poll_fn(|cx| {
        if exchange.park(Parker::Task(cx.waker().clone()), interest) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}
