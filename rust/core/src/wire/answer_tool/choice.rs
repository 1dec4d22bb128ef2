//! One choice of a stream whose answer is a call.

use std::num::NonZeroU64;
use std::sync::Arc;

use super::{LONGEST_COMMENT, without_call};
use crate::message::{ChunkKind, Delta, ToolCallDelta};
use crate::wire::by_choice::Change;

/// One choice.
pub(super) struct Answered {
    index: u32,
    /// The tool whose arguments are the answer.
    tool: Arc<str>,
    /// What arrived since the first text, until it is clear whether that is a comment.
    held: Option<Vec<ChunkKind>>,
    held_bytes: usize,
    /// Whether text is passed on as such from now on.
    is_text: bool,
    /// The parts of the dialect that numbers them: their numbers here, and whether they are comments.
    parts: Vec<(u32, bool)>,
    /// The number, in the dialect, of the part that text without a number goes on with.
    open: Option<u32>,
    /// The number of the next part.
    next: u32,
    calls: Vec<Call>,
    /// How many of the calls are not answers.
    others: u32,
    has_answer: bool,
}

/// A call of a choice.
enum Call {
    /// Its name may still become that of the tool.
    Unnamed(Box<ToolCallDelta>),
    Answer {
        /// The number of its part.
        number: u32,
        /// Whether there are any arguments.
        has_text: bool,
    },
    /// Another call, and its index among those that are not answers.
    Other(u32),
}

