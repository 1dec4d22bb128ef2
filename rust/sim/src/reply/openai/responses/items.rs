//! The items of a reply as JSON, in the order of `OpenAI`'s keys.

use serde_json::Value;

use super::question::{Question, knows_phases};
use crate::hash::{derived_id, fnv_from};
use crate::reply::choice::{Call, Choice, Said};
use crate::reply::json::write_string;
use crate::reply::openai::logprobs::chat_entry;
use crate::reply::sealed;
use crate::script::Reply;

/// How encrypted content begins.
pub(super) const SEAL: &str = "gAAAAAB";

/// Where the text of a reasoning item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReasoningField {
    Summary,
    Content,
}

/// A part of a reply, in the order in which they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Reasoning,
    Text,
    Refusal,
    /// The call of this number.
    Call(usize),
}

/// What a reply consists of.
#[derive(Debug)]
pub(super) struct Items {
    /// What is said. Its content has not been drawn.
    pub(super) choice: Choice,
    pub(super) slots: Vec<Slot>,
    pub(super) field: ReasoningField,
    /// Number of alternatives to each token; `None` sends no log probabilities.
    pub(super) logprobs: Option<u64>,
    encrypts: bool,
    /// Whether it was cut, so that its last item is incomplete.
    is_cut: bool,
    /// Whether messages say which phase of the answer they are.
    has_phase: bool,
    /// The names of the tools that take text instead of JSON.
    custom: Vec<String>,
    /// The id of the item that each slot belongs to.
    ids: Vec<String>,
}

impl Items {
    pub(super) fn new(
        question: &Question<'_>,
        said: &Said,
        choice: Choice,
        reply: &Reply,
        is_cut: bool,
    ) -> Self {
        let has_refusal = !choice.refusal.is_empty();
        let has_text = choice.content.len > 0 || !has_refusal && choice.calls.is_empty();
        let mut slots = Vec::new();
        slots.extend(choice.has_reasoning.then_some(Slot::Reasoning));
        slots.extend(has_text.then_some(Slot::Text));
        slots.extend(has_refusal.then_some(Slot::Refusal));
        slots.extend((0..choice.calls.len()).map(Slot::Call));
        let field = match reply.reasoning_field.as_deref() {
            Some("content") => ReasoningField::Content,
            _ => ReasoningField::Summary,
        };
        let custom = question.custom.clone();
        let ids = slots
            .iter()
            .map(|slot| item_id(*slot, &choice, &custom, said.seed));
        Self {
            ids: ids.collect(),
            choice,
            slots,
            field,
            logprobs: question.logprobs,
            encrypts: question.encrypts,
            is_cut,
            has_phase: knows_phases(question.ask.model),
            custom,
        }
    }

    /// All items, as a JSON list.
    pub(super) fn list(&self) -> String {
        let is_item = |slot: &&Slot| **slot != Slot::Refusal || !self.has(Slot::Text);
        let items = self.slots.iter().filter(is_item);
        let items: Vec<String> = items.map(|slot| self.item(*slot)).collect();
        format!("[{}]", items.join(","))
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        self.slots.contains(&slot)
    }

    /// The item that the part belongs to, complete.
    pub(super) fn item(&self, slot: Slot) -> String {
        match slot {
            Slot::Reasoning => {
                let block = self.reasoning_block(&self.choice.reasoning.concat());
                let block = Some(block).filter(|_| !self.choice.reasoning.is_empty());
                let sealed = self.encrypts.then(|| sealed::seal(SEAL, self.id(slot)));
                self.reasoning_item(block.as_deref().unwrap_or_default(), sealed.as_deref())
            }
            Slot::Text | Slot::Refusal => {
                let has = |slot| self.has(slot).then_some(slot);
                let parts = [has(Slot::Text), has(Slot::Refusal)];
                let parts: Vec<String> =
                    parts.into_iter().flatten().map(|s| self.part(s)).collect();
                self.message_item(&parts.join(","), self.status(slot))
            }
            Slot::Call(at) => self.choice.calls.get(at).map_or_else(String::new, |call| {
                self.call_item(at, call, &call.arguments, self.status(slot))
            }),
        }
    }

    /// The item that the part belongs to, as it is when it begins.
    pub(super) fn begun(&self, slot: Slot) -> String {
        match slot {
            Slot::Reasoning => {
                let sealed = self.encrypts.then(|| sealed::seal(SEAL, self.id(slot)));
                let sealed = sealed.as_deref().map(sealed::unfinished);
                self.reasoning_item("", sealed)
            }
            Slot::Text | Slot::Refusal => self.message_item("", "in_progress"),
            Slot::Call(at) => self.choice.calls.get(at).map_or_else(String::new, |call| {
                self.call_item(at, call, "", "in_progress")
            }),
        }
    }

