//! The transport for HTTP/1.1 straight to an origin, over hyper's connection API.
//!
//! - `wire`: the bytes, with `interim` for what comes before a reply, and `pace`
//! - `connection`: one connection, and the body of a response on it
//! - `pool`: the idle connections

mod connection;
mod interim;
mod pace;
mod pool;
mod wire;

use std::sync::Arc;

use http::response::Parts;
use http_body_util::Full;

pub(super) use connection::Incoming;
use connection::{Connection, Message};
pub(super) use interim::SpeaksTls;
use pool::Pool;
use wire::Wire;

use super::exchange::{BoxError, Exchange, Failed, Incoming as AnyIncoming, Request};
use super::handshake;
use super::link::Linker;
use super::origin::Origin;
use super::outgoing::{Route, Target};

/// Connections straight to origins.
#[derive(Debug)]
pub(super) struct Direct {
    linker: Arc<Linker>,
    pool: Arc<Pool>,
    max_head_bytes: usize,
}

impl Direct {
    pub(super) fn new(linker: Linker, route: &Route) -> Self {
        Self {
            linker: Arc::new(linker),
            pool: Pool::new(route.keepalive()),
            max_head_bytes: route.max_head_bytes,
        }
    }

    /// A new connection, or an idle one if one becomes free sooner.
    async fn connect(&self, request: &Request) -> Result<Connection, Failed> {
        let (origin, target) = (Arc::clone(&request.origin), Arc::clone(&request.target));
        let mut connecting = Box::pin(open(
            Arc::clone(&self.linker),
            origin,
            target,
            self.max_head_bytes,
        ));
        if request.fresh {
            return connecting.await;
        }
        let free = self.pool.next(&request.origin);
        tokio::select! {
            biased;
            connection = &mut connecting => connection,
            Ok(connection) = free => {
                // The other one is for the next call.
                let pool = Arc::clone(&self.pool);
                tokio::spawn(async move {
                    if let Ok(mut connection) = connecting.await && connection.is_usable() {
                        pool.put(connection);
                    }
                });
                Ok(connection)
            }
        }
    }
}

async fn open(
    linker: Arc<Linker>,
    origin: Arc<Origin>,
    target: Arc<Target>,
    max_head_bytes: usize,
) -> Result<Connection, Failed> {
    let opening = async {
        let link = linker.open(&target.uri).await?;
        let connection = Connection::new(Wire::new(link), origin, max_head_bytes).await?;
        Ok::<_, BoxError>(connection)
    };
    let opened = handshake::timed(opening).await;
    opened.map_err(|error| Failed {
        connecting: true,
        error,
    })
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
        let response = connection.exchange(message(request)).await;
        let response = response.map_err(|failed| Failed {
            connecting: false,
            error: failed.into_error().into(),
        })?;
        let (parts, frames) = response.into_parts();
        let incoming = Incoming::new(frames, connection, Arc::downgrade(&self.pool));
        Ok((parts, AnyIncoming::Direct(incoming)))
    }
}

/// The request as an origin gets it: RFC 9112, section 3.2.1.
fn message(request: Request) -> Message {
    let mut message = http::Request::new(Full::new(request.body));
    *message.method_mut() = request.method;
    *message.uri_mut() = request.target.path.clone();
    let headers = message.headers_mut();
    *headers = request.headers;
    headers
        .entry(http::header::HOST)
        .or_insert_with(|| request.target.host.clone());
    message
}
