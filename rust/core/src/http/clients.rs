//! The HTTP clients of one runtime: one for each way to connect, shared by all who go that way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error as SendError};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;

use super::connector::Connector;
use super::dial::Way;
use super::hub::Hub;
use super::outgoing::Route;
use super::proxy::Proxy;
use crate::error::Error;

/// A client of hyper's, and what a plain request through a proxy says to it.
#[derive(Debug)]
pub(super) struct HttpClient {
    hyper: Client<Connector, Full<Bytes>>,
    proxy_authorization: Option<HeaderValue>,
}

impl HttpClient {
    /// Sends a request; the response's body is still to come.
    pub(super) async fn send(
        &self,
        mut request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, SendError> {
        if let Some(credentials) = &self.proxy_authorization {
            let headers = request.headers_mut();
            let entry = headers.entry(http::header::PROXY_AUTHORIZATION);
            entry.or_insert_with(|| credentials.clone());
        }
        self.hyper.request(request).await
    }
}

/// The clients made so far. Their connections' tasks live on the runtime that made them.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<Vec<Made>>);

#[derive(Debug)]
struct Made {
    route: Arc<Route>,
    fresh: bool,
    client: Arc<HttpClient>,
}

impl Clients {
    /// The client for `route`; with `fresh` one that keeps no idle connection, so that a request
    /// cannot meet a stale one.
    pub(super) fn get(
        &self,
        hub: &Hub,
        route: &Arc<Route>,
        fresh: bool,
    ) -> Result<Arc<HttpClient>, Error> {
        let mut made = self.0.lock();
        // Few routes, and mostly the same `Arc`, which is equal to itself without a look inside.
        let found = made
            .iter()
            .find(|known| known.fresh == fresh && known.route == *route);
        if let Some(found) = found {
            return Ok(Arc::clone(&found.client));
        }
        let client = Arc::new(build(hub, route, fresh)?);
        made.push(Made {
            route: Arc::clone(route),
            fresh,
            client: Arc::clone(&client),
        });
        Ok(client)
    }

    /// For how long the longest-lived of their idle connections is kept; `None` where none is.
    pub(super) fn longest_keepalive(&self) -> Option<Duration> {
        let made = self.0.lock();
        let kept = made.iter().filter(|made| !made.fresh);
        kept.map(|made| made.route.keepalive()).max()
    }
}

fn build(hub: &Hub, route: &Route, fresh: bool) -> Result<HttpClient, Error> {
    let tls = route.tls.as_ref().map(|key| hub.tls.get(key)).transpose()?;
    let proxy = route.proxy.as_ref().map(Proxy::intercept).transpose()?;
    // To an https origin the tunnel carries it, and the origin shall not see it.
    let credentials = proxy.as_ref().and_then(Intercept::basic_auth);
    let proxy_authorization = credentials.filter(|_| !route.https).cloned();
    let way = Way::new(hub.dns.clone(), tls, proxy);
    let hyper = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(route.keepalive())
        .pool_max_idle_per_host(if fresh { 0 } else { usize::MAX })
        .build(Connector(Arc::new(way)));
    Ok(HttpClient {
        hyper,
        proxy_authorization,
    })
}
