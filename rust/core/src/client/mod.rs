//! A client: a configuration that was checked once, and what its calls share. Making one does no I/O.
//!
//! [`Client::new`] checks the configuration; [`Client::prepare`] makes a [`Call`] of a request and the caller's
//! [`CallOptions`], which [`crate::call`] or [`crate::stream`] then carries out. `check` refuses wrong settings,
//! `address` reads base URLs (`unix` those of sockets) and builds the URLs below them, `azure` finds those of an Azure
//! resource and `vertex` those of Vertex, `home` knows those of the provider itself, and `target` is where a call goes. `route` is how their server is
//! reached, and `headers` writes the headers of a call, including the key. `own` is what of it is secret. `intercept` is
//! how a request changes when a test intercepts it, and `asked` what an error says of the address.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use url::Url;

use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind};
use crate::framing::Framing;
use crate::http::host::is_private;
use crate::http::{Hub, Origin, Outgoing, Place, Route, Target};
use crate::redact::Mask;
use crate::request::Request;
use crate::retry::Bucket;
use crate::wire::{self, At, Dialect, Encoded, OutputMode, Provider};

mod address;
mod asked;
mod azure;
mod call;
mod check;
mod headers;
pub(crate) mod home;
pub(crate) mod intercept;
mod options;
mod own;
pub(crate) mod route;
mod target;
mod unix;
mod vertex;

use self::azure::Resource;
use self::headers::random_key;
use self::own::Own;

pub use self::call::Call;
pub use self::check::key_problem;
pub use self::headers::missing_key;
pub use self::options::CallOptions;
pub use self::route::Way;

/// A client. Cloning it is cheap, and clones are the same client.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: ClientConfig,
    pub(crate) provider: Arc<Provider>,
    // The dialect of its own model; a call for another model may speak another one.
    dialect: &'static dyn Dialect,
    at: At,
    pub(crate) bucket: Arc<Bucket>,
    base: Url,
    azure: Option<Resource>,
    // The first path that a call went to, which is mostly the only one, and its target.
    usual: OnceLock<(String, Arc<Target>)>,
    // Without an address, only calls that a test intercepts can be made.
    has_address: bool,
    headers: HeaderMap,
    route: Arc<Route>,
    origin: Arc<Origin>,
    place: Arc<Place>,
    hub: Arc<Hub>,
    // Made when it is first needed.
    mask: OnceLock<Mask>,
}

impl Client {
    /// Checks `config` and makes a client of `provider`, which shares the retry budget of `parent` if there is
    /// one with a budget of the same size. Does no I/O. A key and an address may be missing until a call is made.
    /// Every error is `Config` and names the fix.
    pub fn new(
        hub: &Arc<Hub>,
        provider: Arc<Provider>,
        config: ClientConfig,
        parent: Option<&Self>,
    ) -> Result<Self, Error> {
        check::settings(&config)?;
        headers::check_auth(&provider)?;
        let address = config.base_url.as_deref();
        let address = address
            .or(provider.default_address())
            .or_else(|| vertex::express(&config, &provider));
        let has_address = address.is_some();
        // The other one is never used, because a call that is not intercepted is refused.
        let address = address.unwrap_or("http://address.invalid");
        let mut base = address::base_url(address, &config.base_url_name, &provider)?;
        vertex::settle_host(&mut base.url, &provider);
        let at = if has_address || provider.base_url.is_none() || config.api.is_some() {
            home::of(&provider, &base.url)
        } else {
            // Its places have yet to be filled.
            At::Home(None)
        };
        let dialect = wire::choose(
            &provider,
            config.family,
            config.api.as_deref(),
            &config.model,
            at,
        )?;
        if at != At::Elsewhere {
            home::go_to(&mut base.url, &provider, dialect);
        }
        let provider = home::keyed(provider, dialect);
        let azure = Resource::of_client(&mut base.url, &provider)?;
        let (route, origin, place) = route::of(hub, &base, &config)?;
        Ok(Self(Arc::new(Inner {
            headers: headers::of_client(&config, &provider)?,
            provider,
            dialect,
            at,
            bucket: match parent {
                Some(parent) if parent.0.config.retry.budget == config.retry.budget => {
                    Arc::clone(&parent.0.bucket)
                }
                _ => Arc::new(Bucket::new(config.retry.budget)),
            },
            config,
            base: base.url,
            azure,
            usual: OnceLock::new(),
            has_address,
            route: Arc::new(route),
            origin,
            place: Arc::new(place),
            hub: Arc::clone(hub),
            mask: OnceLock::new(),
        })))
    }

