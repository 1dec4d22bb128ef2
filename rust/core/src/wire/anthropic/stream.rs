//! Reads the events of a stream.

use super::NAME;
use super::blocks::Blocks;
use super::event::{Event, Stop};
use super::message::Message;
use super::usage::Counts;
use crate::error::Error;
use crate::message::{ChunkKind, FinishReason, ReplyHead};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;
use crate::wire::openai::is_error;
use crate::wire::parts::Parts;
use crate::wire::repeat::Frame;
use crate::wire::stray::{
    Stray, Unread, incomplete_at_mark, incomplete_reply, keeps_alive, note_odd, unread,
};

/// Reads one stream. A whole reply is a stream of one event.
#[derive(Debug, Default)]
pub(super) struct MessagesStream {
    head: ReplyHead,
    pub(super) parts: Parts,
    pub(super) blocks: Blocks,
    /// The places of calls that are not known to be complete.
    pub(super) unended: Vec<usize>,
    /// The places of those among them whose block ended, which are complete if another block follows.
    pub(super) stopped: Vec<usize>,
    pub(super) counts: Option<Box<Counts>>,
    /// Why it ended.
    pub(super) reason: Option<FinishReason>,
    /// Why it failed, although the server went on.
    pub(super) failed: Option<Error>,
    /// What was lost first, and the index of its block.
    pub(super) loss: Option<(Loss, u64)>,
    /// The content that the beginning of the reply had, as JSON text.
    pub(super) held: Option<Box<str>>,
    /// The beginning of the first block, if it has no text. It is passed on with what follows, because the reader has
    /// seen nothing of the reply until then, so that the request may be repeated.
    beginning: Option<ChunkKind>,
    /// Whether any event of a reply came.
    has_begun: bool,
    pub(super) done: bool,
    /// The start of the first event, if it does not belong to a reply. It may say why.
    odd: Option<String>,
    stray: Stray,
    /// The bytes around the last text, and the place of its block.
    pub(super) frame: Frame<usize>,
}

/// What was lost on the way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loss {
    /// The beginning of a block.
    Beginning,
    /// The order of events.
    Order,
    /// The end of the reply.
    Reply,
}

/// What has to arrive.
const MISSING: &str = "message_stop did not arrive";

impl StreamDecoder for MessagesStream {
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::Done);
        }
        let data = data.trim_ascii();
        if let Some(data) = unpadded(data)
            && let Some(known) = self.frame.read(data)
            && name != b"error"
            && self.grow_known(known.text, known.target, out)
        {
            return Ok(Step::Continue);
        }
        if data == b"[DONE]" {
            // Gateways end every stream so.
            return self.end_at_mark(out);
        }
        if data.is_empty() {
            return Ok(Step::Continue);
        }
        if name == b"error" {
            return Err(errors::decode(None, data));
        }
        let event = match Event::read(data) {
            Ok(event) => event,
            Err(why) => {
                return match unread(name, data, why) {
                    Unread::Ignored => Ok(Step::Continue),
                    Unread::Repaired(data) => self.event(name, data.as_bytes(), out),
                    Unread::Broken(error) => Err(error),
                };
            }
        };
        let step = self.apply(&event, name, data, out)?;
        // A proxy may say so beside what an event usually has.
        if event.is_error {
            return Err(errors::decode(None, data));
        }
        Ok(step)
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.done {
            return Ok(());
        }
        self.stray.field(name, value, self.has_begun)
    }

    fn missing(&self) -> Option<String> {
        if self.done {
            return None;
        }
        let start = self.odd.as_ref().unwrap_or(&self.stray.start);
        Some(if self.has_begun || start.is_empty() {
            MISSING.to_owned()
        } else {
            format!("{MISSING}; it began with: {start}")
        })
    }

    fn failure(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }

    fn flush(&mut self, out: &mut Vec<ChunkKind>) {
        if self.done {
            return;
        }
        out.extend(self.beginning.take());
        // What cannot be read is not part of the reply.
        let _ = self.release_held(out);
        self.leave(out);
    }
}

