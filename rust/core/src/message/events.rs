//! Makes typed events from the chunks of a stream.

use super::delta::{ChunkKind, Delta, ToolCallDelta};
use super::reply::{FinishReason, ToolCall, Usage};
use crate::json::Growing;
use crate::places::Places;

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
    choices: Vec<GrowingCalls>,
    places: Places<u32>,
}

/// The calls of one choice that are still growing.
#[derive(Debug, Clone, Default)]
struct GrowingCalls {
    choice: u32,
    /// In the order in which they began; `None` for a call that is complete.
    calls: Vec<Option<GrowingCall>>,
    places: Places<u32>,
    /// The calls that grew since the last search for complete ones. The others are still incomplete.
    grown: Vec<usize>,
    /// How many of the calls had begun when the choice ended.
    ended: usize,
}

#[derive(Debug, Clone, Default)]
struct GrowingCall {
    index: u32,
    call: ToolCall,
    arguments: Growing,
    /// Whether the provider marks its end, so that nothing else is a sign of that.
    is_marked: bool,
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
        for calls in &mut self.choices {
            calls.end(out, |_| true);
        }
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
            // A call that the token limit or a filter cut off never becomes complete, so that no one runs it.
            if let Some(place) = self.places.get(&index)
                && let Some(calls) = self.choices.get_mut(place)
            {
                calls.end(out, |growing| !is_cut || growing.is_complete());
            }
        }
        if let Some(usage) = &delta.usage {
            out.push(StreamEvent::UsageReported((**usage).clone()));
        }
    }

    fn fragment(&mut self, choice: u32, delta: &ToolCallDelta, out: &mut Vec<StreamEvent>) {
        let place = self.places.get(&choice).unwrap_or_else(|| {
            self.places.set(choice, self.choices.len());
            self.choices.push(GrowingCalls {
                choice,
                ..GrowingCalls::default()
            });
            self.choices.len() - 1
        });
        let event = StreamEvent::ToolCallDelta {
            index: choice,
            delta: delta.clone(),
        };
        let Some(calls) = self.choices.get_mut(place) else {
            return;
        };
        if delta.ends == Some(true) {
            out.push(event);
            calls.push(delta, out);
        } else {
            // The calls that this one ends come before it.
            calls.push(delta, out);
            out.push(event);
        }
    }
}

impl GrowingCalls {
    fn push(&mut self, delta: &ToolCallDelta, out: &mut Vec<StreamEvent>) {
        let at = self.places.get(&delta.index).unwrap_or_else(|| {
            // The next call has begun. The calls before it are complete if their arguments are complete JSON.
            // Some servers send the headers of several calls first, so an empty one waits.
            self.release_complete(out);
            self.places.set(delta.index, self.calls.len());
            self.calls.push(Some(GrowingCall {
                index: delta.index,
                ..GrowingCall::default()
            }));
            self.calls.len() - 1
        });
        // Nothing can follow complete arguments but white space.
        if let Some(Some(growing)) = self.calls.get_mut(at) {
            growing.call.push(delta);
            growing.arguments.push(delta.arguments.as_bytes());
            growing.is_marked |= delta.ends.is_some();
        }
        match delta.ends {
            None if self.grown.last() != Some(&at) => self.grown.push(at),
            None | Some(false) => {}
            Some(true) => {
                let ended = self.calls.get_mut(at).and_then(Option::take);
                out.extend(ended.map(|growing| growing.done(self.choice)));
            }
        }
    }

    fn release_complete(&mut self, out: &mut Vec<StreamEvent>) {
        let mut grown = std::mem::take(&mut self.grown);
        grown.sort_unstable();
        for at in grown.drain(..) {
            if let Some(slot) = self.calls.get_mut(at)
                && let Some(growing) = slot.take_if(GrowingCall::is_complete)
            {
                out.push(growing.done(self.choice));
            }
        }
        self.grown = grown;
    }

    /// Ends the choice. The calls that are `whole` are complete, and the others never will be. A call whose end the
    /// provider marks is complete only by that mark.
    fn end(&mut self, out: &mut Vec<StreamEvent>, whole: impl Fn(&mut GrowingCall) -> bool) {
        // Those before `ended` ended earlier.
        for slot in self.calls.iter_mut().skip(self.ended) {
            if let Some(mut growing) = slot.take()
                && !growing.is_marked
                && whole(&mut growing)
            {
                out.push(growing.done(self.choice));
            }
        }
        self.ended = self.calls.len();
        self.grown.clear();
    }
}

impl GrowingCall {
    fn is_complete(&mut self) -> bool {
        self.arguments.is_complete(self.call.arguments.as_bytes())
    }

    fn done(mut self, choice: u32) -> StreamEvent {
        self.call.extra.settle();
        StreamEvent::ToolCallDone {
            index: choice,
            call_index: self.index,
            call: self.call,
        }
    }
}
