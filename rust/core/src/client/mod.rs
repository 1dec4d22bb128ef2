//! A client: configuration checked once, and what each of its calls shares. Making one does no I/O.
//!
//! This file makes the client, and from it and the caller's [`CallOptions`] (`options`) the [`Call`] that
//! [`crate::call`] and [`crate::stream`] carry out. `check` refuses wrong settings, `address` reads base
//! URLs and joins paths to them, and `headers` writes what is sent beside the body. `intercept` is what
//! a test that intercepts the calls changes of them.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderMap, HeaderValue};
use url::Url;

use crate::config::{ClientConfig, Secret, Timeout};
use crate::error::{Error, ErrorKind};
use crate::http::{
    Hub, Interception, Origin, Outgoing, Place, Proxy, Route, Target, TlsKey,
    proxy_from_environment,
};
use crate::request::Request;
use crate::retry::Bucket;
use crate::wire::{self, Dialect, Provider};

mod address;
mod auth;
mod check;
mod headers;
mod intercept;
mod options;

use self::headers::random_key;

pub use self::auth::missing_key;
pub use self::options::CallOptions;

/// A client. Cloning it is cheap, and clones are the same client.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: ClientConfig,
    pub(crate) provider: Arc<Provider>,
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) bucket: Arc<Bucket>,
    base: Url,
    // The path that calls go to, mostly the only one, and where it leads.
    usual: OnceLock<(String, Arc<Target>)>,
    // Only a client that is made while calls are intercepted may have none of its own.
    has_address: bool,
    headers: HeaderMap,
    route: Arc<Route>,
    origin: Arc<Origin>,
    place: Arc<Place>,
    hub: Arc<Hub>,
}

/// A call that is ready to be made, by [`crate::call::complete`] or [`crate::stream::pump`].
#[derive(Clone)]
pub struct Call {
    pub(crate) client: Arc<Inner>,
    pub(crate) outgoing: Outgoing,
    pub(crate) timeout: Timeout,
    pub(crate) max_retries: u32,
    pub(crate) stream: bool,
    pub(crate) interception: Interception,
    pub(crate) started: Instant,
    // For redaction: a server may echo what it was sent.
    pub(crate) key: Option<Secret>,
    dropped: Arc<[String]>,
}

impl Client {
    /// Checks `config` and makes a client of `provider` with it. Does no I/O; every failure is `Config` and names the fix.
    pub fn new(
        hub: &Arc<Hub>,
        provider: Arc<Provider>,
        config: ClientConfig,
    ) -> Result<Self, Error> {
        let bucket = Arc::new(Bucket::new(config.retry.budget));
        Self::with_bucket(hub, provider, config, bucket)
    }

    /// A client with other settings that shares this one's retry budget.
    pub fn derive(
        &self,
        hub: &Arc<Hub>,
        provider: Arc<Provider>,
        config: ClientConfig,
    ) -> Result<Self, Error> {
        Self::with_bucket(hub, provider, config, Arc::clone(&self.0.bucket))
    }

    fn with_bucket(
        hub: &Arc<Hub>,
        provider: Arc<Provider>,
        config: ClientConfig,
        bucket: Arc<Bucket>,
    ) -> Result<Self, Error> {
        check::settings(&config)?;
        auth::check(&provider.auth)?;
        let dialect = wire::choose(&provider, config.family, config.api.as_deref())?;
        let has_address = config.base_url.is_some() || provider.base_url.is_some();
        let base = if has_address || !hub.is_intercepted() {
            address::base_url(config.base_url.as_deref(), &provider)?
        } else {
            // Never used: a call that is not intercepted is refused.
            address::base_url(Some("http://address.invalid"), &provider)?
        };
        let https = base.scheme() == "https";
        let host = base.host_str().unwrap_or_default();
        let port = base.port_or_known_default().unwrap_or_default();
        let origin = hub.origin(https, host, port, &config.limits);
        let trust_env = config.trust_env;
        let var = move |name: &str| trust_env.then(|| std::env::var(name).ok()).flatten();
        let proxy = match &config.proxy {
            Some(proxy) => Some(Proxy::parse(proxy.expose(), "proxy=")?),
            None => proxy_from_environment(&base, var)?,
        };
        let speaks_tls = https || proxy.as_ref().is_some_and(Proxy::is_https);
        let place = Place {
            origin: origin.name().to_owned(),
            base_url: address::shown(&base),
            proxy: proxy.as_ref().map(Proxy::shown),
        };
        let route = Route {
            https,
            tls: speaks_tls.then(|| TlsKey::new(&config.tls, var)),
            proxy,
            keepalive: config.limits.keepalive,
        };
        Ok(Self(Arc::new(Inner {
            headers: headers::of_client(&config, &provider.auth, dialect)?,
            config,
            provider,
            dialect,
            bucket,
            base,
            usual: OnceLock::new(),
            has_address,
            route: Arc::new(route),
            origin,
            place: Arc::new(place),
            hub: Arc::clone(hub),
        })))
    }

    /// Whom it calls.
    #[must_use]
    pub fn provider(&self) -> &Arc<Provider> {
        &self.0.provider
    }

