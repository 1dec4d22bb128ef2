//! A reply as events, written one at a time into the sender's buffer.

use serde_json::{Value, json};

use super::ask::{Api, Ask, StreamOptions};
use super::logprobs::{CompletionLogprobs, chat_entry};
use crate::reply::choice::{Choice, Said};
use crate::reply::plan::{CREATED, FINGERPRINT};
use crate::reply::tokens::cut_text;
use crate::script::{Fault, Reply};

/// When an event is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// With the head.
    Head,
    /// With the token of this number, from 0.
    Step(u64),
}

/// The events of one reply, in order.
#[derive(Debug)]
pub(crate) struct EventStream {
    api: Api,
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
    fragment: usize,
    sends_finish: bool,
    sends_done: bool,
    after_done: u64,
}

/// One choice and how far it has come.
#[derive(Debug)]
struct Speaker {
    choice: Choice,
    phase: Phase,
    step: u64,
    offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Role,
    Echo,
    Reasoning(usize),
    Content,
    Refusal(usize),
    Call(usize, usize),
    Finish,
    Over,
}

impl EventStream {
    pub(crate) fn new(
        ask: &Ask<'_>,
        options: StreamOptions,
        said: Said,
        reply: &Reply,
        fault: Option<&Fault>,
    ) -> Self {
        let is_chat = ask.api == Api::Chat;
        let object = if is_chat {
            "chat.completion.chunk"
        } else {
            "text_completion"
        };
        let mut open = format!(
            "data: {{\"id\":{},\"object\":\"{object}\",\"created\":{CREATED},\"model\":{},\
             \"service_tier\":\"default\",\"system_fingerprint\":\"{FINGERPRINT}\",",
            Value::from(said.id.as_str()),
            Value::from(ask.model),
        )
        .into_bytes();
        for (name, value) in &reply.extra {
            open.extend_from_slice(format!("{}:{value},", Value::from(name.as_str())).as_bytes());
        }
        open.extend_from_slice(b"\"choices\":[");
        let asks_usage = options.usage && said.usage.is_some();
        let usage = said.usage.filter(|_| asks_usage).map(|usage| {
            let mut event = open.clone();
            event.extend_from_slice(format!("],\"usage\":{usage}}}\n\n").as_bytes());
            event
        });
        let mut close = b"]".to_vec();
        if asks_usage {
            close.extend_from_slice(b",\"usage\":null");
        }
        if is_chat && options.obfuscation {
            close.extend_from_slice(b",\"obfuscation\":\"q7Xw\"");
        }
        close.extend_from_slice(b"}\n\n");
        let first = if is_chat { Phase::Role } else { Phase::Echo };
        let speaker = |choice| Speaker {
            choice,
            phase: first,
            step: 0,
            offset: 0,
        };
        let before_finish = matches!(
            fault,
            Some(Fault::DropDone {
                before_finish: true
            })
        );
        Self {
            api: ask.api,
            open,
            close,
            usage: usage.filter(|_| !before_finish),
            choices: said.choices.into_iter().map(speaker).collect(),
            cursor: 0,
            last_step: 0,
            logprobs: ask.logprobs,
            reasoning_field: reply.reasoning_field.clone(),
            fragment: reply.tool_fragment_bytes,
            sends_finish: !before_finish,
            sends_done: !matches!(fault, Some(Fault::DropDone { .. })),
            after_done: match fault {
                Some(Fault::AfterDone { events }) => *events,
                _ => 0,
            },
        }
    }

    /// When the next event is due; `None` after the last.
    pub(crate) fn next_due(&mut self) -> Option<Due> {
        self.settle();
        let Some(speaker) = self.choices.get(self.cursor) else {
            let is_over = self.usage.is_none() && !self.sends_done && self.after_done == 0;
            return (!is_over).then_some(Due::Step(self.last_step));
        };
        Some(match speaker.phase {
            Phase::Role => Due::Head,
            Phase::Finish => Due::Step(speaker.step.saturating_sub(1)),
            _ => Due::Step(speaker.step),
        })
    }

    /// Moves every choice past its empty phases and the cursor to one that has not ended, or past
    /// all of them.
    fn settle(&mut self) {
        for _ in 0..=self.choices.len() {
            let Some(speaker) = self.choices.get_mut(self.cursor) else {
                let left = self.choices.iter().position(|s| s.phase != Phase::Over);
                match left {
                    Some(first) => self.cursor = first,
                    None => return,
                }
                continue;
            };
            speaker.settle(self.sends_finish);
            if speaker.phase != Phase::Over {
                return;
            }
            self.last_step = self.last_step.max(speaker.step.saturating_sub(1));
            self.cursor += 1;
        }
    }

