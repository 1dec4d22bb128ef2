//! The connections of one runtime, and how long they may be useful.

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
use rustls::ClientConfig;
use tokio::time::Instant;

use super::connector::{Connector, Probe};
use super::dial::Dialer;
use super::hub::Hub;
use super::outgoing::{KEEPALIVE_HTTPS, Outgoing, Route};
use super::proxy::Proxy;
use super::tls::TlsKey;
use crate::error::{Error, ErrorKind, Phase};

/// How many headers a reply may have. hyper bounds their bytes to about 400 KiB.
const MOST_HEADERS: usize = 1_000;

/// A transport is kept at least this long, even if its connections are closed sooner: a pause between two calls
/// costs less than another transport and its runtime.
const SHORTEST_LIFE: Duration = KEEPALIVE_HTTPS;

/// The connections of one tokio runtime. Use it only there, because the tasks of idle connections run there.
#[derive(Debug)]
pub struct Transport {
    hub: Arc<Hub>,
    clients: Mutex<Vec<RouteClient>>,
    last_used: Mutex<Instant>,
}

/// The client of one route.
#[derive(Debug)]
struct RouteClient {
    route: Arc<Route>,
    fresh: bool,
    client: Arc<HttpClient>,
}

impl Transport {
    /// Makes a transport without connections. Does no I/O.
    #[must_use]
    pub fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            clients: Mutex::default(),
            last_used: Mutex::new(Instant::now()),
        }
    }

    /// What it shares with the other transports of the process.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// When a call last began or ended here.
    pub(super) fn last_used(&self) -> Instant {
        *self.last_used.lock()
    }

    pub(crate) fn touch(&self) {
        *self.last_used.lock() = Instant::now();
    }

    /// The client for the route of `outgoing`. If `fresh` is set, it keeps no idle connections, so a request cannot
    /// get a stale one. The first client of a route waits for its certificate files, at most as long as a connection
    /// may take.
    pub(super) async fn client(
        &self,
        outgoing: &Outgoing,
        probe: &Probe,
        fresh: bool,
    ) -> Result<Arc<HttpClient>, Error> {
        let route = &outgoing.route;
        if let Some(client) = find(&self.clients.lock(), route, fresh) {
            return Ok(client);
        }
        let tls = match &route.tls {
            Some(key) => Some(Box::pin(self.tls(key, outgoing, probe)).await?),
            None => None,
        };
        self.make(route, tls, fresh)
    }

    async fn tls(
        &self,
        key: &TlsKey,
        outgoing: &Outgoing,
        probe: &Probe,
    ) -> Result<ClientConfig, Error> {
        let limit = probe.connect_limit();
        let read = self.hub.tls.get(key);
        probe.read_files(true);
        let read = match limit {
            Some(limit) => tokio::time::timeout(limit, read).await,
            None => Ok(read.await),
        };
        probe.read_files(false);
        read.unwrap_or_else(|_| {
            let message = format!(
                "no connection to {}: {} could not be read within {} s (the `connect` timeout)",
                outgoing.place.origin,
                key.shown(),
                limit.unwrap_or_default().as_secs_f64(),
            );
            let error = Error::new(ErrorKind::ConnectTimeout, message);
            Err(error.at(Phase::Connect).retryable(true))
        })
    }

    fn make(
        &self,
        route: &Arc<Route>,
        tls: Option<ClientConfig>,
        fresh: bool,
    ) -> Result<Arc<HttpClient>, Error> {
        let mut clients = self.clients.lock();
        // Another call may have made it in the meantime.
        if let Some(client) = find(&clients, route, fresh) {
            return Ok(client);
        }
        let client = Arc::new(build(&self.hub, route, tls, fresh)?);
        clients.push(RouteClient {
            route: Arc::clone(route),
            fresh,
            client: Arc::clone(&client),
        });
        Ok(client)
    }

    /// Whether none of its idle connections can be useful any more, so that the transport and its runtime may be
    /// dropped. This takes at least 30 s.
    #[must_use]
    pub fn has_outlived_its_connections(&self) -> bool {
        let clients = self.clients.lock();
        let kept = clients.iter().filter(|client| !client.fresh);
        let longest = kept.map(|client| client.route.keepalive()).max();
        self.last_used().elapsed() > longest.unwrap_or_default().max(SHORTEST_LIFE)
    }
}

