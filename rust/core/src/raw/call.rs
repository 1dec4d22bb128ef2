//! A request of another library that is ready to be sent, and the client that checks it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use parking_lot::Mutex;
use url::Url;

use super::asked::Asked;
use super::exchange::Exchange;
use super::intercept;
use super::limits::RawLimits;
use crate::client::route;
use crate::config::{ClientConfig, Family, TransportSetting};
use crate::error::{Error, ErrorKind};
use crate::http::{Hub, Interception, Origin, Outgoing, Payload, Place, Route, Target, UnixSocket};

/// For how many origins a client remembers the way.
const MOST_WAYS: usize = 256;

/// How many headers a request may have. A map of over 24,576 panics.
const MOST_HEADERS: usize = 16_384;

/// How an origin is reached.
#[derive(Debug, Clone)]
struct Way {
    url: Url,
    route: Arc<Route>,
    origin: Arc<Origin>,
    place: Arc<Place>,
}

/// What sends requests of other libraries. It does no I/O itself.
#[derive(Debug)]
pub struct RawClient {
    hub: Arc<Hub>,
    config: ClientConfig,
    socket: Option<UnixSocket>,
    ways: Mutex<Vec<Way>>,
}

/// A request of another library.
pub struct RawRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The whole URL. Its path and query are sent as they are.
    pub url: &'a str,
    /// Names and values.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// The body; `None` if it is brought in pieces.
    pub body: Option<Bytes>,
    /// Limits in time.
    pub limits: RawLimits,
    /// Whether an event stream of a known API must have its end.
    pub checks_streams: bool,
}

/// A request that is ready to be sent, by [`super::pass`].
pub struct RawCall {
    pub(super) outgoing: Outgoing,
    pub(super) exchange: Arc<Exchange>,
    pub(super) limits: RawLimits,
    pub(super) asked: Option<Asked>,
    pub(super) interception: Interception,
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
}

impl RawClient {
    /// A client whose connections have the limits, the TLS, the proxy and the transport of `config`. Everything else in
    /// it is not used. With `socket`, all requests go there.
    pub fn new(hub: &Arc<Hub>, config: ClientConfig, socket: Option<&Path>) -> Result<Self, Error> {
        let socket =
            socket.map(|path| UnixSocket::of(path).map_err(|why| refused(format!("uds= {why}"))));
        Ok(Self {
            hub: Arc::clone(hub),
            config,
            socket: socket.transpose()?,
            ways: Mutex::default(),
        })
    }

    /// Settings of a client that sends requests of other libraries.
    #[must_use]
    pub fn settings() -> ClientConfig {
        ClientConfig {
            base_url_name: "url".into(),
            ..ClientConfig::new(String::new(), Family::Chat)
        }
    }

    /// The same client of another process, which shares no connection with this one.
    #[must_use]
    pub fn in_process(&self, hub: &Arc<Hub>) -> Self {
        Self {
            hub: Arc::clone(hub),
            config: self.config.clone(),
            socket: self.socket.clone(),
            ways: Mutex::default(),
        }
    }

    /// Checks a request. Does no I/O. Every error is `Config`.
    pub fn prepare(&self, request: RawRequest<'_>) -> Result<RawCall, Error> {
        let url = read_url(request.url)?;
        let path = path_of(request.url);
        let way = self.way(&url)?;
        let method = Method::from_bytes(request.method.as_bytes())
            .ok()
            .filter(|method| method != Method::CONNECT)
            .ok_or_else(|| refused("the method of the request is not one that can be sent"))?;
        let headers = read_headers(request.headers)?;
        check_framing(&headers, request.body.as_ref())?;
        let must_end = request.checks_streams;
        let limits = request.limits;
        let is_judged = must_end || limits.first_token.is_some() || limits.idle.is_some();
        let asked = is_judged
            .then(|| Asked::of(&method, path, request.body.as_ref(), must_end))
            .flatten();
        let exchange = Exchange::new(request.body.is_none());
        let body = match request.body {
            Some(bytes) => Payload::Bytes(bytes),
            None => Payload::Pieces(Arc::clone(&exchange) as _),
        };
        let mut outgoing = Outgoing {
            method,
            target: Target::as_written(url, path)?,
            headers,
            body,
            route: way.route,
            origin: way.origin,
            place: way.place,
        };
        let interception = self.hub.test_rules().interception();
        let sender = (&*self.hub, &self.config.limits);
        intercept::redirect(&interception, &mut outgoing, sender)?;
        Ok(RawCall {
            outgoing,
            exchange,
            limits,
            asked,
            interception,
        })
    }

