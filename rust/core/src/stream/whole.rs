//! Makes the chunks of a stream from a whole reply.

use std::borrow::Cow;

use crate::message::{Choice, ChunkKind, Delta, Part, Reply, ToolCallDelta};

/// The chunks of `reply`: for each choice its parts in order and its end; then the usage.
pub(super) fn chunks(reply: Reply) -> Vec<ChunkKind> {
    let mut chunks = Vec::new();
    for choice in reply.choices {
        of_choice(choice, &mut chunks);
    }
    if let Some(usage) = reply.usage {
        let delta = Delta {
            usage: Some(Box::new(usage)),
            ..Delta::default()
        };
        chunks.push(ChunkKind::Delta(Box::new(delta)));
    }
    chunks
}

fn of_choice(choice: Choice, chunks: &mut Vec<ChunkKind>) {
    let index = choice.index;
    let mut calls = 0;
    let mut numbers = 0..;
    for part in choice.parts {
        let is_numbered = matches!(
            part,
            Part::Text { .. } | Part::Refusal { .. } | Part::Reasoning { .. }
        );
        // A part may be empty, and one does not go on with the part before it.
        let mut delta = Delta {
            index,
            part: is_numbered.then(|| numbers.next()).flatten(),
            ends: is_numbered,
            ..Delta::default()
        };
        match part {
            Part::Text { text, extra } => {
                delta.text = text.into();
                delta.extra = extra;
            }
            Part::Refusal { text, extra } => {
                delta.refusal = Some(text);
                delta.extra = extra;
            }
            Part::Reasoning {
                text,
                signature,
                field,
                extra,
            } => {
                delta.extra = extra;
                delta.reasoning = text;
                delta.signature = signature;
                delta.reasoning_field = Some(field.map_or(Cow::Borrowed(""), Cow::Owned));
            }
            Part::ToolCall(call) => {
                delta.tool_calls.push(ToolCallDelta {
                    index: calls,
                    id: call.id,
                    name: Some(call.name),
                    arguments: call.arguments,
                    extra: call.extra,
                    ends: None,
                });
                calls += 1;
            }
            Part::Opaque { field, json } => {
                delta.opaque.push((field, json.get().to_owned()));
            }
        }
        chunks.push(ChunkKind::Delta(Box::new(delta)));
    }
    let end = Delta {
        index,
        finish_reason: choice.finish_reason,
        provider_finish_reason: choice.provider_finish_reason,
        stop_details: choice.stop_details.map(|json| json.get().into()),
        logprobs: choice.logprobs,
        ..Delta::default()
    };
    chunks.push(ChunkKind::Delta(Box::new(end)));
}
