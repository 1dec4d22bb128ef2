//! The settings of a client. The client checks them; nothing here does I/O.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::redact::Secret;
use crate::words::words;

/// The value of an environment variable. What is not UTF-8 in it becomes U+FFFD, so that it is refused where it is used,
/// and not ignored.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned())
}

/// The most retries that a caller may ask for.
pub const MAX_RETRIES: u32 = 1_000;

/// The five limits in time. `None` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// For a connection. The clock starts when the handshake does. The first call that needs certificate files also
    /// reads them within this time.
    pub connect: Option<Duration>,
    /// For a free connection, and for a turn to make one.
    pub pool: Option<Duration>,
    /// Streams: from sending the request to the first content.
    pub first_token: Option<Duration>,
    /// Streams: between two pieces of content. Time that a sync reader spends elsewhere does not count.
    pub idle: Option<Duration>,
    /// For the whole call: all attempts and waits.
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

/// The `timeout` setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutSetting {
    /// A bare number: `total` for a whole reply, `first_token` and `idle` for a stream.
    Bare(Duration),
    /// All five.
    Full(Timeout),
    /// `timeout=None`: no limit at all.
    Off,
}

/// The `total` of a whole reply if the caller set none.
pub const WHOLE_REPLY_TOTAL: Duration = Duration::from_secs(600);

impl TimeoutSetting {
    /// The limits of a whole reply.
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

    /// The limits of a stream.
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
    /// Open connections to one origin; `None` means 80 % of the soft file limit, and at most 10,000.
    pub max_connections: Option<u32>,
    /// How long an idle connection is kept; `None` means 4 s for http and 30 s for https.
    pub keepalive: Option<Duration>,
    /// The largest event, in bytes.
    pub max_event_bytes: usize,
    /// The largest reply, in bytes: the body of a whole one, and what is kept of a streamed one.
    pub max_reply_bytes: usize,
    /// How many bytes a stream buffers before it stops reading.
    pub buffer_bytes: usize,
    /// The largest head of a reply, in bytes.
    pub max_head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: None,
            keepalive: None,
            max_event_bytes: 64 << 20,
            max_reply_bytes: 64 << 20,
            buffer_bytes: 256 << 10,
            max_head_bytes: 64 << 10,
        }
    }
}

/// When and how often a failed attempt is retried.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Attempts after the first one.
    pub max_retries: u32,
    /// The first wait after a transient failure. The next ones double.
    pub first: Duration,
    /// The longest wait.
    pub cap: Duration,
    /// The first wait after throttling.
    pub throttle_first: Duration,
    /// The longest wait that a server may ask for. If it asks for more, the call fails at once.
    pub max_retry_after: Duration,
    /// Size of the token bucket that stops a retry storm.
    pub budget: u32,
    /// Whether to retry an attempt that the server may have worked on.
    pub retry_ambiguous: bool,
    /// Whether to retry after a timeout once the request was sent.
    pub retry_timeouts: bool,
    /// A header with a random key that all attempts of a call share.
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

/// TLS settings. Clients with different ones do not share connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// A PEM file or directory with roots that replace the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The certificate that the client shows.
    pub client_cert: Option<ClientCertificate>,
}

/// A client's certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// A PEM file with the certificate chain.
    pub chain: PathBuf,
    /// A PEM file with the private key; `None` if it is in the file of the chain.
    pub key: Option<PathBuf>,
    /// The password of the key; `None` if it is not encrypted.
    pub password: Option<Secret>,
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

words! {
    /// Which transport carries the calls of a client.
    pub enum TransportSetting {
        /// The direct one, or the general one for what that does not do.
        Auto = "auto",
        /// HTTP/1.1 straight to the origin.
        Direct = "direct",
        /// Through reqwest, which also goes through proxies.
        General = "general",
    }
}

/// Settings that only a client takes. A call that gets one is refused, with a message that says where it
/// belongs.
pub const CLIENT_SETTINGS: &[&str] = &[
    "api",
    "api_key",
    "base_url",
    "ca_bundle",
    "client_cert",
    "compression",
    "limits",
    "project",
    "provider",
    "proxy",
    "region",
    "resource",
    "retry",
    "system",
    "transport",
    "trust_env",
];

/// Everything that a client is made of, except its provider.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The model's id, without a provider.
    pub model: String,
    /// The kind of client.
    pub family: Family,
    /// Name of the dialect; `None` takes the provider's first one of the family.
    pub api: Option<String>,
    /// The base URL; `None` takes the provider's.
    pub base_url: Option<String>,
    /// What messages call the base URL: the variable that it came from, or `base_url`.
    pub base_url_name: Cow<'static, str>,
    /// The key; `None` if none is needed, if it is not known yet, or if a callable returns it for each call.
    pub api_key: Option<Secret>,
    /// What messages call the key: the variable that it came from, or `api_key`.
    pub key_name: Cow<'static, str>,
    /// The error of a call without the required key; `None` names the variables of the provider.
    pub no_key: Option<String>,
    /// The error of a call without an address; `None` names the variables of the provider.
    pub no_address: Option<String>,
    /// Headers that are added to each request.
    pub headers: Vec<(String, Secret)>,
    /// The variables that some of the headers came from, by the name of the header in lower case.
    pub headers_from: Vec<(String, String)>,
    /// Limits in time.
    pub timeout: TimeoutSetting,
    /// Limits in number and size.
    pub limits: Limits,
    /// When to retry.
    pub retry: RetryPolicy,
    /// TLS settings.
    pub tls: TlsSettings,
    /// The proxy's URL; `None` looks in the environment if `trust_env` is set.
    pub proxy: Option<Secret>,
    /// The transport; `None` takes that of the environment if `trust_env` is set, or else `auto`.
    pub transport: Option<TransportSetting>,
    /// Whether whole replies are asked for in a content coding. Streams never are, because encoders wait for more.
    pub compression: bool,
    /// Whether to read proxies and certificate files from the environment.
    pub trust_env: bool,
}

impl ClientConfig {
    /// Default settings for a client of this model.
    #[must_use]
    pub fn new(model: String, family: Family) -> Self {
        Self {
            model,
            family,
            api: None,
            base_url: None,
            base_url_name: "base_url".into(),
            api_key: None,
            key_name: "api_key".into(),
            no_key: None,
            no_address: None,
            headers: Vec::new(),
            headers_from: Vec::new(),
            timeout: TimeoutSetting::Full(Timeout::default()),
            limits: Limits::default(),
            retry: RetryPolicy::default(),
            tls: TlsSettings::default(),
            proxy: None,
            transport: None,
            compression: false,
            trust_env: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_timeout_nothing_is_limited() {
        assert_eq!(TimeoutSetting::Off.for_stream(), Timeout::NONE);
        assert_eq!(TimeoutSetting::Off.for_reply(), Timeout::NONE);
        for (name, limit) in TimeoutSetting::Off.for_reply().limits() {
            assert_eq!(*limit, None, "{name}");
        }
    }
}
