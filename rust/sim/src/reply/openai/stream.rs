//! A reply as events, written one at a time into the sender's buffer.

use std::fmt::Write;

use serde_json::Value;

use super::api::{FINGERPRINT, reply_id, usage};
use super::event::{write_delta, write_text};
use super::question::{Kind, Question, StreamOptions};
use super::whole::reasoning_field;
use crate::reply::choice::{CREATED, Choice, Said};
use crate::reply::events::{Due, Ending, Events};
use crate::reply::pieces::Pieces;
use crate::script::Prepared;

/// The mark at the end of a stream.
pub(super) const END: &[u8] = b"data: [DONE]\n\n";

/// An event after the end, between `open` and `close`.
const LATE: &[u8] = b"{\"index\":0,\"text\":\" late\",\"delta\":{\"content\":\" late\"},\
                      \"logprobs\":null,\"finish_reason\":null}";

/// The events of one reply, in order.
#[derive(Debug)]
pub(crate) struct EventStream {
    kind: Kind,
    /// The bytes of an event before the choice.
    open: Vec<u8>,
    /// The bytes of an event after the choice.
    close: Vec<u8>,
    /// The whole usage event.
    usage: Option<Vec<u8>>,
    choices: Vec<ChoiceStream>,
    /// The choice that the next event belongs to.
    cursor: usize,
    logprobs: Option<u64>,
    reasoning_field: String,
    legacy_calls: bool,
    ending: Ending,
}

/// One choice and how much of it was sent.
#[derive(Debug)]
struct ChoiceStream {
    pieces: Pieces,
    /// The bytes of a chat's event before the delta.
    open: Vec<u8>,
    /// The prompt before the text of a completion.
    echo: Option<String>,
    /// Characters of text so far.
    offset: u64,
}

impl ChoiceStream {
    fn new(question: &Question<'_>, open: &str, mut choice: Choice, prepared: &Prepared) -> Self {
        let ending = Ending::of(prepared.behaviour.fault.as_ref());
        let fragment = prepared.reply.tool_fragment_bytes.unwrap_or(8);
        let echo = question.echo(choice.index).map(str::to_owned);
        let is_completion = question.kind == Kind::Completions;
        if is_completion {
            // A completion has no fields for these.
            choice.reasoning.clear();
            choice.refusal.clear();
        }
        let mut pieces = Pieces::new(choice, fragment, ending.sends_finish);
        let open = format!("{open}{{\"index\":{},\"delta\":{{", pieces.index);
        if is_completion && echo.is_none() {
            // Without the prompt, a completion starts with its first token.
            pieces.draw();
        }
        Self {
            pieces,
            open: open.into_bytes(),
            echo,
            offset: 0,
        }
    }
}

impl EventStream {
    pub(crate) fn new(
        question: &Question<'_>,
        options: StreamOptions,
        said: Said,
        prepared: &Prepared,
    ) -> Self {
        let reply = &prepared.reply;
        let is_chat = question.kind == Kind::Chat;
        let object = if is_chat {
            "chat.completion.chunk"
        } else {
            "text_completion"
        };
        let mut open = format!(
            "data: {{\"id\":{},\"object\":\"{object}\",\"created\":{CREATED},\"model\":{},\
             \"service_tier\":\"default\",\"system_fingerprint\":\"{FINGERPRINT}\",",
            Value::from(reply_id(question.kind, &said)),
            Value::from(question.ask.model),
        );
        for (name, value) in &reply.extra {
            // Writing into memory cannot fail.
            let _ = write!(open, "{}:{value},", Value::from(name.as_str()));
        }
        open += "\"choices\":[";
        let usage = said.usage(usage).filter(|_| options.usage);
        let mut close = "]".to_owned();
        if usage.is_some() {
            close += ",\"usage\":null";
        }
        if is_chat && options.obfuscation {
            close += ",\"obfuscation\":\"q7Xw\"";
        }
        close += "}\n\n";
        let ending = Ending::of(prepared.behaviour.fault.as_ref());
        let usage = usage.filter(|_| ending.sends_finish);
        let usage = usage.map(|usage| format!("{open}],\"usage\":{usage}}}\n\n").into_bytes());
        let choices = said.choices.into_iter();
        Self {
            kind: question.kind,
            choices: choices
                .map(|choice| ChoiceStream::new(question, &open, choice, prepared))
                .collect(),
            open: open.into_bytes(),
            close: close.into_bytes(),
            usage,
            cursor: 0,
            logprobs: question.logprobs,
            reasoning_field: reasoning_field(reply).to_owned(),
            legacy_calls: question.legacy_calls,
            ending,
        }
    }

    /// Moves the cursor to the next choice that has not ended, or past all of them.
    fn settle(&mut self) {
        let is_left = |choice: &ChoiceStream| choice.pieces.next_due().is_some();
        let (before, after) = self.choices.split_at(self.cursor);
        let next = after.iter().position(is_left).map(|at| self.cursor + at);
        let next = next.or_else(|| before.iter().position(is_left));
        self.cursor = next.unwrap_or(self.choices.len());
    }
}

impl Events for EventStream {
    fn next_due(&mut self) -> Option<Due> {
        self.settle();
        if let Some(choice) = self.choices.get(self.cursor) {
            return choice.pieces.next_due();
        }
        let ending = &self.ending;
        let is_over = self.usage.is_none() && !ending.sends_end && ending.late_events == 0;
        let last_steps = self.choices.iter().map(|choice| choice.pieces.last_step());
        (!is_over).then(|| Due::Step(last_steps.max().unwrap_or(0)))
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        self.settle();
        if let Some(choice) = self.choices.get_mut(self.cursor) {
            let (pieces, logprobs) = (&mut choice.pieces, self.logprobs);
            match self.kind {
                Kind::Chat => {
                    out.extend_from_slice(&choice.open);
                    let (field, legacy) = (&self.reasoning_field, self.legacy_calls);
                    write_delta(pieces, logprobs, field, legacy, out);
                }
                Kind::Completions => {
                    out.extend_from_slice(&self.open);
                    let echo = choice.echo.as_deref();
                    write_text(pieces, echo, logprobs, &mut choice.offset, out);
                }
            }
            out.extend_from_slice(&self.close);
            self.cursor += 1;
        } else if let Some(usage) = self.usage.take() {
            out.extend_from_slice(&usage);
        } else if std::mem::take(&mut self.ending.sends_end) {
            out.extend_from_slice(END);
        } else if self.ending.late_events > 0 {
            self.ending.late_events -= 1;
            for part in [self.open.as_slice(), LATE, &self.close] {
                out.extend_from_slice(part);
            }
        } else {
            return false;
        }
        true
    }
}
