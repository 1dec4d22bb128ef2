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
    /// Whether it certainly asks for a stream.
    pub(super) is_stream: bool,
    /// Whether the stream must have its end.
    must_end: bool,
}

impl Asked {
    /// `None` if method and path, with its query, are not those of a known API.
    pub(super) fn of(
        method: &Method,
        path: &str,
        body: Option<&Bytes>,
        must_end: bool,
    ) -> Option<Self> {
        let path = path.split('?').next().unwrap_or_default();
        let dialect = match *method {
            Method::POST => providers::dialect_at(path)?,
            // A response that is made in the background is read under its id.
            Method::GET => providers::dialect_at(path.rsplit_once('/')?.0)
                .filter(|dialect| dialect.name() == "responses")?,
            _ => return None,
        };
        Some(Self {
            dialect,
            choices: body.map_or(1, |body| choices(body)),
            is_stream: path.ends_with(":streamGenerateContent")
                || body.is_some_and(|body| is_stream(body)),
            must_end,
        })
    }
}

/// Reads a stream beside its reader.
pub(super) struct Judge {
    workers: Workers,
    must_end: bool,
    // `None` once there is nothing more to judge.
    reading: Option<Box<Reading>>,
    is_whole: bool,
}

struct Reading {
    unpacker: Option<Unpacker>,
    cutter: Cutter,
    events: Events,
    fold: Fold,
}

/// What the events of a stream say.
struct Events {
    decoder: Box<dyn StreamDecoder>,
    kinds: Vec<ChunkKind>,
    is_done: bool,
}

impl Events {
    fn item(&mut self, item: Item<'_>) -> Result<(), Error> {
        if let Item::Event { name, data } = item
            && !self.is_done
        {
            self.is_done = self.decoder.event(name, data, &mut self.kinds)? == Step::Done;
        }
        Ok(())
    }
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
            events: Events {
                decoder: asked.dialect.stream(asked.choices),
                kinds: Vec::new(),
                is_done: false,
            },
            fold: Fold::default(),
        };
        Some(Self {
            workers: workers.clone(),
            must_end: asked.must_end,
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
            || reading.events.is_done
            || reading.fold.kept() > Limits::default().max_reply_bytes;
        if is_over {
            self.is_whole = read.is_ok() && reading.events.is_done;
            self.workers.free(reading.fold.kept(), reading);
        } else {
            self.reading = Some(reading);
        }
        read.unwrap_or(false)
    }

    /// At the clean end of the body: whether the stream is whole.
    pub(super) async fn end(&mut self, place: &Place) -> Result<(), Error> {
        let reading = self.reading.take().filter(|_| self.must_end);
        let Some(mut reading) = reading else {
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
        if self.events.is_done {
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
        let (events, cutter) = (&mut self.events, &mut self.cutter);
        cutter.push(bytes, |item| events.item(item))?;
        if !matches!(self.cutter.progress(), Progress::Open) {
            // It is a document, or an array that has ended.
            self.events.is_done = true;
        }
        Ok(self.note())
    }

    /// Adds what was read to the reply.
    fn note(&mut self) -> bool {
        let mut has_content = false;
        for kind in self.events.kinds.drain(..) {
            has_content |= kind.has_content();
            self.fold.apply(&kind);
        }
        has_content
    }

    fn missing(&mut self) -> Option<String> {
        if self.events.is_done {
            return None;
        }
        let (events, cutter) = (&mut self.events, &mut self.cutter);
        // An error is the reader's business.
        if events.decoder.failure().is_some() {
            return None;
        }
        let ended = cutter.finish(|item| events.item(item));
        self.note();
        match ended {
            Ok(_) if self.events.is_done => None,
            Ok(Some(why)) => Some(why.into()),
            Ok(None) if self.events.decoder.failure().is_none() => self.events.decoder.missing(),
            // The readers of the SDKs see nothing of an event without a blank line after it.
            _ => Some("it ended inside an event that is an error".into()),
        }
    }

    /// The reply so far.
    fn partial(&mut self) -> Option<Arc<Reply>> {
        let mut kinds = std::mem::take(&mut self.events.kinds);
        self.events.decoder.flush(&mut kinds);
        self.events.kinds = kinds;
        self.note();
        self.fold.set_head(self.events.decoder.head());
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
    #[serde(rename_all = "camelCase")]
    struct Choices {
        n: Option<usize>,
        prompt: Option<serde_json::Value>,
        generation_config: Option<Config>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Config {
        candidate_count: Option<usize>,
    }
    const NAMES: [&[u8]; 3] = [b"\"n\"", b"\"prompt\"", b"\"candidateCount\""];
    // Most requests say nothing of it, and this is much faster than to read them.
    if !NAMES.iter().any(|name| memmem::find(body, name).is_some()) {
        return 1;
    }
    let Ok(read) = serde_json::from_slice::<Choices>(body) else {
        return 1;
    };
    let of_gemini = read.generation_config.and_then(|it| it.candidate_count);
    // A list of numbers is one prompt in tokens.
    let prompts = match &read.prompt {
        Some(serde_json::Value::Array(all)) if !all.iter().any(serde_json::Value::is_number) => {
            all.len()
        }
        _ => 1,
    };
    read.n.or(of_gemini).unwrap_or(1).saturating_mul(prompts)
}

/// Whether a request says that it asks for a stream.
fn is_stream(body: &[u8]) -> bool {
    memmem::find_iter(body, b"\"stream\"").any(|at| {
        let rest = body.get(at + b"\"stream\"".len()..).unwrap_or_default();
        let rest = rest.trim_ascii_start().strip_prefix(b":");
        rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"true"))
    })
}
