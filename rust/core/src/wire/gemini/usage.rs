//! Token counts.

use crate::json::{Error, Reader};
use crate::message::Usage;
use crate::wire::usage_details::Details;

/// Whether there are counts in a `usageMetadata`. Vertex sends only the kind of traffic before the last event.
pub(super) fn has_counts(raw: &str) -> bool {
    memchr::memmem::find(raw.as_bytes(), b"TokenCount\":").is_some()
}

/// Reads a `usageMetadata`; `None` if it has nothing.
///
/// `promptTokenCount` includes cached tokens and leaves out the results of tools that the server ran;
/// `candidatesTokenCount` leaves out thoughts, and is absent if it is 0 (`google-genai`,
/// `GenerateContentResponseUsageMetadata`). What the counts do not come from is kept as it was sent.
pub(super) fn read(raw: &str) -> Result<Option<Box<Usage>>, Error> {
    let mut usage = Usage::default();
    let (mut tools, mut candidates) = (None, None);
    let mut rest = Details::default();
    Reader::over(raw).object_or_skip(|reader, key| {
        let count = match key {
            "promptTokenCount" => &mut usage.prompt_tokens,
            "toolUsePromptTokenCount" => &mut tools,
            "cachedContentTokenCount" => &mut usage.cached_tokens,
            "candidatesTokenCount" => &mut candidates,
            "thoughtsTokenCount" => &mut usage.reasoning_tokens,
            "totalTokenCount" => &mut usage.total_tokens,
            _ => {
                rest.push(key, reader.raw()?);
                return Ok(());
            }
        };
        *count = reader.count_or_skip()?;
        Ok(())
    })?;
    let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        _ => one.or(other),
    };
    usage.prompt_tokens = sum(usage.prompt_tokens, tools);
    usage.completion_tokens = sum(candidates, usage.reasoning_tokens);
    if usage.total_tokens.is_none()
        && let (Some(prompt), Some(completion)) = (usage.prompt_tokens, usage.completion_tokens)
    {
        usage.total_tokens = Some(prompt.saturating_add(completion));
    }
    usage.details = rest.json();
    Ok((usage != Usage::default()).then(|| Box::new(usage)))
}
