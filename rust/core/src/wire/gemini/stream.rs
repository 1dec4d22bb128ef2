//! Reads the events of a stream.

use compact_str::CompactString;

use super::candidate::{CandidateState, Explanation};
use super::event::{Candidate, Event};
use super::repeat::Target;
use super::{NAME, finish, head, logprobs, usage};
use crate::error::Error;
use crate::json::{self, Kind, Reader};
use crate::message::{ChunkKind, Delta, FinishReason, ReplyHead};
use crate::wire::by_index::ByIndex;
use crate::wire::dialect::{Step, StreamDecoder};
use crate::wire::errors;
use crate::wire::most::too_many;
use crate::wire::repeat::Frame;
use crate::wire::stray::{Stray, Unread, incomplete_at_mark, keeps_alive, note_odd, unread};

/// Reads one stream. A whole reply is a stream of one event.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says whether something was seen, in any order"
)]
pub(super) struct GeminiStream {
    head: ReplyHead,
    pub(super) candidates: ByIndex<CandidateState>,
    /// How many candidates were asked for.
    asked: usize,
    /// How many parts the reply has.
    pub(super) parts: usize,
    /// The last counts, as JSON. Each event has them, so they are read when a candidate has ended.
    usage: Vec<u8>,
    /// Whether any of them were counts. Vertex sends only the kind of traffic before.
    has_counts: bool,
    /// Whether any candidate has ended.
    pub(super) has_end: bool,
    /// Whether the prompt was blocked, so that there is no candidate.
    is_blocked: bool,
    /// Why the reply failed, although the server went on to its end.
    failed: Option<Error>,
    done: bool,
    /// The start of the first event, if it is not one of a reply. It may say why.
    odd: Option<String>,
    stray: Stray,
    /// The bytes around the last text and the counts.
    pub(super) frame: Frame<Target>,
}

impl StreamDecoder for GeminiStream {
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::Done);
        }
        let data = data.trim_ascii();
        if name != b"error" && self.read_known(data, out)? {
            return Ok(Step::Continue);
        }
        match data.first() {
            None => return Ok(Step::Continue),
            Some(b'[') if data == b"[DONE]" => return self.end_by_mark(),
            Some(b'[') => return self.list(name, data, out),
            Some(_) if name == b"error" => return Err(errors::decode(None, data)),
            Some(_) => {}
        }
        match Event::read(data) {
            Ok(event) => self.read(event, name, data, out),
            Err(why) => match unread(name, data, why) {
                Unread::Ignored => Ok(Step::Continue),
                Unread::Repaired(data) => self.event(name, data.as_bytes(), out),
                Unread::Broken(error) => Err(error),
            },
        }
    }

    fn stray_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.done {
            return Ok(());
        }
        self.stray.field(name, value, self.has_begun())
    }

    fn missing(&self) -> Option<String> {
        if self.is_blocked || self.done {
            return None;
        }
        if !self.has_begun() {
            let start = self.odd.as_ref().unwrap_or(&self.stray.start);
            return Some(if start.is_empty() {
                "it ended before any candidate".to_owned()
            } else {
                format!("it ended before any candidate; it began with: {start}")
            });
        }
        if let Some(open) = self.candidates.open(|it| it.finish.is_none()) {
            return Some(format!("no finishReason arrived for candidate {open}"));
        }
        if let Some(why) = self.nameless() {
            return Some(why);
        }
        let (asked, came) = (self.asked, self.candidates.states.len());
        (came < asked).then(|| format!("{asked} candidates were asked for, and {came} came"))
    }

    fn failure(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }

    fn flush(&mut self, out: &mut Vec<ChunkKind>) {
        for state in &mut self.candidates.states {
            state.leave(out);
        }
        // It was checked when it arrived.
        let _ = self.report_usage(out);
    }
}

