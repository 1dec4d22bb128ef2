//! Adds a piece to a part of a choice.

use super::delta::{Delta, ToolCallDelta};
use super::extra::{Extra, RawJson};
use super::fold::PART_BYTES;
use super::part::Part;
use super::reply::{Choice, ToolCall};

impl Part {
    /// An empty part of the kind that `delta` is a piece of.
    pub(super) fn of(delta: &Delta) -> Self {
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
    pub(super) fn push(&mut self, delta: &Delta) -> usize {
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
    pub(super) fn push_unnumbered(&mut self, delta: &Delta) -> usize {
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

    pub(super) fn push_text(&mut self, piece: &str, block: &Extra) -> usize {
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
    pub(super) fn push_call(&mut self, delta: &ToolCallDelta, calls: &mut Vec<usize>) -> usize {
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
/// block with references in `thinking` is whole. The pieces before its last one left it open.
fn is_open(block: &Extra, piece: &Extra) -> bool {
    let is_whole = |extra: &Extra| extra.last("thinking").is_some();
    !is_whole(block) && !is_whole(piece) && block.last("closed").as_deref() != Some("true")
}
