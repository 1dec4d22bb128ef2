//! Reads the token counts of OpenAI-shaped servers.

use crate::json::{Error, Kind, Reader};
use crate::message::Usage;
use crate::wire::usage_details::{Details, amount};

type Result<T> = std::result::Result<T, Error>;

/// Reads a `usage` object; `None` for any other value, and for one without counts.
///
/// `completion_tokens` should include reasoning. xAI's does not, but its total does.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Box<Usage>>> {
    if reader.peek()? != Kind::Object {
        reader.skip()?;
        return Ok(None);
    }
    let mut usage = Usage::default();
    reader.object(|reader, key| {
        match key {
            "prompt_tokens" => usage.prompt_tokens = reader.count_or_skip()?,
            "completion_tokens" => usage.completion_tokens = reader.count_or_skip()?,
            "total_tokens" => usage.total_tokens = reader.count_or_skip()?,
            "reasoning_tokens" => set(&mut usage.reasoning_tokens, reader.count_or_skip()?),
            "cached_tokens"
            | "num_cached_tokens"
            | "prompt_cache_hit_tokens"
            | "cache_read_input_tokens" => set(&mut usage.cached_tokens, reader.count_or_skip()?),
            "cache_creation_input_tokens" => {
                set(&mut usage.cache_write_tokens, reader.count_or_skip()?);
            }
            "prompt_tokens_details"
            | "prompt_token_details"
            | "completion_tokens_details"
            | "completion_token_details" => {
                reader.object_or_skip(|reader, key| {
                    let count = match key {
                        "cached_tokens" => &mut usage.cached_tokens,
                        "cache_write_tokens" => &mut usage.cache_write_tokens,
                        "reasoning_tokens" => &mut usage.reasoning_tokens,
                        _ => return reader.skip(),
                    };
                    *count = reader.count_or_skip()?;
                    Ok(())
                })?;
            }
            // OpenRouter sends a number, Perplexity an object.
            "cost" => match reader.peek()? {
                Kind::Number => usage.cost_usd = amount(reader)?,
                _ => {
                    reader.object_or_skip(|reader, key| {
                        if key == "total_cost" && reader.peek()? == Kind::Number {
                            usage.cost_usd = amount(reader)?;
                            return Ok(());
                        }
                        reader.skip()
                    })?;
                }
            },
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if usage == Usage::default() {
        return Ok(None);
    }
    complete(&mut usage);
    Ok(Some(Box::new(usage)))
}

/// Adds the total, and the reasoning where the provider leaves it out.
fn complete(usage: &mut Usage) {
    if let (Some(prompt), Some(completion)) = (usage.prompt_tokens, usage.completion_tokens) {
        let sum = prompt.saturating_add(completion);
        match (usage.total_tokens, usage.reasoning_tokens) {
            (None, _) => usage.total_tokens = Some(sum),
            (Some(total), Some(reasoning))
                if sum != total && sum.saturating_add(reasoning) == total =>
            {
                usage.completion_tokens = Some(completion + reasoning);
            }
            _ => {}
        }
    }
}

/// Sets a count from a field of lower rank, which fills a gap but replaces nothing.
fn set(count: &mut Option<u64>, value: Option<u64>) {
    if count.is_none() {
        *count = value;
    }
}

/// Reads the `usage` of a response; `None` if it is not an object, or has no counts.
///
/// What the counts do not come from is kept as it was sent.
pub(super) fn of_responses(raw: &str) -> Result<Option<Box<Usage>>> {
    let mut usage = Usage::default();
    let mut rest = Details::default();
    let found = Reader::over(raw).object_or_skip(|reader, key| {
        match key {
            "input_tokens" => usage.prompt_tokens = reader.count_or_skip()?,
            "output_tokens" => usage.completion_tokens = reader.count_or_skip()?,
            "total_tokens" => usage.total_tokens = reader.count_or_skip()?,
            "input_tokens_details" | "output_tokens_details" if reader.peek()? == Kind::Object => {
                let mut inner = Details::default();
                reader.object(|reader, key| {
                    match key {
                        "cached_tokens" => usage.cached_tokens = reader.count_or_skip()?,
                        "cache_write_tokens" => {
                            usage.cache_write_tokens = reader.count_or_skip()?;
                        }
                        "reasoning_tokens" => usage.reasoning_tokens = reader.count_or_skip()?,
                        _ => inner.push(key, reader.raw()?),
                    }
                    Ok(())
                })?;
                rest.push(key, &inner.object());
            }
            "cost" if reader.peek()? == Kind::Number => usage.cost_usd = amount(reader)?,
            _ => rest.push(key, reader.raw()?),
        }
        Ok(())
    })?;
    if !found {
        return Ok(None);
    }
    complete(&mut usage);
    usage.details = rest.json();
    Ok((usage != Usage::default()).then(|| Box::new(usage)))
}
