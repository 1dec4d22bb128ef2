//! `Caller`: what errors, events and replies say about the client that made a call.

use std::sync::Arc;
use std::time::Instant;

/// The client that made a call. Every error names it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) provider: Arc<str>,
    pub(crate) model: Arc<str>,
    /// The API that the call speaks; None if unknown, as for a custom client.
    pub(crate) api: Option<Arc<str>>,
    /// The operation and the server; None before there is a client.
    pub(crate) endpoint: Option<Arc<Endpoint>>,
    /// When the call began; None before it did.
    pub(crate) started: Option<Instant>,
    /// Whether the call goes on with a fresh key if this one is refused.
    pub(crate) may_renew: bool,
    /// See `dropped()`.
    pub(crate) dropped: Option<Arc<[String]>>,
}

/// The operation that a client calls, and its server.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Name of the operation in OpenTelemetry.
    pub(crate) operation: &'static str,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Caller {
    /// A caller of which only the names are known.
    pub(crate) fn named(provider: impl Into<Arc<str>>, model: impl Into<Arc<str>>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            ..Self::default()
        }
    }

    /// JSON paths of the message parts that were left out because the provider does not accept them.
    pub(crate) fn dropped(&self) -> &[String] {
        self.dropped.as_deref().unwrap_or_default()
    }

    /// Seconds since the call began.
    pub(crate) fn elapsed(&self) -> f64 {
        self.started
            .map_or(0.0, |started| started.elapsed().as_secs_f64())
    }
}
