//! Whole replies.

use super::NAME;
use super::message::Message;
use super::stream::MessagesStream;
use crate::error::Error;
use crate::json::Reader;
use crate::message::{Fold, Reply};
use crate::wire::document::{Document, document, ended, fold_stream, read_again};
use crate::wire::errors;
use crate::wire::openai::is_error;
use crate::wire::other_form::of_another_api;
use crate::wire::stray::{elsewhere, start_of};

/// Reads a body with a 2xx status.
pub(super) fn decode_reply(body: &[u8]) -> Result<Reply, Error> {
    let body = match document(body)? {
        Document::Json(body) => body,
        Document::Events(body) => return fold_stream(MessagesStream::default(), body),
    };
    let text = str::from_utf8(body).unwrap_or_default();
    let checked =
        Reader::new(body).and_then(|mut reader| reader.skip().and_then(|()| reader.end()));
    let message = match checked.and_then(|()| Message::read(text)) {
        Ok(message) => message,
        Err(why) => return read_again(body, why, decode_reply),
    };
    // A reply may have ended before there was any content.
    let is_reply = message.content.is_some() || message.says_so && message.stop.reason.is_some();
    if !is_reply {
        if message.is_error || is_error(body) {
            return Err(errors::decode(None, body));
        }
        if let Some(error) = of_another_api(&[NAME], body) {
            return Err(error);
        }
        let start = start_of(body);
        return Err(elsewhere(&format!(
            "the reply is JSON, but it has no content; it begins with: {start}"
        )));
    }
    let mut decoder = MessagesStream::default();
    let mut chunks = Vec::new();
    let read = decoder.whole(&message, &mut chunks).err();
    let said = message.has_failed || message.is_error;
    let failure = said.then(|| errors::decode(None, body)).or(read);
    let mut fold = Fold::default();
    for chunk in &chunks {
        fold.apply(chunk);
    }
    ended(&decoder, fold, failure)
}
