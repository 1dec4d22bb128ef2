//! A request that is ready to be sent: its target, its route, its headers and its body.

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Uri};
use url::Url;

use super::fault::Place;
use super::origin::Origin;
use super::payload::Payload;
use super::proxy::Proxy;
use super::tls::TlsKey;
use super::unix::UnixSocket;
use crate::error::{Error, ErrorKind, Phase};

/// An idle connection is closed before the server may close it in the middle of a request. uvicorn, which most
/// self-hosted servers use, does so after 5 s.
const KEEPALIVE_HTTP: Duration = Duration::from_secs(4);
/// Hosted providers keep idle connections for a minute or longer.
pub(super) const KEEPALIVE_HTTPS: Duration = Duration::from_secs(30);

/// Which transport a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Road {
    /// HTTP/1.1 straight to the origin.
    Direct,
    /// Through reqwest.
    General,
}

/// Everything that makes two connections to an origin different.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) https: bool,
    /// `None` if neither the origin nor the proxy speaks TLS.
    pub(crate) tls: Option<TlsKey>,
    pub(crate) proxy: Option<Proxy>,
    /// The address with its zone, as in `fe80::1%eth0`, if the origin has one. Its URLs cannot hold the zone.
    pub(crate) zoned: Option<String>,
    /// The unix socket of the origin, if it has one. Its URLs have the host `localhost`.
    pub(crate) socket: Option<UnixSocket>,
    pub(crate) road: Road,
    /// How long an idle connection is kept; `None` means as long as most servers keep it.
    pub(crate) keepalive: Option<Duration>,
    /// How large the head of a reply may be, in bytes.
    pub(crate) max_head_bytes: usize,
}

impl Route {
    /// The zone of the origin's address.
    pub(crate) fn zone(&self) -> Option<&str> {
        let (_, zone) = self.zoned.as_deref()?.split_once('%')?;
        Some(zone)
    }

    /// How long an idle connection is kept.
    pub(super) fn keepalive(&self) -> Duration {
        self.keepalive.unwrap_or(if self.https {
            KEEPALIVE_HTTPS
        } else {
            KEEPALIVE_HTTP
        })
    }
}

/// Where a request goes, in all forms that are needed.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(super) uri: Uri,
    /// Path and query, as an origin gets them.
    pub(super) path: Uri,
    /// The `host` header.
    pub(super) host: HeaderValue,
}

impl Target {
    pub(crate) fn new(url: Url) -> Result<Arc<Self>, Error> {
        let unusable = |error: &dyn std::fmt::Display| {
            let message = format!("the request cannot be built: {error}");
            Error::new(ErrorKind::Config, message).at(Phase::Connect)
        };
        let uri: Uri = url.as_str().parse().map_err(|error| unusable(&error))?;
        let path = uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        // A URL has its port only if it is not the usual one.
        let mut host = url.host_str().unwrap_or_default().to_owned();
        if let Some(port) = url.port() {
            host = format!("{host}:{port}");
        }
        Ok(Arc::new(Self {
            url,
            uri,
            path: path.into(),
            host: HeaderValue::try_from(host).map_err(|error| unusable(&error))?,
        }))
    }

    /// The target at `url`, whose path and query are sent as they are written in `path`.
    pub(crate) fn as_written(url: Url, path: &str) -> Result<Arc<Self>, Error> {
        let mut target = Self::new(url)?;
        let path = path.parse::<PathAndQuery>().map_err(|error| {
            let message = format!("the path of the URL cannot be sent ({error})");
            Error::new(ErrorKind::Config, message).at(Phase::Connect)
        })?;
        if let Some(target) = Arc::get_mut(&mut target) {
            target.path = path.into();
        }
        Ok(target)
    }
}

/// A request that is ready to be sent, once for each attempt.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) target: Arc<Target>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Payload,
    pub(crate) route: Arc<Route>,
    pub(crate) origin: Arc<Origin>,
    pub(crate) place: Arc<Place>,
}
