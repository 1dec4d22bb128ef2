//! Whole replies: what a body with a 2xx status is, before a dialect reads it.

use std::sync::Arc;

use super::openai::is_error;
use super::stray::{PAGE_START, elsewhere, is_each_line_json, start_of, unexpected};
use crate::error::{Error, ErrorKind};
use crate::json;
use crate::message::{Fold, Reply};
use crate::sse::{EventParser, Item};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::{errors, markup};

/// What a body begins as.
pub(super) enum Document<'a> {
    /// A JSON text, from its first brace.
    Json(&'a [u8]),
    /// A stream that the server sent unasked.
    Events(&'a [u8]),
}

/// How an event stream begins: with a comment, or a field of an event.
const EVENTS: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];

/// Looks at the beginning of a body. Fails if it is empty, a web page or another text.
pub(super) fn document(body: &[u8]) -> Result<Document<'_>, Error> {
    // A busy server sends blank lines first, to keep the connection alive.
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    match body.first() {
        Some(b'{' | b'[') => Ok(Document::Json(body)),
        None => Err(unexpected("the reply has no body").retryable(true)),
        Some(b'<') => {
            let page = markup::page(body.get(..body.len().min(PAGE_START)).unwrap_or(body));
            Err(elsewhere(&format!(
                "the reply is {page}; base_url is probably wrong"
            )))
        }
        Some(_) if EVENTS.iter().any(|start| body.starts_with(start)) => Ok(Document::Events(body)),
        Some(_) => {
            let start = start_of(body);
            Err(elsewhere(&format!(
                "the reply is not JSON; it begins with: {start}"
            )))
        }
    }
}

/// Reads a body again that is not one JSON text.
#[cold]
pub(super) fn read_again(
    body: &[u8],
    why: json::Error,
    read: impl FnOnce(&[u8]) -> Result<Reply, Error>,
) -> Result<Reply, Error> {
    if std::str::from_utf8(body).is_err() {
        // As in a stream, a broken character does not cost the reply.
        let text = String::from_utf8_lossy(body);
        return read(text.as_bytes());
    }
    if !is_each_line_json(body) {
        return Err(why.into());
    }
    let end = memchr::memchr(b'\n', body).unwrap_or(body.len());
    let first = body.get(..end).unwrap_or(body);
    Err(if is_error(first) {
        errors::decode(None, first)
    } else {
        elsewhere(
            "the reply has a JSON text in each line (NDJSON), and is neither one reply nor an event stream",
        )
    })
}

/// Reads a stream that the server sent unasked.
pub(super) fn fold_stream(mut decoder: impl StreamDecoder, body: &[u8]) -> Result<Reply, Error> {
    let mut fold = Fold::default();
    let mut chunks = Vec::new();
    let mut done = false;
    let mut parser = EventParser::new(usize::MAX);
    let mut take = |item: Item<'_>| {
        match item {
            Item::Event { name, data } => {
                let step = decoder.event(name, data, &mut chunks);
                chunks.drain(..).for_each(|chunk| fold.apply(&chunk));
                done |= step? == Step::Done;
            }
            Item::Stray { name, value } => decoder.stray_field(name, value)?,
            Item::Comment(_) => {}
        }
        Ok(())
    };
    let read = parser.push(body, &mut take);
    let read = read.and_then(|()| parser.finish(&mut take).map(|_| ()));
    decoder.flush(&mut chunks);
    chunks.drain(..).for_each(|chunk| fold.apply(&chunk));
    let failure = read.err().or_else(|| {
        if done {
            return None;
        }
        let incomplete = |why| {
            let message = format!("the reply is a stream, and it is incomplete: {why}");
            Error::new(ErrorKind::ConnectionLost, message).retryable(true)
        };
        let failure = decoder.failure().cloned();
        failure.or_else(|| decoder.missing().map(incomplete))
    });
    ended(&decoder, fold, failure)
}

/// The reply, or the error that has it as its partial reply.
pub(super) fn ended(
    decoder: &impl StreamDecoder,
    mut fold: Fold,
    failure: Option<Error>,
) -> Result<Reply, Error> {
    fold.set_head(decoder.head());
    let is_empty = fold.is_empty();
    let mut reply = fold.into_reply();
    let Some(error) = failure else {
        reply.conclude();
        return Ok(reply);
    };
    reply.settle();
    Err(error.with_partial((!is_empty).then(|| Arc::new(reply))))
}
