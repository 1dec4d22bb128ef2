//! What a call that is ready says of itself, and its key, which may come last.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::{Call, headers};
use crate::config::Secret;
use crate::error::Error;

impl Call {
    /// Sets the key, for a client whose key is a callable.
    pub fn set_key(&mut self, key: Secret) -> Result<(), Error> {
        if self.interception.is_on() {
            return Ok(());
        }
        let own = self.own.get_or_insert_default();
        if !headers::carry_key(&own.headers, &self.client.provider.auth) {
            self.client.write_key(&mut self.outgoing.headers, &key)?;
        }
        own.api_key = Some(key);
        own.mask = OnceLock::new();
        Ok(())
    }

    /// How many bytes a stream of this call may buffer.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.client.config.limits.buffer_bytes
    }

    /// How many bytes of a reply are kept at most.
    #[must_use]
    pub fn max_reply_bytes(&self) -> usize {
        self.client.config.limits.max_reply_bytes
    }

    /// JSON paths of the message parts that were left out, because the provider does not take them.
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
