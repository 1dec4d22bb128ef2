//! Whose call it is: what errors, events and replies say of the client that made it.

use std::sync::Arc;
use std::time::Instant;

/// Whose call it was; every error says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) provider: Arc<str>,
    pub(crate) model: Arc<str>,
    /// Which operation, on which server; None before there is a client.
    pub(crate) endpoint: Option<Arc<Endpoint>>,
    /// When the call began; None before there is one.
    pub(crate) started: Option<Instant>,
    /// Whether a fresh key follows a refused one: the call is not over then.
    pub(crate) may_renew: bool,
    /// What of the caller's messages was left out; see `dropped()`.
    pub(crate) dropped: Option<Arc<[String]>>,
}

/// What a client asks for, and the server that it asks.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The operation by its name in OpenTelemetry.
    pub(crate) operation: &'static str,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Caller {
    /// A caller of which no more is known.
    pub(crate) fn named(provider: impl Into<Arc<str>>, model: impl Into<Arc<str>>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            ..Self::default()
        }
    }

    /// JSON paths of the message parts that the provider does not take and that were left out.
    pub(crate) fn dropped(&self) -> &[String] {
        self.dropped.as_deref().unwrap_or_default()
    }

    /// Seconds since the call began.
    pub(crate) fn elapsed(&self) -> f64 {
        self.started
            .map_or(0.0, |started| started.elapsed().as_secs_f64())
    }
}
