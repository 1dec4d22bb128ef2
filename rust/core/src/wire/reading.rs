//! What a call changes of how its reply is read, in every dialect.

use std::sync::Arc;

use super::dialect::{Dialect, StreamDecoder};
use super::{answer_tool, think_tags};
use crate::message::Reply;

/// What a call changes of how its reply is read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Whether thoughts in the text become reasoning.
    pub think_tags: bool,
    /// The tool whose arguments are the answer, in the output mode `tool`.
    pub answer_tool: Option<Arc<str>>,
}

impl Reading {
    /// Starts to read a stream of which `asked` choices were asked for.
    pub(crate) fn stream(&self, dialect: &dyn Dialect, asked: usize) -> Box<dyn StreamDecoder> {
        let mut decoder = dialect.stream(asked);
        if let Some(name) = &self.answer_tool {
            decoder = answer_tool::stream(decoder, name);
        }
        if self.think_tags {
            decoder = think_tags::stream(decoder);
        }
        decoder
    }

    /// Changes a whole reply as a stream of it would be changed.
    pub(crate) fn of_whole(&self, reply: &mut Reply) {
        if let Some(name) = &self.answer_tool {
            answer_tool::in_reply(reply, name);
        }
        if self.think_tags {
            think_tags::in_reply(reply);
        }
    }
}
