//! Adds the pieces of a stream to a reply.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::delta::{ChunkKind, Delta, ToolCallDelta};
use super::reply::{Choice, FinishReason, Part, RawJson, Reply, ReplyHead, ToolCall};
use crate::places::Places;

/// A reply that grows by the chunks of a stream. A chunk takes time in proportion to its own size, whatever came
/// before it.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    // Until it is settled, its choices are in the order in which they began.
    reply: Reply,
    choices: Places<u32>,
    // The places of each choice's calls in its parts.
    calls: Vec<Vec<usize>>,
    kept: usize,
}

/// What a part takes besides its text: its slot in the list and the head of its allocation.
const PART_BYTES: usize = size_of::<Part>() + 32;

impl Fold {
    /// Adds a chunk. The parts keep the order in which they arrived.
    pub fn apply(&mut self, chunk: &ChunkKind) {
        match chunk {
            ChunkKind::Text(text) if text.is_empty() => {}
            ChunkKind::Text(text) => {
                let grown = self.choice(0).1.push_text(text);
                self.kept += grown;
            }
            ChunkKind::Delta(delta) => self.apply_delta(delta),
        }
    }

    /// Sets the facts that belong to no choice.
    pub fn set_head(&mut self, head: &ReplyHead) {
        head.fold_into(&mut self.reply);
        let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.kept += len(&head.id) + len(&head.model);
    }

    /// About how many bytes of memory the reply takes.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Whether any choice has begun.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reply.choices.is_empty()
    }

    /// A copy of the reply so far.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let mut reply = self.reply.clone();
        reply.choices.sort_by_key(|choice| choice.index);
        reply
    }

    /// Ends the reply as [`Reply::settle`] does.
    pub fn settle(&mut self) {
        self.reply.settle();
        self.find_places();
    }

    /// Ends the reply as [`Reply::conclude`] does.
    pub fn conclude(&mut self) {
        self.reply.conclude();
        self.find_places();
    }

    /// The reply.
    #[must_use]
    pub fn into_reply(mut self) -> Reply {
        self.reply.choices.sort_by_key(|choice| choice.index);
        self.reply
    }

    /// Notes where choices and calls are after their order has changed.
    fn find_places(&mut self) {
        (self.choices, self.calls) = (Places::default(), Vec::new());
        for (place, choice) in self.reply.choices.iter().enumerate() {
            self.choices.set(choice.index, place);
            let parts = choice.parts.iter().enumerate();
            let calls = parts.filter(|(_, part)| matches!(part, Part::ToolCall(_)));
            self.calls.push(calls.map(|(at, _)| at).collect());
        }
    }

    /// The choice with this index, which is added if it is missing, and its place.
    fn choice(&mut self, index: u32) -> (usize, &mut Choice) {
        let choices = &mut self.reply.choices;
        let place = self.choices.get(&index).unwrap_or_else(|| {
            // Most replies have one choice, and there may be thousands of replies at a time.
            if choices.is_empty() {
                choices.reserve_exact(1);
            }
            let place = choices.len();
            self.choices.set(index, place);
            choices.push(Choice {
                index,
                ..Choice::default()
            });
            self.kept += size_of::<Choice>();
            place
        });
        #[allow(
            clippy::indexing_slicing,
            reason = "it was found or has just been added"
        )]
        (place, &mut choices[place])
    }

    fn apply_delta(&mut self, delta: &Delta) {
        if let Some(usage) = &delta.usage {
            self.reply.usage = Some((**usage).clone());
            if delta.brings_only_usage() {
                return;
            }
        }
        let mut grown = 0;
        let (place, choice) = self.choice(delta.index);
        if !delta.reasoning.is_empty() || delta.signature.is_some() {
            grown += choice.push_reasoning(delta);
        }
        if !delta.text.is_empty() {
            grown += choice.push_text(&delta.text);
        }
        if let Some(refusal) = delta.refusal.as_deref().filter(|text| !text.is_empty()) {
            grown += choice.push_refusal(refusal);
        }
        for (field, json) in &delta.opaque {
            if let Ok(json) = RawValue::from_string(json.clone()) {
                let (field, json) = (field.clone(), RawJson(json));
                grown += PART_BYTES + field.len() + json.0.get().len();
                choice.parts.push(Part::Opaque { field, json });
            }
        }
        if delta.finish_reason.is_some() {
            choice.finish_reason = delta.finish_reason;
            choice
                .provider_finish_reason
                .clone_from(&delta.provider_finish_reason);
        }
        if let Some(logprobs) = &delta.logprobs {
            choice
                .logprobs
                .get_or_insert_default()
                .extend_from_slice(logprobs);
        }
        if !delta.tool_calls.is_empty() {
            if self.calls.len() <= place {
                self.calls.resize_with(place + 1, Vec::new);
            }
            let choice = self.reply.choices.get_mut(place);
            if let (Some(choice), Some(calls)) = (choice, self.calls.get_mut(place)) {
                for call in &delta.tool_calls {
                    grown += choice.push_call(call, calls);
                }
            }
        }
        self.kept += grown;
    }
}

