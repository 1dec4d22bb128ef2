//! Whether an event stream of a known API is whole. The bytes go to the reader as they are, and a decoder of the API
//! reads them beside.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use memchr::memmem;

use crate::config::Limits;
use crate::error::{Error, ErrorKind, Phase};
use crate::framing::{Cutter, Progress};
use crate::http::Place;
use crate::http::encoding::Unpacker;
use crate::message::{ChunkKind, Fold, Reply};
use crate::sse::Item;
use crate::wire::{Dialect, Step, StreamDecoder, providers};
use crate::workers::Workers;

/// What a request asks for, as far as its stream depends on it.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    dialect: &'static dyn Dialect,
    choices: usize,
}

impl Asked {
    /// `None` if method and path, with its query, are not those of a known API.
    pub(super) fn of(method: &Method, path: &str, body: Option<&Bytes>) -> Option<Self> {
        let mut path = path.split('?').next().unwrap_or_default();
        if *method == Method::GET {
            // A response that is made in the background is read under its id.
            path = path.rsplit_once('/')?.0;
        }
        Some(Self {
            dialect: providers::dialect_at(path)?,
            choices: body.map_or(1, |body| choices(body)),
        })
    }
}

/// Reads a stream beside its reader.
pub(super) struct Judge {
    workers: Workers,
    // `None` once there is nothing more to judge.
    reading: Option<Box<Reading>>,
    is_whole: bool,
}

struct Reading {
    unpacker: Option<Unpacker>,
    cutter: Cutter,
    decoder: Box<dyn StreamDecoder>,
    kinds: Vec<ChunkKind>,
    fold: Fold,
    is_done: bool,
}

impl Judge {
    /// The judge of the body that follows this head; `None` if it is not a stream.
    pub(super) fn new(asked: Asked, head: &Parts, workers: &Workers) -> Option<Self> {
        let kind = head.headers.get(CONTENT_TYPE)?.as_bytes();
        let is_stream = kind
            .get(.."text/event-stream".len())
            .is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"));
        if head.status != http::StatusCode::OK || !is_stream {
            return None;
        }
        let limits = Limits::default();
        let reading = Reading {
            unpacker: Unpacker::of(&head.headers),
            cutter: Cutter::new(
                asked.dialect.framings(),
                limits.max_event_bytes,
                limits.max_reply_bytes,
            ),
            decoder: asked.dialect.stream(asked.choices),
            kinds: Vec::new(),
            fold: Fold::default(),
            is_done: false,
        };
        Some(Self {
            workers: workers.clone(),
            reading: Some(Box::new(reading)),
            is_whole: false,
        })
    }

    /// Whether there is a stream that it reads.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Whether the stream has had its end mark.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Reads bytes. Returns whether there was content in them. What cannot be read, and what is an error, is the
    /// reader's business, and then nothing more is judged. A large event is read by a worker.
    pub(super) async fn feed(&mut self, bytes: &Bytes) -> bool {
        let Some(mut reading) = self.reading.take() else {
            return false;
        };
        let (size, bytes) = (reading.step_bytes(bytes.len()), bytes.clone());
        let step = move || {
            let read = reading.feed(&bytes);
            (reading, read)
        };
        let (reading, read) = self.workers.run(size, step).await;
        let is_over = read.is_err()
            || reading.is_done
            || reading.fold.kept() > Limits::default().max_reply_bytes;
        if is_over {
            self.is_whole = read.is_ok() && reading.is_done;
            self.workers.free(reading.fold.kept(), reading);
        } else {
            self.reading = Some(reading);
        }
        read.unwrap_or(false)
    }

    /// At the clean end of the body: whether the stream is whole.
    pub(super) async fn end(&mut self, place: &Place) -> Result<(), Error> {
        let Some(mut reading) = self.reading.take() else {
            return Ok(());
        };
        let size = reading.step_bytes(0).max(reading.fold.kept());
        let step = move || reading.missing().map(|why| (why, reading.partial()));
        let Some((why, partial)) = self.workers.run(size, step).await else {
            return Ok(());
        };
        let message = format!("the stream from {} is incomplete: {why}", place.origin);
        Err(Error::new(ErrorKind::StreamIncomplete, message)
            .at(Phase::Body)
            .retryable(true)
            .maybe_processed(true)
            .with_partial(partial))
    }

