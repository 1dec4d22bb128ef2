//! The transport for everything that [`direct`](super::direct) does not do, such as proxies. It stands on reqwest.

use std::sync::Arc;

use http::response::Parts;
use reqwest::redirect;
use rustls::ClientConfig;

use super::dns::Resolver;
use super::exchange::{BoxError, Exchange, Failed, Incoming, MOST_HEADERS, Request};
use super::handshake::Turns;
use super::link::{self, Linker};
use super::outgoing::Route;
use super::proxy::Proxy;
use super::tunnel::{Asker, AsksAgain};
use crate::error::{Error, ErrorKind};

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
    let linker = Linker::new(resolver.clone(), Some(Arc::new(tls.clone())));
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
        *message.body_mut() = Some(request.body.into());
        let response = client.execute(message).await.map_err(|error| Failed {
            connecting: error.is_connect(),
            error: BoxError::from(error.without_url()),
        })?;
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        Ok((parts, Incoming::General(body)))
    }
}
