//! The connections of one runtime, and how long they may still be of use.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::clients::{Clients, HttpClient};
use super::hub::Hub;
use super::outgoing::{KEEPALIVE_HTTPS, Route};
use crate::error::Error;

/// Making a transport and its runtime anew costs more than keeping it for a pause between two calls,
/// even where its connections are gone sooner.
const SHORTEST_LIFE: Duration = KEEPALIVE_HTTPS;

/// The connections of one tokio runtime. Use it on that runtime alone: an idle connection's task lives there.
#[derive(Debug)]
pub struct Transport {
    hub: Arc<Hub>,
    clients: Clients,
    last_used: Mutex<Instant>,
}

impl Transport {
    /// A transport without connections. Does no I/O.
    #[must_use]
    pub fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            clients: Clients::default(),
            last_used: Mutex::new(Instant::now()),
        }
    }

    /// What it shares with the process's other transports.
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

    /// The client for `route`; with `fresh` one that keeps no idle connection.
    pub(super) fn client(&self, route: &Arc<Route>, fresh: bool) -> Result<Arc<HttpClient>, Error> {
        self.clients.get(&self.hub, route, fresh)
    }

    /// Whether no idle connection here can be of use any more, so that the transport and what
    /// drives it may go. A transport is wanted for at least 30 s.
    #[must_use]
    pub fn has_outlived_its_connections(&self) -> bool {
        let idle = self.last_used().elapsed();
        idle > SHORTEST_LIFE && idle > self.clients.longest_keepalive().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transport that was used a moment ago by routes that keep their connections for so long.
    fn used_by(routes: &[(bool, Option<Duration>)]) -> Transport {
        let transport = Transport::new(Hub::new());
        for (https, keepalive) in routes {
            let route = Route {
                https: *https,
                tls: None,
                proxy: None,
                keepalive: *keepalive,
            };
            transport.client(&Arc::new(route), false).unwrap();
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
            // What a route is kept for by itself: 4 s for http, 30 s for https.
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
    async fn a_connection_that_is_not_kept_counts_for_nothing() {
        let transport = Transport::new(Hub::new());
        let route = Arc::new(Route {
            https: false,
            tls: None,
            proxy: None,
            keepalive: Some(Duration::from_secs(120)),
        });
        transport.client(&route, true).unwrap();
        assert!(!is_wanted_after(&transport, 31).await);
    }
}
