//! The reqwest clients of one runtime: one for each way to connect, shared by all who go that way.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use super::Hub;
use super::connector::ConnectLayer;
use super::proxy::Proxy;
use super::tls::{self, TlsKey};
use crate::error::{Error, ErrorKind};

/// An idle connection is dropped before the server may close it under a request: uvicorn, which
/// most self-hosted servers stand on, does so after 5 s.
const KEEPALIVE_HTTP: Duration = Duration::from_secs(4);
/// Hosted providers keep idle connections for a minute and more.
const KEEPALIVE_HTTPS: Duration = Duration::from_secs(30);

/// Everything that makes two connections different, beside their origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) https: bool,
    /// `None` where no TLS is spoken at all.
    pub(crate) tls: Option<TlsKey>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) keepalive: Option<Duration>,
}

/// The clients made so far. Their connections' tasks live on the runtime that made them.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<HashMap<(Route, bool), reqwest::Client>>);

impl Clients {
    /// The client for `route`; with `fresh` one that keeps no idle connection, so that a request
    /// cannot meet a stale one.
    pub(crate) fn get(
        &self,
        hub: &Hub,
        route: &Route,
        fresh: bool,
    ) -> Result<reqwest::Client, Error> {
        let mut made = self.0.lock();
        let key = (route.clone(), fresh);
        if let Some(client) = made.get(&key) {
            return Ok(client.clone());
        }
        let client = build(hub, route, fresh)?;
        made.insert(key, client.clone());
        Ok(client)
    }
}

fn build(hub: &Hub, route: &Route, fresh: bool) -> Result<reqwest::Client, Error> {
    let tls = match &route.tls {
        Some(key) => hub.tls.get(key)?,
        None => tls::without_roots()?,
    };
    let keepalive = route.keepalive.unwrap_or(if route.https {
        KEEPALIVE_HTTPS
    } else {
        KEEPALIVE_HTTP
    });
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        // The two things that could send a prompt or a key elsewhere, or send it twice unseen.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .tcp_nodelay(true)
        // A dead path (NAT that forgot us) shows after 60 s of silence, or 30 s of unacknowledged data.
        .tcp_keepalive(Duration::from_secs(15))
        .tcp_keepalive_interval(Duration::from_secs(15))
        .tcp_keepalive_retries(3)
        .pool_idle_timeout(keepalive)
        .pool_max_idle_per_host(if fresh { 0 } else { usize::MAX })
        .dns_resolver(hub.dns.clone())
        .connector_layer(ConnectLayer)
        // The environment is read by our own rules, once for each client of ours.
        .no_proxy();
    #[cfg(target_os = "linux")]
    {
        builder = builder.tcp_user_timeout(Duration::from_secs(30));
    }
    if let Some(proxy) = &route.proxy {
        let proxy = reqwest::Proxy::all(proxy.url().clone()).map_err(|_| {
            let message = format!("the proxy {} cannot be used", proxy.shown());
            Error::new(ErrorKind::Config, message)
        })?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| {
        let error = error.without_url();
        Error::new(ErrorKind::Engine, format!("cannot set up HTTP: {error}"))
    })
}
