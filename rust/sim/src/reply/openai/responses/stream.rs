//! A reply as events.
//!
//! What arrives together counts as one event of a script: the opening; each piece of text, with the
//! events that open its item; and the end, with those that close it. So a script's position means
//! the same as in a stream of chat.

use std::io::Write;

use serde_json::Value;

use super::items::{Items, ReasoningField, Slot, refusal_part, text_part};
use super::object::Object;
use super::question::{Question, StreamOptions};
use crate::reply::choice::{Finish, Said};
use crate::reply::events::{Due, Ending, Events};
use crate::reply::json::write_string;
use crate::reply::openai::logprobs::chat_entry;
use crate::reply::pieces::{Piece, Pieces};
use crate::script::Prepared;

/// What hides the length of a piece: a piece and its padding have a multiple of 16 characters.
const PADDING: &str = "q7XwLr2mYVbTz9Kd";

/// The events of one reply, in order.
#[derive(Debug)]
pub(super) struct EventStream {
    pieces: Pieces,
    items: Items,
    object: Object,
    usage: Option<Value>,
    is_background: bool,
    obfuscates: bool,
    /// How many slots have been opened.
    opened: usize,
    sequence: u64,
    ending: Ending,
}

impl EventStream {
    pub(super) fn new(
        question: &Question<'_>,
        options: StreamOptions,
        said: &Said,
        object: Object,
        items: Items,
        prepared: &Prepared,
    ) -> Self {
        let ending = Ending::of(prepared.behaviour.fault.as_ref());
        let fragment = prepared.reply.tool_fragment_bytes.unwrap_or(8);
        Self {
            pieces: Pieces::new(items.choice.clone(), fragment, ending.sends_finish),
            items,
            object,
            usage: super::object::usage(said),
            is_background: question.is_background,
            obfuscates: options.obfuscation,
            opened: 0,
            sequence: 0,
            ending,
        }
    }

    /// Appends an event. `keys` are those before the number, and `after` is what follows it.
    fn event(&mut self, out: &mut Vec<u8>, name: &str, keys: &str, after: &str) {
        // Writing into memory cannot fail.
        let _ = write!(
            out,
            "event: {name}\ndata: {{\"type\":\"{name}\",{keys},\"sequence_number\":{}{after}}}\n\n",
            self.sequence
        );
        self.sequence += 1;
    }

    fn response_event(&mut self, out: &mut Vec<u8>, name: &str) {
        let keys = format!("\"response\":{}", self.object.json());
        self.event(out, name, &keys, "");
    }

    fn open(&mut self, out: &mut Vec<u8>) {
        if self.is_background {
            self.response_event(out, "response.created");
            self.response_event(out, "response.queued");
            self.object.status("in_progress");
        } else {
            self.response_event(out, "response.created");
        }
        self.response_event(out, "response.in_progress");
    }

    /// Closes and opens slots until this many are open; one more than there are closes the last.
    fn reach(&mut self, opened: usize, out: &mut Vec<u8>) {
        while self.opened < opened {
            let at = |number: usize| self.items.slots.get(number).copied();
            let (last, next) = (self.opened.checked_sub(1).and_then(at), at(self.opened));
            if let Some(slot) = last {
                self.close_slot(slot, out);
            }
            if let Some(slot) = next {
                self.open_slot(slot, out);
            }
            self.opened += 1;
        }
    }

    /// Opens slots up to this one.
    fn reach_slot(&mut self, slot: Slot, out: &mut Vec<u8>) {
        if let Some(at) = self.items.slots.iter().position(|other| *other == slot) {
            self.reach(at + 1, out);
        }
    }

