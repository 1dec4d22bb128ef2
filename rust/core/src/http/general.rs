//! The transport for everything that [`direct`](super::direct) does not do, such as proxies. It uses reqwest.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response::Parts;
use hyper::body::{Body, Frame, SizeHint};
use reqwest::redirect;
use rustls::ClientConfig;

use super::dns::Resolver;
use super::exchange::{BoxError, Exchange, Failed, Incoming, MOST_HEADERS, Request};
use super::handshake::Turns;
use super::link::{self, Linker};
use super::outgoing::Route;
use super::payload::Payload;
use super::proxy::Proxy;
use super::tunnel::{Asker, AsksAgain};
use crate::error::{Error, ErrorKind};

/// How many bytes of a large request are written at a time. The system takes so few at once, so that a reset that they
/// cause is seen only after the next look for a reply.
const PIECE: usize = 16 << 10;

/// Two of reqwest's clients: one of them keeps no idle connections.
#[derive(Debug)]
pub(super) struct General {
    keeps: reqwest::Client,
    fresh: reqwest::Client,
}

impl General {
    pub(super) fn new(
        route: &Route,
        resolver: &Resolver,
        tls: &ClientConfig,
    ) -> Result<Self, Error> {
        let asker = match &route.proxy {
            Some(proxy) if route.https && proxy.makes_tunnels() => {
                Some(AsksAgain(asker(proxy, resolver, tls)?))
            }
            _ => None,
        };
        let build = |most_idle| {
            let mut builder = builder(route)
                .dns_resolver(resolver.clone())
                .tls_backend_preconfigured(tls.clone())
                .pool_max_idle_per_host(most_idle);
            if let Some(proxy) = &route.proxy {
                builder = builder.proxy(through(proxy)?);
            }
            if let Some(asks_again) = &asker {
                builder = builder.connector_layer(asks_again.clone());
            }
            // The outermost layer, so that all of it is in turn and in time.
            let client = builder.connector_layer(Turns).build();
            client.map_err(|error| unusable(&error.without_url()))
        };
        Ok(Self {
            keeps: build(usize::MAX)?,
            fresh: build(0)?,
        })
    }
}

/// The settings of every client. Everything that reqwest would do beyond one exchange is off.
fn builder(route: &Route) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .http1_only()
        .http1_max_headers(MOST_HEADERS)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .pool_idle_timeout(route.keepalive())
        .tcp_nodelay(true)
        .tcp_keepalive(link::KEEPALIVE)
        .tcp_keepalive_interval(link::KEEPALIVE)
        .tcp_keepalive_retries(link::KEEPALIVE_RETRIES);
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(link::USER_TIMEOUT);
    builder
}

fn through(proxy: &Proxy) -> Result<reqwest::Proxy, Error> {
    reqwest::Proxy::all(proxy.url().as_str()).map_err(|error| unusable(&error.without_url()))
}

fn asker(proxy: &Proxy, resolver: &Resolver, tls: &ClientConfig) -> Result<Arc<Asker>, Error> {
    let address = proxy.shown().parse();
    let address = address.map_err(|error| unusable(&error))?;
    let linker = Linker::new(resolver.clone(), None, Some(Arc::new(tls.clone())));
    Ok(Asker::new(linker, address, proxy.authorization()))
}

fn unusable(error: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the transport cannot be set up ({error})"),
    )
}

impl Exchange for General {
    async fn send(&self, request: Request) -> Result<(Parts, Incoming), Failed> {
        let client = if request.fresh {
            &self.fresh
        } else {
            &self.keeps
        };
        let mut message = reqwest::Request::new(request.method, request.target.url.clone());
        *message.headers_mut() = request.headers;
        *message.body_mut() = Some(match request.body {
            Payload::Bytes(bytes) if bytes.len() > PIECE => reqwest::Body::wrap(Slices::of(bytes)),
            Payload::Bytes(bytes) => bytes.into(),
            pieces @ Payload::Pieces(_) => reqwest::Body::wrap(pieces),
        });
        let response = client.execute(message).await.map_err(|error| Failed {
            connecting: error.is_connect(),
            error: BoxError::from(error.without_url()),
        })?;
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        Ok((parts, Incoming::General(body)))
    }
}

/// The body of a large request. Between two slices of it the connection looks for a reply, because a server may refuse
/// it and close while it is still being sent. Then the next write fails, and hyper reads no more.
struct Slices {
    rest: Bytes,
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl Slices {
    fn of(body: Bytes) -> Self {
        Self {
            rest: body,
            pause: None,
        }
    }
}

impl Body for Slices {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        // The runtime polls its sockets before a task that yields runs again.
        self.pause = Some(Box::pin(tokio::task::yield_now()));
        let length = self.rest.len().min(PIECE);
        let slice = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_large_body_is_sent_in_pieces_with_a_pause_between_them() {
        let body: Bytes = (0..PIECE * 5 / 2).map(|at| at.to_le_bytes()[0]).collect();
        let mut slices = Slices::of(body.clone());
        let (mut sent, mut lengths, mut pauses) = (Vec::new(), Vec::new(), 0);
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        assert_eq!(slices.size_hint().exact(), Some(body.len() as u64));
        while !slices.is_end_stream() {
            let mut frame = slices.frame();
            match Pin::new(&mut frame).poll(cx) {
                Poll::Pending => pauses += 1,
                Poll::Ready(frame) => {
                    let piece = frame.unwrap().unwrap().into_data().unwrap();
                    lengths.push(piece.len());
                    sent.extend_from_slice(&piece);
                }
            }
        }
        assert_eq!(sent, body);
        assert_eq!((lengths, pauses), (vec![PIECE, PIECE, PIECE / 2], 2));
        assert!(slices.frame().await.is_none());
    }
}