impl Reply {
    /// Gives the reply the form of a reply that was not streamed: sorts the choices, joins neighboring pieces of one
    /// kind, merges the fragments of a provider's block and puts them after the other parts, and corrects the finish
    /// reason.
    ///
    /// Settling twice changes nothing. A copy of a partial reply can be settled at any time.
    pub fn settle(&mut self) {
        self.choices.sort_by_key(|choice| choice.index);
        self.choices.iter_mut().for_each(Choice::settle);
    }

    /// Settles a reply that has ended. If the server gave no finish reason, a refusal or a tool call in the reply
    /// supplies it.
    pub fn conclude(&mut self) {
        self.settle();
        for choice in &mut self.choices {
            if choice.finish_reason.is_none() {
                let reason = FinishReason::Other.corrected(choice.refused(), choice.called());
                choice.finish_reason = Some(reason).filter(|&it| it != FinishReason::Other);
            }
        }
    }
}

impl Delta {
    /// Whether it belongs to no choice.
    #[must_use]
    pub fn brings_only_usage(&self) -> bool {
        self.usage.is_some()
            && !self.has_content()
            && self.signature.is_none()
            && self.opaque.is_empty()
            && self.finish_reason.is_none()
            && self.logprobs.is_none()
    }
}

// Each returns by how many bytes the reply has grown.
impl Choice {
    fn push_text(&mut self, piece: &str) -> usize {
        if let Some(Part::Text { text }) = self.parts.last_mut() {
            text.push_str(piece);
            return piece.len();
        }
        // Most replies have one part.
        if self.parts.is_empty() {
            self.parts.reserve_exact(1);
        }
        self.parts.push(Part::Text {
            text: piece.to_owned(),
        });
        PART_BYTES + piece.len()
    }

    fn push_reasoning(&mut self, delta: &Delta) -> usize {
        let grown = delta.reasoning.len() + delta.signature.as_ref().map_or(0, String::len);
        match self.parts.last_mut() {
            // A signature ends a block of reasoning, so what follows is another block.
            Some(Part::Reasoning {
                text,
                signature: signature @ None,
                field,
            }) if field.as_deref() == delta.reasoning_field.as_deref() => {
                text.push_str(&delta.reasoning);
                signature.clone_from(&delta.signature);
                grown
            }
            _ => {
                let field = delta.reasoning_field.as_deref().map(str::to_owned);
                let named = field.as_ref().map_or(0, String::len);
                self.parts.push(Part::Reasoning {
                    text: delta.reasoning.clone(),
                    signature: delta.signature.clone(),
                    field,
                });
                PART_BYTES + named + grown
            }
        }
    }

    fn push_refusal(&mut self, piece: &str) -> usize {
        if let Some(Part::Refusal { text }) = self.parts.last_mut() {
            text.push_str(piece);
            return piece.len();
        }
        self.parts.push(Part::Refusal {
            text: piece.to_owned(),
        });
        PART_BYTES + piece.len()
    }

    /// Adds a fragment to one of the calls, which are at these places.
    fn push_call(&mut self, delta: &ToolCallDelta, calls: &mut Vec<usize>) -> usize {
        let known = calls.get(delta.index as usize);
        if let Some(Part::ToolCall(call)) = known.and_then(|&at| self.parts.get_mut(at)) {
            return call.push(delta);
        }
        let mut call = ToolCall::default();
        let grown = call.push(delta);
        calls.push(self.parts.len());
        self.parts.push(Part::ToolCall(call));
        PART_BYTES + size_of::<usize>() + grown
    }

