//! Whole replies of OpenAI-shaped servers.

use super::READ_HERE;
use super::event::Event;
use super::stream::ChatStream;
use crate::error::Error;
use crate::json::Reader;
use crate::message::{Fold, Reply};
use crate::wire::dialect::StreamDecoder;
use crate::wire::document::{Document, document, ended, fold_stream, read_again};
use crate::wire::errors;
use crate::wire::other_form::of_another_api;
use crate::wire::stray::{elsewhere, incomplete_reply, start_of};

/// Reads a body with a 2xx status.
///
/// A reply is read as a stream of one event, so that replies and streams agree. An error has what arrived as its
/// partial reply.
pub(in crate::wire::openai) fn decode_reply(
    body: &[u8],
    asked: usize,
    least: usize,
) -> Result<Reply, Error> {
    let body = match document(body)? {
        Document::Json(body) => body,
        Document::Events(body) => return fold_stream(ChatStream::new(asked, least), body),
    };
    let event = match Event::read(body) {
        Ok(event) => event,
        Err(why) => return read_again(body, why, |body| decode_reply(body, asked, least)),
    };
    let failure = event.is_error.then(|| errors::decode(None, body));
    if failure.is_none() && event.first.is_none() {
        if let Some(error) = errors::instead_of_choices(body) {
            return Err(error);
        }
        if let Some(nested) = nested_reply(body) {
            return decode_reply(nested.as_bytes(), asked, least);
        }
        if let Some(error) = of_another_api(READ_HERE, body) {
            return Err(error);
        }
        let start = start_of(body);
        return Err(elsewhere(&format!(
            "the reply is JSON, but it has no choices; it begins with: {start}"
        )));
    }
    let mut decoder = ChatStream::new(asked, least);
    let mut chunks = Vec::new();
    decoder.apply(event, true, &mut chunks)?;
    let mut fold = Fold::default();
    for chunk in &chunks {
        fold.apply(chunk);
    }
    let failure = failure.or_else(|| decoder.failure().cloned());
    let failure = failure.or_else(|| {
        let why = decoder.is_short()?;
        Some(incomplete_reply(&why))
    });
    ended(&decoder, fold, failure)
}

/// The reply that `OpenRouter` sometimes puts into `provider`, while its own fields are null.
fn nested_reply(body: &[u8]) -> Option<&str> {
    let mut found = None;
    let mut reader = Reader::new(body).ok()?;
    let read = reader.object(|reader, key| {
        let raw = reader.raw()?;
        if key == "provider" && raw.starts_with('{') {
            found = Some(raw);
        }
        Ok(())
    });
    let nested = found.filter(|_| read.is_ok())?;
    // One level is enough: what is nested again cannot be a reply.
    let event = Event::read(nested.as_bytes()).ok()?;
    (event.first.is_some() || event.is_error).then_some(nested)
}
