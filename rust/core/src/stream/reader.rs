//! Makes chunks from the bytes of a body, and decides whether the stream is complete.

use std::sync::Arc;

use super::queue::Queue;
use super::whole;
use crate::client::Call;
use crate::error::{Error, ErrorKind, Phase};
use crate::framing::{Cutter, Progress};
use crate::http::Place;
use crate::message::{Chunk, ChunkKind, Delta, Reply, ReplyHead};
use crate::redact::Mask;
use crate::sse::Item;
use crate::wire::{Dialect, Reading, Step, StreamDecoder};
use crate::workers::{STEP_BYTES, Workers};

/// How much text a chunk has at most. To make a `str` of so much takes about 1 ms on a slow machine, most of it for
/// fresh memory, and the thread of an event loop can do nothing else meanwhile.
const PIECE_BYTES: usize = 256 << 10;

/// For how many chunks a reader keeps room: most reads have no more. A stream may wait long for the next one.
const MOST_ROOM: usize = 64;

/// Reads the body of one attempt. It owns all that it needs, so that a worker can take it for a large event.
pub(super) struct Reader {
    dialect: &'static dyn Dialect,
    // How many choices were asked for.
    asked: usize,
    reading: Reading,
    place: Arc<Place>,
    cutter: Cutter,
    events: Events,
    // What a body that is one document says, once it has arrived up to its end.
    document: Option<Box<Result<Reply, Error>>>,
    // Which facts of the reply the queue has, and which status.
    published: [bool; 3],
    published_status: Option<String>,
    // Who frees the beginning of a large event or document if the stream ends there.
    workers: Workers,
}

/// The part of a [`Reader`] that the sink of the parser changes.
struct Events {
    decoder: Box<dyn StreamDecoder>,
    kinds: Vec<ChunkKind>,
    chunks: Vec<Chunk>,
    wants_raw: bool,
    /// How many events had something for the reply.
    count: u64,
    step: Step,
    has_content: bool,
    // The facts of a reply that was not streamed.
    whole_head: Option<ReplyHead>,
    // For facts that a server may echo.
    mask: Mask,
}

impl Reader {
    pub(super) fn new(call: &Call, wants_raw: bool, workers: &Workers) -> Self {
        Self {
            dialect: call.dialect,
            asked: call.choices,
            reading: call.reading.clone(),
            place: Arc::clone(&call.outgoing.place),
            cutter: cutter(call),
            document: None,
            events: Events {
                decoder: call.reading.stream(call.dialect, call.choices),
                kinds: Vec::new(),
                chunks: Vec::new(),
                wants_raw,
                count: 0,
                step: Step::Continue,
                has_content: false,
                whole_head: None,
                mask: call.mask().clone(),
            },
            published: [false; 3],
            published_status: None,
            workers: workers.clone(),
        }
    }

    /// Whether an event had something for the reply, which another attempt would repeat.
    pub(super) fn has_surfaced(&self) -> bool {
        self.events.count > 0
    }

    /// Whether the last event, which has not ended, is the terminal mark of the stream.
    pub(super) fn is_at_mark(&mut self) -> bool {
        self.cutter.is_at_mark()
    }

    /// Whether the body is a document, and not a stream.
    pub(super) fn has_document(&self) -> bool {
        self.cutter.document().is_some()
    }

    /// Whether it is one, and has arrived up to its end.
    pub(super) fn is_document_whole(&self) -> bool {
        self.document.is_some()
    }

    /// Whether the body is a document that seems to be all there is: a finished reply, or something else than a reply.
    pub(super) fn is_settled(&self) -> bool {
        match self.document.as_deref() {
            Some(Ok(reply)) => reply.choices.iter().all(|it| it.finish_reason.is_some()),
            Some(Err(_)) => true,
            None => false,
        }
    }

    /// How many bytes the next step works on at most, if it gets so many new ones.
    pub(super) fn step_bytes(&self, new: usize) -> usize {
        self.cutter.pending() + new
    }

