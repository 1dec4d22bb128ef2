//! Reads the events of a stream.

use serde_json::Value;

use crate::error::Error;
use crate::message::{ChunkKind, Delta, FinishReason, ReplyHead};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;
use crate::wire::openai::is_error;
use crate::wire::stray::Stray;

/// Reads one stream. A whole reply is a stream of one event.
#[derive(Debug, Default)]
pub(super) struct MessagesStream {
    head: ReplyHead,
    done: bool,
    stray: Stray,
}

impl StreamDecoder for MessagesStream {
    fn event(
        &mut self,
        _name: &[u8],
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::Done);
        }
        let event: Value = match serde_json::from_slice(data) {
            Ok(event) => event,
            Err(_) => return Ok(Step::Continue),
        };
        if is_error(data) {
            return Err(errors::decode(None, data));
        }
        match event["type"].as_str() {
            Some("content_block_delta") => {
                if let Some(text) = event["delta"]["text"].as_str() {
                    out.push(ChunkKind::Text(text.into()));
                }
            }
            Some("message_delta") => end(&event["delta"], out),
            Some("message_stop") => {
                self.done = true;
                return Ok(Step::Done);
            }
            _ => {}
        }
        Ok(Step::Continue)
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        self.stray.field(name, value, self.head.id.is_some())
    }

    fn missing(&self) -> Option<String> {
        (!self.done).then(|| "message_stop did not arrive".to_owned())
    }

    fn failure(&self) -> Option<&Error> {
        None
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }
}

impl MessagesStream {
    /// Reads a whole reply.
    pub(super) fn whole(&mut self, reply: &str, out: &mut Vec<ChunkKind>) -> Result<(), Error> {
        let reply: Value = serde_json::from_str(reply).unwrap_or_default();
        for block in reply["content"].as_array().into_iter().flatten() {
            if let Some(text) = block["text"].as_str() {
                out.push(ChunkKind::Text(text.into()));
            }
        }
        end(&reply, out);
        self.done = true;
        Ok(())
    }
}

fn end(said: &Value, out: &mut Vec<ChunkKind>) {
    if let Some(word) = said["stop_reason"].as_str() {
        out.push(ChunkKind::Delta(Box::new(Delta {
            finish_reason: FinishReason::from_word(word),
            provider_finish_reason: Some(word.to_owned()),
            ..Delta::default()
        })));
    }
}