    /// The status of the item when it has ended.
    fn status(&self, slot: Slot) -> &'static str {
        if self.is_cut_in(slot) {
            "incomplete"
        } else {
            "completed"
        }
    }

    /// Whether the item of the part is the one in which the reply was cut.
    pub(super) fn is_cut_in(&self, slot: Slot) -> bool {
        let last = self.slots.last().copied();
        let is_message = |slot| matches!(slot, Slot::Text | Slot::Refusal);
        self.is_cut && last.is_some_and(|last| last == slot || is_message(last) && is_message(slot))
    }

    /// The id of the item that the part belongs to; empty if there is no such part.
    pub(super) fn id(&self, slot: Slot) -> &str {
        let at = self.slots.iter().position(|other| *other == slot);
        at.and_then(|at| self.ids.get(at)).map_or("", |id| id)
    }

    /// The number of the item that the part belongs to.
    pub(super) fn index(&self, slot: Slot) -> usize {
        let before = self.slots.iter().take_while(|other| **other != slot);
        // A text and a refusal share a message.
        let shares = usize::from(self.has(Slot::Text) && self.has(Slot::Refusal));
        match slot {
            Slot::Reasoning | Slot::Text => before.count(),
            Slot::Refusal | Slot::Call(_) => before.count() - shares,
        }
    }

    /// The number of the part in its message.
    pub(super) fn content_index(&self, slot: Slot) -> usize {
        usize::from(slot == Slot::Refusal && self.has(Slot::Text))
    }

    /// Whether the call of this number is one of a tool that takes text.
    pub(super) fn is_custom(&self, at: usize) -> bool {
        is_custom(at, &self.choice, &self.custom)
    }

    /// The complete part of a message.
    pub(super) fn part(&self, slot: Slot) -> String {
        if slot == Slot::Refusal {
            refusal_part(&self.choice.refusal.concat())
        } else {
            text_part(&self.text(), &self.entries())
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        self.choice.content.clone().text()
    }

    /// The log probabilities of the whole text, as a JSON list.
    pub(super) fn entries(&self) -> String {
        let Some(top) = self.logprobs else {
            return "[]".to_owned();
        };
        let mut tokens = self.choice.content.clone();
        let mut entries = Vec::new();
        while let Some(token) = tokens.draw() {
            entries.push(chat_entry(token, top));
        }
        Value::from(entries).to_string()
    }

    /// A block of the summary or of the content of a reasoning item.
    pub(super) fn reasoning_block(&self, text: &str) -> String {
        let kind = match self.field {
            ReasoningField::Summary => "summary_text",
            ReasoningField::Content => "reasoning_text",
        };
        format!("{{\"type\":\"{kind}\",\"text\":{}}}", Value::from(text))
    }

    fn reasoning_item(&self, block: &str, sealed: Option<&str>) -> String {
        let (summary, content) = match self.field {
            ReasoningField::Summary => (block, ""),
            ReasoningField::Content => ("", block),
        };
        let id = self.id(Slot::Reasoning);
        let sealed = sealed.map_or_else(String::new, |sealed| {
            format!("\"encrypted_content\":\"{sealed}\",")
        });
        format!(
            "{{\"id\":\"{id}\",\"type\":\"reasoning\",\"content\":[{content}],{sealed}\"summary\":[{summary}]}}"
        )
    }

    fn message_item(&self, content: &str, status: &str) -> String {
        let phase = match (self.has_phase, self.choice.calls.is_empty()) {
            (false, _) => "",
            (true, true) => "\"phase\":\"final_answer\",",
            (true, false) => "\"phase\":\"commentary\",",
        };
        let id = match self.id(Slot::Text) {
            "" => self.id(Slot::Refusal),
            id => id,
        };
        format!(
            "{{\"id\":\"{id}\",\"type\":\"message\",\"status\":\"{status}\",\"content\":[{content}],\
             {phase}\"role\":\"assistant\"}}"
        )
    }

    fn call_item(&self, at: usize, call: &Call, arguments: &str, status: &str) -> String {
        let id = self.id(Slot::Call(at));
        let (call_id, name) = (Value::from(&*call.id), Value::from(&*call.name));
        let text = Value::from(arguments);
        if self.is_custom(at) {
            return format!(
                "{{\"id\":\"{id}\",\"type\":\"custom_tool_call\",\"status\":\"{status}\",\
                 \"call_id\":{call_id},\"input\":{text},\"name\":{name}}}"
            );
        }
        format!(
            "{{\"id\":\"{id}\",\"type\":\"function_call\",\"status\":\"{status}\",\
             \"arguments\":{text},\"call_id\":{call_id},\"name\":{name}}}"
        )
    }
}

fn is_custom(at: usize, choice: &Choice, custom: &[String]) -> bool {
    let call = choice.calls.get(at);
    call.is_some_and(|call| custom.contains(&call.name))
}

fn item_id(slot: Slot, choice: &Choice, custom: &[String], seed: u64) -> String {
    let (prefix, number) = match slot {
        Slot::Reasoning => ("rs_", 0),
        Slot::Text | Slot::Refusal => ("msg_", 1),
        Slot::Call(at) if is_custom(at, choice, custom) => ("ctc_", 2 + at),
        Slot::Call(at) => ("fc_", 2 + at),
    };
    derived_id(prefix, fnv_from(seed, &number.to_le_bytes()), 48)
}

/// A part of a message. `entries` are its log probabilities, as a JSON list.
pub(super) fn text_part(text: &str, entries: &str) -> String {
    let start = "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":";
    let mut part = [start, entries, ",\"text\":"].concat().into_bytes();
    write_string(&mut part, text);
    part.push(b'}');
    String::from_utf8(part).unwrap_or_default()
}

/// A refusal as a part of a message.
pub(super) fn refusal_part(text: &str) -> String {
    format!("{{\"type\":\"refusal\",\"refusal\":{}}}", Value::from(text))
}
