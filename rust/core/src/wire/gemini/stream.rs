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
pub(super) struct GeminiStream {
    head: ReplyHead,
    finished: bool,
    stray: Stray,
}

impl StreamDecoder for GeminiStream {
    fn event(
        &mut self,
        _name: &[u8],
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<Step, Error> {
        let event: Value = match serde_json::from_slice(data) {
            Ok(event) => event,
            Err(_) => return Ok(Step::Continue),
        };
        if is_error(data) {
            return Err(errors::decode(None, data));
        }
        let candidate = &event["candidates"][0];
        for part in candidate["content"]["parts"]
            .as_array()
            .into_iter()
            .flatten()
        {
            if let Some(text) = part["text"].as_str() {
                out.push(ChunkKind::Text(text.into()));
            }
        }
        if let Some(word) = candidate["finishReason"].as_str() {
            self.finished = true;
            out.push(ChunkKind::Delta(Box::new(Delta {
                finish_reason: FinishReason::from_word(word),
                provider_finish_reason: Some(word.to_owned()),
                ..Delta::default()
            })));
        }
        Ok(Step::Continue)
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        self.stray.field(name, value, self.finished)
    }

    fn missing(&self) -> Option<String> {
        (!self.finished).then(|| "no finishReason arrived".to_owned())
    }

    fn failure(&self) -> Option<&Error> {
        None
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }
}