    /// The provider that it calls.
    #[must_use]
    pub fn provider(&self) -> &Arc<Provider> {
        &self.0.provider
    }

    /// The name of the API that it speaks to ask its own model.
    #[must_use]
    pub fn api(&self) -> &'static str {
        self.0.dialect.name()
    }

    /// What OpenTelemetry calls the operation of its calls.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.dialect.operation()
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// The base URL in canonical form, without its query; empty if it has none.
    #[must_use]
    pub fn base_url(&self) -> &str {
        let url = &*self.0.place.base_url;
        if self.0.has_address { url } else { "" }
    }

    /// Host and port of its server, or the path of its unix socket; an empty host if it has no address.
    #[must_use]
    pub fn server(&self) -> (&str, Option<u16>) {
        if let Some(socket) = &self.0.route.socket {
            // As OpenTelemetry names such a server: `server.address`.
            return (socket.path().to_str().unwrap_or_default(), None);
        }
        let base = Some(&self.0.base).filter(|_| self.0.has_address);
        (
            base.and_then(Url::host_str).unwrap_or_default(),
            base.and_then(Url::port_or_known_default),
        )
    }

    /// How many more calls its origin can take now. For tests that a call gives its permit back.
    #[doc(hidden)]
    #[must_use]
    pub fn free_connections(&self) -> usize {
        self.0.origin.permits.available_permits()
    }

    /// Names of the request parameters that the dialect takes from this provider.
    #[must_use]
    pub fn parameters(&self) -> Vec<&'static str> {
        wire::supported(self.0.dialect, &self.0.provider)
    }

    /// How `model` is asked for JSON that fits a schema; `None` means the client's own.
    pub fn output_mode(&self, model: Option<&str>) -> Result<OutputMode, Error> {
        let model = model.unwrap_or(&self.0.config.model);
        let dialect = self.0.dialect_for(model)?;
        Ok(dialect.output_mode(&self.0.provider, model))
    }

    /// Whether strict schemas for `model`, or else for the client's own, are in `OpenAI`'s strict form.
    #[must_use]
    pub fn takes_strict_form(&self, model: Option<&str>) -> bool {
        let model = model.unwrap_or(&self.0.config.model);
        let dialect = self.0.dialect_for(model);
        dialect.is_ok_and(Dialect::takes_strict_form)
    }

    /// Whether a request for `model` uses [`Request::largest_answer`].
    #[must_use]
    pub fn wants_largest_answer(&self, model: &str) -> bool {
        let dialect = self.0.dialect_for(model);
        dialect.is_ok_and(Dialect::demands_limit)
    }

    /// Encodes a request. Does no I/O.
    pub fn prepare(&self, request_json: &[u8], options: CallOptions) -> Result<Call, Error> {
        let request: Request<'_> = serde_json::from_slice(request_json).map_err(|error| {
            Error::new(
                ErrorKind::Validation,
                format!("the request cannot be read: {error}"),
            )
        })?;
        let stream = request.stream;
        let dialect = self.0.dialect_for(&request.model)?;
        let encoded = dialect.encode(&request, &self.0.provider);
        let encoded = encoded.map_err(in_request)?;
        self.call(dialect, encoded, Some(&request.model), stream, options)
    }

    /// The call that lists the server's models. `page` is the query parameter that asks for another page than the first
    /// one, as the page before it said.
    ///
    /// Fails with [`ErrorKind::Config`] at the address of a provider that has no such list.
    pub fn models_call(
        &self,
        page: Option<(String, String)>,
        options: CallOptions,
    ) -> Result<Call, Error> {
        let provider = &self.0.provider;
        if !provider.lists_models && self.0.at != At::Elsewhere {
            return Err(check::refused(format!(
                "models(): {} has no list of models; its documentation names them",
                provider.name
            )));
        }
        let dialect = self.0.dialect;
        let mut encoded = dialect.models();
        let page = page.map(|(name, value)| (name.into(), value));
        encoded.query.extend(page);
        self.call(dialect, encoded, None, false, options)
    }

    fn call(
        &self,
        dialect: &'static dyn Dialect,
        mut encoded: Encoded,
        model: Option<&str>,
        stream: bool,
        options: CallOptions,
    ) -> Result<Call, Error> {
        let inner = &self.0;
        let body = Bytes::from(std::mem::take(&mut encoded.body));
        let dropped = std::mem::take(&mut encoded.dropped);
        let path = &*encoded.target();
        let interception = inner.hub.test_rules().interception();
        let is_sent = !interception.is_on() && !options.is_draft;
        if is_sent && !inner.has_address {
            let missing = inner.config.no_address.clone();
            let named = || address::missing(&inner.provider);
            return Err(missing.map_or_else(named, check::refused));
        }
        let mut headers = inner.headers.clone();
        if stream && !inner.has_header("accept") {
            let framing = dialect.framings().first().copied();
            let media_type = framing.unwrap_or(Framing::Events).media_type();
            headers.insert(header::ACCEPT, HeaderValue::from_static(media_type));
        }
        headers::ask_for_compression(&mut headers, inner.config.compression && !stream);
        if body.is_empty() {
            headers.remove(header::CONTENT_TYPE);
        }
        if let Some(key) = &options.api_key {
            inner.write_key(&mut headers, key)?;
        }
        if headers::carry_key(&options.headers, &inner.provider.auth)
            && !headers::carry_key(&inner.config.headers, &inner.provider.auth)
        {
            headers::remove_key(&mut headers, &inner.provider.auth);
        }
        for (name, value) in &options.headers {
            let (name, value) = check::header(name, value.expose())?;
            headers.insert(name, value);
        }
        headers::add_needed(&mut headers, dialect, &encoded)?;
        headers::add_trace(&mut headers, &options.trace);
        if let Some(name) = &inner.config.retry.idempotency_header {
            let (name, value) = check::header(name, &random_key())?;
            // A key that the caller gave wins.
            headers.entry(name).or_insert(value);
        }
        let has_key = options.api_key.is_some() || inner.config.api_key.is_some();
        if is_sent && !options.key_comes_later {
            headers::check_key(&headers, &inner.provider, &inner.config)?;
        }
        let is_open =
            has_key && inner.has_address && !inner.route.https && !is_private(&inner.base);
        if is_open && !interception.is_on() && !options.key_comes_later {
            inner.origin.warn_of_plain_key(inner.hub.log());
        }
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
            method: encoded.method.clone(),
            target: inner.target(dialect, path, model, &options.query)?,
            headers,
            body: body.into(),
            route: Arc::clone(&inner.route),
            origin: Arc::clone(&inner.origin),
            place: Arc::clone(&inner.place),
        };
        let started = options.started.unwrap_or_else(Instant::now);
        let reading = options.reading.clone();
        let own = Own::of(options);
        if interception.is_on() {
            let mask = own
                .as_deref()
                .map_or_else(|| inner.mask(), |own| own.mask(inner));
            inner.intercept(&interception, &mut outgoing, (dialect, path), mask)?;
        }
        Ok(Call {
            client: Arc::clone(inner),
            dialect,
            outgoing,
            timeout,
            max_retries,
            stream,
            interception,
            started,
            choices: encoded.choices,
            reading,
            own,
            dropped: if dropped.is_empty() {
                Arc::default()
            } else {
                dropped.into()
            },
        })
    }
}

/// JSON that cannot be read is the caller's mistake here, not the server's.
fn in_request(error: Error) -> Error {
    if error.kind() != ErrorKind::Decode {
        return error;
    }
    let message = format!("the request cannot be encoded: {}", error.message());
    error.with_kind(ErrorKind::Validation).with_message(message)
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
