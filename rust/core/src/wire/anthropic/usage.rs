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
    /// What else was counted, as JSON text, and how many bytes that is.
    details: BTreeMap<String, Box<str>>,
    bytes: usize,
    /// Whether they changed since they were passed on.
    pub(super) is_new: bool,
}

impl Counts {
    /// Takes every field that `raw` has, and keeps the others, as Anthropic's SDK does with that of `message_delta`.
    pub(super) fn add(&mut self, raw: &str, parts: &mut Parts) -> Result<(), Error> {
        let (known, bytes) = (self.details.len(), self.bytes);
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
                    self.keep(key, reader.raw()?);
                    return Ok(());
                }
            };
            set(count, reader)
        })?;
        if inner.bytes() > 0 {
            self.keep("output_tokens_details", &inner.object());
        }
        self.is_new = true;
        parts.free(bytes);
        parts.keep(self.bytes)?;
        for _ in known..self.details.len() {
            parts.count()?;
        }
        Ok(())
    }

    /// Keeps what else was counted, in place of what there was. Null says nothing new.
    fn keep(&mut self, key: &str, raw: &str) {
        if raw == "null" {
            return;
        }
        self.bytes += raw.len();
        match self.details.insert(key.to_owned(), raw.into()) {
            Some(before) => self.bytes -= before.len(),
            None => self.bytes += key.len(),
        }
    }

    /// The counts in the one arithmetic of all dialects; `None` without any.
    pub(super) fn usage(&self) -> Option<Box<Usage>> {
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
