//! Events of which only the text and the counts are new.

use std::borrow::Cow;

use super::event::{Candidate, Event, Part, Parts};
use super::stream::GeminiStream;
use super::usage;
use crate::error::Error;
use crate::message::ChunkKind;
use crate::wire::repeat::{Hole, Known};

/// How many numbers among the counts may change. Gemini writes those that do among the first six.
const NUMBERS: usize = 8;

/// What a text belongs to, and where the counts of its event are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Target {
    /// The index of the candidate.
    index: u32,
    is_thought: bool,
    counts: Option<Counts>,
}

/// Where the counts are.
#[derive(Debug, Clone, Copy)]
struct Counts {
    /// How many bytes are between the text and them.
    before: usize,
    /// How many bytes follow.
    after: usize,
    /// Whether there are any.
    is_counted: bool,
}

impl Counts {
    /// Where `raw` is in `data`; `None` if it is not after the text.
    fn find(raw: &str, text: &str, data: &[u8]) -> Option<Self> {
        let at = |part: &str| (part.as_ptr() as usize).checked_sub(data.as_ptr() as usize);
        let start = at(raw)?;
        Some(Self {
            before: start.checked_sub(at(text)? + text.len())?,
            after: data.len().checked_sub(start + raw.len())?,
            is_counted: usage::has_counts(raw),
        })
    }
}

impl GeminiStream {
    /// Remembers an event that has one text or thought and counts, and nothing else that is not the same in all events.
    pub(super) fn learn(&mut self, event: &Event<'_>, data: &[u8]) {
        let Some((candidate, part, text)) = plain(event) else {
            return;
        };
        let counts = event.usage.map(|raw| Counts::find(raw, text, data));
        // Counts before the text are not known by their distance from it.
        if matches!(counts, Some(None)) {
            return;
        }
        let target = Target {
            index: candidate
                .index
                .map_or(0, |it| u32::try_from(it).unwrap_or(u32::MAX)),
            is_thought: part.is_thought,
            counts: counts.flatten(),
        };
        let numbers = numbers(event.usage.unwrap_or_default());
        let values = numbers.map(|digits| (Hole::Number, digits));
        let values = std::iter::once((Hole::Text, text)).chain(values);
        self.frame.learn(data, values, target);
    }

    /// Reads an event whose frame is known. Returns whether it could.
    #[inline]
    pub(super) fn read_known(
        &mut self,
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<bool, Error> {
        // After its end, counts are passed on at once.
        let Some(known) = self.frame.read(data).filter(|_| !self.has_end) else {
            return Ok(false);
        };
        let Ok(usage) = counts(&known) else {
            return Ok(false);
        };
        if let Some((raw, has_counts)) = usage {
            self.note_usage(raw, has_counts);
        }
        let Some(state) = self.candidates.get(known.target.index) else {
            return Ok(false);
        };
        if known.text.is_empty() {
            out.push(ChunkKind::Text(known.text.into()));
        } else {
            let is_thought = known.target.is_thought;
            state.plain_text(is_thought, known.text, &mut self.parts, out)?;
        }
        Ok(true)
    }
}

/// The candidate, the part and the text of an event that has one text and nothing besides it but counts.
fn plain<'e, 'a>(event: &'e Event<'a>) -> Option<(&'e Candidate<'a>, &'e Part<'a>, &'a str)> {
    let candidate = event.first.as_ref()?;
    let has_more = candidate.finish.is_some()
        || candidate.logprobs.is_some()
        || candidate.more.is_some()
        || event.feedback.is_some()
        || event.wrong.is_some()
        || event.is_error
        || !event.rest.is_empty();
    let Parts::One(part) = &candidate.parts else {
        return None;
    };
    let is_plain = part.call.is_none() && part.signature.is_none() && !part.has_more;
    // A text with escapes is not a slice of the data.
    match part.text.as_ref().map(|text| &text.body) {
        Some(Cow::Borrowed(text)) if is_plain && !has_more => Some((candidate, part, *text)),
        _ => None,
    }
}

/// The numbers in counts that may change. Those of the prompt do not.
fn numbers(raw: &str) -> impl Iterator<Item = &str> {
    let mut rest = raw;
    let numbers = std::iter::from_fn(move || {
        let (before, after) = rest.split_at_checked(rest.find(|it: char| it.is_ascii_digit())?)?;
        let end = after.find(|it: char| !it.is_ascii_digit())?;
        let (digits, after) = after.split_at_checked(end)?;
        rest = after;
        Some((before, digits))
    });
    numbers
        // Digits after a backslash may be those of a character.
        .take_while(|(before, _)| !before.contains('\\'))
        .filter(|(before, _)| !before.contains("rompt"))
        .map(|(_, digits)| digits)
        .take(NUMBERS)
}

/// The counts of a known event, as JSON text, and whether they have counts.
fn counts<'a>(known: &Known<'a, Target>) -> Result<Option<(&'a [u8], bool)>, ()> {
    let Some(counts) = known.target.counts else {
        return Ok(None);
    };
    let end = known.after.len().checked_sub(counts.after).ok_or(())?;
    let raw = known.after.get(counts.before..end).ok_or(())?;
    Ok(Some((raw, counts.is_counted)))
}
