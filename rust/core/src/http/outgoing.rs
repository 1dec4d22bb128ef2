//! A request that is ready to be sent: its target, its route, its headers and its body.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use url::Url;

use super::fault::Place;
use super::origin::Origin;
use super::proxy::Proxy;
use super::tls::TlsKey;
use crate::error::{Error, ErrorKind, Phase};

/// An idle connection is closed before the server may close it in the middle of a request. uvicorn, which most
/// self-hosted servers use, does so after 5 s.
const KEEPALIVE_HTTP: Duration = Duration::from_secs(4);
/// Hosted providers keep idle connections for a minute or longer.
pub(super) const KEEPALIVE_HTTPS: Duration = Duration::from_secs(30);

/// Everything that makes two connections to an origin different.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) https: bool,
    /// `None` if neither the origin nor the proxy speaks TLS.
    pub(crate) tls: Option<TlsKey>,
    pub(crate) proxy: Option<Proxy>,
    /// The address with its zone, as in `fe80::1%eth0`, if the origin has one. Its URLs cannot hold the zone.
    pub(crate) zoned: Option<String>,
    /// How long an idle connection is kept; `None` means as long as most servers keep it.
    pub(crate) keepalive: Option<Duration>,
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

/// Where a request goes, in both forms that are needed.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(super) uri: Uri,
}

impl Target {
    pub(crate) fn new(url: Url) -> Result<Arc<Self>, Error> {
        let uri = url.as_str().parse().map_err(|error| {
            let message = format!("the request cannot be built: {error}");
            Error::new(ErrorKind::Config, message).at(Phase::Connect)
        })?;
        Ok(Arc::new(Self { url, uri }))
    }
}

/// A request that is ready to be sent, once for each attempt.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) target: Arc<Target>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) route: Arc<Route>,
    pub(crate) origin: Arc<Origin>,
    pub(crate) place: Arc<Place>,
}
