//! The output mode `tool`: the model is made to call one tool, and the arguments of that call are its answer.
//!
//! They become the text of the reply, in every dialect, so that whoever asked for typed output reads the same reply as in the
//! other modes: the call is not one of a tool of the caller's, and the text goes back as the answer that it is. Text next to
//! the call is a comment on it, and becomes reasoning. Text without such a call stays text: a server may not know forced
//! tools, and a model may answer without. `choice.rs` reads one choice of a stream.

mod choice;

use self::choice::Answered;
use super::dialect::{Step, StreamDecoder};
use crate::error::Error;
use crate::message::{ChunkKind, Extra, FinishReason, Part, Reply, ReplyHead};
use crate::places::Places;

/// About so many bytes may come before the call. Text that is longer is the answer itself, and waits no longer.
const LONGEST_COMMENT: usize = 64 << 10;

/// Reads a stream, and makes text of the arguments of calls of the tool `name`.
pub(crate) fn stream(decoder: Box<dyn StreamDecoder>, name: &str) -> Box<dyn StreamDecoder> {
    Box::new(AnswerTool {
        decoder,
        name: name.into(),
        places: Places::default(),
        choices: Vec::new(),
    })
}

/// Makes text of the arguments of calls of the tool `name`.
pub(crate) fn in_reply(reply: &mut Reply, name: &str) {
    for choice in &mut reply.choices {
        let is_answer = |part: &Part| matches!(part, Part::ToolCall(call) if call.name == name);
        let Some(first) = choice.parts.iter().position(is_answer) else {
            continue;
        };
        let (before, _) = choice.parts.split_at(first);
        let length = |part: &Part| match part {
            Part::Text { text, .. } => text.len(),
            _ => 0,
        };
        // As in a stream, where the text before another call was passed on.
        let is_comment = !before.iter().any(|part| matches!(part, Part::ToolCall(_)))
            && before.iter().map(length).sum::<usize>() <= LONGEST_COMMENT;
        for (at, part) in choice.parts.iter_mut().enumerate() {
            let new = match part {
                Part::ToolCall(call) if call.name == name => Part::Text {
                    text: or_empty_object(std::mem::take(&mut call.arguments)),
                    extra: Extra::default(),
                },
                Part::Text { text, extra } if at > first || is_comment => Part::Reasoning {
                    text: std::mem::take(text),
                    signature: None,
                    field: None,
                    extra: std::mem::take(extra),
                },
                _ => continue,
            };
            *part = new;
        }
        let calls = choice.tool_calls().next().is_some();
        choice.finish_reason = choice
            .finish_reason
            .map(|reason| without_call(reason, calls));
    }
}

/// The arguments of a call without any are an object without keys.
fn or_empty_object(arguments: String) -> String {
    if arguments.trim().is_empty() {
        "{}".to_owned()
    } else {
        arguments
    }
}

/// Why a choice ended whose only calls were answers.
fn without_call(reason: FinishReason, has_other_calls: bool) -> FinishReason {
    match reason {
        FinishReason::ToolCalls if !has_other_calls => FinishReason::Stop,
        reason => reason,
    }
}

struct AnswerTool {
    decoder: Box<dyn StreamDecoder>,
    name: Box<str>,
    places: Places<u32>,
    choices: Vec<Answered>,
}

impl StreamDecoder for AnswerTool {
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        let before = out.len();
        let step = self.decoder.event(name, data, out);
        for kind in out.split_off(before) {
            self.read(kind, out);
        }
        if !matches!(step, Ok(Step::Continue)) {
            self.flush(out);
        }
        step
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        self.decoder.stray_field(name, value)
    }

    fn missing(&self) -> Option<String> {
        self.decoder.missing()
    }

    fn failure(&self) -> Option<&Error> {
        self.decoder.failure()
    }

    fn head(&self) -> &ReplyHead {
        self.decoder.head()
    }

    fn flush(&mut self, out: &mut Vec<ChunkKind>) {
        let before = out.len();
        self.decoder.flush(out);
        for kind in out.split_off(before) {
            self.read(kind, out);
        }
        for choice in &mut self.choices {
            choice.finish(out);
        }
    }
}

impl AnswerTool {
    fn read(&mut self, kind: ChunkKind, out: &mut Vec<ChunkKind>) {
        let index = match &kind {
            ChunkKind::Text(_) => 0,
            ChunkKind::Delta(delta) if delta.brings_only_usage() => {
                out.push(kind);
                return;
            }
            ChunkKind::Delta(delta) => delta.index,
        };
        let place = self.places.get(&index).unwrap_or_else(|| {
            let place = self.choices.len();
            self.places.set(index, place);
            self.choices.push(Answered::new(index));
            place
        });
        if let Some(choice) = self.choices.get_mut(place) {
            choice.read(kind, &self.name, out);
        }
    }
}

#[cfg(test)]
mod tests;
