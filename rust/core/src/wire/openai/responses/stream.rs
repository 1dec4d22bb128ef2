//! Reads the events of a stream, and whole replies.

use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::json;
use crate::message::{ChunkKind, Delta, Extra, FinishReason, Fold, RawJson, Reply, ReplyHead};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;

/// Reads one stream.
#[derive(Debug, Default)]
pub(super) struct ResponsesStream {
    head: ReplyHead,
    parts: u32,
    done: bool,
}

impl StreamDecoder for ResponsesStream {
    fn event(&mut self, _: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        let text = String::from_utf8_lossy(data);
        let event = json::tree(&text, 65_536).unwrap_or_default();
        let word = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
        match event.get("type").and_then(Value::as_str) {
            Some("response.content_part.added") => {
                let mut extra = Extra::default();
                let id = serde_json::json!({"id": event.get("item_id")}).to_string();
                extra.push(
                    "item",
                    &RawJson::read(&id).ok_or_else(|| errors::decode(None, data))?,
                );
                out.push(ChunkKind::Delta(Box::new(Delta {
                    part: Some(self.parts),
                    extra,
                    ..Delta::default()
                })));
                self.parts += 1;
            }
            Some("response.output_text.delta") => {
                out.push(ChunkKind::Text(
                    word(&event, "delta").unwrap_or_default().into(),
                ));
            }
            Some("error" | "response.failed") => return Err(errors::decode(None, data)),
            Some("response.completed" | "response.incomplete") => {
                let response = event.get("response").cloned().unwrap_or_default();
                self.head.id = word(&response, "id");
                self.head.model = word(&response, "model");
                self.head.status = word(&response, "status");
                out.push(ChunkKind::Delta(Box::new(Delta {
                    finish_reason: Some(FinishReason::Stop),
                    provider_finish_reason: self.head.status.clone(),
                    ..Delta::default()
                })));
                self.done = true;
                return Ok(Step::Done);
            }
            _ => {}
        }
        Ok(Step::Continue)
    }

    fn stray_field(&mut self, _: &[u8], _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn missing(&self) -> Option<String> {
        (!self.done).then(|| "response.completed did not arrive".to_owned())
    }

    fn failure(&self) -> Option<&Error> {
        None
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }
}

/// Reads a body with a 2xx status.
pub(super) fn decode_reply(body: &[u8]) -> Result<Reply, Error> {
    let mut decoder = ResponsesStream::default();
    let mut fold = Fold::default();
    let mut chunks = Vec::new();
    let text = String::from_utf8_lossy(body);
    let reply = json::tree(&text, 65_536).unwrap_or_default();
    if reply.get("output").is_none() {
        return Err(Error::new(
            ErrorKind::UnexpectedContent,
            "the reply has no output",
        ));
    }
    let items = reply.get("output").and_then(Value::as_array);
    for block in items
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("content")?.as_array())
        .flatten()
    {
        let text = block
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        chunks.push(ChunkKind::Text(text.into()));
    }
    let event = serde_json::json!({"type": "response.completed", "response": reply}).to_string();
    decoder.event(b"", event.as_bytes(), &mut chunks)?;
    chunks.iter().for_each(|chunk| fold.apply(chunk));
    fold.set_head(decoder.head());
    fold.conclude();
    Ok(fold.into_reply())
}
