//! What a stream has to remember of one candidate, and how its parts become pieces of numbered parts.

use super::beside::{Beside, Found, is_blank};
use super::call::{Calls, FunctionCall, beside};
use super::event::{Part, Parts, members};
use crate::error::Error;
use crate::json::{Reader, SurrogateJoin, Text};
use crate::message::{ChunkKind, Delta, Extra, FinishReason};
use crate::wire::by_index::Indexed;
use crate::wire::most::{MOST, too_many};
use crate::wire::usage_details::Details;

/// What a stream has to remember of one candidate.
#[derive(Debug, Default)]
pub(super) struct CandidateState {
    index: u32,
    /// Why it ended.
    pub(super) finish: Option<FinishReason>,
    /// The provider's word for that.
    word: String,
    /// The number of the next part.
    next: u32,
    /// The part that the next piece of its kind goes on with.
    open: Option<Open>,
    /// Half a character at the end of that part.
    join: SurrogateJoin,
    pub(super) calls: Calls,
    /// What it has beside its content.
    beside: Beside,
}

/// A part that may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    number: u32,
    is_thought: bool,
    /// Whether it was the last part that a chunk named, so that plain text goes on with it.
    is_last: bool,
}

/// What the provider says about the end.
#[derive(Debug, Default)]
pub(super) struct Explanation {
    /// An object with all of it, as JSON text.
    pub(super) details: Option<Box<str>>,
    /// The sentence in it.
    pub(super) message: Option<String>,
}

impl Indexed for CandidateState {
    fn begin(index: u32) -> Self {
        Self {
            index,
            ..Self::default()
        }
    }

    fn index(&self) -> u32 {
        self.index
    }
}

impl CandidateState {
    /// Whether anything came for it.
    pub(super) fn has_content(&self) -> bool {
        self.next > 0 || self.calls.begun > 0
    }

    /// A chunk that adds nothing.
    fn delta(&self) -> Delta {
        Delta {
            index: self.index,
            ..Delta::default()
        }
    }

    /// Adds parts. Those of a `whole` reply are as the model made them; a stream cuts them anywhere. `count` is how many
    /// parts the reply has.
    pub(super) fn parts(
        &mut self,
        parts: Parts<'_>,
        whole: bool,
        count: &mut usize,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        match parts {
            Parts::None => Ok(()),
            Parts::One(part) => self.part(part, whole, count, out),
            Parts::List(raw) => {
                let mut failed = Ok(());
                Reader::over(raw).array_or_skip(|reader| {
                    let part = Part::read(reader)?;
                    if failed.is_ok() {
                        failed = self.part(part, whole, count, out);
                    }
                    Ok(())
                })?;
                failed
            }
        }
    }

    #[inline]
    fn part(
        &mut self,
        part: Part<'_>,
        whole: bool,
        count: &mut usize,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some(call) = part.call {
            let has_more = part.has_more || part.is_thought || part.text.is_some();
            let extra = if has_more || part.signature.is_some() {
                beside(part.raw, &["functionCall"])?
            } else {
                Extra::default()
            };
            return self.call(*call, extra, count, out);
        }
        if part.text.is_some() || part.signature.is_some() && !part.has_more {
            return self.text(part, whole, count, out);
        }
        if part.has_more {
            Self::begin(count)?;
            self.close(out);
            let number = self.number();
            out.push(ChunkKind::Delta(Box::new(Delta {
                part: Some(number),
                opaque: vec![("parts".to_owned(), part.raw.to_owned())],
                ..self.delta()
            })));
        }
        Ok(())
    }

    /// Adds a text or a thought, or a piece of one.
    #[inline]
    fn text(
        &mut self,
        part: Part<'_>,
        whole: bool,
        count: &mut usize,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let is_thought = part.is_thought;
        let text = part.text.unwrap_or_default();
        // One with a signature must not be merged with another (ai.google.dev, "Thought signatures").
        let is_alone = part.signature.is_some() || part.has_more;
        if text.is_empty() && !is_alone {
            return Ok(());
        }
        if !is_alone && !whole {
            self.open(is_thought, count, out)?;
            let text = self.join.push(text);
            self.go_on(&text, out);
            return Ok(());
        }
        Self::begin(count)?;
        self.close(out);
        let number = self.number();
        let known: &[&str] = if is_thought {
            &["text", "thought", "thoughtSignature"]
        } else {
            &["text", "thought"]
        };
        let extra = if is_alone {
            beside(part.raw, known)?
        } else {
            Extra::default()
        };
        let signature = part.signature.filter(|_| is_thought);
        let delta = Delta {
            extra,
            signature: signature.map(std::borrow::Cow::into_owned),
            ends: true,
            ..self.piece(number, is_thought, &text.into_lossy())
        };
        out.push(ChunkKind::Delta(Box::new(delta)));
        Ok(())
    }

    /// Adds a text without half characters.
    #[inline]
    pub(super) fn plain_text(
        &mut self,
        is_thought: bool,
        text: &str,
        count: &mut usize,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        self.open(is_thought, count, out)?;
        if self.join.is_waiting() {
            let text = self.join.push(Text::plain(text));
            self.go_on(&text, out);
        } else {
            self.go_on(text, out);
        }
        Ok(())
    }

    /// Begins a part, unless one of this kind is open.
    #[inline]
    fn open(
        &mut self,
        is_thought: bool,
        count: &mut usize,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if self.open.is_none_or(|open| open.is_thought != is_thought) {
            Self::begin(count)?;
            self.close(out);
            self.open = Some(Open {
                number: self.number(),
                is_thought,
                is_last: false,
            });
        }
        Ok(())
    }

