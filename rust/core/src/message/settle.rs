//! Gives a reply that has grown the form of one that came whole.

use std::collections::BTreeMap;

use super::extra::RawJson;
use super::join::merged;
use super::part::Part;
use super::reply::{Choice, FinishReason, Reply};

/// Keys that hold a list of blocks, each of which stays where it stood.
const LISTS: [&str; 3] = ["content", "output", "parts"];

impl Reply {
    /// Gives the reply the form of a reply that was not streamed: sorts the choices, merges the fragments of a
    /// provider's block and puts them after the other parts, joins pieces of one kind that stood around them, and corrects the finish
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

impl Choice {
    fn settle(&mut self) {
        let only = match self.parts.as_mut_slice() {
            [only] => only.extra_mut(),
            _ => None,
        };
        match only {
            // Most replies have one part, which joins with nothing.
            Some(extra) => extra.settle(),
            None => self.join_parts(),
        }
        self.finish_reason = self
            .finish_reason
            .map(|reason| reason.corrected(self.refused(), self.called()));
    }

    fn join_parts(&mut self) {
        // By key, because the keys of a message have no order.
        let mut opaque: BTreeMap<String, Vec<RawJson>> = BTreeMap::new();
        let mut parts: Vec<Part> = Vec::with_capacity(self.parts.len());
        // Pieces that came one after the other were joined then, unless their dialect keeps them apart.
        let mut was_parted = false;
        for mut part in std::mem::take(&mut self.parts) {
            if let Some(extra) = part.extra_mut() {
                extra.settle();
            }
            let joins = std::mem::take(&mut was_parted);
            match (part, parts.last_mut()) {
                // Items of a list of blocks keep their order, and are not merged.
                (Part::Opaque { field, json }, _) if !LISTS.contains(&&*field) => {
                    opaque.entry(field).or_default().push(json);
                    was_parted = true;
                }
                (
                    Part::Text { text, extra },
                    Some(Part::Text {
                        text: before,
                        extra: other,
                    }),
                )
                | (
                    Part::Refusal { text, extra },
                    Some(Part::Refusal {
                        text: before,
                        extra: other,
                    }),
                ) if joins && extra.is_empty() && other.is_empty() => {
                    before.push_str(&text);
                }
                (
                    Part::Reasoning {
                        text,
                        signature,
                        field,
                        extra,
                    },
                    Some(Part::Reasoning {
                        text: before,
                        signature: open @ None,
                        field: same,
                        extra: other,
                    }),
                ) if joins && *same == field && extra.is_empty() && other.is_empty() => {
                    before.push_str(&text);
                    *open = signature;
                }
                (part, _) => parts.push(part),
            }
        }
        for (field, fragments) in opaque {
            let blocks = merged(fragments).into_iter();
            parts.extend(blocks.map(|json| Part::Opaque {
                field: field.clone(),
                json,
            }));
        }
        self.parts = parts;
    }

    fn refused(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, Part::Refusal { .. }))
    }

    fn called(&self) -> bool {
        self.tool_calls().next().is_some()
    }
}
