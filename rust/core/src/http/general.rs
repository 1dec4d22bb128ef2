//! The transport for everything that [`direct`](super::direct) does not do, such as proxies. It stands on reqwest.

use http::HeaderValue;
use http::response::Parts;
use reqwest::redirect;
use rustls::ClientConfig;

use super::dns::Resolver;
use super::exchange::{BoxError, Exchange, Failed, Incoming, MOST_HEADERS, Request};
use super::handshake::Turns;
use super::link;
use super::outgoing::Route;
use super::proxy::Proxy;
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
        let build = |idle: usize| client(route, resolver, tls, idle);
        Ok(Self {
            keeps: build(usize::MAX)?,
            fresh: build(0)?,
        })
    }
}

fn client(
    route: &Route,
    resolver: &Resolver,
    tls: &ClientConfig,
    idle: usize,
) -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .http1_only()
        .http1_max_headers(MOST_HEADERS)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .tls_backend_preconfigured(tls.clone())
        .dns_resolver(resolver.clone())
        .pool_idle_timeout(route.keepalive())
        .pool_max_idle_per_host(idle)
        .tcp_nodelay(true)
        .tcp_keepalive(link::KEEPALIVE)
        .tcp_keepalive_interval(link::KEEPALIVE)
        .tcp_keepalive_retries(link::KEEPALIVE_RETRIES)
        .connector_layer(Turns);
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(link::USER_TIMEOUT);
    let builder = match &route.proxy {
        Some(proxy) => builder.proxy(through(proxy)?),
        None => builder,
    };
    builder
        .build()
        .map_err(|error| unusable(&error.without_url()))
}

fn through(proxy: &Proxy) -> Result<reqwest::Proxy, Error> {
    reqwest::Proxy::all(proxy.url().as_str()).map_err(|error| unusable(&error.without_url()))
}

fn unusable(error: &reqwest::Error) -> Error {
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
        // reqwest would add one.
        message
            .headers_mut()
            .entry(http::header::ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        *message.body_mut() = Some(request.body.into());
        let response = client.execute(message).await.map_err(|error| Failed {
            connecting: error.is_connect(),
            error: BoxError::from(error.without_url()),
        })?;
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        Ok((parts, Incoming::General(body)))
    }
}
