//! Providers as data.

/// One provider, or one kind of OpenAI-shaped server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name in model strings.
    pub name: &'static str,
    /// Base URL without a trailing slash; `None` where the caller must give one.
    pub base_url: Option<&'static str>,
    /// Environment variables that may hold the key, in order.
    pub key_vars: &'static [&'static str],
    /// Environment variables that may hold another base URL, in order.
    pub base_url_vars: &'static [&'static str],
    /// Whether a call without a key is refused before it is sent.
    pub key_required: bool,
    /// Header that carries the key; `authorization` gets the `Bearer ` prefix.
    pub auth_header: &'static str,
    /// Name of the field for the token limit.
    pub max_tokens_field: &'static str,
    /// Whether `stream_options` is taken.
    pub stream_options: bool,
}