impl Change for Answered {
    fn read(&mut self, kind: ChunkKind, out: &mut Vec<ChunkKind>) {
        let mut delta = match kind {
            ChunkKind::Text(text) if text.is_empty() => return,
            ChunkKind::Text(text) => {
                self.take(ChunkKind::Text(text), out);
                return;
            }
            ChunkKind::Delta(delta) => delta,
        };
        let fragments = std::mem::take(&mut delta.tool_calls);
        if fragments.is_empty() && delta.finish_reason.is_none() {
            self.take(ChunkKind::Delta(delta), out);
            return;
        }
        let rank = delta.rank;
        // What else there is comes before the calls, and the end after them.
        let end = Delta {
            index: self.index,
            finish_reason: delta.finish_reason.take(),
            provider_finish_reason: delta.provider_finish_reason.take(),
            stop_details: delta.stop_details.take(),
            usage: delta.usage.take(),
            ..Delta::default()
        };
        let empty = Delta {
            index: self.index,
            rank,
            ..Delta::default()
        };
        if *delta != empty {
            self.take(ChunkKind::Delta(delta), out);
        }
        for fragment in fragments {
            self.call(fragment, rank, out);
        }
        if end.finish_reason.is_some() || end.usage.is_some() {
            self.end(end, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<ChunkKind>) {
        for at in 0..self.calls.len() {
            if let Some(Call::Unnamed(begin)) = self.calls.get_mut(at) {
                let begin = std::mem::take(&mut **begin);
                self.other(at, begin, None, out);
            }
        }
        self.release(out);
    }
}

impl Answered {
    pub(super) fn new(index: u32, tool: Arc<str>) -> Self {
        Self {
            index,
            tool,
            held: None,
            held_bytes: 0,
            is_text: false,
            parts: Vec::new(),
            open: None,
            next: 0,
            calls: Vec::new(),
            others: 0,
            has_answer: false,
        }
    }

    /// Reads what is not a call.
    fn take(&mut self, kind: ChunkKind, out: &mut Vec<ChunkKind>) {
        if self.has_answer || self.is_text {
            self.pass(kind, out);
            return;
        }
        let begins = match &kind {
            ChunkKind::Text(_) => true,
            ChunkKind::Delta(delta) => is_text(delta),
        };
        if self.held.is_none() && !begins {
            self.pass(kind, out);
            return;
        }
        self.held_bytes += match &kind {
            ChunkKind::Text(text) => text.len(),
            ChunkKind::Delta(delta) => delta.bytes() - size_of::<Delta>() + 1,
        };
        self.held.get_or_insert_default().push(kind);
        if self.held_bytes > LONGEST_COMMENT {
            self.release(out);
            self.is_text = true;
        }
    }

    /// Passes on what was held: as comments if there is an answer, or else as it came.
    fn release(&mut self, out: &mut Vec<ChunkKind>) {
        self.held_bytes = 0;
        for kind in self.held.take().unwrap_or_default() {
            self.pass(kind, out);
        }
    }

    fn pass(&mut self, kind: ChunkKind, out: &mut Vec<ChunkKind>) {
        let mut delta = match kind {
            ChunkKind::Text(_) if !self.has_answer => return out.push(kind),
            // It goes on with the part that is open in the dialect, which is not the open one here.
            ChunkKind::Text(text) => Box::new(Delta {
                part: self.open,
                text,
                ..Delta::default()
            }),
            ChunkKind::Delta(delta) => delta,
        };
        let mut is_comment = self.has_answer && is_text(&delta);
        if let Some(number) = delta.part {
            self.open = Some(number);
            let known = self.parts.get(number as usize).copied();
            let (number, was_comment) = known.unwrap_or_else(|| {
                let part = (self.next, is_comment);
                self.parts.push(part);
                self.next += 1;
                part
            });
            delta.part = Some(number);
            is_comment = was_comment;
        }
        if is_comment {
            delta.reasoning = std::mem::take(&mut delta.text).into();
            delta.reasoning_field = delta.part.map(|_| "".into());
        }
        out.push(ChunkKind::Delta(delta));
    }

    fn call(
        &mut self,
        fragment: ToolCallDelta,
        rank: Option<NonZeroU64>,
        out: &mut Vec<ChunkKind>,
    ) {
        let at = fragment.index as usize;
        let fragment = match self.calls.get_mut(at) {
            Some(Call::Answer { number, has_text }) => {
                *has_text |= !fragment.arguments.trim().is_empty();
                let number = *number;
                return self.push_text(number, None, &fragment.arguments, out);
            }
            Some(Call::Other(index)) => {
                let index = *index;
                return self.push_call(ToolCallDelta { index, ..fragment }, None, out);
            }
            Some(Call::Unnamed(begin)) => joined(std::mem::take(&mut **begin), fragment),
            None => fragment,
        };
        let name = fragment.name.as_deref().unwrap_or_default();
        if name == &*self.tool {
            self.has_answer = true;
            self.release(out);
            let number = self.next;
            self.next += 1;
            let has_text = !fragment.arguments.trim().is_empty();
            self.set_call(at, Call::Answer { number, has_text });
            self.push_text(number, rank, &fragment.arguments, out);
        } else if self.tool.starts_with(name) && fragment.arguments.len() <= LONGEST_COMMENT {
            self.set_call(at, Call::Unnamed(Box::new(fragment)));
        } else {
            self.other(at, fragment, rank, out);
        }
    }

    /// Begins a call that is not an answer. Text that is not a comment on an answer by then is text.
    fn other(
        &mut self,
        at: usize,
        fragment: ToolCallDelta,
        rank: Option<NonZeroU64>,
        out: &mut Vec<ChunkKind>,
    ) {
        self.release(out);
        self.is_text = true;
        let index = self.others;
        self.others += 1;
        self.set_call(at, Call::Other(index));
        self.push_call(ToolCallDelta { index, ..fragment }, rank, out);
    }

    fn set_call(&mut self, at: usize, call: Call) {
        match self.calls.get_mut(at) {
            Some(known) => *known = call,
            None => self.calls.push(call),
        }
    }

    fn push_call(
        &self,
        fragment: ToolCallDelta,
        rank: Option<NonZeroU64>,
        out: &mut Vec<ChunkKind>,
    ) {
        out.push(ChunkKind::Delta(Box::new(Delta {
            index: self.index,
            rank,
            tool_calls: vec![fragment],
            ..Delta::default()
        })));
    }

    fn push_text(
        &self,
        number: u32,
        rank: Option<NonZeroU64>,
        text: &str,
        out: &mut Vec<ChunkKind>,
    ) {
        out.push(ChunkKind::Delta(Box::new(Delta {
            index: self.index,
            part: Some(number),
            rank,
            text: text.into(),
            ..Delta::default()
        })));
    }

    fn end(&mut self, mut end: Delta, out: &mut Vec<ChunkKind>) {
        if let Some(reason) = end.finish_reason {
            self.finish(out);
            self.is_text = true;
            for at in 0..self.calls.len() {
                if let Some(Call::Answer { number, has_text }) = self.calls.get_mut(at)
                    && !std::mem::replace(has_text, true)
                {
                    let number = *number;
                    self.push_text(number, None, "{}", out);
                }
            }
            if self.has_answer {
                end.finish_reason = Some(without_call(reason, self.others > 0));
            }
        }
        out.push(ChunkKind::Delta(Box::new(end)));
    }
}

/// Whether it is a piece of text, which may be empty, and not of anything else.
fn is_text(delta: &Delta) -> bool {
    let is_begun = !delta.text.is_empty() || delta.part.is_some();
    is_begun
        && delta.reasoning.is_empty()
        && delta.reasoning_field.is_none()
        && delta.signature.is_none()
        && delta.refusal.is_none()
        && delta.opaque.is_empty()
}

/// The beginning of a call with the fragment that follows.
fn joined(mut begin: ToolCallDelta, next: ToolCallDelta) -> ToolCallDelta {
    begin.id = begin.id.or(next.id);
    if let Some(name) = next.name {
        begin.name.get_or_insert_default().push_str(&name);
    }
    begin.arguments.push_str(&next.arguments);
    if begin.extra.is_empty() || next.ends == Some(true) {
        begin.extra = next.extra;
    }
    begin.ends = next.ends.or(begin.ends);
    begin
}