    fn way(&self, url: &Url) -> Result<Way, Error> {
        let is_same = |way: &Way| {
            way.url.scheme() == url.scheme()
                && way.url.host_str() == url.host_str()
                && way.url.port() == url.port()
        };
        if let Some(way) = self.ways.lock().iter().find(|way| is_same(way)) {
            return Ok(way.clone());
        }
        let mut base = url.clone();
        base.set_path("");
        base.set_query(None);
        let socket = self.socket.clone();
        if socket.is_some() && base.scheme() == "https" {
            return Err(refused(
                "https:// over uds= is not supported: write http://",
            ));
        }
        let (route, origin, place) = route::to(&self.hub, base.clone(), socket, &self.config)?;
        let way = Way {
            url: base,
            route: Arc::new(route),
            origin,
            place: Arc::new(place),
        };
        let mut ways = self.ways.lock();
        if ways.len() >= MOST_WAYS {
            ways.clear();
        }
        ways.push(way.clone());
        Ok(way)
    }
}

impl RawCall {
    /// What its reader takes from.
    #[must_use]
    pub fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// The transport that carries it, which is never `Auto`.
    #[must_use]
    pub fn transport(&self) -> TransportSetting {
        self.outgoing.route.road.into()
    }
}

impl fmt::Debug for RawCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawCall")
            .field("origin", &self.outgoing.place.origin)
            .finish_non_exhaustive()
    }
}

/// Reads a URL. Errors do not show it, because its query may hold a key.
fn read_url(text: &str) -> Result<Url, Error> {
    let mut url =
        Url::parse(text).map_err(|error| refused(format!("the URL cannot be read ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme: String = url.scheme().chars().take(20).collect();
        return Err(refused(format!(
            "the URL begins with {scheme}://: write http:// or https://"
        )));
    }
    if !url.has_host() {
        return Err(refused("the URL has no host"));
    }
    if url.port() == Some(0) {
        return Err(refused("the URL has port 0: give the server's port"));
    }
    // Both belong to whoever made the request, and are not sent.
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(url)
}

/// Path and query of a URL as they are written; `/` without any.
fn path_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(after_scheme..).unwrap_or_default();
    let rest = rest.split('#').next().unwrap_or_default();
    match rest.find(['/', '?']) {
        Some(at) => rest.get(at..).unwrap_or("/"),
        None => "/",
    }
}

fn read_headers(pairs: &[(&[u8], &[u8])]) -> Result<HeaderMap, Error> {
    if pairs.len() > MOST_HEADERS {
        let message = format!("the request has too many headers: over {MOST_HEADERS}");
        return Err(refused(message));
    }
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name)
            .map_err(|_| refused("a name in the headers has an invalid character"))?;
        let mut value = HeaderValue::from_bytes(value).map_err(|_| {
            refused(format!(
                "the value of the header {name} has a control character"
            ))
        })?;
        // Only the caller knows which of them are secret.
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// Refuses a request of which a server and a proxy before it may see different ends or hosts.
fn check_framing(headers: &HeaderMap, body: Option<&Bytes>) -> Result<(), Error> {
    if headers.get_all(HOST).iter().nth(1).is_some() {
        return Err(refused("the request has more than one host header"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_other = |coding: &HeaderValue| !coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some_and(is_other) || codings.next().is_some() {
        let message = "the transfer-encoding of the request is not `chunked`";
        return Err(refused(message));
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let Some(said) = lengths.next() else {
        return Ok(());
    };
    let (Some(said), None) = (read_length(said), lengths.next()) else {
        let message = "the content-length of the request is not one whole number";
        return Err(refused(message));
    };
    match body.map(Bytes::len) {
        // It would be cut, or leave the server waiting.
        Some(length) if length as u64 != said => Err(refused(format!(
            "the content-length of the request is not that of its body, which has {length} bytes"
        ))),
        _ => Ok(()),
    }
}

fn read_length(value: &HeaderValue) -> Option<u64> {
    let digits = value.to_str().ok()?;
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}