    fn open_slot(&mut self, slot: Slot, out: &mut Vec<u8>) {
        let index = self.items.index(slot);
        if slot != Slot::Refusal || !self.items.has(Slot::Text) {
            let item = self.items.begun(slot);
            let keys = format!("\"item\":{item},\"output_index\":{index}");
            self.event(out, "response.output_item.added", &keys, "");
        }
        match slot {
            Slot::Reasoning if self.items.choice.reasoning.is_empty() => {}
            Slot::Reasoning => {
                let part = self.items.reasoning_block("");
                self.reasoning_part(out, "added", &part);
            }
            Slot::Text => self.content_part(out, slot, "added", &text_part("", "[]")),
            Slot::Refusal => self.content_part(out, slot, "added", &refusal_part("")),
            Slot::Call(_) => {}
        }
    }

    fn close_slot(&mut self, slot: Slot, out: &mut Vec<u8>) {
        let index = self.items.index(slot);
        let place = self.place(slot);
        match slot {
            Slot::Reasoning if self.items.choice.reasoning.is_empty() => {}
            Slot::Reasoning => {
                let text = self.items.choice.reasoning.concat();
                let value = Value::from(&*text);
                match self.items.field {
                    ReasoningField::Summary => {
                        let after = format!(",\"summary_index\":0,\"text\":{value}");
                        self.event(out, "response.reasoning_summary_text.done", &place, &after);
                    }
                    ReasoningField::Content => {
                        let keys = format!("\"content_index\":0,{place}");
                        let after = format!(",\"text\":{value}");
                        self.event(out, "response.reasoning_text.done", &keys, &after);
                    }
                }
                let part = self.items.reasoning_block(&text);
                self.reasoning_part(out, "done", &part);
            }
            Slot::Text => {
                let entries = self.items.entries();
                let text = Value::from(self.items.text());
                let id = self.items.id(slot);
                let keys = format!(
                    "\"content_index\":0,\"item_id\":\"{id}\",\"logprobs\":{entries},\
                     \"output_index\":{index}"
                );
                let after = format!(",\"text\":{text}");
                self.event(out, "response.output_text.done", &keys, &after);
                let part = self.items.part(slot);
                self.content_part(out, slot, "done", &part);
            }
            Slot::Refusal => {
                let text = Value::from(self.items.choice.refusal.concat());
                let at = self.items.content_index(slot);
                let keys = format!("\"content_index\":{at},{place},\"refusal\":{text}");
                self.event(out, "response.refusal.done", &keys, "");
                let part = self.items.part(slot);
                self.content_part(out, slot, "done", &part);
            }
            // A call that was cut has no complete arguments.
            Slot::Call(_) if self.items.is_cut_in(slot) => {}
            Slot::Call(at) => {
                let call = self.items.choice.calls.get(at);
                let text = Value::from(call.map_or("", |call| &call.arguments));
                if self.items.is_custom(at) {
                    let keys = format!("\"input\":{text},{place}");
                    self.event(out, "response.custom_tool_call_input.done", &keys, "");
                } else {
                    let keys = format!("\"arguments\":{text},{place}");
                    self.event(out, "response.function_call_arguments.done", &keys, "");
                }
            }
        }
        if slot != Slot::Text || !self.items.has(Slot::Refusal) {
            let item = self.items.item(slot);
            let keys = format!("\"item\":{item},\"output_index\":{index}");
            self.event(out, "response.output_item.done", &keys, "");
        }
    }

    /// The keys that say which item an event is about.
    fn place(&self, slot: Slot) -> String {
        let (id, index) = (self.items.id(slot), self.items.index(slot));
        format!("\"item_id\":\"{id}\",\"output_index\":{index}")
    }

    fn content_part(&mut self, out: &mut Vec<u8>, slot: Slot, what: &str, part: &str) {
        let at = self.items.content_index(slot);
        let keys = format!(
            "\"content_index\":{at},{},\"part\":{part}",
            self.place(slot)
        );
        self.event(out, &format!("response.content_part.{what}"), &keys, "");
    }

