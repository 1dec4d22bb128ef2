//! A property that a fuzzer attacks and `tests/corpus.rs` replays.

use tokenwire_core::sse::{End, EventParser, Item};
use tokenwire_core::wire::{Chat, Dialect};

/// An item that borrows nothing.
#[derive(Debug, PartialEq)]
enum Seen {
    Event(Vec<u8>, Vec<u8>),
    Stray(Vec<u8>, Vec<u8>),
    Comment(Vec<u8>),
    End(Option<End>),
}

/// The first byte says how long the chunks are, the rest is the stream.
pub fn holds(input: &[u8]) {
    let Some((&size, wire)) = input.split_first() else {
        return;
    };
    let whole = read(wire.chunks(wire.len().max(1)));
    assert_eq!(
        whole,
        read(wire.chunks(usize::from(size).max(1))),
        "chunks of {size}"
    );
    assert_eq!(whole, read(wire.chunks(1)), "single bytes");

    let mut decoder = Chat.stream(1);
    let mut out = Vec::new();
    for item in &whole {
        let read = match item {
            Seen::Event(name, data) => decoder.event(name, data, &mut out).map(|_| ()),
            Seen::Stray(name, value) => decoder.stray_field(name, value),
            Seen::Comment(_) | Seen::End(_) => Ok(()),
        };
        if read.is_err() {
            break;
        }
    }
    let _ = Chat.decode_reply(wire, 1);
    let _ = Chat.decode_error(500, wire);
}

fn read<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Seen> {
    // Small, so that the limit is reached too.
    let mut parser = EventParser::new(300);
    let mut seen = Vec::new();
    let mut length = 0;
    for chunk in chunks {
        length += chunk.len() as u64;
        if parser.push(chunk, |item| take(item, &mut seen)).is_err() {
            seen.push(Seen::End(None));
            return seen;
        }
    }
    assert!(
        parser.scanned() <= 2 * length,
        "{} of {length}",
        parser.scanned()
    );
    let end = parser.finish(|item| take(item, &mut seen)).ok();
    seen.push(Seen::End(end));
    seen
}

#[allow(clippy::unnecessary_wraps)]
fn take(item: Item<'_>, seen: &mut Vec<Seen>) -> Result<(), tokenwire_core::error::Error> {
    seen.push(match item {
        Item::Event { name, data } => Seen::Event(name.into(), data.into()),
        Item::Stray { name, value } => Seen::Stray(name.into(), value.into()),
        Item::Comment(text) => Seen::Comment(text.into()),
    });
    Ok(())
}
