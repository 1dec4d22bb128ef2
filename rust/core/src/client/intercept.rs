//! How a call changes when a test intercepts it.

use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};

use super::headers::{hide_secrets, random_key};
use super::{Call, Inner, address};
use crate::config::RetryPolicy;
use crate::error::Error;
use crate::http::test_rules::{API_HEADER, CALL_HEADER, PROVIDER_HEADER, URL_HEADER};
use crate::http::{Interception, Outgoing, Place, Route, Target};
use crate::redact::Mask;
use crate::retry::Bucket;
use crate::wire::Dialect;

impl Inner {
    /// Sends an intercepted call to the test's server: without its secrets, and with headers that say what it was.
    /// `path` is what `dialect` added to the base URL.
    pub(super) fn intercept(
        &self,
        interception: &Interception,
        outgoing: &mut Outgoing,
        (dialect, path): (&dyn Dialect, &str),
        mask: &Mask,
    ) -> Result<(), Error> {
        let Some(base) = interception.base_url() else {
            return Ok(());
        };
        hide_secrets(&mut outgoing.headers, &self.provider.auth, mask);
        let url = address::shown_by(&self.route, &outgoing.target.url);
        for (name, value) in [
            (CALL_HEADER, Some(&*random_key())),
            (PROVIDER_HEADER, Some(&*self.provider.name)),
            (API_HEADER, Some(dialect.name())),
            (URL_HEADER, self.has_address.then_some(&*url)),
        ] {
            // A name that no header can carry is left out.
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                outgoing
                    .headers
                    .insert(HeaderName::from_static(name), value);
            }
        }
        let origin = self.hub.origin(base, None, &self.config.limits);
        let versioned = address::versioned(base, self.version(dialect));
        outgoing.target = Target::new(address::below(&versioned, path, &[]))?;
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