    fn reasoning_part(&mut self, out: &mut Vec<u8>, what: &str, part: &str) {
        let place = self.place(Slot::Reasoning);
        match self.items.field {
            ReasoningField::Summary => {
                let keys = format!("{place},\"part\":{part}");
                let name = format!("response.reasoning_summary_part.{what}");
                self.event(out, &name, &keys, ",\"summary_index\":0");
            }
            ReasoningField::Content => {
                let keys = format!("\"content_index\":0,{place},\"part\":{part}");
                self.event(out, &format!("response.content_part.{what}"), &keys, "");
            }
        }
    }

    /// Appends a piece of the slot. `logprobs` is a JSON list, for text.
    fn delta(&mut self, out: &mut Vec<u8>, slot: Slot, piece: &str, logprobs: Option<&str>) {
        let (name, in_content, after) = match slot {
            Slot::Reasoning if self.items.field == ReasoningField::Summary => (
                "response.reasoning_summary_text.delta",
                false,
                ",\"summary_index\":0",
            ),
            Slot::Reasoning => ("response.reasoning_text.delta", true, ""),
            Slot::Text => ("response.output_text.delta", true, ""),
            Slot::Refusal => ("response.refusal.delta", true, ""),
            Slot::Call(at) if self.items.is_custom(at) => {
                ("response.custom_tool_call_input.delta", false, "")
            }
            Slot::Call(_) => ("response.function_call_arguments.delta", false, ""),
        };
        let (id, index) = (self.items.id(slot), self.items.index(slot));
        let _ = write!(out, "event: {name}\ndata: {{\"type\":\"{name}\",");
        if in_content {
            let at = self.items.content_index(slot);
            let _ = write!(out, "\"content_index\":{at},");
        }
        out.extend_from_slice(b"\"delta\":");
        write_string(out, piece);
        let _ = write!(out, ",\"item_id\":\"{id}\"");
        if let Some(entries) = logprobs {
            let _ = write!(out, ",\"logprobs\":{entries}");
        }
        if self.obfuscates && slot != Slot::Refusal {
            let padding = PADDING
                .get(piece.chars().count() % 16..)
                .unwrap_or_default();
            let _ = write!(out, ",\"obfuscation\":\"{padding}\"");
        }
        let _ = write!(
            out,
            ",\"output_index\":{index},\"sequence_number\":{}{after}}}\n\n",
            self.sequence
        );
        self.sequence += 1;
    }

    fn finish(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.reach(self.items.slots.len() + 1, out);
        if !self.ending.sends_end {
            return;
        }
        let (list, usage) = (self.items.list(), self.usage.take());
        let ended = self.object.end(finish, list, usage);
        self.response_event(out, ended.event());
    }
}

/// A piece of a stream, without what it borrows.
enum Drawn {
    Start,
    Delta(Slot, String),
    Finish(Finish),
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
            Some(Piece::Reasoning(text)) => Drawn::Delta(Slot::Reasoning, text),
            Some(Piece::Text(text)) => Drawn::Delta(Slot::Text, text.to_owned()),
            Some(Piece::Refusal(text)) => Drawn::Delta(Slot::Refusal, text),
            Some(Piece::Call { at, call }) => Drawn::Delta(Slot::Call(at), call.arguments),
            Some(Piece::Arguments { at, fragment }) => Drawn::Delta(Slot::Call(at), fragment),
            Some(Piece::Finish(finish)) => Drawn::Finish(finish),
            None if self.ending.late_events > 0 => {
                self.ending.late_events -= 1;
                self.delta(out, Slot::Text, " late", Some("[]"));
                return true;
            }
            None => return false,
        };
        match drawn {
            Drawn::Start => self.open(out),
            Drawn::Delta(slot, piece) => {
                self.reach_slot(slot, out);
                if !piece.is_empty() {
                    let entries = (slot == Slot::Text).then(|| match self.items.logprobs {
                        Some(top) => Value::from(vec![chat_entry(&piece, top)]).to_string(),
                        None => "[]".to_owned(),
                    });
                    self.delta(out, slot, &piece, entries.as_deref());
                }
            }
            Drawn::Finish(finish) => self.finish(&finish, out),
        }
        true
    }
}