    /// Reads the next bytes. [`Self::publish`] delivers their chunks, even those before an error.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Step, Error> {
        let events = &mut self.events;
        let fed = self.cutter.push(bytes, |item| events.item(item));
        fed.map_err(|error| {
            self.flush();
            self.in_stream(error)
        })?;
        match self.cutter.progress() {
            Progress::Open => Ok(self.events.step),
            Progress::Ended => self.end_of_body().map(|()| Step::Done),
            Progress::Document(body) => {
                if self.document.is_none() {
                    let read = self.dialect.decode_reply(body, self.asked);
                    self.document = Some(Box::new(read));
                }
                Ok(Step::Continue)
            }
            Progress::Wrong(body) => {
                // The document is not alone, or did not arrive.
                let read = self.dialect.decode_reply(body, self.asked);
                self.document = Some(Box::new(read));
                self.whole_reply().map(|()| Step::Done)
            }
        }
    }

    /// Checks at the clean end of the body whether the stream is complete.
    pub(super) fn end_of_body(&mut self) -> Result<(), Error> {
        let events = &mut self.events;
        let ended = self.cutter.finish(|item| events.item(item));
        self.flush();
        let missing = ended.map_err(|error| self.in_stream(error))?;
        if self.has_document() {
            return self.whole_reply();
        }
        if self.events.step == Step::Done {
            return Ok(());
        }
        if let Some(why) = missing {
            return Err(self.incomplete(why));
        }
        if let Some(error) = self.events.decoder.failure() {
            return Err(self.in_stream(error.clone()));
        }
        match self.events.decoder.missing() {
            None => Ok(()),
            Some(why) => Err(self.incomplete(&why)),
        }
    }

    /// Passes on a body that is one document: a reply from a server that does not stream, or an error.
    fn whole_reply(&mut self) -> Result<(), Error> {
        let body = self.cutter.document().unwrap_or_default();
        let mut reply = match self.document.take() {
            Some(read) => (*read)?,
            None => self.dialect.decode_reply(body, self.asked)?,
        };
        self.reading.of_whole(&mut reply);
        let head = ReplyHead::of(&reply);
        let raw: Option<Arc<[u8]>> = self.events.wants_raw.then(|| Arc::from(body));
        self.events.count += 1;
        for kind in whole::chunks(reply) {
            self.events.push(kind, raw.as_ref());
        }
        self.events.whole_head = Some(head);
        Ok(())
    }

    /// Where the stream ends or breaks: adds what the decoder has read and not returned yet.
    pub(super) fn flush(&mut self) {
        let mut kinds = std::mem::take(&mut self.events.kinds);
        self.events.decoder.flush(&mut kinds);
        for kind in kinds.drain(..) {
            self.events.push(kind, None);
        }
        self.events.kinds = kinds;
    }

    /// Moves the chunks to the queue. Returns whether there was content in them. Fails if the reply is too large.
    pub(super) fn publish(&mut self, queue: &Queue) -> Result<bool, Error> {
        if self.events.chunks.is_empty() {
            return Ok(false);
        }
        let head = match &self.events.whole_head {
            Some(head) => head,
            None => self.events.decoder.head(),
        };
        // A fact is set once, so there is no need to compare it.
        let facts = [
            head.id.is_some(),
            head.model.is_some(),
            head.created.is_some(),
        ];
        // The status changes from event to event.
        let changed = facts != self.published || head.status != self.published_status;
        if changed {
            self.published = facts;
            self.published_status.clone_from(&head.status);
        }
        let masked = changed.then(|| {
            let mut head = head.clone();
            self.events.mask.field(&mut head.id);
            self.events.mask.field(&mut head.status);
            self.events.mask.field(&mut head.model);
            self.events.mask.field(&mut head.request_id);
            head
        });
        queue.publish(&mut self.events.chunks, masked.as_ref())?;
        self.events.chunks.shrink_to(MOST_ROOM);
        Ok(std::mem::take(&mut self.events.has_content))
    }

    fn incomplete(&self, why: &str) -> Error {
        let message = format!("the stream from {} is incomplete: {why}", self.place.origin);
        Error::new(ErrorKind::StreamIncomplete, message)
            .at(Phase::Body)
            .retryable(true)
            .maybe_processed(true)
    }

    /// An error inside the stream. The first event may be the error of the reply; a later one is the stream's.
    fn in_stream(&self, error: Error) -> Error {
        use ErrorKind as K;
        let error = error.at(Phase::Body).maybe_processed(true);
        let is_ours = matches!(
            error.kind(),
            K::Decode
                | K::UnexpectedContent
                | K::Validation
                | K::EventTooLarge
                | K::ResponseTooLarge
                | K::StreamIncomplete
        );
        if is_ours || self.events.count == 0 {
            return error;
        }
        error.with_kind(K::StreamServer)
    }
}