    /// What its calls do, by OpenTelemetry's name for it.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.dialect.operation()
    }

    /// What it was made of.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// The base URL in canonical form, without its query.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.0.place.base_url
    }

    /// Host and port of its server.
    #[must_use]
    pub fn server(&self) -> (&str, Option<u16>) {
        let base = &self.0.base;
        (
            base.host_str().unwrap_or_default(),
            base.port_or_known_default(),
        )
    }

    /// How many more calls its origin may carry right now; for tests of what gives a permit back.
    #[doc(hidden)]
    #[must_use]
    pub fn free_connections(&self) -> usize {
        self.0.origin.free_permits()
    }

    /// Names of the request parameters that the dialect takes from this provider.
    #[must_use]
    pub fn parameters(&self) -> Vec<&'static str> {
        wire::supported(self.0.dialect, &self.0.provider)
    }

    /// Encodes a request. No I/O happens before the call is made.
    pub fn prepare(&self, request_json: &[u8], options: CallOptions) -> Result<Call, Error> {
        let request: Request<'_> = serde_json::from_slice(request_json).map_err(|error| {
            Error::new(
                ErrorKind::Validation,
                format!("the request cannot be read: {error}"),
            )
        })?;
        let stream = request.stream;
        let encoded = self.0.dialect.encode(&request, &self.0.provider)?;
        let mut call = self.call(Method::POST, &encoded.path, encoded.body, stream, options)?;
        if !encoded.dropped.is_empty() {
            call.dropped = encoded.dropped.into();
        }
        Ok(call)
    }

    /// The call that lists the server's models: GET `{base}/models`.
    pub fn models_call(&self, options: CallOptions) -> Result<Call, Error> {
        self.call(Method::GET, "/models", Vec::new(), false, options)
    }

    fn call(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        stream: bool,
        options: CallOptions,
    ) -> Result<Call, Error> {
        let inner = &self.0;
        let interception = inner.hub.interception();
        if !interception.is_on() && !inner.has_address {
            // Says that there is no address.
            address::base_url(None, &inner.provider)?;
        }
        let mut headers = inner.headers.clone();
        if stream {
            headers.insert(
                header::ACCEPT,
                HeaderValue::from_static("text/event-stream"),
            );
        }
        if body.is_empty() {
            headers.remove(header::CONTENT_TYPE);
        }
        if let Some(key) = &options.api_key {
            auth::write(&mut headers, key, &inner.provider.auth)?;
        }
        for (name, value) in &options.headers {
            let (name, value) = check::header(name, value)?;
            headers.insert(name, value);
        }
        if let Some(name) = &inner.config.retry.idempotency_header {
            let (name, value) = check::header(name, &random_key())?;
            headers.insert(name, value);
        }
        let key = options.api_key.or_else(|| inner.config.api_key.clone());
        if !interception.is_on() && !options.key_comes_later {
            self.check_key(&headers, key.is_some())?;
        }
        // What is sent counts: a header of the caller's wins over the key.
        let key = auth::key_in(&headers, &inner.provider.auth).or(key);
        let setting = options.timeout.unwrap_or(inner.config.timeout);
        check::timeout(setting)?;
        let timeout = check::bounded(if stream {
            setting.for_stream()
        } else {
            setting.for_reply()
        });
        let max_retries = options
            .max_retries
            .unwrap_or(inner.config.retry.max_retries);
        check::max_retries(max_retries)?;
        let mut outgoing = Outgoing {
            method,
            target: inner.target(path, &options.query)?,
            headers,
            body: Bytes::from(body),
            route: Arc::clone(&inner.route),
            origin: Arc::clone(&inner.origin),
            place: Arc::clone(&inner.place),
            pool_limit: timeout.pool,
        };
        let query = &options.query;
        inner.intercept(&interception, &mut outgoing, path, query, key.as_ref())?;
        Ok(Call {
            client: Arc::clone(inner),
            outgoing,
            timeout,
            max_retries,
            stream,
            interception,
            started: options.started,
            key,
            dropped: Arc::default(),
        })
    }

    /// Refuses a call without the key that its provider wants; warns of one that travels in the clear.
    fn check_key(&self, headers: &HeaderMap, has_key: bool) -> Result<(), Error> {
        let inner = &self.0;
        auth::check_key(headers, &inner.provider)?;
        if has_key && !inner.route.https && !address::is_private(&inner.base) {
            inner.origin.warn_of_plain_key(inner.hub.log());
        }
        Ok(())
    }
}

impl Inner {
    /// Where `path` with `query` leads.
    fn target(&self, path: &str, query: &[(String, String)]) -> Result<Arc<Target>, Error> {
        if !query.is_empty() {
            return Target::new(address::below(&self.base, path, query));
        }
        match self.usual.get() {
            Some((usual, target)) if usual == path => Ok(Arc::clone(target)),
            known => {
                let target = Target::new(address::below(&self.base, path, query))?;
                if known.is_none() {
                    let _ = self.usual.set((path.to_owned(), Arc::clone(&target)));
                }
                Ok(target)
            }
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("provider", &self.0.provider.name)
            .field("model", &self.0.config.model)
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}

impl Call {
    /// Puts in the key of a client whose key is a callable.
    pub fn set_key(&mut self, key: Secret) -> Result<(), Error> {
        if self.interception.is_on() {
            return Ok(());
        }
        let auth = &self.client.provider.auth;
        auth::write(&mut self.outgoing.headers, &key, auth)?;
        self.key = Some(key);
        Ok(())
    }

    /// How many bytes a stream of this call may buffer.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.client.config.limits.buffer_bytes
    }

    /// JSON paths of the message parts that the provider does not take and that were left out.
    #[must_use]
    pub fn dropped(&self) -> &Arc<[String]> {
        &self.dropped
    }

    /// When the caller's call began.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }
}
