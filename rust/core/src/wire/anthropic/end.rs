//! The end of a reply: why it ended, and whether anything of it was lost.

use super::blocks::Growth;
use super::event::Stop;
use super::stream::{Loss, MessagesStream};
use crate::error::{Error, ErrorKind};
use crate::json::Reader;
use crate::message::{ChunkKind, Delta, FinishReason};
use crate::wire::errors;
use crate::wire::stray::{start_of, unexpected};

/// The reason for a word of `stop_reason`. Source: Anthropic's API reference, "Handling stop reasons", and the types of its
/// SDK. A server that only speaks the API may use the words of another one.
fn reason_of(word: &str) -> Option<FinishReason> {
    Some(match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::Refusal,
        // The server waits for the reply to be sent back.
        "pause_turn" | "compaction" => FinishReason::Other,
        other => return FinishReason::from_word(other),
    })
}

impl MessagesStream {
    /// Why the reply ended, if this says so.
    pub(super) fn finish(
        &mut self,
        stop: &Stop<'_>,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let reason = stop.reason.as_deref().and_then(reason_of);
        let mut delta = Delta::default();
        if let (Some(reason), Some(word)) = (reason, &stop.reason) {
            self.release_held(out)?;
            if self.reason.replace(reason).is_none() {
                self.end_calls(out);
                // Those that follow are passed on at the end, so that a server cannot have them written again and again.
                delta.usage = self.new_usage();
            }
            if reason.is_failure() {
                self.failed
                    .get_or_insert_with(|| errors::ended_with(word, None));
            }
            delta.finish_reason = Some(reason.corrected(false, self.parts.called()));
            delta.provider_finish_reason = Some(word.clone().into_owned());
        }
        delta.stop_details = match (stop.details, stop.sequence) {
            (Some(details), _) => Some(details.into()),
            (None, Some(sequence)) => Some(format!("{{\"stop_sequence\":{sequence}}}").into()),
            (None, None) => None,
        };
        if delta != Delta::default() {
            out.push(ChunkKind::Delta(Box::new(delta)));
        }
        Ok(())
    }

    /// The counts, unless they were passed on.
    fn new_usage(&mut self) -> Option<Box<crate::message::Usage>> {
        let counts = self.counts.as_mut()?;
        std::mem::take(&mut counts.is_new).then(|| counts.usage())?
    }

    /// Ends the calls of which the end of the reply says whether they are complete.
    pub(super) fn end_calls(&mut self, out: &mut Vec<ChunkKind>) {
        let is_cut = self.reason.is_some_and(FinishReason::may_cut_a_call);
        for at in std::mem::take(&mut self.unended) {
            let Some(block) = self.blocks.list.get_mut(at) else {
                continue;
            };
            let Growth::Call(call) = &mut block.growth else {
                continue;
            };
            if !is_cut {
                call.push_input(&mut self.parts, out);
            }
            if !is_cut && call.has_name && (call.has_stopped || call.is_closed()) {
                call.end(&mut self.parts, out);
                block.growth = Growth::Ended;
            } else {
                self.unended.push(at);
            }
        }
    }

    /// Ends the calls that the limit did not cut, because another block follows theirs.
    pub(super) fn end_stopped(&mut self, out: &mut Vec<ChunkKind>) {
        for at in std::mem::take(&mut self.stopped) {
            if let Some(block) = self.blocks.list.get_mut(at)
                && let Growth::Call(call) = &block.growth
                && call.has_name
            {
                call.end(&mut self.parts, out);
                block.growth = Growth::Ended;
            }
        }
    }

    /// Adds the blocks that the beginning of the reply had, and that no event was about.
    pub(super) fn release_held(&mut self, out: &mut Vec<ChunkKind>) -> Result<(), Error> {
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        self.content(&held, out)
    }

    /// Adds the blocks of a list that no event was about.
    pub(super) fn content(&mut self, list: &str, out: &mut Vec<ChunkKind>) -> Result<(), Error> {
        if list.starts_with('"') {
            // The short form of a text.
            return self.whole_block(list, 0, out);
        }
        if !list.starts_with('[') && list != "null" {
            let start = start_of(list.as_bytes());
            return Err(unexpected(&format!(
                "content: it is not a list of blocks; it begins with: {start}"
            )));
        }
        let (mut index, mut failed) = (0, Ok(()));
        Reader::over(list).array_or_skip(|reader| {
            let raw = reader.raw()?;
            if failed.is_ok() && self.blocks.at(index).is_none() {
                failed = self.whole_block(raw, index, out);
            }
            index += 1;
            Ok(())
        })?;
        failed
    }

    /// The terminal event.
    pub(super) fn end(&mut self, out: &mut Vec<ChunkKind>) -> Result<(), Error> {
        self.release_held(out)?;
        self.end_calls(out);
        self.leave(out);
        self.done = true;
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        if let Some(why) = self.lost() {
            let message = format!("the stream is incomplete: {why}");
            return Err(Error::new(ErrorKind::StreamIncomplete, message).retryable(true));
        }
        Ok(())
    }

    /// Adds what is known of blocks that have not ended, and the counts.
    pub(super) fn leave(&mut self, out: &mut Vec<ChunkKind>) {
        for block in &mut self.blocks.list {
            match &mut block.growth {
                Growth::Call(call) => call.push_input(&mut self.parts, out),
                Growth::Opaque(opaque) if opaque.has_changed() => {
                    self.parts
                        .push_opaque(block.number, "content", &opaque.json(), out);
                }
                _ => {}
            }
        }
        self.push_usage(out);
    }

    /// Adds the counts, unless they were passed on.
    pub(super) fn push_usage(&mut self, out: &mut Vec<ChunkKind>) {
        if let Some(usage) = self.new_usage() {
            out.push(ChunkKind::Delta(Box::new(Delta {
                usage: Some(usage),
                ..Delta::default()
            })));
        }
    }

    /// What to say of a call without a name, which no caller can run.
    pub(super) fn nameless(&self) -> Option<String> {
        let mut blocks = self.blocks.list.iter();
        let is_nameless = |growth: &Growth| matches!(growth, Growth::Call(call) if !call.has_name);
        let block = blocks.find(|block| is_nameless(&block.growth))?;
        Some(format!(
            "the call in content block {} has no name",
            block.index
        ))
    }

    /// What was lost on the way; `None` if nothing is known to be.
    pub(super) fn lost(&self) -> Option<String> {
        if let Some((loss, index)) = self.loss {
            return Some(match loss {
                Loss::Beginning => format!("content block {index} had no beginning"),
                Loss::Order => format!("content block {index} went on after its end"),
                Loss::Reply => "another reply began before it had ended".to_owned(),
            });
        }
        // The limit, or a refusal, may stop the model anywhere.
        let mut blocks = self.blocks.list.iter();
        let open = blocks.find(|block| match &block.growth {
            Growth::Call(call) if !call.has_name => true,
            _ if self.reason.is_some_and(FinishReason::may_cut_a_call) => false,
            // A call is open if its brackets are.
            Growth::Call(call) => !call.has_stopped,
            _ => self.blocks.has_stops && block.is_open(),
        });
        if let Some(block) = open {
            return Some(format!("content block {} did not end", block.index));
        }
        if self.blocks.list.is_empty() && self.reason.is_none() {
            return Some("it had no content".to_owned());
        }
        let hole = "a content block is missing";
        self.blocks.has_hole().then(|| hole.to_owned())
    }
}
