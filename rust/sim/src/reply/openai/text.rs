//! The choice in an event of a text completion.

use super::api::finish_reason;
use super::logprobs::CompletionLogprobs;
use crate::reply::choice::Choice;
use crate::reply::json::{write_json, write_string};
use crate::reply::tokens::cut_text;

/// One choice and how far it has come: the echoed prompt, then a token at a time, the last with
/// the finish.
#[derive(Debug)]
pub(super) struct TextPieces {
    choice: Choice,
    echo: Option<String>,
    sends_finish: bool,
    is_over: bool,
    step: u64,
    /// Characters so far.
    offset: u64,
}

impl TextPieces {
    pub(super) fn new(choice: Choice, echo: Option<String>, sends_finish: bool) -> Self {
        let is_empty = echo.is_none() && choice.content.is_over() && choice.refusal.is_empty();
        Self {
            choice,
            echo,
            sends_finish,
            // Without text and finish, an event would have nothing to say.
            is_over: is_empty && !sends_finish,
            step: 0,
            offset: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The step at which the next event is due.
    pub(super) fn step(&self) -> u64 {
        self.step
    }

    /// The step of the last event.
    pub(super) fn last_step(&self) -> u64 {
        self.step.saturating_sub(1)
    }

    /// Appends the next piece as `{"text": …, "index": …}`.
    pub(super) fn write(&mut self, logprobs: Option<u64>, out: &mut Vec<u8>) {
        let mut all = CompletionLogprobs::default();
        let mut text = String::new();
        if let Some(echo) = self.echo.take() {
            text = echo;
            for (place, token) in cut_text(&text).iter().enumerate() {
                let offset = self.offset;
                self.offset += token.chars().count() as u64;
                if let Some(top) = logprobs {
                    all.push(token, top, offset, place > 0);
                }
            }
        } else if let Some(token) = self.choice.content.draw() {
            token.clone_into(&mut text);
            if let Some(top) = logprobs {
                all.push(&text, top, self.offset, true);
                self.offset += text.chars().count() as u64;
            }
        }
        self.step += 1;
        out.extend_from_slice(b"{\"text\":");
        write_string(out, &text);
        out.extend_from_slice(format!(",\"index\":{}", self.choice.index).as_bytes());
        out.extend_from_slice(b",\"logprobs\":");
        match logprobs {
            Some(_) => write_json(out, &all.into_json()),
            None => out.extend_from_slice(b"null"),
        }
        self.is_over = self.choice.content.is_over();
        if self.is_over && self.sends_finish {
            out.extend_from_slice(b",\"finish_reason\":");
            write_string(out, finish_reason(&self.choice.finish));
            out.push(b'}');
        } else {
            out.extend_from_slice(b",\"finish_reason\":null}");
        }
    }
}
