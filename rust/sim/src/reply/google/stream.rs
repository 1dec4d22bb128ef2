//! A reply as events: as SSE with CRLF, or as the elements of a JSON array.
//!
//! The first event has no text, and the last has the reason why the reply ended, so a script's
//! position means the same as in a stream of chat.

use super::parts::{Candidate, text_part, thought_part};
use super::response::Response;
use crate::reply::events::{Due, Ending, Events};
use crate::reply::pieces::{Piece, Pieces};
use crate::script::Prepared;

/// How the events of a stream are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Sse,
    Array,
}

impl Form {
    /// What stands before an event.
    pub(super) fn before(self, is_first: bool) -> &'static [u8] {
        match self {
            Self::Sse => b"data: ",
            Self::Array if is_first => b"[",
            Self::Array => b",\r\n",
        }
    }

    /// What stands after an event.
    pub(super) fn after(self) -> &'static [u8] {
        match self {
            Self::Sse => b"\r\n\r\n",
            Self::Array => b"",
        }
    }

    /// What marks the end of a stream.
    pub(super) fn end(self) -> &'static [u8] {
        match self {
            Self::Sse => b"",
            Self::Array => b"\r\n]",
        }
    }
}

/// The events of one reply, in order.
#[derive(Debug)]
pub(super) struct EventStream {
    form: Form,
    response: Response,
    candidates: Vec<(Pieces, Candidate)>,
    /// Which candidate is next.
    cursor: usize,
    is_first: bool,
    ending: Ending,
}

impl EventStream {
    pub(super) fn new(
        form: Form,
        response: Response,
        candidates: Vec<Candidate>,
        prepared: &Prepared,
    ) -> Self {
        let ending = Ending::of(prepared.behaviour.fault.as_ref());
        let candidates = candidates.into_iter().map(|candidate| {
            // A call is a single part, and a refusal is the reason why it ended.
            let mut choice = candidate.choice.clone();
            choice.refusal.clear();
            (Pieces::new(choice, 0, ending.sends_finish), candidate)
        });
        Self {
            form,
            response,
            candidates: candidates.collect(),
            cursor: 0,
            is_first: true,
            ending,
        }
    }

    /// Moves the cursor to the next candidate that has not ended, or past all of them.
    fn settle(&mut self) {
        let is_left = |(pieces, _): &(Pieces, Candidate)| pieces.next_due().is_some();
        let (before, after) = self.candidates.split_at(self.cursor);
        let next = after.iter().position(is_left).map(|at| self.cursor + at);
        let next = next.or_else(|| before.iter().position(is_left));
        self.cursor = next.unwrap_or(self.candidates.len());
    }

    fn has_end(&self) -> bool {
        self.ending.sends_end && !self.form.end().is_empty()
    }
}

impl Events for EventStream {
    fn content_type(&self) -> &'static str {
        match self.form {
            Form::Sse => "text/event-stream",
            Form::Array => "application/json; charset=UTF-8",
        }
    }

    fn next_due(&mut self) -> Option<Due> {
        self.settle();
        if let Some((pieces, _)) = self.candidates.get(self.cursor) {
            return pieces.next_due();
        }
        let steps = self.candidates.iter().map(|(pieces, _)| pieces.last_step());
        let is_over = !self.has_end() && self.ending.late_events == 0;
        (!is_over).then(|| Due::Step(steps.max().unwrap_or(0)))
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        self.settle();
        let is_late = self.cursor >= self.candidates.len();
        if is_late && self.has_end() {
            self.ending.sends_end = false;
            out.extend_from_slice(self.form.end());
            return true;
        }
        let at = if is_late { 0 } else { self.cursor };
        let is_over = is_late && self.ending.late_events == 0;
        let candidate = self.candidates.get_mut(at).filter(|_| !is_over);
        let Some((pieces, candidate)) = candidate else {
            return false;
        };
        let is_first = std::mem::replace(&mut self.is_first, false);
        out.extend_from_slice(self.form.before(is_first));
        if is_late {
            self.ending.late_events -= 1;
            let part = text_part(" late", None);
            self.response.event(candidate, &part, false, out);
        } else {
            self.cursor += 1;
            let (part, is_last) = match pieces.draw() {
                Some(Piece::Reasoning(text)) => (thought_part(&text), false),
                Some(Piece::Text(text)) => (text_part(text, None), false),
                Some(Piece::Call { at, .. } | Piece::Arguments { at, .. }) => {
                    (candidate.call_part(at), false)
                }
                Some(Piece::Finish(_)) => (candidate.last_part(), true),
                _ => (text_part("", None), false),
            };
            if is_last && candidate.is_blocked() {
                self.response.blocked(candidate, out);
            } else {
                self.response.event(candidate, &part, is_last, out);
            }
        }
        out.extend_from_slice(self.form.after());
        true
    }
}