    fn settle(&mut self) {
        // By key, because the keys of a message have no order.
        let mut opaque: BTreeMap<String, Vec<RawJson>> = BTreeMap::new();
        let mut parts: Vec<Part> = Vec::with_capacity(self.parts.len());
        for part in std::mem::take(&mut self.parts) {
            match (part, parts.last_mut()) {
                // Items of a content list keep their order, and are not merged.
                (Part::Opaque { field, json }, _) if field != "content" => {
                    opaque.entry(field).or_default().push(json);
                }
                (Part::Text { text }, Some(Part::Text { text: before }))
                | (Part::Refusal { text }, Some(Part::Refusal { text: before })) => {
                    before.push_str(&text);
                }
                (
                    Part::Reasoning {
                        text,
                        signature,
                        field,
                    },
                    Some(Part::Reasoning {
                        text: before,
                        signature: open @ None,
                        field: same,
                    }),
                ) if *same == field => {
                    before.push_str(&text);
                    *open = signature;
                }
                (part, _) => parts.push(part),
            }
        }
        parts.extend(opaque.into_iter().filter_map(|(field, fragments)| {
            let json = merged(fragments)?;
            Some(Part::Opaque { field, json })
        }));
        self.parts = parts;
        self.finish_reason = self
            .finish_reason
            .map(|reason| reason.corrected(self.refused(), self.called()));
    }

    fn refused(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, Part::Refusal { .. }))
    }

    fn called(&self) -> bool {
        self.tool_calls().next().is_some()
    }
}

impl FinishReason {
    /// The reason for a provider's word; `None` for an empty word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "" => return None,
            "stop" | "eos" | "stop_sequence" | "end_turn" | "eos_token" | "STOP" => Self::Stop,
            "length" | "max_tokens" | "model_length" | "MAX_TOKENS" => Self::Length,
            "tool_calls" | "function_call" | "tool_use" => Self::ToolCalls,
            "content_filter" | "SAFETY" | "RECITATION" | "PROHIBITED_CONTENT" => {
                Self::ContentFilter
            }
            "refusal" => Self::Refusal,
            "abort" => Self::Abort,
            "error" => Self::Error,
            _ => Self::Other,
        })
    }

    /// Corrects the reason by what the choice has: a refusal wins, and so does a tool call, unless the provider's
    /// reason means that the call may be incomplete.
    #[must_use]
    pub fn corrected(self, refused: bool, called: bool) -> Self {
        match self {
            _ if refused => Self::Refusal,
            Self::Length | Self::ContentFilter | Self::Error | Self::Abort => self,
            _ if called => Self::ToolCalls,
            _ => self,
        }
    }
}

/// One block from the fragments of a stream. A single fragment stays as it was sent.
fn merged(fragments: Vec<RawJson>) -> Option<RawJson> {
    let mut fragments = fragments.into_iter();
    let first = fragments.next()?;
    let mut rest = fragments.peekable();
    if rest.peek().is_none() {
        return Some(first);
    }
    let mut whole: Value = serde_json::from_str(first.0.get()).ok()?;
    for fragment in rest {
        merge(&mut whole, serde_json::from_str(fragment.0.get()).ok()?, "");
    }
    serde_json::value::to_raw_value(&whole).ok().map(RawJson)
}

/// Keys whose strings are sent in pieces. All other strings are repeated in full.
const PIECES: [&str; 7] = [
    "text",
    "summary",
    "data",
    "transcript",
    "signature",
    "content",
    "thinking",
];

fn merge(whole: &mut Value, fragment: Value, key: &str) {
    match (whole, fragment) {
        (Value::Object(whole), Value::Object(fragment)) => {
            for (key, value) in fragment {
                match whole.get_mut(&key) {
                    Some(known) => merge(known, value, &key),
                    None => {
                        whole.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(whole), Value::Array(fragment)) => {
            for item in fragment {
                match continued(whole, &item) {
                    Some(known) => merge(known, item, ""),
                    None => whole.push(item),
                }
            }
        }
        (Value::String(whole), Value::String(piece)) if PIECES.contains(&key) => {
            whole.push_str(&piece);
        }
        (_, Value::Null) => {}
        (whole, fragment) => *whole = fragment,
    }
}

/// The last block of `whole`, if `item` continues it: same type, same `index`.
fn continued<'a>(whole: &'a mut [Value], item: &Value) -> Option<&'a mut Value> {
    let last = whole.last_mut()?;
    let index = item.get("index").filter(|index| index.is_number())?;
    (last.get("index") == Some(index) && last.get("type") == item.get("type")).then_some(last)
}
