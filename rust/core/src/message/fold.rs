//! Adds the pieces of a stream to a reply.

use super::delta::{ChunkKind, Delta, ToolCallDelta};
use super::extra::{Extra, RawJson};
use super::part::Part;
use super::reply::{Choice, Reply, ReplyHead, ToolCall};
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
    // The places of each choice's numbered parts.
    numbered: Vec<Vec<usize>>,
    // Where plain text goes, if the first choice has numbered parts.
    open: Option<usize>,
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
                let open = self.open;
                let choice = self.choice(0).1;
                self.kept += match open.and_then(|at| choice.parts.get_mut(at)) {
                    Some(Part::Text { text: whole, .. }) => {
                        whole.push_str(text);
                        text.len()
                    }
                    _ => choice.push_text(text, &Extra::default()),
                };
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

    /// The reply so far, whose choices are in the order in which they began.
    pub(crate) fn so_far(&self) -> &Reply {
        &self.reply
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
        self.take()
    }

    /// Takes the reply, which no chunk may follow. [`Self::kept`] still has its size.
    pub fn take(&mut self) -> Reply {
        self.reply.choices.sort_by_key(|choice| choice.index);
        std::mem::take(&mut self.reply)
    }

    /// Notes where choices and calls are after their order has changed.
    fn find_places(&mut self) {
        (self.choices, self.calls) = (Places::default(), Vec::new());
        // Only calls can go on after the end of a reply.
        (self.numbered, self.open) = (Vec::new(), None);
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
        match delta.part {
            Some(number) => grown += self.push_numbered(place, number, delta),
            None => grown += choice.push_unnumbered(delta),
        }
        let Some(choice) = self.reply.choices.get_mut(place) else {
            return;
        };
        let unnumbered = delta.opaque.iter().filter(|_| delta.part.is_none());
        for (field, json) in unnumbered {
            if let Some(json) = RawJson::read(json) {
                let field = field.clone();
                grown += PART_BYTES + field.len() + json.get().len();
                choice.parts.push(Part::Opaque { field, json });
            }
        }
        if delta.finish_reason.is_some() {
            choice.finish_reason = delta.finish_reason;
            choice
                .provider_finish_reason
                .clone_from(&delta.provider_finish_reason);
        }
        if let Some(details) = delta.stop_details.as_deref().and_then(RawJson::read) {
            grown += details.get().len();
            choice.stop_details = Some(details);
        }
        if let Some(logprobs) = &delta.logprobs {
            grown += logprobs.bytes();
            choice.logprobs.get_or_insert_default().push(logprobs);
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

    /// Adds a piece to the numbered part that it belongs to. Returns by how many bytes the reply has grown.
    fn push_numbered(&mut self, place: usize, number: u32, delta: &Delta) -> usize {
        if self.numbered.len() <= place {
            self.numbered.resize_with(place + 1, Vec::new);
        }
        let Some(places) = self.numbered.get_mut(place) else {
            return 0;
        };
        let Some(choice) = self.reply.choices.get_mut(place) else {
            return 0;
        };
        let known = places.get(number as usize).copied();
        let at = known.unwrap_or(choice.parts.len());
        if delta.index == 0 {
            self.open = Some(at);
        }
        if let Some(part) = known.and_then(|at| choice.parts.get_mut(at)) {
            return part.push(delta);
        }
        places.push(at);
        let mut part = Part::of(delta);
        let grown = part.push(delta);
        if choice.parts.is_empty() {
            choice.parts.reserve_exact(1);
        }
        choice.parts.push(part);
        PART_BYTES + size_of::<usize>() + grown
    }
}

impl Part {
    /// An empty part of the kind that `delta` is a piece of.
    fn of(delta: &Delta) -> Self {
        let (text, extra) = (String::new(), Extra::default());
        if let Some((field, _)) = delta.opaque.first()
            && let Some(json) = RawJson::read("null")
        {
            let field = field.clone();
            return Self::Opaque { field, json };
        }
        if delta.reasoning_field.is_some()
            || !delta.reasoning.is_empty()
            || delta.signature.is_some()
        {
            return Self::Reasoning {
                text,
                signature: None,
                field: field_of(delta),
                extra,
            };
        }
        match delta.refusal {
            Some(_) => Self::Refusal { text, extra },
            None => Self::Text { text, extra },
        }
    }

    /// Adds a piece. Returns by how many bytes the part has grown.
    fn push(&mut self, delta: &Delta) -> usize {
        let (text, piece) = match self {
            Self::Text { text, .. } => (text, &*delta.text),
            Self::Refusal { text, .. } => (text, delta.refusal.as_deref().unwrap_or_default()),
            Self::Reasoning {
                text,
                signature,
                field,
                ..
            } => {
                if delta.signature.is_some() {
                    signature.clone_from(&delta.signature);
                }
                if field.is_none() {
                    *field = field_of(delta);
                }
                (text, &*delta.reasoning)
            }
            Self::Opaque { json, .. } => {
                let whole = delta.opaque.first();
                if let Some(whole) = whole.and_then(|(_, whole)| RawJson::read(whole)) {
                    *json = whole;
                }
                return json.get().len();
            }
            Self::ToolCall(_) => return 0,
        };
        text.push_str(piece);
        let grown = piece.len() + delta.signature.as_ref().map_or(0, String::len);
        let Some(extra) = self.extra_mut() else {
            return grown;
        };
        grown
            + if delta.ends {
                extra.replace(&delta.extra)
            } else {
                extra.extend(&delta.extra)
            }
    }
}

/// The field of a piece of reasoning.
fn field_of(delta: &Delta) -> Option<String> {
    let field = delta.reasoning_field.as_deref();
    field.filter(|field| !field.is_empty()).map(str::to_owned)
}

impl Delta {
    /// Whether it belongs to no choice.
    #[must_use]
    pub fn brings_only_usage(&self) -> bool {
        self.usage.is_some()
            && !self.has_content()
            && self.part.is_none()
            && self.signature.is_none()
            && self.opaque.is_empty()
            && self.finish_reason.is_none()
            && self.logprobs.is_none()
    }
}

// Each returns by how many bytes the reply has grown.
impl Choice {
    fn push_unnumbered(&mut self, delta: &Delta) -> usize {
        let mut grown = 0;
        if delta.reasoning_field.is_some()
            || !delta.reasoning.is_empty()
            || delta.signature.is_some()
        {
            grown += self.push_reasoning(delta);
        }
        if !delta.text.is_empty() {
            grown += self.push_text(&delta.text, &delta.extra);
        }
        if let Some(refusal) = delta.refusal.as_deref().filter(|text| !text.is_empty()) {
            grown += self.push_refusal(refusal, &delta.extra);
        }
        grown
    }

    fn push_text(&mut self, piece: &str, block: &Extra) -> usize {
        // A block with keys of its own stays by itself.
        if let Some(Part::Text { text, extra }) = self.parts.last_mut()
            && extra.is_empty()
            && block.is_empty()
        {
            text.push_str(piece);
            return piece.len();
        }
        // Most replies have one part.
        if self.parts.is_empty() {
            self.parts.reserve_exact(1);
        }
        let mut extra = Extra::default();
        let grown = extra.extend(block);
        self.parts.push(Part::Text {
            text: piece.to_owned(),
            extra,
        });
        PART_BYTES + piece.len() + grown
    }

    fn push_reasoning(&mut self, delta: &Delta) -> usize {
        let grown = delta.reasoning.len() + delta.signature.as_ref().map_or(0, String::len);
        match self.parts.last_mut() {
            // A signature ends a block of reasoning, so what follows is another block.
            Some(Part::Reasoning {
                text,
                signature: signature @ None,
                field,
                extra,
            }) if field.as_deref() == delta.reasoning_field.as_deref()
                && is_open(extra, &delta.extra) =>
            {
                text.push_str(&delta.reasoning);
                signature.clone_from(&delta.signature);
                grown + extra.extend(&delta.extra)
            }
            _ => {
                let field = delta.reasoning_field.as_deref().map(str::to_owned);
                let named = field.as_ref().map_or(0, String::len);
                let mut extra = Extra::default();
                let grown = grown + extra.extend(&delta.extra);
                self.parts.push(Part::Reasoning {
                    text: delta.reasoning.clone(),
                    signature: delta.signature.clone(),
                    field,
                    extra,
                });
                PART_BYTES + named + grown
            }
        }
    }

    fn push_refusal(&mut self, piece: &str, block: &Extra) -> usize {
        if let Some(Part::Refusal { text, extra }) = self.parts.last_mut()
            && extra.is_empty()
            && block.is_empty()
        {
            text.push_str(piece);
            return piece.len();
        }
        let mut extra = Extra::default();
        let grown = extra.extend(block);
        self.parts.push(Part::Refusal {
            text: piece.to_owned(),
            extra,
        });
        PART_BYTES + piece.len() + grown
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
}

/// Whether a block of reasoning goes on with a piece that has these keys. Mistral closes a block by `closed`, and a
/// block with references in `thinking` is whole. What came before the block's last piece left it open.
fn is_open(block: &Extra, piece: &Extra) -> bool {
    let is_whole = |extra: &Extra| extra.last("thinking").is_some();
    !is_whole(block) && !is_whole(piece) && block.last("closed").as_deref() != Some("true")
}
