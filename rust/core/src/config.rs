//! What a client is made of. Values are checked where they are made; nothing here does I/O.

use std::path::PathBuf;
use std::time::Duration;

pub use crate::redact::Secret;
use crate::words::words;

/// More retries than this are a mistake.
pub const MAX_RETRIES: u32 = 1_000;

/// The five limits; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// For a connection; the clock starts when the handshake's turn comes.
    pub connect: Option<Duration>,
    /// For a permit of the origin.
    pub pool: Option<Duration>,
    /// Streams: from sending to the first content.
    pub first_token: Option<Duration>,
    /// Streams: between two contents. Time that a sync consumer spends elsewhere does not count.
    pub idle: Option<Duration>,
    /// Over all attempts and waits.
    pub total: Option<Duration>,
}

impl Timeout {
    /// No limit at all.
    pub const NONE: Self = Self {
        connect: None,
        pool: None,
        first_token: None,
        idle: None,
        total: None,
    };

    /// The five limits by name.
    pub(crate) fn limits(&mut self) -> [(&'static str, &mut Option<Duration>); 5] {
        [
            ("connect", &mut self.connect),
            ("pool", &mut self.pool),
            ("first_token", &mut self.first_token),
            ("idle", &mut self.idle),
            ("total", &mut self.total),
        ]
    }
}

impl Default for Timeout {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(10)),
            first_token: Some(Duration::from_secs(600)),
            idle: Some(Duration::from_secs(600)),
            ..Self::NONE
        }
    }
}

/// A timeout as the caller gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutSetting {
    /// A bare number: `total` for a whole reply, `first_token` and `idle` for a stream.
    Bare(Duration),
    /// All five.
    Full(Timeout),
    /// `timeout=None`: no limit at all.
    Off,
}

/// What a whole reply gets as `total` where the caller set none.
pub const WHOLE_REPLY_TOTAL: Duration = Duration::from_secs(600);

impl TimeoutSetting {
    /// The limits that hold for a whole reply.
    #[must_use]
    pub fn for_reply(self) -> Timeout {
        match self {
            Self::Bare(limit) => Timeout {
                total: Some(limit),
                ..Timeout::default()
            },
            Self::Full(timeout) => Timeout {
                total: Some(timeout.total.unwrap_or(WHOLE_REPLY_TOTAL)),
                ..timeout
            },
            Self::Off => Timeout::NONE,
        }
    }

    /// The limits that hold for a stream.
    #[must_use]
    pub fn for_stream(self) -> Timeout {
        match self {
            Self::Bare(limit) => Timeout {
                first_token: Some(limit),
                idle: Some(limit),
                ..Timeout::default()
            },
            Self::Full(timeout) => timeout,
            Self::Off => Timeout::NONE,
        }
    }
}

/// Bounds on connections and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Live connections of one origin; `None` is 80 % of the soft file limit, at most 10,000.
    pub max_connections: Option<u32>,
    /// How long an idle connection is kept; `None` is 4 s for http and 30 s for https.
    pub keepalive: Option<Duration>,
    /// Cap of one event.
    pub max_event_bytes: usize,
    /// Cap of a whole reply.
    pub max_reply_bytes: usize,
    /// Bytes that a stream buffers before it stops reading.
    pub buffer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: None,
            keepalive: None,
            max_event_bytes: 64 << 20,
            max_reply_bytes: 64 << 20,
            buffer_bytes: 256 << 10,
        }
    }
}

/// When and how often a failed attempt is made again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Attempts after the first one.
    pub max_retries: u32,
    /// First wait after a transient failure; it doubles.
    pub first: Duration,
    /// Longest wait.
    pub cap: Duration,
    /// First wait after throttling.
    pub throttle_first: Duration,
    /// Longest server hint that is waited for; a longer one raises at once.
    pub max_retry_after: Duration,
    /// Size of the token bucket that stops a retry storm.
    pub budget: u32,
    /// Whether an attempt that the server may have worked on is made again.
    pub retry_ambiguous: bool,
    /// Whether a timeout after the request was sent is made again.
    pub retry_timeouts: bool,
    /// Header that carries one random key over all attempts of a call.
    pub idempotency_header: Option<String>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 2,
            first: Duration::from_millis(500),
            cap: Duration::from_secs(8),
            throttle_first: Duration::from_secs(1),
            max_retry_after: Duration::from_secs(120),
            budget: 500,
            retry_ambiguous: true,
            retry_timeouts: false,
            idempotency_header: None,
        }
    }
}

/// TLS settings; part of what makes two clients' connections different.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// PEM file or directory whose roots replace the system's.
    pub ca_bundle: Option<PathBuf>,
    /// PEM file with the client's certificate chain and key, or two files.
    pub client_cert: Option<(PathBuf, Option<PathBuf>)>,
}

words! {
    /// The two kinds of client. Each dialect belongs to one of them.
    pub enum Family {
        /// Messages in, a message out.
        Chat = "chat",
        /// A text in, its continuation out.
        Completion = "completions",
    }
}

impl Family {
    /// The Python class of its clients.
    #[must_use]
    pub const fn client(self) -> &'static str {
        match self {
            Self::Chat => "ChatClient",
            Self::Completion => "CompletionClient",
        }
    }
}

/// What a client takes and a call does not, by the names that a caller gives. A call that gets one is
/// refused, with a message that says where it belongs.
pub const CLIENT_SETTINGS: &[&str] = &[
    "api",
    "api_key",
    "base_url",
    "ca_bundle",
    "client_cert",
    "limits",
    "provider",
    "proxy",
    "retry",
    "system",
    "trust_env",
];

/// Everything a client is made of, but its provider.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The model's id, without a provider.
    pub model: String,
    /// Which kind of client it is.
    pub family: Family,
    /// The dialect's name; `None` takes the provider's first one of the family.
    pub api: Option<String>,
    /// Base URL; `None` takes the row's.
    pub base_url: Option<String>,
    /// The key; `None` where none is needed or a callable brings it with each call.
    pub api_key: Option<Secret>,
    /// Added to each request.
    pub headers: Vec<(String, String)>,
    /// Limits in time.
    pub timeout: TimeoutSetting,
    /// Limits in number and size.
    pub limits: Limits,
    /// Retries.
    pub retry: RetryPolicy,
    /// TLS.
    pub tls: TlsSettings,
    /// Proxy URL; `None` looks into the environment where `trust_env` is set.
    pub proxy: Option<Secret>,
    /// Whether proxies and certificate files are taken from the environment.
    pub trust_env: bool,
}

impl ClientConfig {
    /// A client of this model with default settings.
    #[must_use]
    pub fn new(model: String, family: Family) -> Self {
        Self {
            model,
            family,
            api: None,
            base_url: None,
            api_key: None,
            headers: Vec::new(),
            timeout: TimeoutSetting::Full(Timeout::default()),
            limits: Limits::default(),
            retry: RetryPolicy::default(),
            tls: TlsSettings::default(),
            proxy: None,
            trust_env: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_timeout_nothing_is_limited() {
        let limits = |timeout: Timeout| {
            let Timeout {
                connect,
                pool,
                first_token,
                idle,
                total,
            } = timeout;
            [connect, pool, first_token, idle, total]
        };
        assert_eq!(limits(TimeoutSetting::Off.for_stream()), [None; 5]);
        assert_eq!(limits(TimeoutSetting::Off.for_reply()), [None; 5]);
    }
}
