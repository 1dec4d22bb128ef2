//! Why a call failed. There is one error type; its [`ErrorKind`] says what went wrong, and callers never have to
//! read the text.
//!
//! An error holds nothing that was sent but the path: no header, no query string and no key. So it is safe to show and
//! to log.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::json;
use crate::message::Reply;
use crate::words::words;

/// The headers of a response: names in lower case, and values.
pub type Headers = Arc<[(String, String)]>;

words! {
    /// What went wrong. Each kind has a Python class (`python/tokenwire/errors.py`).
    #[non_exhaustive]
    pub enum ErrorKind {
        /// A setting, argument or header is wrong; nothing was sent.
        Config = "config",
        /// Request data cannot be encoded (the message gives its JSON path), or reply data has the wrong form.
        Validation = "validation",
        /// Reply or event bytes cannot be decoded; the message gives the offset.
        Decode = "decode",
        /// The model is unknown or did not serve this request.
        Model = "model",
        /// No such model (also an API error).
        ModelNotFound = "model_not_found",
        /// Prompt and maximum output do not fit into the context window (also an API error).
        ContextLength = "context_length",
        /// A filter refused the request before any output (also an API error).
        ContentFilter = "content_filter",
        /// No connection in time; nothing was sent.
        ConnectTimeout = "connect_timeout",
        /// No free connection in time; nothing was sent.
        PoolTimeout = "pool_timeout",
        /// No bytes of the response in time, of a request that was passed on.
        ReadTimeout = "read_timeout",
        /// The server did not take the request in time.
        WriteTimeout = "write_timeout",
        /// No complete response head in time.
        FirstByteTimeout = "first_byte_timeout",
        /// No bytes on a stream in time.
        StallTimeout = "stall_timeout",
        /// Bytes but no content on a stream in time.
        ContentTimeout = "content_timeout",
        /// The deadline of the call, over all attempts and waits, has passed.
        DeadlineExceeded = "deadline_exceeded",
        /// A transport failure in the middle of a stream.
        StreamInterrupted = "stream_interrupted",
        /// A stream ended cleanly, but without its terminal mark.
        StreamIncomplete = "stream_incomplete",
        /// The server sent an error after the first event.
        StreamServer = "stream_server",
        /// An event exceeds its limit.
        EventTooLarge = "event_too_large",
        /// A stream was inherited from the parent process.
        ForkedStream = "forked_stream",
        /// The provider answered with an error that no other kind describes.
        Api = "api",
        /// 401 or 403.
        Authentication = "authentication",
        /// 429.
        RateLimit = "rate_limit",
        /// A quota or spend limit: never retried.
        QuotaExceeded = "quota_exceeded",
        /// 5xx.
        Server = "server",
        /// No usable connection, for a reason that no other kind describes.
        Connection = "connection",
        /// The connection was refused, or there was no file descriptor for it.
        Connect = "connect",
        /// The name does not resolve.
        Dns = "dns",
        /// The certificate is not valid, or the handshake failed.
        Tls = "tls",
        /// The proxy refuses or fails.
        Proxy = "proxy",
        /// The connection ended before the response head, or inside a body that is not a stream.
        ConnectionLost = "connection_lost",
        /// The peer does not speak valid HTTP.
        Protocol = "protocol",
        /// The body exceeds its limit.
        ResponseTooLarge = "response_too_large",
        /// A success status, but no body, or a body of another kind.
        UnexpectedContent = "unexpected_content",
        /// A panic inside the engine, or no thread for its work.
        Engine = "engine",
        /// Something was used after it was closed.
        ClientClosed = "client_closed",
    }
}

words! {
    /// How far a call got before it failed.
    #[derive(Default)]
    pub enum Phase {
        /// Checking and encoding the arguments.
        #[default]
        Prepare = "prepare",
        /// Waiting for a permit or a connection.
        Connect = "connect",
        /// Sent, waiting for the response head.
        Head = "head",
        /// Reading the body.
        Body = "body",
        /// Waiting before the next attempt.
        Backoff = "backoff",
    }
}

/// What a provider said about a failed call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiFailure {
    /// The HTTP status; `None` if there was no response, or if the error was inside a 2xx body.
    pub status: Option<u16>,
    /// The provider's `type` (or Google's `status`).
    pub error_type: Option<String>,
    /// The provider's `code`; a number as text.
    pub code: Option<String>,
    /// The parameter that the provider names.
    pub param: Option<String>,
    /// The provider's own message, as sent.
    pub message: Option<String>,
    /// The first 64 KiB of the body.
    pub body: Vec<u8>,
    /// How long the server asks us to wait before a retry.
    pub retry_after: Option<Duration>,
}

