//! What a dialect is and what a provider is: each is described in terms of the other.

use std::borrow::Cow;
use std::fmt::Debug;

use super::decoder::StreamDecoder;
use super::params::Param;
use crate::config::Family;
use crate::error::Error;
use crate::message::Reply;
use crate::request::Request;

/// What goes over HTTP: a path below the base URL and a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Path below the base URL, beginning with `/`; already percent-encoded.
    pub path: String,
    /// The JSON body.
    pub body: Vec<u8>,
    /// JSON paths of message parts that this provider does not take and that were left out.
    pub dropped: Vec<String>,
}

/// One API dialect. Dialects hold no state; what a stream needs to remember is in its [`StreamDecoder`].
pub trait Dialect: Debug + Send + Sync {
    /// Its name, as `api=` gives it. Two dialects have two names.
    fn name(&self) -> &'static str;

    /// What error messages call it.
    fn title(&self) -> &'static str;

    /// Which client speaks it.
    fn family(&self) -> Family;

    /// Its operation by the name that OpenTelemetry has for it.
    fn operation(&self) -> &'static str;

    /// The end of the URL that calls go to. A base URL that ends with it is refused: each call adds it.
    fn path(&self) -> &'static str;

    /// Headers that each request of it needs, in lower case.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The request parameters that it takes; [`super::supported`] has their names at one provider.
    fn parameters(&self) -> &'static [Param];

    /// Writes the provider's request.
    ///
    /// Fails with [`crate::error::ErrorKind::Config`] for a parameter that does not exist and with
    /// `Validation`, naming the JSON path, for a value of a wrong type.
    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error>;

    /// Reads a whole reply with a 2xx status.
    ///
    /// A body that holds an error is that error; one of another shape is `UnexpectedContent` or `Decode`.
    fn decode_reply(&self, body: &[u8]) -> Result<Reply, Error>;

    /// Begins to read a stream.
    fn stream(&self) -> Box<dyn StreamDecoder>;

    /// Reads the body of a reply with an error status. Never fails: what cannot be read is shown cut.
    fn decode_error(&self, status: u16, body: &[u8]) -> Error;
}

impl PartialEq for dyn Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Dialect {}

/// One provider, or one kind of OpenAI-shaped server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name in model strings.
    pub name: Cow<'static, str>,
    /// Base URL without a trailing slash; `None` where the caller must give one.
    pub base_url: Option<Cow<'static, str>>,
    /// Environment variables that may hold the key, in order.
    pub key_vars: Vec<Cow<'static, str>>,
    /// Environment variables that may hold another base URL, in order.
    pub base_url_vars: Vec<Cow<'static, str>>,
    /// Whether a call without a key is refused before it is sent.
    pub key_required: bool,
    /// How a request carries the key.
    pub auth: Auth,
    /// The dialects that it speaks; the first one of a family is that family's default.
    pub dialects: &'static [&'static dyn Dialect],
    /// Name of the chat field for the token limit.
    pub max_tokens_field: Cow<'static, str>,
    /// Name of the field for the seed.
    pub seed_field: Cow<'static, str>,
    /// Whether `stream_options` is taken.
    pub stream_options: bool,
    /// Whether reasoning is sent back with the message that it came in.
    pub reasoning_back: ReasoningBack,
    /// Parameters of ours that it does not take. They are sent all the same: it may have learnt them.
    pub lacks: &'static [&'static str],
}

/// How a request carries the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// As `authorization: Bearer …`.
    Bearer,
    /// Alone, in the header of this name, which is in lower case.
    Header(Cow<'static, str>),
}

/// Whether a provider takes its own reasoning back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasoningBack {
    /// It is left out.
    Never,
    /// Only with an assistant message that calls tools.
    WithToolCalls,
    /// Always.
    Always,
}

impl Auth {
    /// The key in the header of this name, which is in lower case.
    #[must_use]
    pub fn in_header(name: Cow<'static, str>) -> Self {
        match &*name {
            "authorization" => Self::Bearer,
            _ => Self::Header(name),
        }
    }

    /// Name of the header that carries the key.
    #[must_use]
    pub fn header(&self) -> &str {
        match self {
            Self::Bearer => "authorization",
            Self::Header(name) => name,
        }
    }
}
