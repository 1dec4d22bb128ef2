//! Reading a stream: one decoder a stream, which remembers what the dialect must not.

use crate::error::Error;
use crate::message::{ChunkKind, ReplyHead};

/// Whether a stream goes on after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More is to come.
    Continue,
    /// The dialect's terminal mark (`[DONE]`): the reply is whole.
    Done,
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

    /// Facts of the reply that are not part of any choice: id, model, created. Each
    /// is set once, by the first event that brings it.
    fn head(&self) -> &ReplyHead;
}
