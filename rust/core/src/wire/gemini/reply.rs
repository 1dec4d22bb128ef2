//! Whole replies.

use super::NAME;
use super::stream::GeminiStream;
use crate::error::Error;
use crate::message::{Fold, Reply};
use crate::wire::dialect::StreamDecoder;
use crate::wire::document::{Document, document, ended, fold_stream};
use crate::wire::other_form::of_another_api;

/// Reads a body with a 2xx status, as a stream of one event.
pub(super) fn decode_reply(body: &[u8], _asked: usize) -> Result<Reply, Error> {
    let body = match document(body)? {
        Document::Json(body) => body,
        Document::Events(body) => return fold_stream(GeminiStream::default(), body),
    };
    if let Some(error) = of_another_api(&[NAME], body) {
        return Err(error);
    }
    let mut decoder = GeminiStream::default();
    let mut chunks = Vec::new();
    let failure = decoder.event(b"", body, &mut chunks).err();
    let mut fold = Fold::default();
    for chunk in &chunks {
        fold.apply(chunk);
    }
    ended(&decoder, fold, failure)
}
