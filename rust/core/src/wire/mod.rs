//! API dialects: pure functions between our types and a provider's JSON. One file per API; a
//! server that speaks one of them is a row of [`providers`], not code.

use crate::error::Error;
use crate::message::{ChunkKind, Reply};
use crate::request::Request;

mod openai;
pub mod own;
pub mod params;
pub mod providers;

pub(crate) use openai::reasoning_field;
pub use openai::{Chat, Completions};

use providers::Provider;

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

/// Whether a stream goes on after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More is to come.
    Continue,
    /// The dialect's terminal mark (`[DONE]`): the reply is whole.
    Done,
}

/// One API dialect. Dialects hold no state; what a stream needs to remember is in its [`StreamDecoder`].
pub trait Dialect: Send + Sync {
    /// The request parameters that it takes; [`params::supported`] has their names at one provider.
    fn parameters(&self) -> &'static [params::Param];

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

/// The dialect that `api=` names.
#[must_use]
pub fn dialect(api: &str) -> Option<&'static dyn Dialect> {
    match api {
        "chat" => Some(&Chat),
        "completions" => Some(&Completions),
        _ => None,
    }
}

/// Reads the events of one stream. It also says when the stream is whole.
pub trait StreamDecoder: Send {
    /// Reads one event; `out` receives what it brings: one chunk for each choice in it, an empty
    /// one for an event that brings nothing.
    ///
    /// An event that holds an error is that error, and so is a terminal mark before any choice. `name` is the event's name, empty where it has none.
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error>;

    /// A line that is no SSE field the standard knows (`error: {…}` of some servers).
    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error>;

    /// Whether the stream is whole although no terminal mark came: some choice was seen and all
    /// that were seen have finished.
    fn is_finished(&self) -> bool;

    /// Indices of the choices that began and have not finished.
    fn open_choices(&self) -> Vec<u32>;

    /// Facts of the reply that are not part of any choice: id, model, created. Folded in by
    /// [`Reply::apply`]'s caller; each is set once, by the first event that brings it.
    fn head(&self) -> &ReplyHead;
}

/// Facts of a streamed reply that belong to no choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyHead {
    /// The provider's id of the reply.
    pub id: Option<String>,
    /// The model that answers, as the provider names it.
    pub model: Option<String>,
    /// Unix time in seconds; `None` where absent or 0.
    pub created: Option<i64>,
}

impl ReplyHead {
    /// Sets what is known in `reply`.
    pub fn fold_into(&self, reply: &mut Reply) {
        reply.id.clone_from(&self.id);
        reply.model.clone_from(&self.model);
        reply.created = self.created;
    }
}