impl GeminiStream {
    /// Starts to read a reply of which `asked` candidates were asked for.
    pub(super) fn new(asked: usize) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }

    /// Whether any candidate came.
    fn has_begun(&self) -> bool {
        !self.candidates.states.is_empty()
    }

    /// Keeps the last counts.
    #[inline]
    pub(super) fn note_usage(&mut self, raw: &[u8], has_counts: bool) {
        if has_counts || !self.has_counts {
            self.has_counts = has_counts;
            self.usage.clear();
            self.usage.extend_from_slice(raw);
        }
    }

    /// Passes on the last counts.
    fn report_usage(&mut self, out: &mut Vec<ChunkKind>) -> Result<(), Error> {
        let raw = std::mem::take(&mut self.usage);
        if !raw.is_empty()
            && let Ok(raw) = str::from_utf8(&raw)
            && let usage @ Some(_) = usage::read(raw)?
        {
            out.push(ChunkKind::Delta(Box::new(Delta {
                usage,
                ..Delta::default()
            })));
        }
        Ok(())
    }

    /// A list in which there should be one event: each of them.
    fn list(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        let text = String::from_utf8_lossy(data);
        let mut read = Ok(Step::Continue);
        each(&mut Reader::over(&text), &mut |raw| {
            if read.is_ok() {
                read = self.event(name, raw.as_bytes(), out);
            }
        })?;
        read
    }

    /// A mark that some gateways add.
    fn end_by_mark(&mut self) -> Result<Step, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.missing() {
            None => {
                self.done = true;
                Ok(Step::Done)
            }
            missing => Err(incomplete_at_mark(missing)),
        }
    }

    /// Reads an event of a stream.
    fn read(
        &mut self,
        event: Event<'_>,
        name: &[u8],
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<Step, Error> {
        let is_first = !self.has_begun();
        let error = event.is_error.then(|| errors::decode(None, data));
        if !event.is_ours && error.is_none() && is_first && !keeps_alive(name) {
            note_odd(&mut self.odd, &[NAME], data)?;
        }
        if self.frame.learns() {
            self.learn(&event, data);
        }
        let applied = self.apply(event, false, out);
        if let Some(error) = error {
            if !out.iter().any(ChunkKind::has_content) {
                out.clear();
            }
            return Err(error);
        }
        applied?;
        match &self.failed {
            // There is nothing to wait for, and nothing that another attempt would repeat.
            Some(error) if is_first && !self.has_content() => {
                out.clear();
                Err(error.clone())
            }
            _ => Ok(Step::Continue),
        }
    }

    /// What to say of a whole reply that has no answer.
    pub(super) fn is_short(&self) -> Option<String> {
        if self.is_blocked {
            return None;
        }
        if !self.has_begun() {
            return Some("it has no candidates".to_owned());
        }
        let is_empty = |it: &CandidateState| it.finish.is_none() && !it.has_content();
        match self.candidates.open(is_empty) {
            Some(open) => Some(format!("candidate {open} is empty")),
            None => self.nameless(),
        }
    }

    /// What to say of a function call without a name: no caller can run it, and a piece of a call that is complete looks so.
    fn nameless(&self) -> Option<String> {
        let at = self.candidates.open(|it| it.calls.is_nameless)?;
        Some(format!("a function call of candidate {at} has no name"))
    }

    /// Whether any part came.
    fn has_content(&self) -> bool {
        self.candidates
            .states
            .iter()
            .any(CandidateState::has_content)
    }

    /// Reads what an event has for the reply.
    pub(super) fn apply(
        &mut self,
        mut event: Event<'_>,
        whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if event.is_over {
            return Err(too_many("candidates"));
        }
        let before = out.len();
        head::note(&mut self.head, &mut event);
        if let Some(raw) = event.usage {
            self.note_usage(raw.as_bytes(), usage::has_counts(raw));
        }
        let has_candidates = event.first.is_some();
        let candidates = event.first.into_iter().chain(event.rest);
        for (place, candidate) in candidates.enumerate() {
            self.candidate(candidate, place, whole, out)?;
        }
        if let Some(raw) = event.feedback {
            self.feedback(raw, out)?;
        }
        if self.has_end {
            self.report_usage(out)?;
        }
        // An event without candidates has nothing that another attempt would repeat.
        if has_candidates && out.len() == before {
            out.push(ChunkKind::Text(CompactString::default()));
        }
        match event.wrong {
            Some(wrong) => Err(wrong.error()),
            None => Ok(()),
        }
    }

    #[inline]
    fn candidate(
        &mut self,
        candidate: Candidate<'_>,
        place: usize,
        whole: bool,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let index = candidate.index.unwrap_or(place as u64);
        let mut index = u32::try_from(index).unwrap_or(u32::MAX);
        if whole {
            index = self.candidates.own_index(index);
        }
        let count = &mut self.parts;
        let Some(state) = self.candidates.get(index) else {
            return Err(too_many("candidates"));
        };
        state.parts(candidate.parts, whole, count, out)?;
        if let Some(logprobs) = candidate
            .logprobs
            .map(logprobs::read)
            .transpose()?
            .flatten()
        {
            out.push(ChunkKind::Delta(Box::new(Delta {
                index,
                logprobs: Some(logprobs),
                ..Delta::default()
            })));
        }
        let word = candidate.finish.filter(|word| !word.is_empty());
        let reason = word.as_deref().and_then(finish::reason);
        let is_explained = reason.is_some_and(finish::is_explained);
        let explanation = match candidate.more {
            Some(raw) => state.more(raw, is_explained, count, out)?,
            None => Explanation::default(),
        };
        if let (Some(reason), Some(word)) = (reason, word) {
            if reason.is_failure() && self.failed.is_none() {
                let message = explanation.message.as_deref();
                self.failed = Some(errors::ended_with(&word, message));
            }
            state.end(reason, word.into_owned(), explanation.details, out);
            self.has_end = true;
        }
        Ok(())
    }

    /// What the provider says about the prompt. If it blocked it, there is no candidate.
    fn feedback(&mut self, raw: &str, out: &mut Vec<ChunkKind>) -> Result<(), Error> {
        let mut reason = None;
        Reader::over(raw).object_or_skip(|reader, key| {
            let raw = reader.raw()?;
            if key == "blockReason" {
                reason = Some(raw.trim_matches('"').to_owned());
            }
            Ok(())
        })?;
        let reason =
            reason.filter(|it| !matches!(&**it, "" | "null" | "0" | "BLOCK_REASON_UNSPECIFIED"));
        let Some(state) = self.candidates.get(0) else {
            return Err(too_many("candidates"));
        };
        match reason {
            Some(word) => {
                (self.is_blocked, self.has_end) = (true, true);
                state.end(FinishReason::ContentFilter, word, Some(raw.into()), out);
                Ok(())
            }
            None => state.keep("promptFeedback", raw, &mut self.parts, out),
        }
    }
}

/// Passes the text of each object in a list, and in lists in it, to `take`.
fn each(reader: &mut Reader<'_>, take: &mut dyn FnMut(&str)) -> Result<(), json::Error> {
    match reader.peek()? {
        Kind::Array => reader.array(|reader| each(reader, take)),
        Kind::Object => {
            take(reader.raw()?);
            Ok(())
        }
        _ => reader.skip(),
    }
}