/// The client of `route`. There are few routes, mostly the same `Arc`, which compares equal to itself without a look
/// inside.
fn find(clients: &[RouteClient], route: &Arc<Route>, fresh: bool) -> Option<Arc<HttpClient>> {
    let mut known = clients.iter();
    let known = known.find(|known| known.fresh == fresh && known.route == *route)?;
    Some(Arc::clone(&known.client))
}

/// One of hyper's clients, and the credentials of its proxy.
#[derive(Debug)]
pub(super) struct HttpClient {
    hyper: Client<Connector, Full<Bytes>>,
    proxy_authorization: Option<HeaderValue>,
}

impl HttpClient {
    /// Sends a request and returns the response head; the body follows.
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

fn build(
    hub: &Hub,
    route: &Route,
    tls: Option<ClientConfig>,
    fresh: bool,
) -> Result<HttpClient, Error> {
    let proxy = route.proxy.as_ref().map(Proxy::intercept).transpose()?;
    // For an https origin the tunnel sends them, and the origin must not see them.
    let credentials = proxy.as_ref().and_then(Intercept::basic_auth);
    let proxy_authorization = credentials.filter(|_| !route.https).cloned();
    let resolver = match &route.zoned {
        Some(address) => hub.dns.only(address),
        None => hub.dns.clone(),
    };
    let dialer = Dialer::new(resolver, tls, proxy);
    let hyper = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http1_max_headers(MOST_HEADERS)
        .pool_idle_timeout(route.keepalive())
        .pool_max_idle_per_host(if fresh { 0 } else { usize::MAX })
        .build(Connector(Arc::new(dialer)));
    Ok(HttpClient {
        hyper,
        proxy_authorization,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transport that was just used, by routes that keep their connections for so long.
    fn used_by(routes: &[(bool, Option<Duration>)]) -> Transport {
        let transport = Transport::new(Hub::new());
        for (https, keepalive) in routes {
            let route = Route {
                https: *https,
                tls: None,
                proxy: None,
                zoned: None,
                keepalive: *keepalive,
            };
            transport.make(&Arc::new(route), None, false).unwrap();
        }
        transport.touch();
        transport
    }

    async fn is_wanted_after(transport: &Transport, seconds: u64) -> bool {
        transport.touch();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        !transport.has_outlived_its_connections()
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_is_wanted_as_long_as_one_of_its_connections_may_be() {
        let secs = |seconds| Some(Duration::from_secs(seconds));
        for (routes, wanted, not_wanted) in [
            (&[][..], 29, 31),
            // By default, 4 s for http and 30 s for https.
            (&[(false, None)][..], 29, 31),
            (&[(true, None)][..], 29, 31),
            (&[(false, secs(4))][..], 29, 31),
            (&[(true, secs(120))][..], 60, 121),
            (&[(false, secs(120)), (true, secs(4))][..], 119, 121),
        ] {
            let transport = used_by(routes);
            assert!(is_wanted_after(&transport, wanted).await, "{routes:?}");
            assert!(!is_wanted_after(&transport, not_wanted).await, "{routes:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_not_kept_does_not_count() {
        let transport = Transport::new(Hub::new());
        let route = Arc::new(Route {
            https: false,
            tls: None,
            proxy: None,
            zoned: None,
            keepalive: Some(Duration::from_secs(120)),
        });
        transport.make(&route, None, true).unwrap();
        assert!(!is_wanted_after(&transport, 31).await);
    }
}
