//! Reads the events of a stream.

use super::NAME;
use super::event::Event;
use super::growth::Source;
use super::items::Items;
use super::response::Response;
use super::sequence::Sequence;
use crate::error::Error;
use crate::message::{ChunkKind, ReplyHead};
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;
use crate::wire::openai::chat::is_error;
use crate::wire::parts::Parts;
use crate::wire::repeat::{Frame, Known};
use crate::wire::stray::{Stray, Unread, incomplete_at_mark, note_odd, unread};

/// Reads one stream. A whole reply is a stream of its terminal event.
#[derive(Debug, Default)]
pub(super) struct ResponsesStream {
    pub(super) head: ReplyHead,
    pub(super) items: Items,
    pub(super) parts: Parts,
    pub(super) sequence: Sequence,
    /// Whether any event of a response came.
    has_begun: bool,
    pub(super) done: bool,
    /// The start of the first event, if it does not belong to a response. It may say why.
    odd: Option<String>,
    stray: Stray,
    /// The bytes around the last text, and the places of its item and its block.
    pub(super) frame: Frame<(usize, usize)>,
}

/// What has to arrive.
const MISSING: &str = "response.completed did not arrive";

impl StreamDecoder for ResponsesStream {
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::Done);
        }
        let data = data.trim_ascii();
        if let Some(known) = self.frame.read(data)
            && name != b"error"
            && self.grow_known(&known, data, out)
        {
            return Ok(Step::Continue);
        }
        if data == b"[DONE]" {
            return Err(incomplete_at_mark(self.missing()));
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
        match event.sequence {
            Some(number) if self.sequence.is_again(number, data) => return Ok(Step::Continue),
            Some(_) => {}
            None => self.sequence.ends_with_gap = false,
        }
        self.apply(&event, name, data, out)
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
        None
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }
}

impl ResponsesStream {
    /// Adds the text of an event whose frame is known. Returns whether it could.
    #[inline]
    fn grow_known(
        &mut self,
        known: &Known<'_, (usize, usize)>,
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> bool {
        let (item, block) = known.target;
        let item = self.items.list.get_mut(item);
        let Some(block) = item.and_then(|item| item.plain_block(block)) else {
            return false;
        };
        let number = known.number;
        if !number.is_some_and(|number| self.sequence.is_again(number, data)) {
            block.grow_plain(known.text, &mut self.parts, out);
        }
        true
    }

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
        let Some(kind) = kind.strip_prefix("response.") else {
            return self.other(kind, event, data, out);
        };
        self.has_begun = true;
        let (subject, step) = kind.rsplit_once('.').unwrap_or((kind, ""));
        let is_whole = step == "done";
        match (subject, step) {
            ("output_item", "added" | "done") => self.item(event, is_whole, out)?,
            ("output_text.annotation", "added") => self.annotation(event, out)?,
            (_, "delta" | "done" | "added") => {
                if let Some(source) = Source::of_text(subject) {
                    if is_whole {
                        self.whole_text(event, source, out)?;
                    } else {
                        self.text(event, source, data, out)?;
                    }
                } else if let Some(kind) = Source::of_arguments(subject) {
                    self.arguments(event, kind, out)?;
                } else if let Some(block) = Source::of_block(subject) {
                    self.block(event, block, is_whole, out)?;
                }
            }
            ("created" | "queued" | "in_progress", "") => {
                Response::read(event.response.unwrap_or("null"))?.note(&mut self.head);
            }
            ("completed" | "incomplete" | "failed" | "cancelled", "") => {
                let mut response = Response::read(event.response.unwrap_or("null"))?;
                // The event says that it has ended, whatever status was copied into it.
                if matches!(
                    response.status.as_deref(),
                    None | Some("queued" | "in_progress")
                ) {
                    response.status = Some(kind.to_owned().into());
                }
                self.end(&response, out)?;
                return Ok(Step::Done);
            }
            ("error", "") => return Err(errors::decode(None, data)),
            // An event of another kind has nothing that the end of its item does not have.
            _ => {}
        }
        Ok(Step::Continue)
    }

    /// An event that does not belong to a response.
    fn other(
        &mut self,
        kind: &str,
        event: &Event<'_>,
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<Step, Error> {
        if kind == "error" || is_error(data) {
            return Err(errors::decode(None, data));
        }
        if event.kind.is_none() && event.is_reply {
            // The server sent the whole reply in one event.
            let response = Response::read(str::from_utf8(data).unwrap_or_default())?;
            if matches!(response.status.as_deref(), Some("queued" | "in_progress")) {
                self.has_begun = true;
                response.note(&mut self.head);
                return Ok(Step::Continue);
            }
            self.end(&response, out)?;
            return Ok(Step::Done);
        }
        if !self.has_begun {
            note_odd(&mut self.odd, &[NAME], data)?;
        }
        Ok(Step::Continue)
    }
}
