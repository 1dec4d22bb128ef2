//! Whole replies.

use super::NAME;
use super::event::Event;
use super::response::Response;
use super::stream::ResponsesStream;
use crate::error::Error;
use crate::message::{Fold, Reply};
use crate::wire::document::{Document, document, ended, fold_stream, read_again};
use crate::wire::errors;
use crate::wire::openai::chat::is_error;
use crate::wire::other_form::of_another_api;
use crate::wire::stray::{elsewhere, start_of};

/// Reads a body with a 2xx status, as a stream that has only its terminal event.
pub(super) fn decode_reply(body: &[u8]) -> Result<Reply, Error> {
    let body = match document(body)? {
        Document::Json(body) => body,
        Document::Events(body) => return fold_stream(ResponsesStream::default(), body),
    };
    let event = match Event::read(body) {
        Ok(event) => event,
        Err(why) => return read_again(body, why, decode_reply),
    };
    let text = str::from_utf8(body).unwrap_or_default();
    // Some gateways answer with the terminal event of a stream.
    let response = match (&event.kind, event.response) {
        (Some(_), Some(response)) => response,
        _ if event.is_reply => text,
        _ if is_error(body) => return Err(errors::decode(None, body)),
        _ => {
            if let Some(error) = of_another_api(&[NAME], body) {
                return Err(error);
            }
            let start = start_of(body);
            return Err(elsewhere(&format!(
                "the reply is JSON, but it has no output; it begins with: {start}"
            )));
        }
    };
    let response = Response::read(response)?;
    if event.is_reply && response.output.is_none() && response.status.is_none() && is_error(body) {
        return Err(errors::decode(None, body));
    }
    let mut decoder = ResponsesStream::default();
    let mut chunks = Vec::new();
    let failure = decoder.end(&response, &mut chunks).err();
    let mut fold = Fold::default();
    for chunk in &chunks {
        fold.apply(chunk);
    }
    ended(&decoder, fold, failure)
}
