//! The transport for HTTP/1.1 straight to an origin, over hyper's connection API.
//!
//! - `wire`: the bytes, with `interim` for what comes before a reply, and `pace`
//! - `connection`: one connection, and the body of a response on it
//! - `events`: the body of an event stream, with its `chunks`
//! - `pool`: the idle connections

mod chunks;
mod connection;
mod events;
mod interim;
mod pace;
mod pool;
mod wire;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::Method;
use http::response::Parts;

pub(super) use connection::Incoming;
use connection::{Connection, Message};
pub(super) use events::Events;
pub(super) use interim::SpeaksTls;
use pool::Pool;
use wire::Wire;

use super::exchange::{BoxError, Exchange, Failed, Incoming as AnyIncoming, Request};
use super::handshake::{self, Turn};
use super::link::Linker;
use super::outgoing::Route;

/// Connections straight to origins.
#[derive(Debug)]
pub(super) struct Direct {
    linker: Linker,
    pool: Arc<Pool>,
    max_head_bytes: usize,
}

impl Direct {
    pub(super) fn new(linker: Linker, route: &Route) -> Self {
        Self {
            linker,
            pool: Pool::new(route.keepalive()),
            max_head_bytes: route.max_head_bytes,
        }
    }

    /// A new connection. While it waits for its turn to make one, it takes one that becomes free.
    async fn connect(&self, request: &Request) -> Result<Connection, Failed> {
        let mut turn = pin!(Turn::next());
        let soon = poll_fn(|cx| Poll::Ready(turn.as_mut().poll(cx))).await;
        let turn = match soon {
            Poll::Ready(turn) => turn,
            Poll::Pending if request.fresh => turn.await,
            Poll::Pending => {
                let free = self.pool.next(&request.origin);
                tokio::select! {
                    biased;
                    Ok(connection) = free => {
                        if let Some(probe) = handshake::probe() {
                            probe.reuse();
                        }
                        return Ok(connection);
                    }
                    turn = turn => turn,
                }
            }
        };
        let opened = match turn {
            Ok(turn) => turn.open(self.open(request)).await,
            Err(late) => Err(late.into()),
        };
        opened.map_err(|error| Failed {
            connecting: true,
            error,
        })
    }

    async fn open(&self, request: &Request) -> Result<Connection, BoxError> {
        let origin = Arc::clone(&request.origin);
        origin.make_room();
        let link = self.linker.open(&request.target.uri).await?;
        Ok(Connection::new(Wire::new(link), origin, self.max_head_bytes).await?)
    }
}

impl Exchange for Direct {
    async fn send(&self, request: Request) -> Result<(Parts, AnyIncoming), Failed> {
        let mut idle = if request.fresh {
            None
        } else {
            self.pool.take(&request.origin)
        };
        let mut connection = match idle.take() {
            Some(connection) => connection,
            None => self.connect(&request).await?,
        };
        let may_have_body = request.method != Method::HEAD && request.method != Method::CONNECT;
        let body = request.body.clone();
        let response = connection.exchange(message(request)).await;
        let response = response.map_err(|failed| Failed {
            connecting: false,
            error: failed.into_error().into(),
        })?;
        let (parts, frames) = response.into_parts();
        if connection.end_hold()
            && may_have_body
            // hyper still has to send the rest of it.
            && body.is_sent()
            && Events::follow(&parts)
            && let Some(events) = Events::new(&parts, &mut connection, Arc::downgrade(&self.pool))
        {
            return Ok((parts, AnyIncoming::Events(Box::new(events))));
        }
        let incoming = Incoming::new(frames, connection, Arc::downgrade(&self.pool));
        Ok((parts, AnyIncoming::Direct(incoming)))
    }
}

/// The request as an origin gets it: RFC 9112, section 3.2.1.
fn message(request: Request) -> Message {
    let mut message = Message::new(request.body);
    *message.method_mut() = request.method;
    *message.uri_mut() = request.target.path.clone();
    let headers = message.headers_mut();
    *headers = request.headers;
    headers
        .entry(http::header::HOST)
        .or_insert_with(|| request.target.host.clone());
    message
}
