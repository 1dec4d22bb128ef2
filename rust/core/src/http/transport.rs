//! The connections of one runtime, and how long they may be useful.

use std::sync::Arc;
use std::time::Duration;

use http::response::Parts;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::direct::Direct;
use super::exchange::{Exchange, Failed, Incoming, Request};
use super::general::General;
use super::handshake::Probe;
use super::hub::Hub;
use super::link::Linker;
use super::outgoing::{KEEPALIVE_HTTPS, Outgoing, Road, Route};
use super::tls::{TlsConfigs, TlsKey};
use crate::error::{Error, ErrorKind, Phase};

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

    /// The client for the route of `outgoing`. The first client of a route waits for its certificate files, at most as
    /// long as a connection may take.
    pub(super) async fn client(
        &self,
        outgoing: &Outgoing,
        probe: &Probe,
    ) -> Result<Arc<HttpClient>, Error> {
        let route = &outgoing.route;
        if let Some(client) = find(&self.clients.lock(), route) {
            return Ok(client);
        }
        let tls = match &route.tls {
            Some(key) => Some(Box::pin(self.tls(key, outgoing, probe)).await?),
            None => None,
        };
        self.make(route, tls)
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
    ) -> Result<Arc<HttpClient>, Error> {
        let mut clients = self.clients.lock();
        // Another call may have made it in the meantime.
        if let Some(client) = find(&clients, route) {
            return Ok(client);
        }
        let client = Arc::new(build(&self.hub, route, tls)?);
        clients.push(RouteClient {
            route: Arc::clone(route),
            client: Arc::clone(&client),
        });
        Ok(client)
    }

    /// Whether none of its idle connections can be useful any more, so that the transport and its runtime may be
    /// dropped. This takes at least 30 s.
    #[must_use]
    pub fn has_outlived_its_connections(&self) -> bool {
        let clients = self.clients.lock();
        let longest = clients.iter().map(|client| client.route.keepalive()).max();
        self.last_used().elapsed() > longest.unwrap_or_default().max(SHORTEST_LIFE)
    }
}

/// The client of `route`. There are few routes, mostly the same `Arc`, which compares equal to itself without a look
/// inside.
fn find(clients: &[RouteClient], route: &Arc<Route>) -> Option<Arc<HttpClient>> {
    let known = clients.iter().find(|known| known.route == *route)?;
    Some(Arc::clone(&known.client))
}

/// The transport of a route.
#[derive(Debug)]
pub(super) enum HttpClient {
    Direct(Direct),
    General(General),
}

impl HttpClient {
    /// Lets the runtime poll its sockets, so that idle connections know what has arrived for them.
    pub(super) async fn notice_closed(&self) {
        // A task that yields runs again after the sockets were polled.
        tokio::task::yield_now().await;
        if let Self::General(_) = self {
            // It may be the first to run then. The tasks of idle connections have certainly had their turn before its
            // second one.
            tokio::task::yield_now().await;
        }
    }
}

impl Exchange for HttpClient {
    async fn send(&self, request: Request) -> Result<(Parts, Incoming), Failed> {
        match self {
            Self::Direct(direct) => direct.send(request).await,
            // It is much larger, and used less.
            Self::General(general) => Box::pin(general.send(request)).await,
        }
    }
}

fn build(hub: &Hub, route: &Route, tls: Option<ClientConfig>) -> Result<HttpClient, Error> {
    let resolver = match &route.zoned {
        Some(address) => hub.dns.only(address),
        None => hub.dns.clone(),
    };
    match route.road {
        Road::Direct => {
            let linker = Linker::new(resolver, route.socket.clone(), tls.map(Arc::new));
            Ok(HttpClient::Direct(Direct::new(linker, route)))
        }
        Road::General => {
            let tls = tls.map_or_else(TlsConfigs::unused, Ok)?;
            Ok(HttpClient::General(General::new(route, &resolver, &tls)?))
        }
    }
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
                socket: None,
                road: Road::Direct,
                keepalive: *keepalive,
                max_head_bytes: 64 << 10,
            };
            transport.make(&Arc::new(route), None).unwrap();
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
}
