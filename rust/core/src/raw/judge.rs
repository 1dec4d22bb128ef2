//! Whether an event stream of a known API is whole. The bytes go to the reader as they are, and a decoder of the API
//! reads them beside.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use memchr::memmem;

use super::asked::Asked;
use crate::config::Limits;
use crate::error::{Error, ErrorKind, Phase};
use crate::framing::INSIDE;
use crate::http::Place;
use crate::http::encoding::Unpacker;
use crate::message::{ChunkKind, Fold, Reply, ReplyHead};
use crate::sse::{End, EventParser, Item};
use crate::wire::{Step, StreamDecoder};
use crate::workers::Workers;

/// Reads a stream beside its reader.
pub(super) struct Judge {
    workers: Workers,
    asked: Asked,
    // `None` once there is nothing more to judge.
    reading: Option<Box<Reading>>,
    is_whole: bool,
}

struct Reading {
    unpacker: Option<Unpacker>,
    // The SDKs read only events, whatever a body begins with.
    parser: EventParser,
    // Whether the first byte decides if these are events, because the head does not say so.
    is_unsure: bool,
    events: Events,
    fold: Fold,
}

/// What the events of a stream say.
struct Events {
    decoder: Box<dyn StreamDecoder>,
    kinds: Vec<ChunkKind>,
    is_done: bool,
    // Why the reply is incomplete, although the SDKs see no error.
    failed: Option<String>,
    // Whether that is a mark at which an SDK stops.
    is_short: bool,
    ends_at_mark: bool,
}

impl Events {
    fn item(&mut self, item: Item<'_>) -> Result<(), Error> {
        if let Item::Event { name, data } = item
            && !self.is_done
            && self.failed.is_none()
        {
            match self.decoder.event(name, data, &mut self.kinds) {
                Ok(step) => self.is_done = step == Step::Done,
                Err(error) => self.note_error(error, name, data)?,
            }
        }
        Ok(())
    }

    /// Keeps an error in the middle of a reply that the SDKs do not raise.
    fn note_error(&mut self, error: Error, name: &[u8], data: &[u8]) -> Result<(), Error> {
        if let Some(missing) = self.decoder.missing()
            && error.kind() == ErrorKind::StreamIncomplete
            && data.starts_with(MARK)
            && !self.ends_at_mark
        {
            self.is_short = true;
            self.failed = Some(format!("[DONE] came, but {missing}"));
        } else if self.ends_at_mark && is_taken_for_a_chunk(name, data) {
            self.failed = Some(format!("an error came before its end: {}", error.message()));
        } else {
            return Err(error);
        }
        Ok(())
    }
}

/// What ends a stream of chat completions or completions.
const MARK: &[u8] = b"[DONE]";

/// Whether an event is an error, but lacks the field for which openai raises one.
fn is_taken_for_a_chunk(name: &[u8], data: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<serde_json::Value>(data) else {
        return false;
    };
    let says = |key: &str| read.get(key).is_some_and(|kind| kind == "error");
    (name == b"error" || says("object") || says("type"))
        && !read.get("error").is_some_and(is_truthy)
}

/// Whether Python takes a value for true.
fn is_truthy(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

impl Judge {
    /// The judge of the body that follows this head; `None` if it is not a stream.
    pub(super) fn new(asked: Asked, head: &Parts, workers: &Workers) -> Option<Self> {
        let mut kinds = head.headers.get_all(CONTENT_TYPE).iter();
        let is_named = kinds.any(|kind| {
            let kind = kind.as_bytes().trim_ascii();
            let kind = kind.strip_prefix(b"\"").unwrap_or(kind);
            kind.get(.."text/event-stream".len())
                .is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"))
        });
        if !head.status.is_success() || !(is_named || asked.is_stream) {
            return None;
        }
        let reading = Reading {
            unpacker: Unpacker::of(&head.headers),
            parser: EventParser::new(Limits::default().max_event_bytes),
            is_unsure: !is_named,
            events: Events {
                decoder: asked.dialect.stream(asked.choices),
                kinds: Vec::new(),
                is_done: false,
                failed: None,
                is_short: false,
                ends_at_mark: matches!(asked.dialect.name(), "chat" | "completions"),
            },
            fold: Fold::default(),
        };
        Some(Self {
            workers: workers.clone(),
            asked,
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

    /// Whether the stream has had a mark at which the SDKs end it, but not its end.
    pub(super) fn is_short(&self) -> bool {
        let reading = self.reading.as_ref().filter(|_| self.asked.must_end);
        reading.is_some_and(|reading| reading.events.is_short)
    }

    /// At the clean end of the body: whether the stream is whole.
    pub(super) async fn end(&mut self, place: &Place) -> Result<(), Error> {
        let asked = self.asked;
        let reading = self.reading.take().filter(|_| asked.must_end);
        let Some(mut reading) = reading else {
            return Ok(());
        };
        let size = reading.step_bytes(0).max(reading.fold.kept());
        let step = move || {
            let why = reading.missing(asked)?;
            Some((why, reading.partial()))
        };
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
            let size = reading.fold.kept().max(reading.parser.pending());
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
        self.parser.pending() + new * times
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
        if self.is_unsure
            && let Some(first) = bytes.trim_ascii_start().first()
        {
            // Of a comment, or of the name of a field: `data`, `event`, `id` or `retry`.
            if !b":deir".contains(first) {
                return Err(Error::new(
                    ErrorKind::Decode,
                    "it is not a stream of events",
                ));
            }
            self.is_unsure = false;
        }
        let (events, parser) = (&mut self.events, &mut self.parser);
        parser.push(bytes, |item| events.item(item))?;
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

    /// Why the stream is incomplete; `None` if it is whole, or another API's.
    fn missing(&mut self, asked: Asked) -> Option<String> {
        // An error is the reader's business.
        if self.events.is_done || self.events.decoder.failure().is_some() {
            return None;
        }
        let mut is_said = false;
        let (events, parser) = (&mut self.events, &mut self.parser);
        let ended = parser.finish(|item| {
            is_said = !matches!(item, Item::Event { data, .. } if is_mere_mark(data));
            events.item(item)
        });
        self.note();
        let is_ours = asked.is_stream
            || !self.fold.is_empty()
            || *self.events.decoder.head() != ReplyHead::default();
        if !is_ours {
            return None;
        }
        if let Some(why) = &self.events.failed {
            return Some(why.clone());
        }
        let is_failed = self.events.decoder.failure().is_some();
        match ended {
            Ok(End::Cut) => Some(INSIDE.into()),
            // Of the SDKs, only Gemini's reads an event without a blank line after it.
            Ok(End::Flushed) if is_said && asked.dialect.name() != "gemini" => Some(INSIDE.into()),
            Ok(_) if self.events.is_done => None,
            Ok(_) if !is_failed => self.events.decoder.missing(),
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

/// Whether an event ends a stream, and says nothing else.
fn is_mere_mark(data: &[u8]) -> bool {
    data.starts_with(MARK) || memmem::find(data, b"\"message_stop\"").is_some()
}
