//! What a test that intercepts the calls of a client changes of them.

use std::sync::Arc;

use super::headers::random_key;
use super::{Call, Inner, address, auth};
use crate::config::{RetryPolicy, Secret};
use crate::error::Error;
use crate::http::{Interception, Outgoing, test_rules};
use crate::retry::Bucket;

impl Inner {
    /// Sends `outgoing` where `interception` says: without its key, and with headers that say what it
    /// was. `path` is what the call added to its base URL.
    pub(super) fn intercept(
        &self,
        interception: &Interception,
        outgoing: &mut Outgoing,
        path: &str,
        query: &[(String, String)],
        key: Option<&Secret>,
    ) -> Result<(), Error> {
        let Some(base) = interception.base_url() else {
            return Ok(());
        };
        let headers = &mut outgoing.headers;
        auth::drop_secrets(headers, &self.provider.auth, key);
        let made_for = self
            .has_address
            .then(|| format!("{}{path}", self.place.base_url));
        let (provider, api) = (&self.provider.name, self.dialect.name());
        test_rules::label(headers, &random_key(), provider, api, made_for.as_deref());
        let origin = self.hub.origin(
            base.scheme() == "https",
            base.host_str().unwrap_or_default(),
            base.port_or_known_default().unwrap_or_default(),
            &self.config.limits,
        );
        let url = address::below(base, path, query);
        test_rules::redirect(outgoing, url, origin, address::shown(base))
    }
}

impl Call {
    /// The policy of its retries. Of the waits of an intercepted call only those that its server asks for are kept.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        let usual = &self.client.config.retry;
        RetryPolicy {
            max_retries: self.max_retries,
            first: self.interception.wait(usual.first),
            throttle_first: self.interception.wait(usual.throttle_first),
            ..usual.clone()
        }
    }

    /// What its next retry is paid from, and what success gives back to. An intercepted call finds a
    /// full bucket each time: it leaves alone what is kept for the real server.
    pub(crate) fn bucket(&self) -> Arc<Bucket> {
        if self.interception.is_on() {
            Arc::new(Bucket::new(self.client.config.retry.budget))
        } else {
            Arc::clone(&self.client.bucket)
        }
    }
}
