//! Gives a reply that has grown the form of one that came whole.

use std::collections::BTreeMap;

use serde_json::Value;

use super::reply::{Choice, FinishReason, Part, RawJson, Reply};
use crate::json;

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

impl Choice {
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
        for (field, fragments) in opaque {
            let blocks = merged(fragments).into_iter();
            parts.extend(blocks.map(|json| Part::Opaque {
                field: field.clone(),
                json,
            }));
        }
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

/// How many values a block may have that is joined from fragments. Each takes up to a kilobyte of memory meanwhile.
const MOST_JOINED: usize = 16_384;

/// One block from the fragments of a stream. A single fragment stays as it was sent, and so do those of a block with
/// too many values.
fn merged(fragments: Vec<RawJson>) -> Vec<RawJson> {
    if fragments.len() < 2 {
        return fragments;
    }
    match joined(&fragments) {
        Some(whole) => vec![whole],
        None => fragments,
    }
}

fn joined(fragments: &[RawJson]) -> Option<RawJson> {
    let mut whole = Value::Null;
    let mut values = 0;
    for fragment in fragments {
        let fragment = json::tree(fragment.0.get(), MOST_JOINED)?;
        values += merge(&mut whole, fragment, "");
        if values > MOST_JOINED {
            return None;
        }
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

/// Adds a fragment to a block. Returns how many values were added.
fn merge(whole: &mut Value, fragment: Value, key: &str) -> usize {
    match (whole, fragment) {
        (Value::Object(whole), Value::Object(fragment)) => {
            let members = fragment.into_iter();
            let added = members.map(|(key, value)| match whole.get_mut(&key) {
                Some(known) => merge(known, value, &key),
                None => {
                    let added = count(&value);
                    whole.insert(key, value);
                    added
                }
            });
            added.sum()
        }
        (Value::Array(whole), Value::Array(fragment)) => {
            let items = fragment.into_iter();
            let added = items.map(|item| match continued(whole, &item) {
                Some(known) => merge(known, item, ""),
                None => {
                    let added = count(&item);
                    whole.push(item);
                    added
                }
            });
            added.sum()
        }
        (Value::String(whole), Value::String(piece)) if PIECES.contains(&key) => {
            whole.push_str(&piece);
            0
        }
        (_, Value::Null) => 0,
        (whole, fragment) => {
            let (before, after) = (count(whole), count(&fragment));
            *whole = fragment;
            after.saturating_sub(before)
        }
    }
}

/// How many values a tree has.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(count).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

/// The last block of `whole`, if `item` continues it: same type, same `index`.
fn continued<'a>(whole: &'a mut [Value], item: &Value) -> Option<&'a mut Value> {
    let last = whole.last_mut()?;
    let index = item.get("index").filter(|index| index.is_number())?;
    (last.get("index") == Some(index) && last.get("type") == item.get("type")).then_some(last)
}
