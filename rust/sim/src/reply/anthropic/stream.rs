//! A reply as events.
//!
//! What arrives together counts as one event of a script: the opening; each piece of text, with the
//! events that open its block; and the end, with those that close it. So a script's position means
//! the same as in a stream of chat.

use std::io::Write;

use super::content::{Content, Slot};
use super::message::Message;
use crate::reply::events::{Due, Ending, Events};
use crate::reply::json::write_string;
use crate::reply::pieces::{Piece, Pieces};
use crate::script::Prepared;

/// The event that ends a stream.
pub(super) const END: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";

/// The events of one reply, in order.
#[derive(Debug)]
pub(super) struct EventStream {
    pieces: Pieces,
    content: Content,
    message: Message,
    /// How many blocks have been opened.
    opened: usize,
    ending: Ending,
}

/// A piece of a stream, without what it borrows.
enum Drawn {
    Start,
    Delta(Slot, String),
    Finish,
}

impl EventStream {
    pub(super) fn new(content: Content, message: Message, prepared: &Prepared) -> Self {
        let ending = Ending::of(prepared.behaviour.fault.as_ref());
        let fragment = prepared.reply.tool_fragment_bytes.unwrap_or(8);
        Self {
            pieces: Pieces::new(content.choice.clone(), fragment, ending.sends_finish),
            content,
            message,
            opened: 0,
            ending,
        }
    }

    /// Closes and opens blocks until this many are open; one more than there are closes the last.
    fn reach(&mut self, opened: usize, out: &mut Vec<u8>) {
        while self.opened < opened {
            let at = |number: usize| self.content.slots.get(number).copied();
            let (last, next) = (self.opened.checked_sub(1).and_then(at), at(self.opened));
            if let Some(slot) = last {
                self.close(slot, out);
            }
            if let Some(slot) = next {
                self.open(slot, out);
            }
            self.opened += 1;
        }
    }

    fn open(&self, slot: Slot, out: &mut Vec<u8>) {
        let (index, block) = (self.content.index(slot), self.content.begun(slot));
        event(
            out,
            "content_block_start",
            &format!("\"index\":{index},\"content_block\":{block}"),
        );
        if index == 0 {
            out.extend_from_slice(PING);
        }
        if let Slot::Call(_) = slot {
            self.delta(out, slot, "");
        }
    }

    fn close(&self, slot: Slot, out: &mut Vec<u8>) {
        let index = self.content.index(slot);
        if self.content.is_signed(slot) {
            let signature = self.content.signature();
            let delta = format!(
                "\"index\":{index},\"delta\":{{\"type\":\"signature_delta\",\
                 \"signature\":\"{signature}\"}}"
            );
            event(out, "content_block_delta", &delta);
        }
        event(out, "content_block_stop", &format!("\"index\":{index}"));
    }

    /// Appends a piece of the block.
    fn delta(&self, out: &mut Vec<u8>, slot: Slot, piece: &str) {
        let (kind, field) = match slot {
            Slot::Thinking => ("thinking_delta", "thinking"),
            Slot::Text => ("text_delta", "text"),
            Slot::Call(_) => ("input_json_delta", "partial_json"),
        };
        let index = self.content.index(slot);
        // Writing into memory cannot fail.
        let _ = write!(
            out,
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\
             \"index\":{index},\"delta\":{{\"type\":\"{kind}\",\"{field}\":"
        );
        write_string(out, piece);
        out.extend_from_slice(b"}}\n\n");
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.reach(self.content.slots.len() + 1, out);
        event(
            out,
            "message_delta",
            &format!("\"delta\":{}", self.message.delta()),
        );
        if self.ending.sends_end {
            out.extend_from_slice(END);
        }
    }
}

/// Appends an event. `fields` are those after its type.
fn event(out: &mut Vec<u8>, name: &str, fields: &str) {
    let _ = write!(
        out,
        "event: {name}\ndata: {{\"type\":\"{name}\",{fields}}}\n\n"
    );
}

impl Events for EventStream {
    fn next_due(&mut self) -> Option<Due> {
        let last = Due::Step(self.pieces.last_step());
        let late = (self.ending.late_events > 0).then_some(last);
        self.pieces.next_due().or(late)
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        let drawn = match self.pieces.draw() {
            Some(Piece::Start) => Drawn::Start,
            Some(Piece::Reasoning(text)) => Drawn::Delta(Slot::Thinking, text),
            Some(Piece::Text(text)) => Drawn::Delta(Slot::Text, text.to_owned()),
            // It is in the details of the end.
            Some(Piece::Refusal(_)) => return true,
            Some(Piece::Call { at, call }) => Drawn::Delta(Slot::Call(at), call.arguments),
            Some(Piece::Arguments { at, fragment }) => Drawn::Delta(Slot::Call(at), fragment),
            Some(Piece::Finish(_)) => Drawn::Finish,
            None if self.ending.late_events > 0 => {
                self.ending.late_events -= 1;
                self.delta(out, Slot::Text, " late");
                return true;
            }
            None => return false,
        };
        match drawn {
            Drawn::Start => {
                let message = self.message.begun();
                event(out, "message_start", &format!("\"message\":{message}"));
            }
            Drawn::Delta(slot, piece) => {
                let place = self.content.slots.iter().position(|other| *other == slot);
                if let Some(place) = place {
                    self.reach(place + 1, out);
                }
                if !piece.is_empty() {
                    self.delta(out, slot, &piece);
                }
            }
            Drawn::Finish => self.finish(out),
        }
        true
    }
}