/// Cuts the body of this call.
fn cutter(call: &Call) -> Cutter {
    let limits = &call.client.config.limits;
    Cutter::new(
        call.dialect.framings(),
        limits.max_event_bytes,
        limits.max_reply_bytes,
    )
}

impl Drop for Reader {
    fn drop(&mut self) {
        let pending = self.cutter.pending();
        if pending > STEP_BYTES {
            let cutter = std::mem::replace(&mut self.cutter, Cutter::new(&[], 0, 0));
            self.workers.free(pending, (cutter, self.document.take()));
        }
    }
}

impl Events {
    fn item(&mut self, item: Item<'_>) -> Result<(), Error> {
        // Nothing after the terminal mark belongs to the reply.
        if self.step == Step::Done {
            return Ok(());
        }
        match item {
            Item::Comment(_) => Ok(()),
            Item::Stray { name, value } => self.decoder.stray_field(name, value),
            Item::Event { name, data } => {
                let step = self.decoder.event(name, data, &mut self.kinds);
                self.count += u64::from(!self.kinds.is_empty());
                let raw: Option<Arc<[u8]>> = self.wants_raw.then(|| Arc::from(data));
                let mut kinds = std::mem::take(&mut self.kinds);
                for kind in kinds.drain(..) {
                    self.push(kind, raw.as_ref());
                }
                self.kinds = kinds;
                self.step = step?;
                Ok(())
            }
        }
    }

    fn push(&mut self, mut kind: ChunkKind, raw: Option<&Arc<[u8]>>) {
        self.has_content |= kind.has_content();
        if let ChunkKind::Delta(delta) = &mut kind {
            self.mask.field(&mut delta.provider_finish_reason);
        }
        let kind = match &kind {
            ChunkKind::Text(text) if text.len() > PIECE_BYTES => self.split(kind),
            ChunkKind::Delta(delta) if delta.text.len() > PIECE_BYTES => self.split(kind),
            _ => kind,
        };
        self.chunks.push(Chunk {
            kind,
            raw: raw.cloned(),
        });
    }

    /// Pushes a long text piece by piece, without raw bytes. Returns the last piece, with what else the chunk has.
    fn split(&mut self, kind: ChunkKind) -> ChunkKind {
        let mut last = match kind {
            ChunkKind::Text(text) => Box::new(Delta {
                text,
                ..Delta::default()
            }),
            // A numbered part takes its keys with any piece.
            ChunkKind::Delta(delta) if delta.extra.is_empty() || delta.part.is_some() => delta,
            // The pieces would be blocks of their own.
            ChunkKind::Delta(_) => return kind,
        };
        let mut pieces = Vec::new();
        // In a reply, the reasoning of a chunk is before its text.
        if last.reasoning_field.is_some() || !last.reasoning.is_empty() || last.signature.is_some()
        {
            pieces.push(Delta {
                index: last.index,
                reasoning: std::mem::take(&mut last.reasoning),
                part: last.part,
                reasoning_field: last.reasoning_field.take(),
                signature: last.signature.take(),
                ..Delta::default()
            });
        }
        let text = std::mem::take(&mut last.text);
        let mut rest = &*text;
        while rest.len() > PIECE_BYTES {
            let mut end = PIECE_BYTES;
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (piece, more) = rest.split_at(end);
            pieces.push(Delta {
                index: last.index,
                part: last.part,
                text: piece.into(),
                ..Delta::default()
            });
            rest = more;
        }
        last.text = rest.into();
        self.chunks.extend(pieces.into_iter().map(|piece| Chunk {
            kind: ChunkKind::Delta(Box::new(piece)),
            raw: None,
        }));
        ChunkKind::Delta(last)
    }
}