/// One attempt of a call, as reported on replies and errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Seconds from the start of the call to the start of this attempt.
    pub started: f64,
    /// How far it got.
    pub phase: Phase,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// Why it failed; `None` if it succeeded.
    pub error: Option<ErrorKind>,
    /// The error's one-line text.
    pub message: Option<String>,
    /// Seconds waited after it, before the next attempt.
    pub slept: f64,
    /// Whether the server may have worked on it (and billed it).
    pub maybe_processed: bool,
}

/// Why a call failed.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Inner {
    kind: ErrorKind,
    message: String,
    phase: Phase,
    retryable: bool,
    maybe_processed: bool,
    retry_budget_exhausted: bool,
    wrong_address: bool,
    reset: bool,
    request_id: Option<String>,
    headers: Option<Headers>,
    api: Option<ApiFailure>,
    attempts: Vec<Attempt>,
    partial: Option<Arc<Reply>>,
}

/// A getter and a setter for each of these fields.
macro_rules! fields {
    ($($(#[$about:meta])* $field:ident: $type:ty, $get:ident, $set:ident;)+) => {
        impl Error {$(
            $(#[$about])*
            #[must_use]
            pub fn $get(&self) -> $type {
                self.0.$field
            }

            #[doc = concat!("Sets [`Self::", stringify!($get), "`].")]
            #[must_use]
            pub fn $set(mut self, $field: $type) -> Self {
                self.0.$field = $field;
                self
            }
        )+}
    };
}

fields! {
    /// What went wrong.
    kind: ErrorKind, kind, with_kind;
    /// How far the call got.
    phase: Phase, phase, at;
    /// Whether another attempt may succeed.
    retryable: bool, is_retryable, retryable;
    /// Whether the server may have worked on the request.
    maybe_processed: bool, is_maybe_processed, maybe_processed;
    /// Whether the call was given up because its client had spent its retry budget.
    retry_budget_exhausted: bool, is_retry_budget_exhausted, with_retry_budget_exhausted;
    /// Whether the address may be wrong, because nothing was found there, or something else than the API.
    wrong_address: bool, may_be_wrong_address, with_wrong_address;
    /// Whether the peer broke the connection off, instead of closing it.
    reset: bool, was_reset, with_reset;
}

impl Error {
    /// An error of `kind` with a one-line `message` that names the fix.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            phase: Phase::Prepare,
            retryable: false,
            maybe_processed: false,
            retry_budget_exhausted: false,
            wrong_address: false,
            reset: false,
            request_id: None,
            headers: None,
            api: None,
            attempts: Vec::new(),
            partial: None,
        }))
    }

    /// Adds what the provider said.
    #[must_use]
    pub fn with_api(mut self, api: ApiFailure) -> Self {
        self.0.api = Some(api);
        self
    }

    /// Adds the provider's id of the request.
    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.0.request_id = request_id;
        self
    }

    /// Adds the headers of the last response.
    #[must_use]
    pub fn with_headers(mut self, headers: Option<Headers>) -> Self {
        self.0.headers = headers;
        self
    }

    /// Adds the attempts of the call.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Adds the partial reply.
    #[must_use]
    pub fn with_partial(mut self, partial: Option<Arc<Reply>>) -> Self {
        self.0.partial = partial;
        self
    }

    /// Replaces the message, keeping everything else.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// The one-line text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The provider's id of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The headers of the last response; `None` if there was none.
    #[must_use]
    pub fn headers(&self) -> Option<&Headers> {
        self.0.headers.as_ref()
    }

    /// The HTTP status of an error reply.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.api.as_ref()?.status
    }

    /// What the provider said.
    #[must_use]
    pub fn api(&self) -> Option<&ApiFailure> {
        self.0.api.as_ref()
    }

    /// The attempts of the call.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// The partial reply; `None` if no content arrived.
    #[must_use]
    pub fn partial(&self) -> Option<&Arc<Reply>> {
        self.0.partial.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}

impl std::error::Error for Error {}

impl From<json::Error> for Error {
    fn from(error: json::Error) -> Self {
        let json::Error { offset, what } = error;
        let message = format!("the JSON is broken at byte {offset}: {what}");
        Self::new(ErrorKind::Decode, message)
    }
}
