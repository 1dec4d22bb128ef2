//! What a caller sets for one call.

use std::time::Instant;

use crate::config::{Secret, TimeoutSetting};
use crate::wire::Reading;

/// What one call sets differently from its client.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// Limits in time.
    pub timeout: Option<TimeoutSetting>,
    /// Attempts after the first one.
    pub max_retries: Option<u32>,
    /// Headers; they win over the client's.
    pub headers: Vec<(String, Secret)>,
    /// Headers of the caller's trace. They are not secret, and any other header of the same name wins over all of them.
    pub trace: Vec<(String, String)>,
    /// Query parameters, added to the URL.
    pub query: Vec<(String, Secret)>,
    /// The key of this call, if the key of the client is a callable.
    pub api_key: Option<Secret>,
    /// Whether [`super::Call::set_key`] will set the key later.
    pub key_comes_later: bool,
    /// What it changes of how the reply is read.
    pub reading: Reading,
    /// Whether the call is only checked, and not made: it may lack a key and an address.
    pub is_draft: bool,
    /// When the caller's call began; `None` means now. All timing counts from here.
    pub started: Option<Instant>,
}
