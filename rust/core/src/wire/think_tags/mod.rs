//! The option `think_tags`: thoughts that a server leaves in the text become reasoning, in every dialect.
//!
//! `json::Thoughts` knows the tags. Typed output leaves thoughts out by the same table.

use super::by_choice::{self, Change};
use super::dialect::StreamDecoder;
use crate::json::Thoughts;
use crate::message::{ChunkKind, Delta, Extra, Part, Reply};

/// Reads a stream, and parts thoughts from its text.
pub(crate) fn stream(decoder: Box<dyn StreamDecoder>) -> Box<dyn StreamDecoder> {
    by_choice::stream(decoder, Parted::new)
}

/// Parts the thoughts at the beginning of each choice from its text.
pub(crate) fn in_reply(reply: &mut Reply) {
    for choice in &mut reply.choices {
        let is_text = |part: &Part| matches!(part, Part::Text { text, .. } if !text.is_empty());
        let Some(at) = choice.parts.iter().position(is_text) else {
            continue;
        };
        let Some(Part::Text { text, extra }) = choice.parts.get_mut(at) else {
            continue;
        };
        let (mut thought, mut rest) = (String::new(), String::new());
        let mut sink = |is_thought, piece: &str| {
            let to: &mut String = if is_thought { &mut thought } else { &mut rest };
            to.push_str(piece);
        };
        let mut thoughts = Thoughts::of_templates();
        thoughts.push(text, &mut sink);
        thoughts.finish(&mut sink);
        let is_gone = rest.is_empty() && extra.is_empty();
        *text = rest;
        if is_gone {
            choice.parts.remove(at);
        }
        if !thought.is_empty() {
            choice.parts.insert(at, reasoning(thought));
        }
    }
}

fn reasoning(text: String) -> Part {
    Part::Reasoning {
        text,
        signature: None,
        field: None,
        extra: Extra::default(),
    }
}

/// One choice.
struct Parted {
    index: u32,
    thoughts: Thoughts,
    /// The number of its first text part, in a dialect that numbers them.
    number: Option<u32>,
    /// The beginning of that part, until it has text. Thoughts come before it.
    begin: Option<Box<Delta>>,
    /// Whether there are thoughts, which take that number.
    any: bool,
}

impl Change for Parted {
    fn read(&mut self, kind: ChunkKind, out: &mut Vec<ChunkKind>) {
        match kind {
            ChunkKind::Text(text) => self.text(&text, out),
            ChunkKind::Delta(delta) => self.delta(delta, out),
        }
    }

    /// What could have become a tag has not. Whatever follows is text.
    fn finish(&mut self, out: &mut Vec<ChunkKind>) {
        if !self.thoughts.is_over() {
            let mut thoughts = std::mem::replace(&mut self.thoughts, Thoughts::of_templates());
            thoughts.finish(|is_thought, piece| self.pass(is_thought, piece, out));
            self.thoughts = thoughts;
        }
        self.open(out);
    }
}

impl Parted {
    fn new(index: u32) -> Self {
        Self {
            index,
            thoughts: Thoughts::of_templates(),
            number: None,
            begin: None,
            any: false,
        }
    }

    /// Reads text of the part that is open.
    fn text(&mut self, text: &str, out: &mut Vec<ChunkKind>) {
        if self.thoughts.is_over() {
            self.pass(false, text, out);
            return;
        }
        let mut thoughts = std::mem::replace(&mut self.thoughts, Thoughts::of_templates());
        thoughts.push(text, |is_thought, piece| self.pass(is_thought, piece, out));
        self.thoughts = thoughts;
    }

    fn delta(&mut self, mut delta: Box<Delta>, out: &mut Vec<ChunkKind>) {
        if self.thoughts.is_over() {
            delta.part = self.shifted(delta.part);
            out.push(ChunkKind::Delta(delta));
            return;
        }
        let is_text = delta.reasoning.is_empty()
            && delta.reasoning_field.is_none()
            && delta.signature.is_none()
            && delta.refusal.is_none();
        if let Some(number) = delta.part.filter(|_| is_text) {
            if self.number.is_none() {
                self.number = Some(number);
                self.begin = Some(Box::new(Delta {
                    index: delta.index,
                    part: delta.part,
                    extra: delta.extra.clone(),
                    ..Delta::default()
                }));
            } else if self.number != Some(number) {
                self.finish(out);
                return self.delta(delta, out);
            }
        }
        if is_text {
            let text = std::mem::take(&mut delta.text);
            self.text(&text, out);
        } else if self.number.is_some() && delta.part.is_some() {
            self.finish(out);
        }
        if delta.ends && is_text || delta.finish_reason.is_some() || !delta.tool_calls.is_empty() {
            self.finish(out);
        }
        if is_text && !delta.ends && delta.part.take().is_some() {
            // The part has begun, or will when its text does.
            delta.extra = Extra::default();
        }
        delta.part = self.shifted(delta.part);
        out.push(ChunkKind::Delta(delta));
    }

    /// The number of a part after the thoughts, which are a part of their own.
    fn shifted(&self, part: Option<u32>) -> Option<u32> {
        let is_after = |number: u32| self.any && self.number.is_some_and(|first| number >= first);
        part.map(|number| number + u32::from(is_after(number)))
    }

    fn pass(&mut self, is_thought: bool, piece: &str, out: &mut Vec<ChunkKind>) {
        if !is_thought {
            self.open(out);
            let kind = if self.index == 0 {
                ChunkKind::Text(piece.into())
            } else {
                ChunkKind::Delta(Box::new(Delta {
                    index: self.index,
                    text: piece.into(),
                    part: self.shifted(self.number),
                    ..Delta::default()
                }))
            };
            out.push(kind);
            return;
        }
        self.any = true;
        out.push(ChunkKind::Delta(Box::new(Delta {
            index: self.index,
            part: self.number,
            reasoning: piece.to_owned(),
            ..Delta::default()
        })));
    }

    /// Begins the text part.
    fn open(&mut self, out: &mut Vec<ChunkKind>) {
        if let Some(mut begin) = self.begin.take() {
            begin.part = self.shifted(begin.part);
            out.push(ChunkKind::Delta(begin));
        }
    }
}

#[cfg(test)]
mod tests;
