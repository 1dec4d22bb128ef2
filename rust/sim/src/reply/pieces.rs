//! The pieces of one choice, in the order in which a stream sends them, and when each is due.

use std::collections::VecDeque;

use super::choice::{Call, Choice, Finish};
use super::events::Due;
use super::tokens::Tokens;

/// One piece. An API writes one or several events for it.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// The choice begins; sent with the head.
    Start,
    Reasoning(String),
    Text(&'a str),
    Refusal(String),
    /// Call number `at` begins. Its arguments are complete if calls are sent whole, otherwise
    /// empty.
    Call {
        at: usize,
        call: Call,
    },
    /// A fragment of the arguments of call number `at`.
    Arguments {
        at: usize,
        fragment: String,
    },
    /// The choice ends.
    Finish(Finish),
}

/// One choice, and how much of it is left.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// The number of the choice.
    pub(crate) index: u64,
    before_text: VecDeque<Piece<'static>>,
    text: Tokens,
    after_text: VecDeque<Piece<'static>>,
    step: u64,
}

impl Pieces {
    /// Takes a choice apart. Arguments are cut into fragments of `fragment` bytes; 0 sends each
    /// call whole.
    pub(crate) fn new(choice: Choice, fragment: usize, sends_finish: bool) -> Self {
        let reasoning = choice.reasoning.into_iter().map(Piece::Reasoning);
        let refusal = choice.refusal.into_iter().map(Piece::Refusal);
        let mut after_text: VecDeque<_> = refusal.collect();
        for (at, mut call) in choice.calls.into_iter().enumerate() {
            let fragments = match fragment {
                0 => Vec::new(),
                size => fragments(&std::mem::take(&mut call.arguments), size),
            };
            after_text.push_back(Piece::Call { at, call });
            let arguments = |fragment| Piece::Arguments { at, fragment };
            after_text.extend(fragments.into_iter().map(arguments));
        }
        after_text.extend(sends_finish.then_some(Piece::Finish(choice.finish)));
        Self {
            index: choice.index,
            before_text: [Piece::Start].into_iter().chain(reasoning).collect(),
            text: choice.content,
            after_text,
            step: 0,
        }
    }

    /// The step of the last piece drawn.
    pub(crate) fn last_step(&self) -> u64 {
        self.step.saturating_sub(1)
    }

    /// Whether only the finish is left.
    pub(crate) fn is_finishing(&self) -> bool {
        matches!(self.next_held(), Some(Piece::Finish(_)))
    }

    /// The next piece, unless that is text or the last was drawn.
    fn next_held(&self) -> Option<&Piece<'static>> {
        match self.before_text.front() {
            None if self.text.is_over() => self.after_text.front(),
            first => first,
        }
    }

    /// When the next piece is due; `None` after the last.
    pub(crate) fn next_due(&self) -> Option<Due> {
        match self.next_held() {
            Some(Piece::Start) => Some(Due::Head),
            // The end comes with the last token.
            Some(Piece::Finish(_)) => Some(Due::Step(self.last_step())),
            None if self.text.is_over() => None,
            _ => Some(Due::Step(self.step)),
        }
    }

    /// Draws the next piece; `None` after the last.
    pub(crate) fn draw(&mut self) -> Option<Piece<'_>> {
        let piece = match self.before_text.pop_front() {
            None if self.text.is_over() => self.after_text.pop_front(),
            None => self.text.draw().map(Piece::Text),
            first => first,
        };
        if !matches!(piece, None | Some(Piece::Start | Piece::Finish(_))) {
            self.step += 1;
        }
        piece
    }
}

/// Cuts arguments into pieces of `size` bytes, or a little more where that would split a character.
fn fragments(arguments: &str, size: usize) -> Vec<String> {
    let mut fragments = vec![String::new()];
    for c in arguments.chars() {
        match fragments.last_mut() {
            Some(last) if last.len() < size => last.push(c),
            _ => fragments.push(c.to_string()),
        }
    }
    fragments.retain(|fragment| !fragment.is_empty());
    fragments
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
            has_reasoning: true,
            content: Tokens::fixed(vec!["a".to_owned(), " b".to_owned()]),
            refusal: vec!["no".to_owned()],
            calls: vec![Call {
                id: "call_1".to_owned(),
                name: "f".to_owned(),
                arguments: "\u{e9}t\u{e9}".to_owned(),
            }],
            stop: None,
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
                Piece::Call { call, .. } => format!("call {} {}", call.name, call.arguments),
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
