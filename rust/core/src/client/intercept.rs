//! How a request changes when a test intercepts it: a call of a client, or a request of another library.

use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};

use super::headers::{hide_secrets, random_key};
use super::{Call, Inner, address};
use crate::config::{Limits, RetryPolicy};
use crate::error::Error;
use crate::http::test_rules::{API_HEADER, CALL_HEADER, PROVIDER_HEADER, URL_HEADER};
use crate::http::{Hub, Interception, Outgoing, Place, Route, Target};
use crate::redact::Mask;
use crate::retry::Bucket;
use crate::wire::{Dialect, Provider};

/// What a request is that a test intercepts.
pub(crate) struct Intercepted<'a> {
    /// The provider that would get it.
    pub(crate) provider: &'a Provider,
    /// The API that it belongs to.
    pub(crate) dialect: &'a dyn Dialect,
    /// Whether it has an address that it would be sent to.
    pub(crate) has_address: bool,
    /// What is added to the base URL of the test's server. It may have a query.
    pub(crate) path: &'a str,
    /// The version that is added before `path`, if that base URL has none.
    pub(crate) version: Option<&'static str>,
    /// Hides its secrets, apart from the headers that carry keys.
    pub(crate) mask: &'a Mask,
}

impl Intercepted<'_> {
    /// Sends it to the test's server: without its secrets, and with headers that say what it was.
    pub(crate) fn redirect(
        &self,
        interception: &Interception,
        outgoing: &mut Outgoing,
        (hub, limits): (&Hub, &Limits),
    ) -> Result<(), Error> {
        let Some(base) = interception.base_url() else {
            return Ok(());
        };
        hide_secrets(&mut outgoing.headers, &self.provider.auth, self.mask);
        let url = address::shown_by(&outgoing.route, &outgoing.target.url);
        for (name, value) in [
            (CALL_HEADER, Some(&*random_key())),
            (PROVIDER_HEADER, Some(&*self.provider.name)),
            (API_HEADER, Some(self.dialect.name())),
            (URL_HEADER, self.has_address.then_some(&*url)),
        ] {
            // A name that no header can carry is left out.
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                outgoing
                    .headers
                    .insert(HeaderName::from_static(name), value);
            }
        }
        let origin = hub.origin(base, None, limits);
        let versioned = address::versioned(base, self.version);
        outgoing.target = Target::new(address::below(&versioned, self.path, &[]))?;
        outgoing.place = Arc::new(Place {
            origin: origin.name.clone(),
            base_url: address::shown(base, None),
            base_url_name: "base_url".into(),
            proxy: None,
        });
        outgoing.route = Arc::new(Route {
            https: origin.https,
            tls: None,
            proxy: None,
            zoned: None,
            socket: None,
            road: outgoing.route.road,
            keepalive: outgoing.route.keepalive,
            max_head_bytes: outgoing.route.max_head_bytes,
        });
        outgoing.origin = origin;
        Ok(())
    }
}

impl Inner {
    /// Sends an intercepted call to the test's server. `path` is what `dialect` added to the base URL.
    pub(super) fn intercept(
        &self,
        interception: &Interception,
        outgoing: &mut Outgoing,
        (dialect, path): (&dyn Dialect, &str),
        mask: &Mask,
    ) -> Result<(), Error> {
        let intercepted = Intercepted {
            provider: &self.provider,
            dialect,
            has_address: self.has_address,
            path,
            version: self.version(dialect),
            mask,
        };
        let sender = (&*self.hub, &self.config.limits);
        intercepted.redirect(interception, outgoing, sender)
    }
}

impl Call {
    /// Its retry policy. An intercepted call waits only when its server asks for a wait.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        let usual = &self.client.config.retry;
        RetryPolicy {
            max_retries: self.max_retries,
            first: self.interception.wait(usual.first),
            throttle_first: self.interception.wait(usual.throttle_first),
            ..usual.clone()
        }
    }

    /// The bucket that pays for its retries. An intercepted call gets a full one each time, because the tokens
    /// of the client are for the real server.
    pub(crate) fn bucket(&self) -> Arc<Bucket> {
        if self.interception.is_on() {
            Arc::new(Bucket::new(self.client.config.retry.budget))
        } else {
            Arc::clone(&self.client.bucket)
        }
    }
}
