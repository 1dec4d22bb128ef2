//! Reads token counts, each of which a later event may replace.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::json::{self, Kind, Reader};
use crate::message::Usage;
use crate::wire::parts::Parts;
use crate::wire::usage_details::{Details, amount};

/// The counts so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    cache_creation: Option<u64>,
    cache_read: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    total: Option<u64>,
    cost: Option<String>,
    /// What else was counted, as a JSON object; empty if there is nothing.
    details: Box<str>,
    /// Whether they changed since they were passed on.
    pub(super) is_new: bool,
}

impl Counts {
    /// Takes every field that `raw` has, and keeps the others, as Anthropic's SDK does with that of `message_delta`.
    pub(super) fn add(&mut self, raw: &str, parts: &mut Parts) -> Result<(), Error> {
        let mut details = BTreeMap::new();
        let mut inner = Details::default();
        Reader::over(raw).object_or_skip(|reader, key| {
            let count = match key {
                "input_tokens" => &mut self.input,
                "cache_creation_input_tokens" => &mut self.cache_creation,
                "cache_read_input_tokens" => &mut self.cache_read,
                "output_tokens" => &mut self.output,
                "total_tokens" => &mut self.total,
                "output_tokens_details" if reader.peek()? == Kind::Object => {
                    return reader.object(|reader, key| {
                        match key {
                            "thinking_tokens" => set(&mut self.thinking, reader)?,
                            _ => inner.push(key, reader.raw()?),
                        }
                        Ok(())
                    });
                }
                "cost" if reader.peek()? == Kind::Number => {
                    self.cost = amount(reader)?.or(self.cost.take());
                    return Ok(());
                }
                _ => {
                    details.insert(key.to_owned(), std::borrow::Cow::Borrowed(reader.raw()?));
                    return Ok(());
                }
            };
            set(count, reader)
        })?;
        if inner.bytes() > 0 {
            details.insert("output_tokens_details".to_owned(), inner.object().into());
        }
        self.is_new = true;
        if details.is_empty() {
            return Ok(());
        }
        let mut merged = Details::default();
        let before = if self.details.is_empty() {
            "{}"
        } else {
            &*self.details
        };
        Reader::over(before).object(|reader, key| {
            let raw = reader.raw()?;
            // Null says nothing new.
            if details.get(key).is_none_or(|new| *new == "null") {
                merged.push(key, raw);
            }
            Ok(())
        })?;
        for (key, raw) in &details {
            merged.push(key, raw);
        }
        parts.describe(merged.bytes())?;
        self.details = match merged.bytes() {
            0 => Box::default(),
            _ => merged.object().into(),
        };
        Ok(())
    }

    /// The counts in the one arithmetic of all dialects; `None` without any.
    pub(super) fn usage(&self) -> Option<Box<Usage>> {
        let cached = [self.cache_creation, self.cache_read];
        let prompt = self.input.map(|input| {
            let cached = cached.into_iter().flatten();
            cached.fold(input, u64::saturating_add)
        });
        let sum = || Some(prompt?.saturating_add(self.output?));
        let usage = Usage {
            prompt_tokens: prompt,
            completion_tokens: self.output,
            total_tokens: self.total.or_else(sum),
            cached_tokens: self.cache_read,
            cache_write_tokens: self.cache_creation,
            reasoning_tokens: self.thinking,
            cost_usd: self.cost.clone(),
            details: crate::message::RawJson::read(&self.details),
        };
        (usage != Usage::default()).then(|| Box::new(usage))
    }
}

/// Sets a count, if the next value is one.
fn set(count: &mut Option<u64>, reader: &mut Reader<'_>) -> Result<(), json::Error> {
    if let Some(new) = reader.count_or_skip()? {
        *count = Some(new);
    }
    Ok(())
}
