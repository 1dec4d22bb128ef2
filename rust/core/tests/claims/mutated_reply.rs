//! A property that a fuzzer attacks and `tests/corpus.rs` replays.

use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::message::{Fold, Reply, StreamEvents};
use tokenwire_core::sse::{EventParser, Item};
use tokenwire_core::wire::{Chat, Dialect, Gemini, Messages, Responses, Step};

use crate::measured::within_bounds;

/// The longest message of an error, in bytes.
const LONGEST_MESSAGE: usize = 16 << 10;

/// Each of them reads all bodies. The decoder of chat also reads text completions.
const DIALECTS: [&dyn Dialect; 4] = [&Chat, &Responses, &Messages, &Gemini];

/// A reply is read within bounds, or is an error about the reply. How a stream is cut does not matter.
///
/// The first byte says how long the chunks are, the rest is a body.
pub fn holds(input: &[u8]) {
    let Some((&size, body)) = input.split_first() else {
        return;
    };
    for dialect in DIALECTS {
        holds_in(dialect, size, body);
    }
}

fn holds_in(dialect: &dyn Dialect, size: u8, body: &[u8]) {
    let length = body.len();
    let reply = within_bounds("a whole reply", length, || dialect.decode_reply(body, 1));
    checked(&reply);
    let refused = within_bounds("an error body", length, || dialect.decode_error(400, body));
    checked_error(&refused);
    let read = |size: usize| read_stream(dialect, body.chunks(size.max(1)));
    let whole = within_bounds("a stream", length, || read(length));
    let parts = within_bounds("a stream in parts", length, || read(size.into()));
    assert_eq!(shown(&whole), shown(&parts), "chunks of {size}");
    // Single bytes take long.
    if length < 4096 {
        assert_eq!(shown(&whole), shown(&read(1)), "single bytes");
    }
    checked(&whole);
}

/// Reads a stream as the engine does: each chunk is added to the reply and dropped.
fn read_stream<'a>(
    dialect: &dyn Dialect,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> Result<Reply, Error> {
    // The ids of calls that came without one are random.
    fastrand::seed(1);
    let mut parser = EventParser::new(64 << 20);
    let mut decoder = dialect.stream(1);
    let (mut out, mut events) = (Vec::new(), Vec::new());
    let mut typed = StreamEvents::default();
    let mut fold = Fold::default();
    let mut done = false;
    let mut take = |item: Item<'_>| {
        match item {
            _ if done => {}
            Item::Event { name, data } => {
                done = decoder.event(name, data, &mut out)? == Step::Done;
                for chunk in out.drain(..) {
                    typed.push(&chunk, &mut events);
                    events.clear();
                    fold.apply(&chunk);
                }
            }
            Item::Stray { name, value } => decoder.stray_field(name, value)?,
            Item::Comment(_) => {}
        }
        Ok(())
    };
    for chunk in chunks {
        parser.push(chunk, &mut take)?;
    }
    parser.finish(&mut take)?;
    decoder.flush(&mut out);
    for chunk in &out {
        typed.push(chunk, &mut events);
        fold.apply(chunk);
    }
    typed.finish(&mut events);
    fold.set_head(decoder.head());
    fold.conclude();
    Ok(fold.into_reply())
}

/// What a user sees. It is text, because NaN differs from itself.
fn shown(read: &Result<Reply, Error>) -> String {
    match read {
        Ok(reply) => serde_json::to_string(reply).unwrap(),
        Err(error) => format!("{error:?}"),
    }
}

fn checked(read: &Result<Reply, Error>) {
    match read {
        Ok(reply) => {
            // It can be stored and read again, and settling it again changes nothing.
            let json = serde_json::to_string(reply).unwrap();
            let mut again: Reply = serde_json::from_str(&json).unwrap();
            again.settle();
            assert_eq!(json, serde_json::to_string(&again).unwrap());
        }
        Err(error) => checked_error(error),
    }
}

/// It is an error about a reply, and its message is one line.
fn checked_error(error: &Error) {
    use ErrorKind as K;
    let about_a_reply = matches!(
        error.kind(),
        K::Decode
            | K::Validation
            | K::ModelNotFound
            | K::ContextLength
            | K::ContentFilter
            | K::StreamIncomplete
            | K::EventTooLarge
            | K::ResponseTooLarge
            | K::Api
            | K::Authentication
            | K::RateLimit
            | K::QuotaExceeded
            | K::Server
            | K::ConnectionLost
            | K::UnexpectedContent
    );
    assert!(about_a_reply, "{error:?}");
    let message = error.message();
    assert!(!message.is_empty() && message.len() <= LONGEST_MESSAGE);
    assert!(!message.contains(|it: char| it.is_control()), "{message:?}");
}
