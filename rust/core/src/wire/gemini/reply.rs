//! Whole replies.

use super::NAME;
use super::event::Event;
use super::stream::GeminiStream;
use crate::error::Error;
use crate::message::{Fold, Reply};
use crate::wire::dialect::StreamDecoder;
use crate::wire::document::{Document, document, ended, fold_stream, read_again};
use crate::wire::errors;
use crate::wire::other_form::of_another_api;
use crate::wire::stray::{elsewhere, incomplete_reply, start_of};

/// Reads a body with a 2xx status, as a stream of one event; a list has several.
pub(super) fn decode_reply(body: &[u8], asked: usize) -> Result<Reply, Error> {
    let body = match document(body)? {
        Document::Json(body) => body,
        Document::Events(body) => return fold_stream(GeminiStream::new(asked), body),
    };
    let mut chunks = Vec::new();
    let mut decoder = GeminiStream::new(asked);
    let mut failure;
    let is_list = body.starts_with(b"[");
    if is_list {
        failure = decoder.event(b"", body, &mut chunks).err();
    } else {
        let event = match Event::read(body) {
            Ok(event) => event,
            Err(why) => return read_again(body, why, |body| decode_reply(body, asked)),
        };
        if !event.is_ours && !event.is_error {
            return Err(elsewhere_than(body));
        }
        failure = event.is_error.then(|| errors::decode(None, body));
        let read = decoder.apply(event, true, &mut chunks).err();
        failure = failure.or(read);
    }
    decoder.flush(&mut chunks);
    let mut fold = Fold::default();
    for chunk in &chunks {
        fold.apply(chunk);
    }
    failure = failure.or_else(|| decoder.failure().cloned());
    failure = failure.or_else(|| {
        let why = if is_list {
            decoder.missing()
        } else {
            decoder.is_short()
        }?;
        Some(incomplete_reply(&why))
    });
    ended(&decoder, fold, failure)
}

/// The error of a body that is not a reply of this API.
fn elsewhere_than(body: &[u8]) -> Error {
    of_another_api(&[NAME], body).unwrap_or_else(|| {
        let start = start_of(body);
        elsewhere(&format!(
            "the reply is JSON, but it has no candidates; it begins with: {start}"
        ))
    })
}
