//! The pieces of one choice, in the order in which a stream sends them, and when each is due.

use super::choice::{Call, Choice, Finish};
use super::events::Due;

/// One piece. An API writes one or several events for it.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// The choice begins; sent with the head.
    Start,
    Reasoning(&'a str),
    Text(&'a str),
    Refusal(&'a str),
    /// Call number `at` begins. `arguments` are complete if calls are sent whole, otherwise empty.
    Call {
        at: usize,
        call: &'a Call,
        arguments: &'a str,
    },
    /// A fragment of the arguments of call number `at`.
    Arguments {
        at: usize,
        fragment: &'a str,
    },
    /// The choice ends.
    Finish(&'a Finish),
}

/// One choice, and how much of it has been drawn.
#[derive(Debug)]
pub(crate) struct Pieces {
    choice: Choice,
    /// Length of a fragment of arguments, in bytes; 0 sends each call whole.
    fragment: usize,
    sends_finish: bool,
    phase: Phase,
    step: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Start,
    Reasoning(usize),
    Text,
    Refusal(usize),
    /// The call's number, and how much of it was sent: 0 is nothing, otherwise one more than the
    /// bytes of its arguments.
    Call(usize, usize),
    Finish,
    Over,
}

impl Pieces {
    pub(crate) fn new(choice: Choice, fragment: usize, sends_finish: bool) -> Self {
        Self {
            choice,
            fragment,
            sends_finish,
            phase: Phase::Start,
            step: 0,
        }
    }

    /// The number of the choice.
    pub(crate) fn index(&self) -> u64 {
        self.choice.index
    }

    /// Whether the last piece has been drawn, as far as is known.
    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// The step of the last piece drawn.
    pub(crate) fn last_step(&self) -> u64 {
        self.step.saturating_sub(1)
    }

    /// Whether only the finish is left.
    pub(crate) fn is_finishing(&mut self) -> bool {
        self.settle();
        self.phase == Phase::Finish
    }

    /// When the next piece is due; `None` after the last.
    pub(crate) fn next_due(&mut self) -> Option<Due> {
        self.settle();
        match self.phase {
            Phase::Over => None,
            Phase::Start => Some(Due::Head),
            // The end comes with the last token.
            Phase::Finish => Some(Due::Step(self.last_step())),
            _ => Some(Due::Step(self.step)),
        }
    }

    /// Draws the next piece; `None` after the last.
    pub(crate) fn draw(&mut self) -> Option<Piece<'_>> {
        self.settle();
        if !matches!(self.phase, Phase::Start | Phase::Finish | Phase::Over) {
            self.step += 1;
        }
        match self.phase {
            Phase::Start => {
                self.phase = Phase::Reasoning(0);
                Some(Piece::Start)
            }
            Phase::Reasoning(at) => {
                self.phase = Phase::Reasoning(at + 1);
                self.choice.reasoning.get(at).map(|t| Piece::Reasoning(t))
            }
            Phase::Text => self.choice.content.draw().map(Piece::Text),
            Phase::Refusal(at) => {
                self.phase = Phase::Refusal(at + 1);
                self.choice.refusal.get(at).map(|t| Piece::Refusal(t))
            }
            Phase::Call(at, 0) => self.begin_call(at),
            Phase::Call(at, from) => self.continue_call(at, from - 1),
            Phase::Finish => {
                self.phase = Phase::Over;
                Some(Piece::Finish(&self.choice.finish))
            }
            Phase::Over => None,
        }
    }

    /// Moves past empty phases.
    fn settle(&mut self) {
        let choice = &self.choice;
        loop {
            self.phase = match self.phase {
                Phase::Reasoning(at) if at >= choice.reasoning.len() => Phase::Text,
                Phase::Text if choice.content.is_over() => Phase::Refusal(0),
                Phase::Refusal(at) if at >= choice.refusal.len() => Phase::Call(0, 0),
                Phase::Call(at, _) if at >= choice.calls.len() => Phase::Finish,
                Phase::Finish if !self.sends_finish => Phase::Over,
                _ => return,
            };
        }
    }

    fn begin_call(&mut self, at: usize) -> Option<Piece<'_>> {
        let call = self.choice.calls.get(at)?;
        let is_whole = self.fragment == 0 || call.arguments.is_empty();
        self.phase = if is_whole {
            Phase::Call(at + 1, 0)
        } else {
            Phase::Call(at, 1)
        };
        let arguments = if is_whole { &call.arguments } else { "" };
        Some(Piece::Call {
            at,
            call,
            arguments,
        })
    }

    fn continue_call(&mut self, at: usize, start: usize) -> Option<Piece<'_>> {
        let arguments = &self.choice.calls.get(at)?.arguments;
        let mut end = (start + self.fragment.max(1)).min(arguments.len());
        while !arguments.is_char_boundary(end) {
            end += 1;
        }
        self.phase = if end >= arguments.len() {
            Phase::Call(at + 1, 0)
        } else {
            Phase::Call(at, end + 1)
        };
        let fragment = arguments.get(start..end).unwrap_or_default();
        Some(Piece::Arguments { at, fragment })
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Pieces};
    use crate::reply::choice::{Call, Choice, Finish};
    use crate::reply::events::Due;
    use crate::reply::tokens::Tokens;

    fn choice() -> Choice {
        Choice {
            index: 0,
            reasoning: vec!["why".to_owned()],
            content: Tokens::fixed(vec!["a".to_owned(), " b".to_owned()]),
            refusal: vec!["no".to_owned()],
            calls: vec![Call {
                id: "call_1".to_owned(),
                name: "f".to_owned(),
                arguments: "\u{e9}t\u{e9}".to_owned(),
            }],
            finish: Finish::Calls,
        }
    }

    /// Each piece in short, with the step at which it is due.
    fn drawn(mut pieces: Pieces) -> Vec<(Due, String)> {
        let mut all = Vec::new();
        while let Some(due) = pieces.next_due() {
            let piece = pieces.draw().unwrap();
            let text = match piece {
                Piece::Start => "start".to_owned(),
                Piece::Reasoning(text) => format!("reasoning {text}"),
                Piece::Text(text) => format!("text {text}"),
                Piece::Refusal(text) => format!("refusal {text}"),
                Piece::Call {
                    call, arguments, ..
                } => format!("call {} {arguments}", call.name),
                Piece::Arguments { fragment, .. } => format!("arguments {fragment}"),
                Piece::Finish(_) => "finish".to_owned(),
            };
            all.push((due, text));
        }
        assert!(pieces.draw().is_none());
        all
    }

    fn expected(pieces: &[(Due, &str)]) -> Vec<(Due, String)> {
        let owned = |(due, text): &(Due, &str)| (*due, (*text).to_owned());
        pieces.iter().map(owned).collect()
    }

    #[test]
    fn pieces_come_in_order_and_a_fragment_splits_no_character() {
        assert_eq!(
            drawn(Pieces::new(choice(), 1, true)),
            expected(&[
                (Due::Head, "start"),
                (Due::Step(0), "reasoning why"),
                (Due::Step(1), "text a"),
                (Due::Step(2), "text  b"),
                (Due::Step(3), "refusal no"),
                (Due::Step(4), "call f "),
                (Due::Step(5), "arguments \u{e9}"),
                (Due::Step(6), "arguments t"),
                (Due::Step(7), "arguments \u{e9}"),
                (Due::Step(7), "finish"),
            ])
        );
    }

    #[test]
    fn a_call_can_be_whole_and_the_finish_left_out() {
        let all = drawn(Pieces::new(choice(), 0, false));
        let last = (Due::Step(4), "call f \u{e9}t\u{e9}".to_owned());
        assert_eq!(all.last(), Some(&last));
    }
}
