//! Adds the pieces of a stream to a reply.

use super::delta::{ChunkKind, Delta};
use super::extra::{Extra, RawJson};
use super::order::Order;
use super::part::Part;
use super::reply::{Choice, Reply, ReplyHead};
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
    // The order of the first choice's parts.
    order: Order,
    kept: usize,
}

/// What a part takes besides its text: its slot in the list and the head of its allocation.
pub(super) const PART_BYTES: usize = size_of::<Part>() + 32;

impl Fold {
    /// Adds a chunk. The parts keep the order in which they arrived, unless they have ranks.
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
        self.kept += len(&head.id) + len(&head.model) + len(&head.request_id);
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
        if let Some(first) = reply.choices.first_mut() {
            self.order.arrange(&mut first.parts);
        }
        reply.choices.sort_by_key(|choice| choice.index);
        reply
    }

    /// The reply so far, whose choices are in the order in which they began.
    pub(crate) fn so_far(&self) -> &Reply {
        &self.reply
    }

    /// Ends the reply as [`Reply::settle`] does.
    pub fn settle(&mut self) {
        self.put_in_order();
        self.reply.settle();
        self.find_places();
    }

    /// Ends the reply as [`Reply::conclude`] does.
    pub fn conclude(&mut self) {
        self.put_in_order();
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
        self.put_in_order();
        self.reply.choices.sort_by_key(|choice| choice.index);
        std::mem::take(&mut self.reply)
    }

    fn put_in_order(&mut self) {
        let order = std::mem::take(&mut self.order);
        if let Some(first) = self.reply.choices.first_mut() {
            order.arrange(&mut first.parts);
        }
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
        let details = delta.stop_details.as_deref().and_then(RawJson::read);
        // A number that JSON lacks has become null.
        if let Some(details) = details.filter(|details| details.get() != "null") {
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
                    let count = choice.parts.len();
                    grown += choice.push_call(call, calls);
                    if place == 0 && choice.parts.len() > count {
                        self.order.note(count, delta.rank);
                    }
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
        if place == 0 {
            self.order.note(at, delta.rank);
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