impl MessagesStream {
    fn apply(
        &mut self,
        event: &Event<'_>,
        name: &[u8],
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<Step, Error> {
        let kind = match event.kind.as_deref() {
            Some(kind) => kind,
            // A server may leave it to the name of the event.
            None => str::from_utf8(name).unwrap_or_default(),
        };
        let goes_on = kind.starts_with("content_block_") || kind.starts_with("message");
        if goes_on && self.beginning.is_some() {
            out.extend(self.beginning.take());
        }
        match kind {
            "content_block_delta" => self.delta(event, data, out)?,
            "content_block_start" => {
                self.start(event, out)?;
                if self.blocks.list.len() == 1 {
                    self.beginning = out.pop_if(|chunk| is_bare(chunk));
                }
            }
            "content_block_stop" => self.stop(event, out),
            "message_start" => self.begin_reply(event)?,
            "message_delta" => {
                if let Some(usage) = event.usage {
                    self.count(usage)?;
                }
                match &event.delta {
                    Some(delta) => self.finish(&delta.stop, out)?,
                    None => self.finish(&Stop::default(), out)?,
                }
            }
            "message_stop" => {
                self.end(out)?;
                return Ok(Step::Done);
            }
            "message" if event.is_reply => {
                // The server sent the whole reply in one event.
                let text = str::from_utf8(data).unwrap_or_default();
                self.whole(&Message::read(text)?, out)?;
                return Ok(Step::Done);
            }
            "ping" => return Ok(Step::Continue),
            _ if kind == "error" || is_error(data) => return Err(errors::decode(None, data)),
            _ => {
                if !self.has_begun && !keeps_alive(name) {
                    note_odd(&mut self.odd, &[NAME], data)?;
                }
                return Ok(Step::Continue);
            }
        }
        self.has_begun = true;
        Ok(Step::Continue)
    }

    /// The reply begins. A proxy may send that twice.
    fn begin_reply(&mut self, event: &Event<'_>) -> Result<(), Error> {
        let raw = event.message.unwrap_or("null");
        let message = Message::read(raw)?;
        if message.is_error || message.has_failed {
            return Err(errors::decode(None, raw.as_bytes()));
        }
        if let (Some(known), Some(id)) = (&self.head.id, &message.id)
            && **known != **id
            && !self.blocks.list.is_empty()
        {
            self.note_loss(Loss::Reply, 0);
        }
        message.note(&mut self.head);
        if let Some(usage) = message.usage
            && self.reason.is_none()
        {
            self.count(usage)?;
        }
        if let Some(content) = message.content.filter(|content| !is_empty_list(content)) {
            self.held = Some(content.into());
        }
        Ok(())
    }

    /// Reads a whole reply.
    pub(super) fn whole(
        &mut self,
        message: &Message<'_>,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        message.note(&mut self.head);
        if let Some(usage) = message.usage {
            self.count(usage)?;
        }
        self.content(message.content.unwrap_or("null"), out)?;
        self.finish(&message.stop, out)?;
        self.end_calls(out);
        self.push_usage(out);
        if self.blocks.list.is_empty() && self.reason.is_none() {
            // An empty reply has a choice, too.
            out.push(ChunkKind::Delta(Box::default()));
        }
        self.done = true;
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        match self.nameless() {
            Some(why) => Err(incomplete_reply(&why)),
            None => Ok(()),
        }
    }

    fn count(&mut self, usage: &str) -> Result<(), Error> {
        let counts = self.counts.get_or_insert_default();
        counts.add(usage, &mut self.parts)
    }

    /// Notes what was lost, unless something was lost before.
    pub(super) fn note_loss(&mut self, loss: Loss, index: u64) {
        self.loss.get_or_insert((loss, index));
    }

    /// The mark at the end of streams of other APIs. It ends the reply if that is whole.
    fn end_at_mark(&mut self, out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        if self.reason.is_some() {
            self.end(out)?;
            return Ok(Step::Done);
        }
        Err(incomplete_at_mark(self.missing()))
    }
}

/// The event up to its last brace, without the spaces that Anthropic puts before that.
#[inline]
pub(super) fn unpadded(data: &[u8]) -> Option<&[u8]> {
    data.strip_suffix(b"}").map(<[u8]>::trim_ascii_end)
}

/// Whether it has nothing that a reader waits for but the beginning of a part or of a call.
fn is_bare(chunk: &ChunkKind) -> bool {
    let ChunkKind::Delta(delta) = chunk else {
        return false;
    };
    let calls = &delta.tool_calls;
    match delta.part {
        Some(_) => delta.signature.is_none() && !delta.has_content(),
        None => !calls.is_empty() && calls.iter().all(|call| call.arguments.is_empty()),
    }
}

fn is_empty_list(raw: &str) -> bool {
    let inside = raw.strip_prefix('[').map(str::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(']'))
}
