//! The output mode `tool`: the model is made to call one tool, and the arguments of that call are its answer.
//!
//! They become the text of the reply, in every dialect, so that whoever asked for typed output reads the same reply as in the
//! other modes: the call is not one of a tool of the caller's, and the text goes back as the answer that it is. Text next to
//! the call is a comment on it, and becomes reasoning. Text without such a call stays text: a server may not know forced
//! tools, and a model may answer without. `choice.rs` reads one choice of a stream.

mod choice;

use std::sync::Arc;

use self::choice::Answered;
use super::by_choice;
use super::dialect::StreamDecoder;
use crate::message::{Extra, FinishReason, Part, Reply};

/// About so many bytes may come before the call. Text that is longer is the answer itself, and waits no longer.
const LONGEST_COMMENT: usize = 64 << 10;

/// Reads a stream, and makes text of the arguments of calls of the tool `name`.
pub(crate) fn stream(decoder: Box<dyn StreamDecoder>, name: &Arc<str>) -> Box<dyn StreamDecoder> {
    let name = Arc::clone(name);
    by_choice::stream(decoder, move |index| {
        Answered::new(index, Arc::clone(&name))
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

#[cfg(test)]
mod tests;