    /// Appends the next event; `false` after the last.
    pub(crate) fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
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
        if std::mem::take(&mut self.sends_done) {
            out.extend_from_slice(b"data: [DONE]\n\n");
            return true;
        }
        if self.after_done > 0 {
            self.after_done -= 1;
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

    fn write_choice(&mut self, out: &mut Vec<u8>) {
        let Some(speaker) = self.choices.get_mut(self.cursor) else {
            return;
        };
        out.extend_from_slice(&self.open);
        if self.api == Api::Completions {
            speaker.write_text(self.logprobs, self.sends_finish, out);
        } else {
            speaker.write_delta(self.logprobs, &self.reasoning_field, self.fragment, out);
        }
        out.extend_from_slice(&self.close);
    }
}

impl Speaker {
    fn settle(&mut self, sends_finish: bool) {
        let choice = &self.choice;
        loop {
            self.phase = match self.phase {
                Phase::Echo if choice.echo.is_none() => Phase::Content,
                Phase::Reasoning(at) if at >= choice.reasoning.len() => Phase::Content,
                Phase::Content if choice.content.is_over() => Phase::Refusal(0),
                Phase::Refusal(at) if at >= choice.refusal.len() => Phase::Call(0, 0),
                Phase::Call(at, _) if at >= choice.calls.len() => Phase::Finish,
                Phase::Finish if !sends_finish => Phase::Over,
                _ => return,
            };
        }
    }

    /// A choice of a completion event: the text and, with the last token, the finish.
    fn write_text(&mut self, logprobs: Option<u64>, sends_finish: bool, out: &mut Vec<u8>) {
        let mut all = CompletionLogprobs::default();
        let mut text = String::new();
        if self.phase == Phase::Echo {
            text = self.choice.echo.take().unwrap_or_default();
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
        self.phase = Phase::Content;
        out.extend_from_slice(b"{\"text\":");
        write_string(out, &text);
        out.extend_from_slice(format!(",\"index\":{}", self.choice.index).as_bytes());
        out.extend_from_slice(b",\"logprobs\":");
        match logprobs {
            Some(_) => write_json(out, &all.into_json()),
            None => out.extend_from_slice(b"null"),
        }
        if self.choice.content.is_over() {
            self.phase = Phase::Over;
            if sends_finish {
                out.extend_from_slice(b",\"finish_reason\":");
                write_string(out, &self.choice.finish);
                out.push(b'}');
                return;
            }
        }
        out.extend_from_slice(b",\"finish_reason\":null}");
    }

    /// A choice of a chat event.
    fn write_delta(
        &mut self,
        logprobs: Option<u64>,
        reasoning_field: &str,
        fragment: usize,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"{\"index\":");
        if let Ok(digit @ 0..=9) = u8::try_from(self.choice.index) {
            out.push(b'0' + digit);
        } else {
            out.extend_from_slice(self.choice.index.to_string().as_bytes());
        }
        out.extend_from_slice(b",\"delta\":{");
        let phase = self.phase;
        let mut entry = None;
        match phase {
            Phase::Role | Phase::Echo => {
                out.extend_from_slice(b"\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
                self.phase = Phase::Reasoning(0);
            }
            Phase::Reasoning(at) => {
                write_string(out, reasoning_field);
                out.push(b':');
                write_string(
                    out,
                    self.choice.reasoning.get(at).map_or("", String::as_str),
                );
                self.phase = Phase::Reasoning(at + 1);
            }
            Phase::Content => {
                out.extend_from_slice(b"\"content\":");
                let token = self.choice.content.draw().unwrap_or_default();
                write_string(out, token);
                entry = logprobs.map(|top| chat_entry(token, top));
            }
            Phase::Refusal(at) => {
                out.extend_from_slice(b"\"refusal\":");
                write_string(out, self.choice.refusal.get(at).map_or("", String::as_str));
                self.phase = Phase::Refusal(at + 1);
            }
            Phase::Call(at, from) => self.write_call(at, from, fragment, out),
            Phase::Finish | Phase::Over => self.phase = Phase::Over,
        }
        if !matches!(phase, Phase::Role | Phase::Finish) {
            self.step += 1;
        }
        out.extend_from_slice(b"},\"logprobs\":");
        match entry {
            Some(entry) => write_json(out, &json!({"content": [entry], "refusal": null})),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"finish_reason\":");
        if phase == Phase::Finish {
            write_string(out, &self.choice.finish);
        } else {
            out.extend_from_slice(b"null");
        }
        out.push(b'}');
    }

    /// The head of a call, or its next fragment of arguments.
    fn write_call(&mut self, at: usize, from: usize, fragment: usize, out: &mut Vec<u8>) {
        let Some(call) = self.choice.calls.get(at) else {
            return;
        };
        // `from` counts one more than the bytes sent, so that 0 is the head.
        let delta = if from == 0 {
            let arguments = if fragment == 0 {
                call.arguments.as_str()
            } else {
                ""
            };
            let is_whole = fragment == 0 || call.arguments.is_empty();
            self.phase = if is_whole {
                Phase::Call(at + 1, 0)
            } else {
                Phase::Call(at, 1)
            };
            json!([{"index": at, "id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": arguments}}])
        } else {
            let start = from - 1;
            let mut end = (start + fragment.max(1)).min(call.arguments.len());
            while !call.arguments.is_char_boundary(end) {
                end += 1;
            }
            let piece = call.arguments.get(start..end).unwrap_or_default();
            let is_last = end >= call.arguments.len();
            self.phase = if is_last {
                Phase::Call(at + 1, 0)
            } else {
                Phase::Call(at, end + 1)
            };
            json!([{"index": at, "function": {"arguments": piece}}])
        };
        out.extend_from_slice(b"\"tool_calls\":");
        write_json(out, &delta);
    }
}

fn write_json(out: &mut Vec<u8>, value: &Value) {
    // Writing a value into memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

/// A JSON string; one without anything to escape is copied.
fn write_string(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        let _ = serde_json::to_writer(out, text);
    }
}