    /// Adds a piece to the open part.
    #[inline]
    fn go_on(&mut self, text: &str, out: &mut Vec<ChunkKind>) {
        let Some(open) = &mut self.open else {
            return;
        };
        let (number, is_thought) = (open.number, open.is_thought);
        let is_last = std::mem::replace(&mut open.is_last, true);
        if is_last && !is_thought && self.index == 0 {
            out.push(ChunkKind::Text(text.into()));
        } else {
            self.push(number, is_thought, text, out);
        }
    }

    fn push(&self, number: u32, is_thought: bool, text: &str, out: &mut Vec<ChunkKind>) {
        let delta = self.piece(number, is_thought, text);
        out.push(ChunkKind::Delta(Box::new(delta)));
    }

    fn piece(&self, number: u32, is_thought: bool, text: &str) -> Delta {
        let mut delta = Delta {
            part: Some(number),
            ..self.delta()
        };
        if is_thought {
            text.clone_into(&mut delta.reasoning);
            delta.reasoning_field = Some("thought".into());
        } else {
            delta.text = text.into();
        }
        delta
    }

    /// Counts a part that begins. Fails if there are too many.
    fn begin(count: &mut usize) -> Result<(), Error> {
        *count += 1;
        if *count > MOST {
            return Err(too_many("parts"));
        }
        Ok(())
    }

    /// The number of a part that begins.
    fn number(&mut self) -> u32 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Nothing goes on with the part that is open.
    fn close(&mut self, out: &mut Vec<ChunkKind>) {
        let Some(open) = self.open.take() else {
            return;
        };
        if let Some(half) = self.join.finish() {
            let text = half.encode_utf8(&mut [0; 4]).to_owned();
            self.push(open.number, open.is_thought, &text, out);
        }
    }

    fn call(
        &mut self,
        call: FunctionCall<'_>,
        extra: Extra,
        count: &mut usize,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let mut tool_calls = Vec::with_capacity(1);
        let before = self.calls.begun;
        let read = self.calls.read(call, extra, &mut tool_calls);
        if self.calls.begun > before {
            Self::begin(count)?;
            self.close(out);
        }
        if !tool_calls.is_empty() {
            let mut delta = self.delta();
            delta.tool_calls = tool_calls;
            if self.calls.begun == 1 && self.finish.is_some() {
                // A call after the end makes another reason of it.
                self.say_end(&mut delta);
            }
            out.push(ChunkKind::Delta(Box::new(delta)));
        }
        read
    }

    /// Passes on what the candidate has beside its content, unless it explains its end. A later value of a key replaces
    /// the one before.
    pub(super) fn more(
        &mut self,
        raw: &str,
        is_explained: bool,
        count: &mut usize,
        out: &mut Vec<ChunkKind>,
    ) -> Result<Explanation, Error> {
        let mut explanation = Explanation::default();
        let mut details = Details::default();
        let mut failed = Ok(());
        members(raw, |key, raw| match key {
            "content" | "index" | "finishReason" | "logprobsResult" => {}
            "finishMessage" | "safetyRatings" if is_explained => {
                if key == "finishMessage" {
                    explanation.message = serde_json::from_str(raw).ok();
                }
                details.push(key, raw);
            }
            _ if is_blank(raw) || failed.is_err() => {}
            _ => failed = self.keep(key, raw, count, out),
        })?;
        failed?;
        explanation.details = details.json().map(|json| json.get().into());
        Ok(explanation)
    }

    /// Passes on a value beside the content.
    pub(super) fn keep(
        &mut self,
        key: &str,
        raw: &str,
        count: &mut usize,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let number = match self.beside.find(key, raw) {
            Found::Same => return Ok(()),
            Found::Changed(number) => number,
            Found::New => {
                Self::begin(count)?;
                let number = self.number();
                self.beside.add(key, raw, number);
                number
            }
        };
        if let Some(open) = &mut self.open {
            open.is_last = false;
        }
        out.push(ChunkKind::Delta(Box::new(Delta {
            part: Some(number),
            opaque: vec![(key.to_owned(), raw.to_owned())],
            ..self.delta()
        })));
        Ok(())
    }

    /// Ends the candidate, for a reason that the provider gives in this word.
    pub(super) fn end(
        &mut self,
        reason: FinishReason,
        word: String,
        details: Option<Box<str>>,
        out: &mut Vec<ChunkKind>,
    ) {
        // The end of a stream may say less than what stopped it.
        let stands = |before| before != FinishReason::Stop;
        if reason == FinishReason::Stop && self.finish.is_some_and(stands) {
            return;
        }
        (self.finish, self.word) = (Some(reason), word);
        let mut delta = self.delta();
        if !reason.may_cut_a_call() {
            self.calls.end(&mut delta.tool_calls);
        }
        self.say_end(&mut delta);
        delta.stop_details = details;
        out.push(ChunkKind::Delta(Box::new(delta)));
    }

    /// Says why it ended.
    fn say_end(&self, delta: &mut Delta) {
        let called = self.calls.begun > 0;
        delta.finish_reason = self.finish.map(|reason| reason.corrected(false, called));
        delta.provider_finish_reason = Some(self.word.clone());
    }

    /// Nothing follows.
    pub(super) fn leave(&mut self, out: &mut Vec<ChunkKind>) {
        self.close(out);
    }
}
