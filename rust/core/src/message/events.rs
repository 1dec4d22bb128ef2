//! Makes typed events from the chunks of a stream.

use super::delta::{ChunkKind, Delta, ToolCallDelta};
use super::reply::{FinishReason, ToolCall, Usage};
use crate::json;

/// What happened in a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// More text.
    TextDelta {
        /// The choice.
        index: u32,
        /// The piece.
        text: String,
    },
    /// More reasoning.
    ReasoningDelta {
        /// The choice.
        index: u32,
        /// The piece.
        text: String,
    },
    /// More of a refusal.
    RefusalDelta {
        /// The choice.
        index: u32,
        /// The piece.
        text: String,
    },
    /// A fragment of a tool call.
    ToolCallDelta {
        /// The choice.
        index: u32,
        /// The fragment.
        delta: ToolCallDelta,
    },
    /// A tool call is complete.
    ToolCallDone {
        /// The choice.
        index: u32,
        /// Which call of the choice: 0, 1, … in the order in which they began.
        call_index: u32,
        /// The call.
        call: ToolCall,
    },
    /// Token counts.
    UsageReported(Usage),
    /// The stream is complete.
    End,
}

/// Makes [`StreamEvent`]s from chunks. It only keeps the tool calls that are still growing.
#[derive(Debug, Clone, Default)]
pub struct StreamEvents {
    growing: Vec<GrowingCall>,
}

#[derive(Debug, Clone)]
struct GrowingCall {
    choice: u32,
    index: u32,
    call: ToolCall,
}

impl StreamEvents {
    /// Adds the events of a chunk to `out`.
    pub fn push(&mut self, chunk: &ChunkKind, out: &mut Vec<StreamEvent>) {
        match chunk {
            ChunkKind::Text(text) if text.is_empty() => {}
            ChunkKind::Text(text) => out.push(StreamEvent::TextDelta {
                index: 0,
                text: text.to_string(),
            }),
            ChunkKind::Delta(delta) => self.delta(delta, out),
        }
    }

    /// Ends a complete stream: all calls that are still growing are complete now. Must not be called for an
    /// incomplete stream.
    pub fn finish(&mut self, out: &mut Vec<StreamEvent>) {
        self.release(out, |_| true);
        out.push(StreamEvent::End);
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<StreamEvent>) {
        let index = delta.index;
        if !delta.reasoning.is_empty() {
            let text = delta.reasoning.clone();
            out.push(StreamEvent::ReasoningDelta { index, text });
        }
        if !delta.text.is_empty() {
            let text = delta.text.to_string();
            out.push(StreamEvent::TextDelta { index, text });
        }
        if let Some(text) = delta.refusal.clone().filter(|text| !text.is_empty()) {
            out.push(StreamEvent::RefusalDelta { index, text });
        }
        for fragment in &delta.tool_calls {
            self.fragment(index, fragment, out);
        }
        if let Some(reason) = delta.finish_reason {
            let is_cut = !matches!(
                reason,
                FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other
            );
            self.release(out, |growing| {
                growing.choice == index
                    && (!is_cut || json::is_complete(growing.call.arguments.as_bytes()))
            });
            // A call that the token limit or a filter cut off never becomes complete, so that no one runs it.
            self.growing.retain(|growing| growing.choice != index);
        }
        if let Some(usage) = &delta.usage {
            out.push(StreamEvent::UsageReported((**usage).clone()));
        }
    }

    fn fragment(&mut self, choice: u32, delta: &ToolCallDelta, out: &mut Vec<StreamEvent>) {
        let mut known = self.growing.iter_mut();
        let is_same =
            |known: &&mut GrowingCall| known.choice == choice && known.index == delta.index;
        if let Some(known) = known.find(is_same) {
            known.call.push(delta);
        } else {
            // The next call has begun. The calls before it are complete if their arguments are complete JSON.
            // Some servers send the headers of several calls first, so an empty one waits.
            self.release(out, |growing| {
                growing.choice == choice && json::is_complete(growing.call.arguments.as_bytes())
            });
            let mut call = ToolCall::default();
            call.push(delta);
            let index = delta.index;
            self.growing.push(GrowingCall {
                choice,
                index,
                call,
            });
        }
        out.push(StreamEvent::ToolCallDelta {
            index: choice,
            delta: delta.clone(),
        });
    }

    fn release(&mut self, out: &mut Vec<StreamEvent>, whole: impl Fn(&GrowingCall) -> bool) {
        self.growing.retain_mut(|growing| {
            if !whole(growing) {
                return true;
            }
            out.push(StreamEvent::ToolCallDone {
                index: growing.choice,
                call_index: growing.index,
                call: std::mem::take(&mut growing.call),
            });
            false
        });
    }
}
