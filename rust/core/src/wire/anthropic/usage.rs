//! Reads token counts, each of which a later event may replace.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::json::{self, Kind, Reader};
use crate::message::Usage;
use crate::wire::parts::Parts;
use crate::wire::usage_details::{Details, amount};

/// So often are counts passed on before the end, if there is more beside them: it may be large, and is in all of them.
const MOST_PASSED: u8 = 4;

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
    /// What else was counted, as JSON text.
    details: BTreeMap<String, Box<str>>,
    /// Whether they changed since they were passed on.
    is_new: bool,
    /// How often they were passed on.
    passed: u8,
}

impl Counts {
    /// Takes every field that `raw` has, and keeps the others, as Anthropic's SDK does with that of `message_delta`.
    pub(super) fn add(&mut self, raw: &str, parts: &mut Parts) -> Result<(), Error> {
        let mut bytes = 0;
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
                    let raw = reader.raw()?;
                    // Null says nothing new.
                    if raw != "null" {
                        bytes += key.len() + raw.len();
                        self.details.insert(key.to_owned(), raw.into());
                    }
                    return Ok(());
                }
            };
            set(count, reader)
        })?;
        if inner.bytes() > 0 {
            bytes += inner.bytes();
            let key = "output_tokens_details".to_owned();
            self.details.insert(key, inner.object().into());
        }
        self.is_new = true;
        parts.describe(bytes)
    }

    /// The counts, if they changed since they were passed on.
    pub(super) fn pass_on(&mut self, is_end: bool) -> Option<Box<Usage>> {
        let is_due = is_end || self.details.is_empty() || self.passed < MOST_PASSED;
        if !(is_due && self.is_new) {
            return None;
        }
        self.is_new = false;
        self.passed = self.passed.saturating_add(1);
        self.usage()
    }

    /// The counts in the one arithmetic of all dialects; `None` without any.
    fn usage(&self) -> Option<Box<Usage>> {
        let cached = [self.cache_creation, self.cache_read];
        let prompt = self.input.map(|input| {
            let cached = cached.into_iter().flatten();
            cached.fold(input, u64::saturating_add)
        });
        let sum = || Some(prompt?.saturating_add(self.output?));
        let mut details = Details::default();
        for (key, raw) in &self.details {
            details.push(key, raw);
        }
        let usage = Usage {
            prompt_tokens: prompt,
            completion_tokens: self.output,
            total_tokens: self.total.or_else(sum),
            cached_tokens: self.cache_read,
            cache_write_tokens: self.cache_creation,
            reasoning_tokens: self.thinking,
            cost_usd: self.cost.clone(),
            details: details.json(),
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
