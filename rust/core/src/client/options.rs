//! The settings of one call.

use std::time::Instant;

use crate::config::{Secret, TimeoutSetting};

/// What one call sets differently from its client.
#[derive(Debug, Clone)]
pub struct CallOptions {
    /// Limits in time.
    pub timeout: Option<TimeoutSetting>,
    /// Attempts after the first one.
    pub max_retries: Option<u32>,
    /// Headers; they win over the client's.
    pub headers: Vec<(String, String)>,
    /// Query parameters, added to the URL.
    pub query: Vec<(String, String)>,
    /// The key of this call, from a client whose key is a callable.
    pub api_key: Option<Secret>,
    /// The key is put in later, by [`Call::set_key`](super::Call::set_key).
    pub key_comes_later: bool,
    /// When the caller's call began; all timing counts from here.
    pub started: Instant,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            timeout: None,
            max_retries: None,
            headers: Vec::new(),
            query: Vec::new(),
            api_key: None,
            key_comes_later: false,
            started: Instant::now(),
        }
    }
}
