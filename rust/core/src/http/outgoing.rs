//! A request that is ready to go out: where to, over which route, and what is sent.

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

/// An idle connection is dropped before the server may close it under a request: uvicorn, which
/// most self-hosted servers stand on, does so after 5 s.
const KEEPALIVE_HTTP: Duration = Duration::from_secs(4);
/// Hosted providers keep idle connections for a minute and more.
pub(super) const KEEPALIVE_HTTPS: Duration = Duration::from_secs(30);

/// Everything that makes two connections different, beside their origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) https: bool,
    /// `None` where no TLS is spoken at all.
    pub(crate) tls: Option<TlsKey>,
    pub(crate) proxy: Option<Proxy>,
    /// `None` keeps an idle connection for as long as most servers do.
    pub(crate) keepalive: Option<Duration>,
}

impl Route {
    /// For how long an idle connection is kept.
    pub(super) fn keepalive(&self) -> Duration {
        self.keepalive.unwrap_or(if self.https {
            KEEPALIVE_HTTPS
        } else {
            KEEPALIVE_HTTP
        })
    }
}

/// Where a request goes, and the same as it is sent.
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

/// A request that is ready to go out, as often as needed.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) target: Arc<Target>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) route: Arc<Route>,
    pub(crate) origin: Arc<Origin>,
    pub(crate) place: Arc<Place>,
    pub(crate) pool_limit: Option<Duration>,
}
