//! Whole replies of OpenAI-shaped servers.

use super::event::Event;
use super::stream::{ChatStream, unexpected};
use crate::error::{Error, ErrorKind};
use crate::message::{Fold, Reply, ReplyHead};
use crate::redact::one_line;
use crate::sse::{EventParser, Item};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;

/// Reads a body with a 2xx status.
///
/// A reply is read as a stream of one event, so that replies and streams agree.
pub(in crate::wire::openai) fn decode_reply(body: &[u8]) -> Result<Reply, Error> {
    // A busy server sends blank lines first, to keep the connection alive.
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    match body.first() {
        Some(b'{' | b'[') => {}
        None => return Err(unexpected("the reply has no body").retryable(true)),
        Some(b'<') => {
            return Err(unexpected(
                "the reply is an HTML page; base_url is probably wrong",
            ));
        }
        Some(_) if body.starts_with(b"data:") || body.starts_with(b"event:") => {
            return fold_stream(body);
        }
        Some(_) => {
            let start = body.get(..body.len().min(400)).unwrap_or(body);
            let start = one_line(&String::from_utf8_lossy(start), 80);
            return Err(unexpected(&format!(
                "the reply is not JSON; it begins with: {start}"
            )));
        }
    }
    let event = Event::read(body)?;
    if event.is_error {
        return Err(errors::decode(None, body));
    }
    if event.first.is_none() {
        return Err(unexpected("the reply is JSON, but it has no choices"));
    }
    let mut decoder = ChatStream::default();
    let mut chunks = Vec::new();
    decoder.apply(event, true, &mut chunks)?;
    let mut fold = Fold::default();
    chunks.drain(..).for_each(|chunk| fold.apply(&chunk));
    Ok(concluded(decoder.head(), fold))
}

/// Reads a stream that the server sent unasked.
fn fold_stream(body: &[u8]) -> Result<Reply, Error> {
    let mut decoder = ChatStream::default();
    let mut fold = Fold::default();
    let mut chunks = Vec::new();
    let mut done = false;
    let mut parser = EventParser::new(usize::MAX);
    let mut take = |item: Item<'_>| {
        match item {
            Item::Event { name, data } => {
                done |= decoder.event(name, data, &mut chunks)? == Step::Done;
                chunks.drain(..).for_each(|chunk| fold.apply(&chunk));
            }
            Item::Stray { name, value } => decoder.stray_field(name, value)?,
            Item::Comment(_) => {}
        }
        Ok(())
    };
    parser.push(body, &mut take)?;
    parser.finish(&mut take)?;
    if !done && !decoder.is_finished() {
        return Err(Error::new(
            ErrorKind::ConnectionLost,
            "the reply is a stream, and it is incomplete",
        ));
    }
    Ok(concluded(decoder.head(), fold))
}

fn concluded(head: &ReplyHead, mut fold: Fold) -> Reply {
    fold.set_head(head);
    fold.conclude();
    fold.into_reply()
}
