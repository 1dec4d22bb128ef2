//! A call that is ready to be made.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::own::Own;
use super::{Inner, headers};
use crate::config::{Secret, Timeout};
use crate::error::Error;
use crate::http::{Interception, Outgoing};
use crate::wire::{Dialect, Reading};

/// A call that is ready to be made, by [`crate::call::complete`] or [`crate::stream::pump`].
#[derive(Clone)]
pub struct Call {
    pub(crate) client: Arc<Inner>,
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) outgoing: Outgoing,
    pub(crate) timeout: Timeout,
    pub(crate) max_retries: u32,
    pub(crate) stream: bool,
    pub(crate) interception: Interception,
    pub(crate) started: Instant,
    // How many choices were asked for.
    pub(crate) choices: usize,
    pub(crate) reading: Reading,
    // What this call has besides the secrets of its client.
    pub(super) own: Option<Box<Own>>,
    pub(super) dropped: Arc<[String]>,
}

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

    /// The name of the API that it speaks.
    #[must_use]
    pub fn api(&self) -> &'static str {
        self.dialect.name()
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
