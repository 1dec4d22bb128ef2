//! A decoder around another one, which changes what each choice of a stream has.

use super::dialect::{Step, StreamDecoder};
use crate::error::Error;
use crate::message::{ChunkKind, ReplyHead};
use crate::places::Places;

/// Changes the chunks of one choice.
pub(super) trait Change: Send {
    /// Reads the next chunk, and adds what becomes of it.
    fn read(&mut self, kind: ChunkKind, out: &mut Vec<ChunkKind>);

    /// Adds what it holds, because nothing follows that could change what it is.
    fn finish(&mut self, out: &mut Vec<ChunkKind>);
}

/// Reads the chunks of `decoder`, each by what `begin` makes for the index of its choice.
pub(super) fn stream<C, B>(decoder: Box<dyn StreamDecoder>, begin: B) -> Box<dyn StreamDecoder>
where
    C: Change + 'static,
    B: Fn(u32) -> C + Send + 'static,
{
    Box::new(ByChoice {
        decoder,
        begin,
        places: Places::default(),
        choices: Vec::new(),
    })
}

struct ByChoice<C, B> {
    decoder: Box<dyn StreamDecoder>,
    begin: B,
    places: Places<u32>,
    choices: Vec<C>,
}

impl<C: Change, B: Fn(u32) -> C + Send> StreamDecoder for ByChoice<C, B> {
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        let before = out.len();
        let step = self.decoder.event(name, data, out);
        self.read_from(before, out);
        if !matches!(step, Ok(Step::Continue)) {
            self.flush(out);
        }
        step
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        self.decoder.stray_field(name, value)
    }

    fn missing(&self) -> Option<String> {
        self.decoder.missing()
    }

    fn failure(&self) -> Option<&Error> {
        self.decoder.failure()
    }

    fn head(&self) -> &ReplyHead {
        self.decoder.head()
    }

    fn flush(&mut self, out: &mut Vec<ChunkKind>) {
        let before = out.len();
        self.decoder.flush(out);
        self.read_from(before, out);
        for choice in &mut self.choices {
            choice.finish(out);
        }
    }
}

impl<C: Change, B: Fn(u32) -> C> ByChoice<C, B> {
    /// Reads the chunks from this place on, which the decoder has added.
    fn read_from(&mut self, before: usize, out: &mut Vec<ChunkKind>) {
        for kind in out.split_off(before) {
            self.read(kind, out);
        }
    }

    fn read(&mut self, kind: ChunkKind, out: &mut Vec<ChunkKind>) {
        let index = match &kind {
            ChunkKind::Text(_) => 0,
            ChunkKind::Delta(delta) if delta.brings_only_usage() => {
                out.push(kind);
                return;
            }
            ChunkKind::Delta(delta) => delta.index,
        };
        let place = self.places.get(&index).unwrap_or_else(|| {
            let place = self.choices.len();
            self.places.set(index, place);
            self.choices.push((self.begin)(index));
            place
        });
        if let Some(choice) = self.choices.get_mut(place) {
            choice.read(kind, out);
        }
    }
}