    /// An error of the connection, with the reply so far.
    pub(super) async fn broken(&mut self, error: Error) -> Error {
        let Some(mut reading) = self.reading.take() else {
            return error;
        };
        let size = reading.fold.kept();
        let partial = self.workers.run(size, move || reading.partial()).await;
        error.with_partial(partial)
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        if let Some(reading) = self.reading.take() {
            let size = reading.fold.kept().max(reading.cutter.pending());
            self.workers.free(size, reading);
        }
    }
}

/// So many times its size a piece of a compressed stream may have unpacked, as an estimate of the work.
const PACKED: usize = 64;

impl Reading {
    /// How many bytes the next step works on at most, about.
    fn step_bytes(&self, new: usize) -> usize {
        let times = if self.unpacker.is_some() { PACKED } else { 1 };
        self.cutter.pending() + new * times
    }

    fn feed(&mut self, bytes: &Bytes) -> Result<bool, Error> {
        if self.is_done {
            return Ok(false);
        }
        let Some(mut unpacker) = self.unpacker.take() else {
            return self.read(bytes);
        };
        unpacker.push(bytes.clone());
        let mut has_content = false;
        loop {
            let piece = unpacker.next();
            match piece.map_err(|_| Error::new(ErrorKind::Decode, "cannot be unpacked"))? {
                Some(piece) => has_content |= self.read(&piece)?,
                None => break,
            }
        }
        self.unpacker = Some(unpacker);
        Ok(has_content)
    }

    fn read(&mut self, bytes: &[u8]) -> Result<bool, Error> {
        let Self {
            cutter,
            decoder,
            kinds,
            is_done,
            ..
        } = self;
        cutter.push(bytes, |item| {
            if let Item::Event { name, data } = item
                && !*is_done
            {
                *is_done = decoder.event(name, data, kinds)? == Step::Done;
            }
            Ok(())
        })?;
        if !matches!(self.cutter.progress(), Progress::Open) {
            // It is a document, or an array that has ended.
            self.is_done = true;
        }
        Ok(self.note())
    }

    /// Adds what was read to the reply.
    fn note(&mut self) -> bool {
        let mut has_content = false;
        for kind in self.kinds.drain(..) {
            has_content |= kind.has_content();
            self.fold.apply(&kind);
        }
        has_content
    }

    fn missing(&mut self) -> Option<String> {
        if self.is_done {
            return None;
        }
        let Self {
            cutter,
            decoder,
            kinds,
            is_done,
            ..
        } = self;
        let ended = cutter.finish(|item| {
            if let Item::Event { name, data } = item
                && !*is_done
            {
                *is_done = decoder.event(name, data, kinds)? == Step::Done;
            }
            Ok(())
        });
        self.note();
        match ended {
            // An error is the reader's business.
            Err(_) => None,
            Ok(_) if self.is_done || self.decoder.failure().is_some() => None,
            Ok(Some(why)) => Some(why.into()),
            Ok(None) => self.decoder.missing(),
        }
    }

    /// The reply so far.
    fn partial(&mut self) -> Option<Arc<Reply>> {
        let mut kinds = std::mem::take(&mut self.kinds);
        self.decoder.flush(&mut kinds);
        self.kinds = kinds;
        self.note();
        self.fold.set_head(self.decoder.head());
        if self.fold.is_empty() {
            return None;
        }
        self.fold.settle();
        Some(Arc::new(self.fold.take()))
    }
}

/// How many choices a request asks for.
fn choices(body: &[u8]) -> usize {
    #[derive(serde::Deserialize)]
    struct Choices {
        n: Option<usize>,
    }
    // Most requests say nothing of it, and this is much faster than to read them.
    if memmem::find(body, b"\"n\"").is_none() {
        return 1;
    }
    let read = serde_json::from_slice::<Choices>(body);
    read.ok().and_then(|read| read.n).unwrap_or(1)
}
