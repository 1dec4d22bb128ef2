//! What a dialect is, and what reads its streams.

use std::borrow::Cow;
use std::fmt::Debug;

use http::Method;

use super::params::Param;
use super::providers::{OutputMode, Provider};
use crate::config::Family;
use crate::error::Error;
use crate::framing::Framing;
use crate::message::{ChunkKind, Reply, ReplyHead};
use crate::request::Request;

/// What is sent over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The method.
    pub method: Method,
    /// The path below the base URL. It begins with `/` and is percent-encoded.
    pub path: String,
    /// Names and values that are added to the query, not yet percent-encoded.
    pub query: Vec<(Cow<'static, str>, String)>,
    /// Headers that this request needs, with names in lower case. A header that the caller gave wins, except that a list of
    /// features gets both.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The JSON body; empty if it has none.
    pub body: Vec<u8>,
    /// What was left out, because this API or this provider does not take it: JSON paths of message parts, and names of
    /// parameters.
    pub dropped: Vec<String>,
    /// How many choices were asked for.
    pub choices: usize,
}

impl Encoded {
    /// `POST {path}` with this JSON body, for one choice.
    #[must_use]
    pub fn post(path: impl Into<String>, body: Vec<u8>) -> Self {
        Self {
            method: Method::POST,
            body,
            ..Self::get(path)
        }
    }

    /// `GET {path}`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            dropped: Vec::new(),
            choices: 1,
        }
    }

    /// The path with the query, percent-encoded.
    #[must_use]
    pub fn target(&self) -> Cow<'_, str> {
        if self.query.is_empty() {
            return Cow::Borrowed(&self.path);
        }
        let start = format!("{}?", self.path);
        let end = start.len();
        let mut query = url::form_urlencoded::Serializer::for_suffix(start, end);
        query.extend_pairs(&self.query);
        Cow::Owned(query.finish())
    }
}

/// One API dialect. A dialect holds no state; what a stream has to remember is in its [`StreamDecoder`].
///
/// Each operation of an API is a method that writes the request for it: [`Self::encode`] generates, [`Self::models`] lists
/// models. [`crate::client::Client`] makes a call of any [`Encoded`], and [`crate::call::fetch`] returns its body. Another
/// operation, such as counting tokens or embedding, is one more method here and one more door of the client.
pub trait Dialect: Debug + Send + Sync {
    /// The name that `api=` takes. It is unique.
    fn name(&self) -> &'static str;

    /// The kind of client that speaks it.
    fn family(&self) -> Family;

    /// What OpenTelemetry calls its operation.
    fn operation(&self) -> &'static str {
        match self.family() {
            Family::Chat => "chat",
            Family::Completion => "text_completion",
        }
    }

    /// The ends of the URLs that calls go to. A base URL must not end with one of them, because each call adds it.
    fn paths(&self) -> &'static [&'static str];

    /// The version in the path of its URLs, such as `/v1beta`, which is added to a base URL that does not end with one;
    /// `None` if its base URLs always have what they need.
    fn version(&self) -> Option<&'static str> {
        None
    }

    /// Headers that each request needs, in lower case.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// How the records of its streams may be parted; the first one is asked for. The first byte of a body says which one
    /// it has.
    fn framings(&self) -> &'static [Framing] {
        &[Framing::Events]
    }

    /// The request parameters that it takes. [`super::supported`] lists those that one provider takes.
    fn parameters(&self) -> &'static [Param];

    /// Whether each request has to say how long its answer may be.
    fn demands_limit(&self) -> bool {
        false
    }

    /// Whether `provider` takes a parameter of its table by this API.
    fn takes(&self, _parameter: &str, _provider: &Provider) -> bool {
        true
    }

    /// Whether strict schemas reach it in `OpenAI`'s strict form, where each object is closed and requires all of its keys.
    /// A dialect whose API has another form gets schemas as they are, and writes them itself.
    fn takes_strict_form(&self) -> bool {
        true
    }

    /// How `model` is asked for JSON that fits a schema.
    fn output_mode(&self, provider: &Provider, _model: &str) -> OutputMode {
        provider.output_mode
    }

    /// Writes the provider's request.
    ///
    /// Fails with [`crate::error::ErrorKind::Config`] for an unknown parameter, and with `Validation`,
    /// naming the JSON path, for a value of the wrong type.
    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error>;

    /// The request that lists the server's models.
    fn models(&self) -> Encoded {
        Encoded::get("/models")
    }

    /// Reads a whole reply with a 2xx status.
    ///
    /// A body that holds an error becomes that error. A body of another shape, or one with too few of the choices that
    /// were `asked` for, is `UnexpectedContent` or `Decode`. What can be read is the partial reply of the error.
    fn decode_reply(&self, body: &[u8], asked: usize) -> Result<Reply, Error>;

    /// Starts to read a stream of which `asked` choices were asked for.
    fn stream(&self, asked: usize) -> Box<dyn StreamDecoder>;

    /// Reads the body of a reply with an error status. Never fails: the message quotes what cannot be read.
    fn decode_error(&self, status: u16, body: &[u8]) -> Error;
}

impl PartialEq for dyn Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Dialect {}

/// Whether a stream goes on after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More events follow.
    Continue,
    /// This was the terminal mark of the dialect, such as `[DONE]` or `response.completed`: the reply is complete.
    Done,
}

/// Reads the events of one stream, and knows when the stream is complete.
pub trait StreamDecoder: Send {
    /// Reads one event and adds its chunks to `out`, each for one choice.
    ///
    /// Fails if the event is an error, or a terminal mark before the reply is whole. What came before the error is in
    /// `out` all the same. `name` is the event's name, and empty if it has none.
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error>;

    /// Reads a line with a field that the SSE standard does not define (some servers send `error: {…}`).
    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error>;

    /// What is missing if the stream ends cleanly here, without a terminal mark, in the words of its API; `None` if the
    /// reply is complete all the same, as when every choice has finished.
    fn missing(&self) -> Option<String>;

    /// Why the reply failed, if the server said so and went on. It is raised at the end of the stream.
    fn failure(&self) -> Option<&Error>;

    /// Facts of the reply that belong to no choice: id, model, created. The first event that has one sets it.
    fn head(&self) -> &ReplyHead;

    /// Adds what it has read and not returned yet, because the next event could have changed what it is. The stream ends
    /// here.
    fn flush(&mut self, _out: &mut Vec<ChunkKind>) {}
}
