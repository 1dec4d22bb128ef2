//! A reply as events, written one at a time into the sender's buffer.

use serde_json::Value;

use super::api::{FINGERPRINT, reply_id};
use super::delta::write_delta;
use super::question::{Kind, Question, StreamOptions};
use super::text::TextPieces;
use super::usage::usage;
use crate::reply::api::Scripted;
use crate::reply::choice::{CREATED, Said};
use crate::reply::events::{Due, Ending, Events};
use crate::reply::pieces::Pieces;

/// The mark at the end of a stream.
pub(super) const END: &[u8] = b"data: [DONE]\n\n";

/// The events of one reply, in order.
#[derive(Debug)]
pub(crate) struct EventStream {
    /// Up to the index of the choice.
    open: Vec<u8>,
    /// From the end of the choice to the end of the event.
    close: Vec<u8>,
    /// As `open` and `close`, around the end of `"choices":[`, for the usage event.
    usage: Option<Vec<u8>>,
    choices: Vec<Speaker>,
    cursor: usize,
    last_step: u64,
    logprobs: Option<u64>,
    reasoning_field: String,
    ending: Ending,
}

/// One choice and how far it has come.
#[derive(Debug)]
enum Speaker {
    Chat(Pieces),
    Completion(TextPieces),
}

impl EventStream {
    pub(crate) fn new(
        question: &Question<'_>,
        options: StreamOptions,
        said: Said,
        scripted: &Scripted<'_>,
    ) -> Self {
        let reply = scripted.reply;
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
        )
        .into_bytes();
        for (name, value) in &reply.extra {
            open.extend_from_slice(format!("{}:{value},", Value::from(name.as_str())).as_bytes());
        }
        open.extend_from_slice(b"\"choices\":[");
        let usage = said.usage(usage).filter(|_| options.usage);
        let mut close = b"]".to_vec();
        if usage.is_some() {
            close.extend_from_slice(b",\"usage\":null");
        }
        if is_chat && options.obfuscation {
            close.extend_from_slice(b",\"obfuscation\":\"q7Xw\"");
        }
        close.extend_from_slice(b"}\n\n");
        let ending = Ending::of(scripted.prepared.behaviour.fault.as_ref());
        let usage = usage.filter(|_| ending.sends_finish).map(|usage| {
            let mut event = open.clone();
            event.extend_from_slice(format!("],\"usage\":{usage}}}\n\n").as_bytes());
            event
        });
        let choices = said.choices.into_iter().map(|choice| {
            if is_chat {
                let fragment = reply.tool_fragment_bytes;
                return Speaker::Chat(Pieces::new(choice, fragment, ending.sends_finish));
            }
            let echo = question.echo(choice.index).map(str::to_owned);
            Speaker::Completion(TextPieces::new(choice, echo, ending.sends_finish))
        });
        Self {
            open,
            close,
            usage,
            choices: choices.collect(),
            cursor: 0,
            last_step: 0,
            logprobs: question.logprobs,
            reasoning_field: reply.reasoning_field.clone(),
            ending,
        }
    }

    /// Moves the cursor to a choice that has not ended, or past all of them.
    fn settle(&mut self) {
        for _ in 0..=self.choices.len() {
            let Some(speaker) = self.choices.get_mut(self.cursor) else {
                let left = self.choices.iter().position(|s| !s.is_over());
                match left {
                    Some(first) => self.cursor = first,
                    None => return,
                }
                continue;
            };
            if speaker.next_due().is_some() {
                return;
            }
            self.last_step = self.last_step.max(speaker.last_step());
            self.cursor += 1;
        }
    }

    fn write_choice(&mut self, out: &mut Vec<u8>) {
        let Some(speaker) = self.choices.get_mut(self.cursor) else {
            return;
        };
        out.extend_from_slice(&self.open);
        match speaker {
            Speaker::Chat(pieces) => write_delta(pieces, self.logprobs, &self.reasoning_field, out),
            Speaker::Completion(pieces) => pieces.write(self.logprobs, out),
        }
        out.extend_from_slice(&self.close);
    }
}

impl Events for EventStream {
    fn next_due(&mut self) -> Option<Due> {
        self.settle();
        if let Some(speaker) = self.choices.get_mut(self.cursor) {
            return speaker.next_due();
        }
        let Ending {
            sends_end,
            late_events,
            ..
        } = self.ending;
        let is_over = self.usage.is_none() && !sends_end && late_events == 0;
        (!is_over).then_some(Due::Step(self.last_step))
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        self.settle();
        if self.cursor < self.choices.len() {
            self.write_choice(out);
            self.cursor += 1;
            return true;
        }
        if let Some(usage) = self.usage.take() {
            out.extend_from_slice(&usage);
            return true;
        }
        if std::mem::take(&mut self.ending.sends_end) {
            out.extend_from_slice(END);
            return true;
        }
        if self.ending.late_events > 0 {
            self.ending.late_events -= 1;
            out.extend_from_slice(&self.open);
            out.extend_from_slice(
                b"{\"index\":0,\"text\":\" late\",\"delta\":{\"content\":\" late\"},",
            );
            out.extend_from_slice(b"\"logprobs\":null,\"finish_reason\":null}");
            out.extend_from_slice(&self.close);
            return true;
        }
        false
    }
}

impl Speaker {
    /// When the next event is due; `None` after the last.
    fn next_due(&mut self) -> Option<Due> {
        match self {
            Self::Chat(pieces) => pieces.next_due(),
            Self::Completion(pieces) => (!pieces.is_over()).then(|| Due::Step(pieces.step())),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Chat(pieces) => pieces.is_over(),
            Self::Completion(pieces) => pieces.is_over(),
        }
    }

    fn last_step(&self) -> u64 {
        match self {
            Self::Chat(pieces) => pieces.last_step(),
            Self::Completion(pieces) => pieces.last_step(),
        }
    }
}
