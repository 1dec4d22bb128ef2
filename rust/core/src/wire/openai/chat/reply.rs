//! Whole replies of OpenAI-shaped servers.

use std::sync::Arc;

use super::event::Event;
use super::stray::{
    PAGE_START, elsewhere, is_each_line_json, of_another_api, start_of, unexpected,
};
use super::stream::ChatStream;
use crate::error::{Error, ErrorKind};
use crate::json::{self, Reader};
use crate::message::{Fold, Reply};
use crate::sse::{EventParser, Item};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::{errors, markup};

/// Reads a body with a 2xx status.
///
/// A reply is read as a stream of one event, so that replies and streams agree. An error has what arrived as its
/// partial reply.
pub(in crate::wire::openai) fn decode_reply(
    body: &[u8],
    asked: usize,
    least: usize,
) -> Result<Reply, Error> {
    // A busy server sends blank lines first, to keep the connection alive.
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    match body.first() {
        Some(b'{' | b'[') => {}
        None => return Err(unexpected("the reply has no body").retryable(true)),
        Some(b'<') => {
            let page = markup::page(body.get(..body.len().min(PAGE_START)).unwrap_or(body));
            return Err(elsewhere(&format!(
                "the reply is {page}; base_url is probably wrong"
            )));
        }
        Some(_) if body.starts_with(b"data:") || body.starts_with(b"event:") => {
            return fold_stream(body, asked, least);
        }
        Some(_) => {
            let start = start_of(body);
            return Err(elsewhere(&format!(
                "the reply is not JSON; it begins with: {start}"
            )));
        }
    }
    let event = match Event::read(body) {
        Ok(event) => event,
        Err(why) => return read_again(body, asked, least, why),
    };
    let failure = event.is_error.then(|| errors::decode(None, body));
    if failure.is_none() && event.first.is_none() {
        if let Some(error) = errors::instead_of_choices(body) {
            return Err(error);
        }
        if let Some(nested) = nested_reply(body) {
            return decode_reply(nested.as_bytes(), asked, least);
        }
        if let Some(error) = of_another_api(body) {
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
        Some(unexpected(&format!("the reply is incomplete: {why}")).retryable(true))
    });
    ended(&decoder, fold, failure)
}

/// A body that is not one JSON text.
#[cold]
fn read_again(body: &[u8], asked: usize, least: usize, why: json::Error) -> Result<Reply, Error> {
    if std::str::from_utf8(body).is_err() {
        // As in a stream, a broken character does not cost the reply.
        let text = String::from_utf8_lossy(body);
        return decode_reply(text.as_bytes(), asked, least);
    }
    if !is_each_line_json(body) {
        return Err(why.into());
    }
    let end = memchr::memchr(b'\n', body).unwrap_or(body.len());
    let first = body.get(..end).unwrap_or(body);
    Err(match Event::read(first) {
        Ok(event) if event.is_error => errors::decode(None, first),
        _ => elsewhere(
            "the reply has a JSON text in each line (NDJSON), and is neither one reply nor an event stream",
        ),
    })
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

/// Reads a stream that the server sent unasked.
fn fold_stream(body: &[u8], asked: usize, least: usize) -> Result<Reply, Error> {
    let mut decoder = ChatStream::new(asked, least);
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
fn ended(decoder: &ChatStream, mut fold: Fold, failure: Option<Error>) -> Result<Reply, Error> {
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
