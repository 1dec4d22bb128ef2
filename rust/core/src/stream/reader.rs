//! Bytes of a body to chunks for the queue, and the rules of what a whole stream is.

use std::sync::Arc;

use super::queue::Queue;
use super::whole;
use crate::client::Call;
use crate::error::{Error, ErrorKind, Phase};
use crate::message::{Chunk, ChunkKind, ReplyHead};
use crate::sse::{End, EventParser, Item};
use crate::wire::{Step, StreamDecoder};

/// Reads one attempt's body.
pub(super) struct Reader<'a> {
    call: &'a Call,
    parser: EventParser,
    events: Events,
    // Facts of the reply as the queue knows them.
    published: ReplyHead,
}

/// The part of the state that the parser's sink works on.
struct Events {
    decoder: Box<dyn StreamDecoder>,
    kinds: Vec<ChunkKind>,
    chunks: Vec<Chunk>,
    wants_raw: bool,
    count: u64,
    step: Step,
    has_content: bool,
    // The facts of a reply that came whole.
    whole_head: Option<ReplyHead>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(call: &'a Call, wants_raw: bool) -> Self {
        Self {
            call,
            parser: EventParser::new(call.client.config.limits.max_event_bytes),
            events: Events {
                decoder: call.client.dialect.stream(),
                kinds: Vec::new(),
                chunks: Vec::new(),
                wants_raw,
                count: 0,
                step: Step::Continue,
                has_content: false,
                whole_head: None,
            },
            published: ReplyHead::default(),
        }
    }

    /// Whether an event was parsed, so that another attempt would tell the reader things twice.
    pub(super) fn has_surfaced(&self) -> bool {
        self.events.count > 0
    }

    /// Reads the next bytes. What they brought before an error waits for [`Self::publish`] all the same.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Step, Error> {
        let events = &mut self.events;
        let fed = self.parser.push(bytes, |item| events.item(item));
        fed.map_err(|error| self.in_stream(error))?;
        Ok(self.events.step)
    }

    /// The body ended cleanly: a whole stream, or one that says less than it should.
    pub(super) fn end_of_body(&mut self) -> Result<(), Error> {
        let events = &mut self.events;
        let ended = self.parser.finish(|item| events.item(item));
        let end = ended.map_err(|error| self.in_stream(error))?;
        if self.events.step == Step::Done {
            return Ok(());
        }
        if end == End::Cut {
            return Err(self.incomplete("it ended inside an event"));
        }
        if self.events.decoder.is_finished() {
            return Ok(());
        }
        let open = self.events.decoder.open_choices();
        if open.is_empty() {
            return Err(self.incomplete("it ended before any choice"));
        }
        let open: Vec<_> = open.iter().map(ToString::to_string).collect();
        let why = format!("choice {} had not finished", open.join(", "));
        Err(self.incomplete(&why))
    }

    /// The body is one document: a reply from a server that does not stream, or an error.
    pub(super) fn whole_reply(&mut self, body: &[u8]) -> Result<(), Error> {
        let reply = self.call.client.dialect.decode_reply(body)?;
        let head = ReplyHead::of(&reply);
        let raw: Option<Arc<[u8]>> = self.events.wants_raw.then(|| Arc::from(body));
        self.events.count += 1;
        for kind in whole::chunks(reply) {
            self.events.push(kind, raw.as_ref());
        }
        self.events.whole_head = Some(head);
        Ok(())
    }

    /// Hands what was read to the queue. Whether content was in it.
    pub(super) fn publish(&mut self, queue: &Queue) -> bool {
        if self.events.chunks.is_empty() {
            return false;
        }
        let head = match &self.events.whole_head {
            Some(head) => head,
            None => self.events.decoder.head(),
        };
        let changed = *head != self.published;
        if changed {
            self.published.clone_from(head);
        }
        queue.publish(&mut self.events.chunks, changed.then_some(&self.published));
        std::mem::take(&mut self.events.has_content)
    }

    fn incomplete(&self, why: &str) -> Error {
        let message = format!(
            "the stream from {} is cut: {why}",
            self.call.outgoing.place.origin
        );
        Error::new(ErrorKind::StreamIncomplete, message)
            .at(Phase::Body)
            .retryable(true)
            .maybe_processed(true)
    }

    /// An error inside the stream. Once events came it is a stream's; the first one is the reply's own.
    fn in_stream(&self, error: Error) -> Error {
        use ErrorKind as K;
        let error = error.at(Phase::Body).maybe_processed(true);
        let is_ours = matches!(error.kind(), K::Decode | K::Validation | K::EventTooLarge);
        if is_ours || self.events.count == 0 {
            return error;
        }
        error.with_kind(K::StreamServer)
    }
}

impl Events {
    fn item(&mut self, item: Item<'_>) -> Result<(), Error> {
        // Behind the terminal mark nothing belongs to the reply.
        if self.step == Step::Done {
            return Ok(());
        }
        match item {
            Item::Comment(_) => Ok(()),
            Item::Stray { name, value } => self.decoder.stray_field(name, value),
            Item::Event { name, data } => {
                self.step = self.decoder.event(name, data, &mut self.kinds)?;
                self.count += 1;
                let raw: Option<Arc<[u8]>> = self.wants_raw.then(|| Arc::from(data));
                let mut kinds = std::mem::take(&mut self.kinds);
                for kind in kinds.drain(..) {
                    self.push(kind, raw.as_ref());
                }
                self.kinds = kinds;
                Ok(())
            }
        }
    }

    fn push(&mut self, kind: ChunkKind, raw: Option<&Arc<[u8]>>) {
        self.has_content |= match &kind {
            ChunkKind::Text(text) => !text.is_empty(),
            ChunkKind::Delta(delta) => delta.has_content(),
        };
        self.chunks.push(Chunk {
            kind,
            raw: raw.cloned(),
        });
    }
}
